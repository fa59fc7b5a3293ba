"""Owns how fast a device's counter grows: honest, from raw counters with the device's own word of when they began anew.

A counter that was reset gives no rate over the reset, never a spike. Pure.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MS_PER_S = 1000
# A device's clock may run a little slower than the agent's, and its uptime is read some seconds before its ports.
CLOCKS_AGREE = 0.98
SLACK_S = 10


@dataclass(frozen=True, slots=True)
class Track:
    """Samples of one series in order of time."""

    times_ms: Sequence[int]
    values: Sequence[float]

    def at(self, time_ms: int) -> float | None:
        """The newest value not after that time."""
        found = bisect_right(self.times_ms, time_ms)
        return self.values[found - 1] if found else None


NOTHING = Track((), ())


def rate(counter: Track, *, uptime: Track = NOTHING, began: Track = NOTHING, over_s: float = 300) -> float | None:
    """Growth a second over the newest `over_s`, at least over the newest step; None where it cannot be known."""
    grown, took_s = 0.0, 0.0
    for start_ms, end_ms, more in _steps(counter, uptime, began):
        if took_s and start_ms < counter.times_ms[-1] - over_s * MS_PER_S:
            break
        grown += more
        took_s += (end_ms - start_ms) / MS_PER_S
    return grown / took_s if took_s else None


def growth(counter: Track, *, uptime: Track = NOTHING, began: Track = NOTHING) -> float | None:
    """By how much it grew as far as that is known; None when no step is."""
    steps = [more for _, _, more in _steps(counter, uptime, began)]
    return sum(steps) if steps else None


def _steps(counter: Track, uptime: Track, began: Track) -> Iterator[tuple[int, int, float]]:
    """Steps between two samples in which the counter was not reset, newest first."""
    for place in range(len(counter.times_ms) - 1, 0, -1):
        start_ms, end_ms = counter.times_ms[place - 1], counter.times_ms[place]
        more = counter.values[place] - counter.values[place - 1]
        if end_ms > start_ms and more >= 0 and not _was_reset(start_ms, end_ms, uptime, began):
            yield start_ms, end_ms, more


def _was_reset(start_ms: int, end_ms: int, uptime: Track, began: Track) -> bool:
    was_s, is_s = uptime.at(start_ms), uptime.at(end_ms)
    if was_s is not None and is_s is not None:
        # Restarted in between, though it may run longer by now than it did then.
        went_s = (end_ms - start_ms) / MS_PER_S
        if is_s < was_s + went_s * CLOCKS_AGREE - SLACK_S:
            return True
    return began.at(start_ms) != began.at(end_ms)
