"""Owns when devices are polled: each on its own beat, spread over the interval, a slow one never delaying the others.

All on one loop; points are handed to the sink (which blocks) from a worker thread, gathered over `flush_s` so that one
write serves many devices. What changes of a device (it fell silent, it came back, it has another port) is told once.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agents.network import metrics
from agents.network.device_poll import DevicePolls, Reading
from beket.kernel.clock import NS_PER_S, Clock, is_set_within
from beket.kernel.errors import BeketError
from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Instruments, Point
from beket.kernel.ports import PointSink
from beket.kernel.supervise import keep_running

log = logging.getLogger(__name__)

POINTS_HELD_MAX = 200_000
SLOW_LANE_SHARE = 4


class Poller:
    """Polls the devices of one site until cancelled."""

    def __init__(
        self,
        *,
        polls: DevicePolls,
        sink: PointSink,
        instruments: Instruments,
        clock: Clock,
        rng: random.Random,
        schedule: "Schedule | None" = None,
        on_change: Callable[[Reading], None] | None = None,
    ) -> None:
        """`on_change` hears, on the loop, the first reading of a device and each that differs in more than numbers.

        `instruments` keeps the site's own counters; they travel to the sink with the points.
        """
        self._polls = polls
        self._sink = sink
        self._instruments = instruments
        self._clock = clock
        self._rng = rng
        self._schedule = schedule or Schedule()
        self._on_change = on_change
        self._wanted: dict[DeviceId, Device] = {}
        self._changed = asyncio.Event()
        self._tasks: dict[DeviceId, tuple[Device, asyncio.Task[None]]] = {}
        self._last: dict[DeviceId, Reading] = {}
        # Devices that were slow last time take turns of their own, so that no number of them delays the others.
        self._turn = asyncio.Semaphore(self._schedule.at_once)
        self._slow_turn = asyncio.Semaphore(max(1, self._schedule.at_once // SLOW_LANE_SHARE))
        self._points: list[Point] = []
        self._asked: dict[DeviceId, asyncio.Event] = {}

    def apply(self, devices: Sequence[Device]) -> None:
        """Poll these from now on; unchanged ones keep their beat. Call it on the loop."""
        self._wanted = {device.id: device for device in devices}
        self._changed.set()

    def poll_soon(self, device: DeviceId) -> None:
        """Something may have changed there: ask before its beat, yet never twice within `again_after_s`."""
        self._asked.setdefault(device, asyncio.Event()).set()

    def last_readings(self) -> list[Reading]:
        """The newest reading of each device that was polled so far."""
        return list(self._last.values())

    async def run(self) -> None:
        """Poll until cancelled."""
        flushing = asyncio.create_task(self._supervise("points", self._flush_for_ever))
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._reconcile()
        finally:
            tasks = [flushing, *(task for _, task in self._tasks.values())]
            self._tasks.clear()
            await _end(tasks)
            if self._points:
                await asyncio.to_thread(self._sink.put, self._points)

    async def _reconcile(self) -> None:
        gone = [key for key, (device, _) in self._tasks.items() if self._wanted.get(key) != device]
        await _end([self._tasks.pop(key)[1] for key in gone])
        for key in self._last.keys() - self._wanted.keys():
            del self._last[key]
        for key in self._asked.keys() - self._wanted.keys():
            del self._asked[key]
        for key, device in self._wanted.items():
            if key not in self._tasks:
                work = self._supervise(f"poll {key}", functools.partial(self._watch, device))
                self._tasks[key] = device, asyncio.create_task(work)

    async def _watch(self, device: Device) -> None:
        interval_ns = round(self._schedule.interval_s * NS_PER_S)
        await self._clock.sleep(self._rng.random() * min(self._schedule.spread_s, self._schedule.interval_s))
        due_ns = self._clock.mono_ns()
        is_slow = False
        while True:
            is_slow = await self._poll(device, is_slow=is_slow)
            # Missed beats are skipped, not made up for: a slow device is polled less, never in a hurry.
            beats = max(1, -(-(self._clock.mono_ns() - due_ns) // interval_ns))
            due_ns += beats * interval_ns
            if beats > 1:
                self._instruments.add(metrics.POLLS_MISSED, beats - 1, site=device.site, device=device.id)
            while await self._is_asked_before(device.id, due_ns):
                is_slow = await self._poll(device, is_slow=is_slow)

    async def _poll(self, device: Device, *, is_slow: bool) -> bool:
        """Poll once, in the lane of how it was last time; whether it was slow."""
        async with self._slow_turn if is_slow else self._turn:
            self._asked.setdefault(device.id, asyncio.Event()).clear()
            began_ns = self._clock.mono_ns()
            reading = await self._polls.poll(device)
            is_slow = self._clock.mono_ns() - began_ns > self._schedule.slow_s * NS_PER_S
        self._take(reading)
        return is_slow

    async def _is_asked_before(self, device: DeviceId, due_ns: int) -> bool:
        """Wait for the next beat or, some time after the poll before, for somebody who asks; whether one did."""
        pause_s = min(self._schedule.again_after_s, (due_ns - self._clock.mono_ns()) / NS_PER_S)
        await self._clock.sleep(pause_s)
        rest_s = (due_ns - self._clock.mono_ns()) / NS_PER_S
        is_asked = await is_set_within(self._asked[device], rest_s, clock=self._clock)
        return is_asked and self._clock.mono_ns() < due_ns

    def _take(self, reading: Reading) -> None:
        self._points += reading.points
        device, error = reading.device, reading.error
        if error:
            self._instruments.add(
                metrics.DEVICE_POLL_INCOMPLETE, site=device.site, device=device.id, reason=error.kind.value
            )
        before = self._last.get(device.id)
        self._last[device.id] = reading
        if _trouble(before) != _trouble(reading):
            words = error.sentence().en if error else "answers again"
            log.log(logging.WARNING if error else logging.INFO, "%s: %s", device.id, words)
        if self._on_change and (before is None or _nature(before) != _nature(reading)):
            self._on_change(reading)

    async def _flush_for_ever(self) -> None:
        while True:
            await self._clock.sleep(self._schedule.flush_s)
            points, self._points = self._points, []
            if not points:
                continue
            points += self._instruments.read(self._clock.wall_ns())
            try:
                await asyncio.to_thread(self._sink.put, points)
            except BeketError:
                # Kept for the next try, newest first to stay, within a bound.
                self._points = (points + self._points)[-POINTS_HELD_MAX:]
                raise

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await keep_running(name, work, clock=self._clock, rng=self._rng)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When and how much at once.

    Attributes:
        spread_s: first polls are spread over this, or over the interval when that is shorter.
        at_once: devices polled at the same time.
        slow_s: a poll that lasts longer makes its device a slow one until it is quick again.
        again_after_s: the least time between two polls of a device, however often it is asked for.
        flush_s: points wait this long for company before they are stored.
    """

    interval_s: float = 60
    spread_s: float = 60
    at_once: int = 64
    slow_s: float = 5
    again_after_s: float = 5
    flush_s: float = 1


def _trouble(reading: Reading | None) -> str:
    return reading.error.kind.value if reading and reading.error else ""


def _nature(reading: Reading) -> tuple[object, ...]:
    return reading.is_up, _trouble(reading), reading.facts, reading.ports


async def _end(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
