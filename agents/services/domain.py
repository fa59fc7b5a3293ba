"""Owns the probe of a domain: until when it is paid, as its registry says over WHOIS (RFC 3912) or RDAP (RFC 9083).

WHOIS is text for people, in as many forms as there are registries; the ways of saying "expires" that registries of our
domains use are listed here, and an answer that says none of them is not understood. Referrals are not followed.
"""

import datetime
import re

import msgspec

from agents.services import metrics
from agents.services.certificate import DAY_S, span
from agents.services.connection import connected
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble, not_understood
from agents.services.web_page import get, json_body, page_of
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.text import say

WHOIS_MAX_BYTES = 64 * 1024
# Registrars want a bank transfer of a council a few weeks ahead.
ENDS_SOON_S = 30 * DAY_S
NOT_FOUND = 404
_EXPIRES = re.compile(
    r"^\s*(?:registry expiry date|registrar registration expiration date|expiration date|expiry date|expiration time"
    r"|expires on|expires|expire|paid-till|renewal date)\s*:\s*(\S.{0,60}?)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_NOBODYS = re.compile(r"no entries found|no match|not found|no data found|is free|is available", re.IGNORECASE)
_DAY = re.compile(r"(\d{4})[-./]?(\d{2})[-./]?(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2}))?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-. ]([a-z]{3}|\d{2})[a-z]*[-. ](\d{4})", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class _Event(msgspec.Struct):
    action: str = msgspec.field(name="eventAction", default="")
    at: str = msgspec.field(name="eventDate", default="")


class _Answer(msgspec.Struct):
    events: tuple[_Event, ...] = ()


async def probe_whois(target: Target, tools: Tools) -> Found:
    """Ask the registry's WHOIS server; see `probe.Probe`."""
    name = target.address.name
    async with connected(target.host, target.port) as connection:
        await connection.send(f"{name}\r\n".encode("ascii"))
        text = (await connection.read_until_end(WHOIS_MAX_BYTES)).decode("utf-8", "replace")
    ends_at = expiry_in(text)
    if ends_at is None and _NOBODYS.search(text):
        raise _nobodys(name)
    return judged(name, ends_at, tools)


async def probe_rdap(target: Target, tools: Tools) -> Found:
    """Ask the registry over HTTPS; see `probe.Probe`."""
    name = target.address.name.rpartition("/")[2]
    answer, _ = await get(page_of(target), tools, accept="application/rdap+json")
    if answer.status == NOT_FOUND:
        raise _nobodys(name)
    return judged(name, expiry_of(json_body(answer)), tools)


def expiry_of(body: bytes) -> datetime.datetime | None:
    """When a domain ends by an RDAP answer; None when it does not say.

    Raises:
        Failed: it is no RDAP.
    """
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise not_understood("RDAP") from error
    found = [event.at for event in answer.events if event.action == "expiration"]
    return _moment(found[0]) if found else None


def expiry_in(text: str) -> datetime.datetime | None:
    """When a domain ends by a WHOIS answer, the earliest that it says; None when it says nothing of the kind."""
    moments = [moment for words in _EXPIRES.findall(text) if (moment := _moment(words)) is not None]
    return min(moments, default=None)


def judged(name: str, ends_at: datetime.datetime | None, tools: Tools) -> Found:
    """What the end of a domain means now.

    Raises:
        Failed: it has ended, or the answer says no end.
    """
    if ends_at is None:
        raise not_understood("WHOIS")
    left_s = (wall_ns_of(ends_at) - tools.clock.wall_ns()) / NS_PER_S
    samples = ((metrics.PROBE_DOMAIN_LEFT, float(round(left_s))),)
    if left_s <= 0:
        text = say(
            "Домен {name} не оплачено: строк минув {left} тому. Його може забрати хто завгодно.",
            "The domain {name} is not paid: it ended {left} ago. Anybody may take it.",
            name=name,
            left=span(-left_s),
        )
        raise Failed(Trouble.DOMAIN_ENDED, text, samples)
    if left_s <= ENDS_SOON_S:
        text = say(
            "Домен {name} оплачено ще на {left}.", "The domain {name} is paid for {left}.", name=name, left=span(left_s)
        )
        return Found(text, Trouble.DOMAIN_ENDS, samples)
    text = say(
        "Домен {name} оплачено, ще {left}.", "The domain {name} is paid, {left} left.", name=name, left=span(left_s)
    )
    return Found(text, None, samples)


def _nobodys(name: str) -> Failed:
    return Failed(Trouble.ABSENT, say("Домену {name} ні в кого немає.", "Nobody holds the domain {name}.", name=name))


def _moment(words: str) -> datetime.datetime | None:
    """The moment that a registry writes, by the day when it writes no more, in UTC: an hour does not matter here."""
    try:
        if match := _DAY.match(words):
            year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
            return datetime.datetime(year, month, day, hour, minute, second, tzinfo=datetime.UTC)
        if match := _DAY_FIRST.match(words):
            named = match[2].lower()
            month = int(named) if named.isdigit() else _MONTHS.index(named) + 1
            return datetime.datetime(int(match[3]), month, int(match[1]), tzinfo=datetime.UTC)
    except ValueError:
        return None
    return None
