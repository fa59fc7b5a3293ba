"""Samples out to a real VictoriaMetrics: names, own times, a cut, and the centre's end in the middle."""

import asyncio
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.errors import Unreachable
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Labels, Point
from beket.kernel.secrets import Secret
from beket.kernel.supervise import Backoff, keep_running
from beket.testing.process import free_tcp_port, running
from beket.testing.victoria import Victoria, victoria_metrics
from collector.sinks.forwarder import Forwarder
from collector.sinks.influx import InfluxWriter
from collector.sinks.queue import SampleQueue

pytestmark = pytest.mark.needs("victoria-metrics")

CLOCK = SystemClock()
NOW_S = CLOCK.wall_ns() // NS_PER_S
DEVICE: Labels = (("site", "school"), ("device", "sw"))


def sample(i: int, device: str = "sw") -> Point:
    """The i-th of a series, a minute apart and from half a day ago on."""
    labels: Labels = (("site", "school"), ("device", device))
    return Point("device_up_ratio", labels, (NOW_S - 43_200 + 60 * i) * NS_PER_S, float(i))


def times_of(points: list[Point]) -> list[tuple[int, float]]:
    return [(point.wall_ns // 1_000_000, point.value) for point in points]


class Rig:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.cap_bytes = 10**7
        self.instruments = Instruments(unit="centre")
        self.queue = self.open()

    def open(self) -> SampleQueue:
        return SampleQueue(
            self.folder / "sinks.db",
            community=CommunityId("dolyna"),
            cap_bytes=self.cap_bytes,
            clock=CLOCK,
            instruments=self.instruments,
        )

    def connect(self) -> InfluxWriter:
        return InfluxWriter(url=f"http://127.0.0.1:{self.port}", org="beket", bucket="beket", token=Secret("none"))

    def forwarder(self) -> Forwarder:
        return Forwarder(self.queue, self.connect, instruments=self.instruments, samples_at_once=100)

    def drain(self) -> None:
        writer = self.connect()
        try:
            while self.forwarder().send_one(writer):
                pass
        finally:
            writer.close()

    def number(self, name: str) -> float:
        return sum(point.value for point in self.instruments.read(0) if point.name == name)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, free_tcp_port())
    yield made
    made.queue.close()


def names(victoria: Victoria, selector: str) -> set[tuple[tuple[str, str], ...]]:
    return set(victoria.export(selector))


@pytest.mark.parametrize("port", ["gi0/1", "порт 1, лівий=так", 'gi"0/1"', "a\\b", "ends\\", "{x}#'"])
def test_a_series_has_the_catalogues_name_and_labels_whatever_they_hold(rig: Rig, tmp_path: Path, port: str) -> None:
    labels: Labels = (("site", "school"), ("device", "sw"), ("port", port))
    rig.queue.put([Point("port_in_bytes_total", labels, NOW_S * NS_PER_S, 2.0**53)])
    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        rig.drain()
        exported = victoria.export('{__name__!=""}')
    whole = (("__name__", "port_in_bytes_total"), ("community", "dolyna"), *labels)
    assert exported == {tuple(sorted(whole)): [(NOW_S * 1000, 2.0**53)]}


def test_an_engine_that_was_away_gets_everything_once_with_its_own_time(rig: Rig, tmp_path: Path) -> None:
    points = [sample(i) for i in range(400)]
    with victoria_metrics(tmp_path / "vm", port=rig.port):
        rig.queue.put(points[:100])
        rig.drain()
        rig.queue.put(points[100:150])
    with pytest.raises(Unreachable):
        rig.drain()
    for i in range(150, 380, 10):  # the village goes on
        rig.queue.put(points[i : i + 10])
    late = [sample(i, device="late") for i in range(50)]  # and one that was cut off itself brings old samples
    rig.queue.put(late)
    rig.queue.put(points[380:])

    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        rig.drain()
        assert victoria.export('device_up_ratio{device="sw"}').popitem()[1] == times_of(points)
        assert victoria.export('device_up_ratio{device="late"}').popitem()[1] == times_of(late)
    assert rig.number("sink_dropped_samples_total") == 0
    assert rig.number("sink_written_samples_total") == 450


WEEK_S, EVERY_S, PORTS = 7 * 86_400, 600, 6


def outage_of_a_week(queue: SampleQueue) -> dict[str, list[tuple[int, float]]]:
    """What six ports measure in a week, a put each ten minutes, while nobody takes it."""
    measured: dict[str, list[tuple[int, float]]] = {f"gi{i}": [] for i in range(PORTS)}
    for at_s in range(NOW_S - WEEK_S, NOW_S, EVERY_S):
        points = []
        for i, (port, samples) in enumerate(measured.items()):
            samples.append((at_s * 1000 + i, float(at_s * i)))
            labels: Labels = (*DEVICE, ("port", port))
            points.append(Point("port_in_bytes_total", labels, samples[-1][0] * 1_000_000, samples[-1][1]))
        queue.put(points)
    return measured


def arrived(victoria: Victoria) -> dict[str, list[tuple[int, float]]]:
    return {dict(labels)["port"]: samples for labels, samples in victoria.export("port_in_bytes_total").items()}


def test_after_a_week_away_each_sample_is_there_once_with_its_own_time(rig: Rig, tmp_path: Path) -> None:
    measured = outage_of_a_week(rig.queue)
    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        rig.drain()
        assert arrived(victoria) == measured
    assert rig.queue.holes() == []
    assert rig.number("sink_dropped_samples_total") == 0


def test_the_hole_that_a_full_queue_leaves_is_exactly_what_is_counted(rig: Rig, tmp_path: Path) -> None:
    rig.queue.close()
    rig.cap_bytes = 60_000
    rig.queue = rig.open()
    measured = outage_of_a_week(rig.queue)
    rig.queue.close()  # the centre, too, starts anew before the engine is back
    rig.instruments = Instruments(unit="centre")
    rig.queue = rig.open()
    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        rig.drain()
        got = arrived(victoria)
    missing = {at_ms for port in measured for at_ms, _ in set(measured[port]) - set(got[port])}
    assert all(got[port] == measured[port][-len(got[port]) :] for port in measured)  # the oldest went, and no other
    (hole,) = rig.queue.holes()
    assert 0 < len(missing) == hole.samples == rig.number("sink_dropped_samples_total") < PORTS * WEEK_S / EVERY_S
    assert (hole.oldest_ms, hole.newest_ms) == (min(missing), max(missing))
    assert rig.number("sink_written_samples_total") == PORTS * WEEK_S / EVERY_S - hole.samples


def test_the_unit_finds_the_engine_again_by_itself(rig: Rig, tmp_path: Path) -> None:
    points = [sample(i) for i in range(60)]
    failures: list[str] = []

    async def live() -> None:
        backoff = Backoff(steps_s=(0.05,), healthy_after_s=100)
        forwarder = rig.forwarder()

        async def run_once() -> None:
            await forwarder.run(clock=CLOCK, every_s=0.02)

        unit = asyncio.create_task(
            keep_running(
                "sink",
                run_once,
                clock=CLOCK,
                rng=random.Random(1),
                backoff=backoff,
                on_change=lambda state: failures.append(str(state.error)),
            )
        )
        for part in (points[:20], points[20:40], points[40:]):
            await asyncio.to_thread(rig.queue.put, part)
            if part is points[:20]:
                continue
            seen = len(failures)
            while len(failures) < seen + 2:  # still away, and tried meanwhile
                await asyncio.sleep(0.01)
        engine = victoria_metrics(tmp_path / "vm", port=rig.port)
        victoria = await asyncio.to_thread(engine.__enter__)
        try:
            while rig.number("sink_written_samples_total") < 60:
                await asyncio.sleep(0.02)
            exported = await asyncio.to_thread(victoria.export, "device_up_ratio")
        finally:
            unit.cancel()
            await asyncio.gather(unit, return_exceptions=True)
            await asyncio.to_thread(engine.__exit__, None, None, None)
        assert exported.popitem()[1] == times_of(points)

    asyncio.run(live())


def test_a_centre_that_ends_between_write_and_done_doubles_nothing(rig: Rig, tmp_path: Path) -> None:
    points = [sample(i) for i in range(300)]
    for i in range(0, 300, 50):
        rig.queue.put(points[i : i + 50])

    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        writer = rig.connect()
        parcel = rig.queue.oldest(100)
        assert parcel is not None
        writer.write(parcel.lines)
        writer.close()
        # The power goes here: the engine has the parcel, the queue still holds it.
        rig.queue.close()
        rig.queue = rig.open()
        rig.drain()
        assert victoria.export("device_up_ratio").popitem()[1] == times_of(points)
    assert rig.number("sink_written_samples_total") == 300


KILLED = """
import sys
from pathlib import Path
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Point
from beket.kernel.secrets import Secret
from collector.sinks.forwarder import Forwarder
from collector.sinks.influx import InfluxWriter
from collector.sinks.queue import SampleQueue

folder, url, first_s = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
instruments = Instruments(unit="centre")
queue = SampleQueue(folder / "sinks.db", community=CommunityId("dolyna"), cap_bytes=10**8, clock=SystemClock(),
                instruments=instruments)
writer = InfluxWriter(url=url, org="beket", bucket="beket", token=Secret("none"))
forwarder = Forwarder(queue, lambda: writer, instruments=instruments, samples_at_once=20)
started = int((folder / "put").read_text() or 0) if (folder / "put").exists() else 0
for i in range(started, started + 10_000):
    labels = (("site", "school"), ("device", "sw"))
    queue.put([Point("device_up_ratio", labels, (first_s + i) * 10**9, float(i))])
    (folder / "put.new").write_text(str(i + 1))
    (folder / "put.new").replace(folder / "put")
    print("put", i, flush=True)
    if i % 3 == 0:
        forwarder.send_one(writer)
"""


def test_kill_9_in_the_middle_loses_none_and_doubles_none(rig: Rig, tmp_path: Path) -> None:
    first_s = NOW_S - 43_200
    rig.queue.close()
    with victoria_metrics(tmp_path / "vm", port=rig.port) as victoria:
        argv = [sys.executable, "-c", KILLED, str(tmp_path), f"http://127.0.0.1:{rig.port}", str(first_s)]
        for kill in range(3):
            with running(argv, ready=lambda program, n=20 + 7 * kill: program.output().count("put") > n) as program:
                program.kill()
        rig.queue = rig.open()
        rig.drain()
        (samples,) = victoria.export("device_up_ratio").values()
    put = int((tmp_path / "put").read_text())
    # The kill may fall between the put and the note of it: then the next life puts the same sample again.
    assert put <= len(samples) <= put + 1
    assert samples == [((first_s + i) * 1000, float(i)) for i in range(len(samples))]
