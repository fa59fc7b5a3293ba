"""Owns when services are asked: each on its own beat, spread over the interval; what comes goes to the sink.

What is asked rarely (a domain twice a day) is told at every beat all the same, as it was last found: whoever reads the
samples would take silence for not knowing. On one loop; the sink, which blocks, is called from a worker thread.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from agents.services import metrics
from agents.services.kinds import EVERY_S, PROBES, SOONER, WITHIN_S
from agents.services.line_record import LineRecord
from agents.services.probe import Outcome, Reading, Target, Tools, labels_of, read, target_of
from agents.services.trouble import Trouble
from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import BeketError, InvalidArgument
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Inventory, Service
from beket.kernel.metrics import Metric, Point
from beket.kernel.ports import PointSink
from beket.kernel.supervise import keep_running

log = logging.getLogger(__name__)

POINTS_HELD_MAX = 20_000
UNKNOWN_PROVIDER = "unknown"
# What runs out by itself between two looks.
_LEFT = frozenset({metrics.PROBE_CERTIFICATE_LEFT.name, metrics.PROBE_DOMAIN_LEFT.name})
_TOLD_AGAIN = _LEFT | {metrics.PROBE_UP.name}


@dataclass(frozen=True, slots=True)
class Pace:
    """When and how much at once.

    Attributes:
        interval_s: a service is asked so often, and what is asked more rarely is told so often.
        timeout_s: an answer may take so long.
        flush_s: points wait this long for company before they are stored.
    """

    interval_s: float = 60
    timeout_s: float = 10
    at_once: int = 8
    flush_s: float = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """A service to ask, and of its site's provider the label and what his contract promises, None when not known."""

    service: Service
    provider: str
    promised_ratio: float | None


