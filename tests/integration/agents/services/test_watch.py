"""When services are asked, and what reaches the sink."""

import asyncio
import random
import ssl
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.network.icmp import Pinger
from agents.services import metrics
from agents.services.probe import Outcome, Reading, Tools, target_of
from agents.services.trouble import Trouble
from agents.services.watch import Pace, ServiceWatch, told_again, trouble_points
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.errors import NoSpace
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Community, Inventory, Provider, Service, Site
from beket.kernel.metrics import Catalogue, Metric, Point
from beket.kernel.secrets import SecretFolder
from beket.testing.certificates import authority
from beket.testing.inventories import COMMUNITY
from beket.testing.web_server import Page, web_server

SITE = Site(id=SiteId("rada"), name="Рада", village="Могилів", provider="Степлінк")
CATALOGUE = Catalogue(metrics.METRICS)


def service(name: str, address: str, **more: str) -> Service:
    return Service(id=ServiceId(name), site=SITE.id, name=name, address=address, **more)


def inventory(*services: Service, version: int = 1) -> Inventory:
    return Inventory(version=version, community=COMMUNITY, sites=(SITE,), services=services)


class Kept:
    """A sink that keeps points, or refuses the first `failures` times."""

    def __init__(self, failures: int = 0) -> None:
        self.points: list[Point] = []
        self.failures = failures

    def put(self, points: Sequence[Point]) -> None:
        if self.failures:
            self.failures -= 1
            raise NoSpace("the disk is full")
        assert all(CATALOGUE.accepts(point) for point in points)
        self.points += points

    def values(self, metric: Metric, **labels: str) -> list[float]:
        return [
            point.value
            for point in self.points
            if point.name == metric.name and labels.items() <= dict(point.labels).items()
        ]


def watching(
    work: Callable[[ServiceWatch], Coroutine[Any, Any, None]],
    sink: Kept,
    *,
    tls: ssl.SSLContext | None = None,
    light: Callable[[], bool | None] = lambda: None,
    on_reading: Callable[[Reading], None] | None = None,
) -> None:
    """Run `work` while services are watched."""

    async def run() -> None:
        clock = SystemClock()
        pinger = Pinger(clock=clock, rng=random.Random(1))
        tools = Tools(clock, random.Random(1), pinger, SecretFolder(Path("/")), tls or ssl.create_default_context())
        pace = Pace(interval_s=0.1, timeout_s=30, flush_s=0.02)
        watch = ServiceWatch(
            tools=tools, sink=sink, rng=random.Random(1), pace=pace, light=light, on_reading=on_reading
        )
        running = asyncio.create_task(watch.run())
        try:
            await work(watch)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            pinger.close()

    asyncio.run(run())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_service_that_goes_and_comes_back_tells_its_trouble_and_its_end() -> None:
    sink = Kept(failures=1)
    pages = {"/": Page(b"<h1>rada</h1>")}

    async def work(watch: ServiceWatch) -> None:
        with web_server(pages) as server:
            watch.apply(inventory(service("page", f"http://127.0.0.1:{server.port}/", expect="rada")))
            await until(lambda: 1.0 in sink.values(metrics.PROBE_UP))
            pages["/"] = Page(b"<h1>casino</h1>")
            await until(lambda: 1.0 in sink.values(metrics.PROBE_TROUBLE, reason="text-absent"))
            pages["/"] = Page(b"<h1>rada</h1>")
            await until(lambda: 0.0 in sink.values(metrics.PROBE_TROUBLE, reason="text-absent"))
        await until(lambda: 1.0 in sink.values(metrics.PROBE_TROUBLE, reason="refused"))

    watching(work, sink)
    assert {dict(point.labels)["probe"] for point in sink.points} == {"page"}
    ups = sink.values(metrics.PROBE_UP)
    assert ups[0] == 1.0  # what the disk did not take at first came later
    assert ups[-1] == 0.0


def test_what_is_asked_rarely_is_told_at_every_beat() -> None:
    sink = Kept()
    readings: list[Reading] = []

    async def work(watch: ServiceWatch) -> None:
        watch.apply(inventory(service("mail", f"tls://localhost:{port}")))
        await until(lambda: len(sink.values(metrics.PROBE_UP)) >= 5)

    with authority() as ours, web_server({}, tls=ours.server(days_left=5.5)) as server:
        port = server.port
        watching(work, sink, tls=ours.trust(), on_reading=readings.append)
    assert [reading.trouble for reading in readings] == [Trouble.CERTIFICATE_ENDS]
    assert len(sink.values(metrics.PROBE_TROUBLE, reason="certificate-ends-soon")) >= 4
    assert len(sink.values(metrics.PROBE_DURATION)) == 1  # that was measured once


