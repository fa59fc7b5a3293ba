"""Owns the sending half of the mail probe: SMTP (RFC 5321) as far as one short letter needs it.

TLS is taken whenever the server has it, and verified; a password goes over TLS only.
"""

import asyncio
import base64
import ssl

from agents.services.connection import Connection
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

LINES_MAX = 100
GREETING, READY, FINE, GO_ON, LOGGED_IN = 220, 220, 250, 354, 235


async def send_letter(
    connection: Connection, host: str, *, tls: ssl.SSLContext, login: Secret | None, box: str, letter: bytes
) -> None:
    """Hand `letter` from `box` to `box` over to the server at the other end.

    Raises:
        Failed: the server refuses, or speaks no SMTP.
    """
    await _expect(connection, GREETING)
    offers = await _hello(connection)
    if "STARTTLS" in offers:
        await _ask(connection, "STARTTLS", READY)
        await connection.writer.start_tls(tls, server_hostname=host)
        offers = await _hello(connection)
    if login and connection.certificate() and any(offer.startswith("AUTH") for offer in offers):
        user, _, password = login.reveal().partition(":")
        proof = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        await _ask(connection, f"AUTH PLAIN {proof}", LOGGED_IN, Trouble.LOGIN)
    await _ask(connection, f"MAIL FROM:<{box}>", FINE)
    await _ask(connection, f"RCPT TO:<{box}>", FINE)
    await _ask(connection, "DATA", GO_ON)
    await connection.send(letter + b"\r\n.\r\n")
    await _expect(connection, FINE)
    await connection.send(b"QUIT\r\n")


async def _hello(connection: Connection) -> list[str]:
    lines = await _ask(connection, "EHLO beket.invalid", FINE)
    return [line.upper() for line in lines]


async def _ask(connection: Connection, words: str, wanted: int, trouble: Trouble = Trouble.STATUS) -> list[str]:
    await connection.send(f"{words}\r\n".encode())
    return await _expect(connection, wanted, trouble)


async def _expect(connection: Connection, wanted: int, trouble: Trouble = Trouble.STATUS) -> list[str]:
    """The texts of the server's answer, one a line."""
    texts = []
    for _ in range(LINES_MAX):
        line = (await read_line(connection)).decode("utf-8", "replace")
        code, mark, text = line[:3], line[3:4], line[4:]
        if not (code.isascii() and code.isdigit() and mark in ("", " ", "-")):
            raise not_understood("SMTP")
        texts.append(text.strip())
        if mark != "-":
            if int(code) != wanted:
                raise Failed(trouble, _refusal(trouble, code))
            return texts
    raise not_understood("SMTP")


async def read_line(connection: Connection) -> bytes:
    """One line without its end.

    Raises:
        Failed: it is longer than any line of a mail server.
        EOFError: cut.
    """
    try:
        return (await connection.reader.readuntil(b"\n")).rstrip(b"\r\n")
    except asyncio.LimitOverrunError as error:
        raise not_understood("a line without end") from error


def _refusal(trouble: Trouble, code: str) -> Text:
    if trouble is Trouble.LOGIN:
        return say("Поштовий сервер не прийняв логін чи пароль.", "The mail server refused the login or the password.")
    return say("Поштовий сервер не прийняв листа ({code}).", "The mail server took no letter ({code}).", code=code)
