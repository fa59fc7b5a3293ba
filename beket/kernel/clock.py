"""Owns how the code asks for time; a clock is a parameter everywhere, so that tests can simulate weeks and steps.

Wall time may jump (NTP, an empty RTC battery after a blackout); monotonic time never does. Anything that measures a
duration takes `mono_ns`, anything that people read takes `wall_ns`. Note: beket/media/design/0001-time.md.
"""

import asyncio
import datetime
import heapq
import itertools
import time
from pathlib import Path
from typing import Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """What a component may know of time."""

    def wall_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, as the machine believes now."""

    def mono_ns(self) -> int:
        """Nanoseconds that only grow, from an unknown start; counts while the machine sleeps."""

    async def sleep(self, duration_s: float) -> None:
        """Let others run for `duration_s` of monotonic time."""


class SystemClock:
    """The machine's own clock."""

    def wall_ns(self) -> int:
        """See `Clock.wall_ns`."""
        return time.time_ns()

    def mono_ns(self) -> int:
        """See `Clock.mono_ns`; CLOCK_BOOTTIME, so a suspended laptop does not pretend that no time passed."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    async def sleep(self, duration_s: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(duration_s)


class SimulatedClock:
    """A clock that moves only when told to; sleepers wake in order as it passes them.

    Belongs to one event loop. `step_wall` moves the wall alone, as NTP does.
    """

    def __init__(self, *, wall_ns: int = 1_700_000_000 * NS_PER_S, mono_ns: int = 0) -> None:
        self._wall_ns = wall_ns
        self._mono_ns = mono_ns
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def wall_ns(self) -> int:
        """See `Clock.wall_ns`."""
        return self._wall_ns

    def mono_ns(self) -> int:
        """See `Clock.mono_ns`."""
        return self._mono_ns

    async def sleep(self, duration_s: float) -> None:
        """Wait until `advance` has passed the moment."""
        wake = asyncio.get_running_loop().create_future()
        due_ns = self._mono_ns + max(0, round(duration_s * NS_PER_S))
        heapq.heappush(self._sleepers, (due_ns, next(self._order), wake))
        await wake

    def step_wall(self, by_s: float) -> None:
        """Jump the wall clock alone, forward or back."""
        self._wall_ns += round(by_s * NS_PER_S)

    def pass_time(self, duration_s: float) -> None:
        """Move both clocks at once without waking anybody; for code that does not sleep."""
        self._wall_ns += round(duration_s * NS_PER_S)
        self._mono_ns += round(duration_s * NS_PER_S)

    async def advance(self, duration_s: float) -> None:
        """Move both clocks by `duration_s`, waking each sleeper at its own moment."""
        end_ns = self._mono_ns + round(duration_s * NS_PER_S)
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= end_ns:
            due_ns, _, wake = heapq.heappop(self._sleepers)
            self._move_to(due_ns)
            if not wake.done():
                wake.set_result(None)
            await _let_others_run()
        self._move_to(end_ns)

    def _move_to(self, mono_ns: int) -> None:
        # A sleeper may be overdue already, after `pass_time`; monotonic time does not go back for it.
        passed_ns = max(0, mono_ns - self._mono_ns)
        self._wall_ns += passed_ns
        self._mono_ns += passed_ns


async def is_set_within(event: asyncio.Event, timeout_s: float, *, clock: Clock) -> bool:
    """Wait until `event` is set, for `timeout_s` at most; whether it is."""
    waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(timeout_s))]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return event.is_set()


def read_boot_id() -> str:
    """The kernel's id of this start of the machine: when it differs, `mono_ns` began anew."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def utc(wall_ns: int) -> datetime.datetime:
    """The aware UTC moment of `wall_ns`, to the microsecond.

    Example:
        >>> utc(1_700_000_000_000_000_000).isoformat()
        '2023-11-14T22:13:20+00:00'
    """
    whole_s, rest_ns = divmod(wall_ns, NS_PER_S)
    return datetime.datetime.fromtimestamp(whole_s, datetime.UTC).replace(microsecond=rest_ns // 1000)


def wall_ns_of(moment: datetime.datetime) -> int:
    """Nanoseconds since 1970 of an aware moment; the inverse of `utc` to the microsecond.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone names no instant")
    delta = moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    return (delta.days * 86_400 + delta.seconds) * NS_PER_S + delta.microseconds * 1000


async def _let_others_run() -> None:
    # A woken task may itself wake others through futures: a few turns of the loop settle such chains.
    for _ in range(8):
        await asyncio.sleep(0)
