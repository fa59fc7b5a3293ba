"""Owns the probe of mail: a letter to a mailbox of our own, sent by SMTP and read by IMAP, there and back in one time.

The mailbox is the probe's alone: letters with its subject are deleted, those of earlier probes too. A letter that does
not come in time is the trouble; where it is stuck, the mail server's log knows.
"""

from agents.services.connection import connected
from agents.services.imap_talk import Mailbox
from agents.services.probe import Found, Target, Tools
from agents.services.smtp_talk import send_letter
from agents.services.trouble import Failed, Trouble
from beket.kernel.errors import InvalidConfig
from beket.kernel.service_address import parse_place
from beket.kernel.text import say

SUBJECT = "beket-probe"
SMTPS_PORT, IMAPS_PORT = 465, 993
LOOK_EVERY_S = 1.0
COMES_WITHIN_S = 90.0


async def probe_mail(target: Target, tools: Tools) -> Found:
    """Send, and wait for it to come; see `probe.Probe`."""
    box, place = target.address.name, parse_place(target.address.query.get("imap", ""))
    login = target.secret(tools)
    if place is None or login is None:
        raise InvalidConfig(say("Для скриньки потрібен секрет «логін:пароль».", "The mailbox needs a secret."))
    token = f"{SUBJECT}-{tools.rng.getrandbits(64):016x}"
    letter = "\r\n".join([
        f"From: <{box}>", f"To: <{box}>", f"Subject: {token}", f"Message-ID: <{token}@beket.invalid>",
        "Auto-Submitted: auto-generated", "", "Бекет перевіряє, чи ходить пошта. / Beket checks the mail.",
    ])  # fmt: skip
    async with connected(target.host, target.port, tls=tools.tls if target.port == SMTPS_PORT else None) as smtp:
        await send_letter(smtp, target.host, tls=tools.tls, login=login, box=box, letter=letter.encode())
    host, port = place
    async with connected(host, port, tls=tools.tls if port == IMAPS_PORT else None) as imap:
        mailbox = Mailbox(imap)
        await mailbox.open(host, tls=tools.tls, login=login)
        for _ in range(round(COMES_WITHIN_S / LOOK_EVERY_S)):
            came = await mailbox.find(token)
            if came:
                await mailbox.remove(await mailbox.find(SUBJECT))
                await mailbox.close()
                return Found(say("Лист дійшов.", "The letter came."))
            await tools.clock.sleep(LOOK_EVERY_S)
    raise Failed(
        Trouble.LETTER,
        say(
            "Сервер узяв листа, але за {s} с той не дійшов.",
            "The server took the letter, but in {s} s it did not come.",
            s=round(COMES_WITHIN_S),
        ),
    )