def test_a_new_version_ends_what_is_gone_and_leaves_the_rest_alone() -> None:
    sink = Kept()
    readings: list[Reading] = []

    async def work(watch: ServiceWatch) -> None:
        stays, changes = service("stays", f"tcp://127.0.0.1:{port}"), service("changes", f"tcp://127.0.0.1:{port}")
        watch.apply(inventory(stays, changes))
        await until(lambda: len(readings) >= 2)
        changed = msgspec.structs.replace(changes, address="newer-kind://somewhere")  # a release to come knows it
        watch.apply(inventory(stays, changed, version=2))
        await asyncio.sleep(0)
        readings.clear()
        await until(lambda: len(readings) >= 3)

    with web_server({}) as server:
        port = server.port
        watching(work, sink, on_reading=readings.append)
    assert {reading.service.id for reading in readings[1:]} == {"stays"}


@pytest.mark.needs("ping")
@pytest.mark.parametrize(
    ("providers", "label"), [((), "steplink"), ((Provider(id="isp-1", name="степлінк", down_hours_max=72),), "isp-1")]
)  # type: ignore[misc, arg-type]
def test_a_line_carries_its_provider(providers: tuple[Provider, ...], label: str) -> None:
    sink = Kept()

    async def work(watch: ServiceWatch) -> None:
        watch.apply(msgspec.structs.replace(inventory(service("line", "ping://127.0.0.1")), providers=providers))
        await until(lambda: bool(sink.values(metrics.LINK_FAULT)))

    watching(work, sink)
    assert sink.values(metrics.LINK_UP, provider=label, probe="line", site="rada")[0] == 1
    assert set(sink.values(metrics.LINK_PROMISED)) == ({0.9} if providers else set())


@pytest.mark.needs("ping")
def test_a_blackout_is_shown_and_held_against_nobody() -> None:
    sink = Kept()

    async def work(watch: ServiceWatch) -> None:
        watch.apply(inventory(service("line", "ping://no-such-host.invalid")))
        await until(lambda: bool(sink.values(metrics.LINK_BLACKOUT)) and bool(sink.values(metrics.SITE_LIGHT)))

    watching(work, sink, light=lambda: False)
    assert set(sink.values(metrics.LINK_UP)) == {0}
    assert set(sink.values(metrics.LINK_BLACKOUT)) == {1}
    assert set(sink.values(metrics.LINK_FAULT)) == {0}
    assert set(sink.values(metrics.SITE_LIGHT, site="rada")) == {0}


def test_a_site_without_a_provider_still_has_a_line() -> None:
    site = msgspec.structs.replace(SITE, provider="")
    bare = Inventory(version=1, community=Community(id=COMMUNITY.id, name="Г"), sites=(site,))
    assert bare.provider_of(site) is None
    assert bare.part_of(site.id).providers == ()


def test_what_is_told_again_has_run_out_a_little_further() -> None:
    one = service("it", "tls://localhost:443")
    labels = (("site", "rada"), ("probe", "it"))
    points = [
        Point(metrics.PROBE_UP.name, labels, 7, 1.0),
        Point(metrics.PROBE_CERTIFICATE_LEFT.name, labels, 7, 1000.0),
        Point(metrics.PROBE_DURATION.name, labels, 7, 0.2),
    ]
    reading = Reading(one, Outcome.WORKS, metrics.PROBE_UP.help, None, points)
    again = told_again(reading, 9, 300 * NS_PER_S)
    assert [(point.name, point.wall_ns, point.value) for point in again] == [
        (metrics.PROBE_UP.name, 9, 1.0),
        (metrics.PROBE_CERTIFICATE_LEFT.name, 9, 700.0),
    ]


def test_a_trouble_that_turns_into_another_ends() -> None:
    target = target_of(service("it", "tcp://localhost:1"), provider="x")
    points = trouble_points(target, Trouble.REFUSED, Trouble.SILENT, 5)
    assert [(dict(point.labels)["reason"], point.value) for point in points] == [("refused", 0.0), ("silent", 1.0)]
    assert trouble_points(target, None, None, 5) == []
    assert [point.value for point in trouble_points(target, Trouble.SILENT, Trouble.SILENT, 5)] == [1.0]
