"""Owns how one alert stands: ok → pending → firing → resolved, beside them inhibited. Pure: no clock, no table.

What a rule sees is judged by time that was really observed: between two looks of which both agree, on one start of the
machine, and never more than `gap_max_s`. So a stepped wall clock, a restart or a reboot can neither make an alert fire
nor end it. People are told when an alert enters firing and when it leaves it, and only then: nothing is ever resolved
that was not told. Note: collector/design/0011-alerts-and-outbox.md.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from beket.kernel.clock import NS_PER_S

# Farther leaps of the wall clock between two starts of the machine tell of a dead battery, not of time that passed.
LEAP_MAX_NS = 30 * 86_400 * NS_PER_S


class State(StrEnum):
    """Where an alert is."""

    OK = "ok"
    PENDING = "pending"  # seen, but not for long enough to tell anybody
    INHIBITED = "inhibited"  # seen, and another alert explains it: nobody is told
    FIRING = "firing"  # people were told
    RESOLVED = "resolved"  # people were told that it is over


BAD = frozenset({State.PENDING, State.INHIBITED, State.FIRING})


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment by both clocks; `boot_id` says which start of the machine `mono_ns` counts in."""

    boot_id: str
    mono_ns: int
    wall_ns: int

    def since(self, earlier: "Moment") -> int | None:
        """Nanoseconds from `earlier` to here: exact within one start of the machine; across a reboot what the wall
        clock says, or None when that cannot be true.
        """
        if self.boot_id == earlier.boot_id and self.mono_ns >= earlier.mono_ns:
            return self.mono_ns - earlier.mono_ns
        passed_ns = self.wall_ns - earlier.wall_ns
        return passed_ns if 0 <= passed_ns <= LEAP_MAX_NS else None


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient a rule is.

    Attributes:
        for_s: the condition must hold so long before people are told.
        keep_firing_for_s: it must be gone so long before people are told that it is over.
        gap_max_s: of the time between two looks at most so much counts.
    """

    for_s: float
    keep_firing_for_s: float
    gap_max_s: float = 30


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule sees now.

    Attributes:
        holds: None when it cannot be told; unknown is neither good nor bad and stops the count.
        inhibitor: key of the alert that explains it, "" when none does.
    """

    holds: bool | None
    inhibitor: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands.

    Attributes:
        counted_ns: observed time of what this state waits for: in pending that it holds, in firing that it is gone.
        counted_at: the last look, if it agreed; None starts the next count from that look.
        episode: which time this is; 0 before the first.
        began: when this episode's condition was first seen.
        inhibitor: what explains it, as of the last change.
    """

    state: State = State.OK
    counted_ns: int = 0
    counted_at: Moment | None = None
    episode: int = 0
    began: Moment | None = None
    inhibitor: str = ""


def step(before: Standing, seen: Seen, now: Moment, timing: Timing) -> Standing:
    """How the alert stands after this look; equal to `before` when nothing changed."""
    if before.state is State.FIRING:
        return _firing(before, seen, now, timing)
    if before.state in BAD:
        if seen.holds is False:
            return _rest(before, State.OK)
        return _bad(before, seen, now, timing)
    if not seen.holds:
        return before
    return _bad(Standing(State.PENDING, 0, now, before.episode + 1, now), seen, now, timing)


def _bad(before: Standing, seen: Seen, now: Moment, timing: Timing) -> Standing:
    if seen.inhibitor:
        return replace(before, state=State.INHIBITED, inhibitor=seen.inhibitor, counted_ns=0, counted_at=None)
    if before.state is State.INHIBITED:
        # Explained no longer: it gets the same patience as a new one, for what was dark needs time to boot.
        before = replace(before, state=State.PENDING, inhibitor="")
    if seen.holds is None:
        return replace(before, counted_at=None)
    counted_ns = before.counted_ns + _passed_ns(before, now, timing)
    if counted_ns >= timing.for_s * NS_PER_S:
        return replace(before, state=State.FIRING, counted_ns=0, counted_at=None)
    return replace(before, counted_ns=counted_ns, counted_at=now)


def _firing(before: Standing, seen: Seen, now: Moment, timing: Timing) -> Standing:
    if seen.holds is None:
        return replace(before, counted_at=None, inhibitor=seen.inhibitor)
    if seen.holds:
        return replace(before, counted_ns=0, counted_at=None, inhibitor=seen.inhibitor)
    counted_ns = before.counted_ns + _passed_ns(before, now, timing)
    if counted_ns >= timing.keep_firing_for_s * NS_PER_S:
        return _rest(before, State.RESOLVED)
    return replace(before, counted_ns=counted_ns, counted_at=now)


def _rest(before: Standing, state: State) -> Standing:
    return replace(before, state=state, counted_ns=0, counted_at=None, inhibitor="")


def _passed_ns(before: Standing, now: Moment, timing: Timing) -> int:
    then = before.counted_at
    if then is None or then.boot_id != now.boot_id:
        return 0
    return max(0, min(now.mono_ns - then.mono_ns, round(timing.gap_max_s * NS_PER_S)))
