"""Owns how a host's backups stand, judged by the centre: what its repository holds against what its agent says. Pure.

Three silences are told apart, since each needs another act: *late* (the agent is there and says so itself), *silent*
(it is not heard, and its newest copy grows old), *lying* (it says that there is a copy, and there is none). And a
repository that is *gone* with its disk is another thing than a host that has not copied yet.
Note: backup/design/0055-status-from-content.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backup.repository.freshness import Content
from backup.repository.ledger import Told
from beket.kernel.clock import NS_PER_S
from beket.kernel.text import Text, say

HOUR_NS = 3600 * NS_PER_S
# One missed turn is a blackout, two are a trouble.
LATE_FACTOR = 2
# An agent reports every few minutes; an hour without a word is more than a bad line.
SILENT_NS = HOUR_NS
# A copy that an agent speaks of and the disk does not show is a lie only after this: files may be on their way, and
# the agent counts from when its run began.
DOUBT_NS = HOUR_NS


class Standing(StrEnum):
    """How a host's backups stand; *elsewhere* are those that are not kept at this centre, so only the host knows."""

    FRESH = "fresh"
    LATE = "late"
    SILENT = "silent"
    LYING = "lying"
    EMPTY = "empty"
    GONE = "gone"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class Claim:
    """What an agent last said of its backups, moments by the centre's clock.

    Attributes:
        heard_ns: when it said so; None when it never did.
        copied_ns: when, it says, its newest copy was begun; None when it says that there is none.
        every_hours: how old a copy may be before the next is due, of the plan that is in the greatest hurry.
    """

    heard_ns: int | None = None
    copied_ns: int | None = None
    every_hours: float = 24


def claim_of(told: Iterable[Told]) -> Claim:
    """What all plans of one host say together: the newest copy of any, the haste of the most hurried."""
    told = list(told)
    if not told:
        return Claim()
    copied = [one.report.copied_ns for one in told if one.report.copied_ns is not None]
    return Claim(
        heard_ns=max(one.heard_ns for one in told),
        copied_ns=max(copied, default=None),
        every_hours=min(one.report.every_hours for one in told),
    )


def judge(content: Content, claim: Claim, *, wall_ns: int) -> Standing:
    """How a host whose copies are kept here stands at `wall_ns`."""
    if not content.is_there:
        return Standing.GONE
    if claim.copied_ns is not None and claim.copied_ns - (content.newest_ns or 0) > DOUBT_NS:
        return Standing.LYING
    is_old = content.newest_ns is None or wall_ns - content.newest_ns > claim.every_hours * LATE_FACTOR * HOUR_NS
    if not is_old:
        # What is new may be parts of a first copy: without a key nobody tells them from copies, but the agent knows.
        return Standing.EMPTY if claim.heard_ns is not None and claim.copied_ns is None else Standing.FRESH
    if claim.heard_ns is None or abs(wall_ns - claim.heard_ns) > SILENT_NS:
        return Standing.SILENT if claim.heard_ns is not None or content.newest_ns is not None else Standing.EMPTY
    return Standing.LATE if content.newest_ns is not None else Standing.EMPTY


STANDING_WORDS: Mapping[Standing, Text] = {
    Standing.FRESH: say("копії свіжі", "copies are fresh"),
    Standing.LATE: say(
        "копія запізнюється; об'єкт на зв'язку, подивіться на причину", "late; the host is there, see the reason"
    ),
    Standing.SILENT: say(
        "об'єкт мовчить, і копія старіє; перевірте, чи ввімкнено комп'ютер", "silent, the copy grows old; is it on?"
    ),
    Standing.LYING: say(
        "об'єкт каже, що копія є, але у сховищі її немає; покличте відповідального за ІТ",
        "says that it copied, but nothing came; call your IT person",
    ),
    Standing.EMPTY: say("цілої копії ще не було", "there was no whole copy yet"),
    Standing.GONE: say(
        "сховища немає на місці; перевірте, чи під'єднано диск центру", "the repository is gone; is its disk there?"
    ),
    Standing.ELSEWHERE: say(
        "копії лежать не в центрі, тож про них знає лише сам комп'ютер", "copies lie elsewhere; only the host knows"
    ),
}