class ServiceWatch:
    """Asks the services of one site until cancelled."""

    def __init__(
        self,
        *,
        tools: Tools,
        sink: PointSink,
        rng: random.Random,
        pace: Pace | None = None,
        light: Callable[[], bool | None] = lambda: None,
        on_reading: Callable[[Reading], None] | None = None,
    ) -> None:
        """`light` says whether the site has mains power, None when nobody knows; `on_reading` hears each reading."""
        self._tools = tools
        self._sink = sink
        self._rng = rng
        self._pace = pace or Pace()
        self._light = light
        self._on_reading = on_reading
        self._site: SiteId | None = None
        self._wanted: dict[ServiceId, Wanted] = {}
        self._changed = asyncio.Event()
        self._tasks: dict[ServiceId, tuple[Wanted, asyncio.Task[None]]] = {}
        self._turn = asyncio.Semaphore(self._pace.at_once)
        self._points: list[Point] = []

    def apply(self, inventory: Inventory) -> None:
        """Ask the services of this version from now on; one that did not change goes on undisturbed."""
        self._site = inventory.sites[0].id if inventory.sites else None
        providers = {site.id: inventory.provider_of(site) for site in inventory.sites}
        self._wanted = {
            service.id: Wanted(
                service,
                provider.id if provider else UNKNOWN_PROVIDER,
                provider.promised_ratio if provider else None,
            )
            for service in inventory.services
            for provider in (providers.get(service.site),)
        }
        self._changed.set()

    async def run(self) -> None:
        """Ask until cancelled."""
        own = [
            asyncio.create_task(self._supervise("services points", self._flush_for_ever)),
            asyncio.create_task(self._supervise("light", self._tell_light_for_ever)),
        ]
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                await self._reconcile()
        finally:
            tasks = [*own, *(task for _, task in self._tasks.values())]
            self._tasks.clear()
            await _end(tasks)
            if self._points:
                await asyncio.to_thread(self._sink.put, self._points)

    async def _reconcile(self) -> None:
        gone = [key for key, (wanted, _) in self._tasks.items() if self._wanted.get(key) != wanted]
        await _end([self._tasks.pop(key)[1] for key in gone])
        for key, wanted in self._wanted.items():
            if key not in self._tasks:
                work = self._supervise(f"service {key}", functools.partial(self._watch, wanted))
                self._tasks[key] = wanted, asyncio.create_task(work)

    async def _watch(self, wanted: Wanted) -> None:
        service = wanted.service
        clock, interval_s = self._tools.clock, self._pace.interval_s
        try:
            target = target_of(service, provider=wanted.provider)
        except InvalidArgument:
            log.warning("%s: its address is not understood by this release", service.id)  # a newer centre's kind
            return
        kind = target.address.kind
        every_ns = round(max(interval_s, EVERY_S.get(kind, 0)) * NS_PER_S)
        within_s = max(self._pace.timeout_s, WITHIN_S.get(kind, 0))
        await clock.sleep(self._rng.random() * interval_s)
        last: Reading | None = None
        asked_mono_ns = 0
        slack_ns = round(interval_s * NS_PER_S) // 2  # a beat is due although it comes a moment early
        record = LineRecord(target, self._light, promised_ratio=wanted.promised_ratio)
        while True:
            began_ns = clock.mono_ns()
            fails = last is not None and last.outcome is Outcome.FAILS
            if last is None or began_ns - asked_mono_ns + slack_ns >= (every_ns // SOONER if fails else every_ns):
                async with self._turn:
                    asked_mono_ns = began_ns
                    reading = await read(PROBES[kind], target, self._tools, within_s=within_s)
                self._take(target, last, reading)
                self._points += record.judge(reading.points)
                last = reading
            else:
                self._points += told_again(last, clock.wall_ns(), clock.mono_ns() - asked_mono_ns)
                self._points += trouble_points(target, None, last.trouble, clock.wall_ns())
            await clock.sleep(max(0.0, interval_s - (clock.mono_ns() - began_ns) / NS_PER_S))

    def _take(self, target: Target, before: Reading | None, reading: Reading) -> None:
        self._points += reading.points
        was = before.trouble if before else None
        self._points += trouble_points(target, was, reading.trouble, self._tools.clock.wall_ns())
        if before is None or (before.outcome, was) != (reading.outcome, reading.trouble):
            level = logging.INFO if reading.outcome is Outcome.WORKS else logging.WARNING
            log.log(level, "%s: %s: %s", reading.service.id, reading.outcome, reading.text.en)
        if self._on_reading:
            self._on_reading(reading)

    async def _tell_light_for_ever(self) -> None:
        while True:
            await self._tools.clock.sleep(self._pace.interval_s)
            light = self._light()
            if light is not None and self._site:
                labels = (("site", str(self._site)),)
                self._points.append(Point(metrics.SITE_LIGHT.name, labels, self._tools.clock.wall_ns(), float(light)))

    async def _flush_for_ever(self) -> None:
        while True:
            await self._tools.clock.sleep(self._pace.flush_s)
            points, self._points = self._points, []
            if not points:
                continue
            try:
                await asyncio.to_thread(self._sink.put, points)
            except BeketError:
                self._points = (points + self._points)[-POINTS_HELD_MAX:]
                raise

    async def _supervise(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await keep_running(name, work, clock=self._tools.clock, rng=self._rng)


def trouble_points(target: Target, was: Trouble | None, now: Trouble | None, wall_ns: int) -> list[Point]:
    """What is wrong now as 1, and what was and is no longer as 0, once."""

    def point(trouble: Trouble, value: float) -> Point:
        metric: Metric = metrics.PROBE_TROUBLE
        return Point(metric.name, labels_of(metric, target, reason=trouble.value), wall_ns, value)

    over = [point(was, 0.0)] if was and was is not now else []
    return [*over, *([point(now, 1.0)] if now else [])]


def told_again(reading: Reading, wall_ns: int, passed_ns: int) -> list[Point]:
    """The reading's state as it stands `passed_ns` later, when nothing was asked meanwhile."""
    return [
        Point(
            point.name,
            point.labels,
            wall_ns,
            float(round(point.value - passed_ns / NS_PER_S)) if point.name in _LEFT else point.value,
        )
        for point in reading.points
        if point.name in _TOLD_AGAIN
    ]


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
