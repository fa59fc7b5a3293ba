"""Owns what the centre believes of the times that an agent brings: a wrong clock costs accuracy, never a sample. Pure.

After a blackout a site's clock may stand years back, or hours ahead. The agent says with each message what its clock
shows, and samples are moved by the difference to ours. An old agent says nothing: then a batch at an impossible time is
moved as a whole to just before what came after it. Samples of one batch keep their distances.
Note: collector/design/0043-wrong-clocks.md.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median_low

HOUR_MS = 3_600_000
# A message may take so long to come over a bad line: its stamp is then that old, and no clock is wrong.
SKEW_MIN_MS = 120_000
# Without a stamp a clock may be so much ahead; further, and a sample would hide those that come after it.
AHEAD_MAX_MS = 600_000


@dataclass(frozen=True, slots=True)
class Window:
    """The times that are possible: from the longest that any form of a sample is kept until just ahead of now."""

    now_ms: int
    earliest_ms: int

    def holds(self, time_ms: int) -> bool:
        """Whether a sample may be of that time."""
        return self.earliest_ms <= time_ms <= self.now_ms + AHEAD_MAX_MS


def skew_ms(sent_ms: int | None, now_ms: int) -> int:
    """How far the agent's clock is behind ours; negative: ahead. 0 when it is right, or when it did not say."""
    behind = 0 if sent_ms is None else now_ms - sent_ms
    return behind if abs(behind) > SKEW_MIN_MS else 0


def corrections(batches: Sequence[Sequence[int]], *, skew_ms: int, window: Window) -> list[Callable[[int], int]]:
    """For each batch, oldest first, of which the times are given, what moves a time of its to a possible one."""
    found: list[Callable[[int], int]] = []
    next_ms = window.now_ms
    for times_ms in reversed(batches):
        if not times_ms:
            found.append(lambda time_ms: time_ms)
            continue
        middle_ms = median_low(times_ms)
        at_ms = next((ms for ms in (middle_ms + skew_ms, middle_ms) if window.holds(ms)), next_ms)
        found.append(_mover(at_ms - middle_ms, at_ms, window))
        next_ms = min(next_ms, at_ms)
    return found[::-1]


def _mover(shift_ms: int, middle_ms: int, window: Window) -> Callable[[int], int]:
    def move(time_ms: int) -> int:
        moved_ms = time_ms + shift_ms
        # One sample far from its batch is at no time that anybody knows: it takes that of the batch.
        return moved_ms if window.holds(moved_ms) else middle_ms

    return move
