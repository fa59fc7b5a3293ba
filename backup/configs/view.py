"""Owns what people are told of configurations: one sentence a device, and the changes of one device. Pure but for asks.

A change lies between the moment when the device was last seen with the text before and the moment of the copy. What
began breaking after the first and not long after the second may be its doing, and stands beside it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from backup.configs.difference import DiffLine, unified
from backup.configs.store import GOOD, ConfigStore, Copy, Look, LookOutcome
from backup.sentence import KYIV
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.text import Text, say

NS_PER_HOUR = 3600 * NS_PER_S
# Gear is looked at several times a day; after three days without a whole reading somebody should know.
LATE_AFTER_HOURS = 72
# A device that never gave a copy gets an hour, so that nobody is alarmed while keys are being approved.
FIRST_WITHIN_HOURS = 1
CASE_AFTER_HOURS = 6
CHANGES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Case:
    """An alert about the device or its site that began near a change; `key` is the alert's."""

    title: Text
    began_ns: int
    key: str = ""


# Alerts about any of the subjects that began between two moments.
FindCases = Callable[[Collection[str], int, int], Sequence[Case]]


@dataclass(frozen=True, slots=True)
class DeviceView:
    """How the copies of one device stand."""

    site: str
    device: str
    sentence: Text
    is_well: bool
    is_weak: bool
    outcome: LookOutcome
    good_ns: int | None
    changed: Copy | None


@dataclass(frozen=True, slots=True)
class Change:
    """A change as it is shown: what it added and removed, and what began near it."""

    copy: Copy
    lines: list[DiffLine]
    cases: Sequence[Case]


def views_of(store: ConfigStore, *, wall_ns: int) -> list[DeviceView]:
    """How each device stands. Blocking."""
    return [view_of(look, _last_change(store, look), wall_ns=wall_ns) for look in store.looks()]


def view_of(look: Look, changed: Copy | None, *, wall_ns: int) -> DeviceView:
    """How one device stands."""
    return DeviceView(
        site=look.site,
        device=look.device,
        sentence=_sentence(look, changed, wall_ns=wall_ns),
        is_well=look.outcome in GOOD or not (is_late(look, wall_ns=wall_ns) or look.outcome is LookOutcome.REFUSED),
        is_weak=look.is_weak,
        outcome=look.outcome,
        good_ns=look.good_ns,
        changed=changed,
    )


def is_late(look: Look, *, wall_ns: int) -> bool:
    """Whether no whole configuration was read for too long."""
    if look.outcome in GOOD:
        return wall_ns - look.looked_ns > LATE_AFTER_HOURS * NS_PER_HOUR
    if look.good_ns is None:
        return wall_ns - look.looked_ns > FIRST_WITHIN_HOURS * NS_PER_HOUR
    return wall_ns - look.good_ns > LATE_AFTER_HOURS * NS_PER_HOUR


def changes_of(store: ConfigStore, site: str, device: str, find_cases: FindCases) -> list[Change]:
    """The copies of a device, newest first, each with what it changed. Blocking."""
    copies = store.history(site, device, limit=CHANGES_SHOWN + 1)
    changes = []
    for number, copy in enumerate(copies[:CHANGES_SHOWN]):
        before = copies[number + 1] if number + 1 < len(copies) else None
        lines = unified(before.masked, copy.masked) if before else []
        changes.append(Change(copy, lines, cases_near(copy, find_cases)))
    return changes


def changes_by_case(copies: Sequence[Copy], find_cases: FindCases) -> dict[str, Copy]:
    """Which change each alert began near, by the alert's key: the last one before it. The other way round than
    `cases_near`, and by the same rule. Blocking.
    """
    found: dict[str, Copy] = {}
    for copy in sorted(copies, key=lambda copy: copy.taken_ns):
        for case in cases_near(copy, find_cases):
            found[case.key] = copy
    return found


def cases_near(copy: Copy, find_cases: FindCases) -> Sequence[Case]:
    """What began after the device was last seen as it was, and not long after the copy. Blocking."""
    if copy.since_ns is None:
        return ()
    return find_cases((copy.device, copy.site), copy.since_ns, copy.taken_ns + CASE_AFTER_HOURS * NS_PER_HOUR)


def moment(wall_ns: int) -> str:
    """As people here write it."""
    return f"{utc(wall_ns).astimezone(KYIV):%d.%m.%Y %H:%M}"


def _last_change(store: ConfigStore, look: Look) -> Copy | None:
    newest = store.newest(look.site, look.device)
    return newest if newest is not None and newest.since_ns is not None else None


def _sentence(look: Look, changed: Copy | None, *, wall_ns: int) -> Text:
    if look.outcome not in GOOD:
        if look.good_ns is None:
            return say("Копії ще немає. {why}", "There is no copy yet. {why}", why=look.reason)
        return say(
            "Остання копія — {when}. {why}", "The last copy: {when}. {why}", when=moment(look.good_ns), why=look.reason
        )
    seen = moment(look.looked_ns)
    if is_late(look, wall_ns=wall_ns):
        return say("Востаннє прочитано {when}.", "Last read {when}.", when=seen)
    if changed is None:
        return say("Копія є; перевірено {when}, змін не було.", "Copied; read {when}, unchanged.", when=seen)
    return say(
        "Змінено не пізніше {changed}; копія є, перевірено {when}.",
        "Changed by {changed}; copied, read {when}.",
        changed=moment(changed.taken_ns),
        when=seen,
    )
