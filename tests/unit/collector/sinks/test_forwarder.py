import asyncio
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import BeketError, Unreachable
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Point
from beket.kernel.supervise import keep_running
from collector.sinks import metrics
from collector.sinks.forwarder import REFUSALS_MAX, Forwarder, Refused, report
from collector.sinks.queue import SampleQueue


class Engine:
    """Takes lines unless it has a failure to raise."""

    def __init__(self) -> None:
        self.failure: BeketError | None = None
        self.never = ""  # a line with this in it is refused, and all that come with it
        self.asked = 0
        self.lines: list[str] = []
        self.open = 0

    def connect(self) -> "Engine":
        self.open += 1
        return self

    def write(self, lines: bytes) -> None:
        self.asked += 1
        if self.failure:
            raise self.failure
        if self.never and self.never in lines.decode():
            raise Refused("bad lines")
        self.lines += lines.decode().splitlines()

    def close(self) -> None:
        self.open -= 1


class Rig:
    def __init__(self, folder: Path) -> None:
        self.clock, self.instruments, self.engine = SimulatedClock(), Instruments(unit="centre"), Engine()
        self.queue = SampleQueue(
            folder / "sinks.db",
            community=CommunityId("dolyna"),
            cap_bytes=10**6,
            clock=self.clock,
            instruments=self.instruments,
        )
        self.forwarder = Forwarder(self.queue, self.engine.connect, instruments=self.instruments, samples_at_once=10)

    def put(self, n: int) -> None:
        self.queue.put([Point("device_up_ratio", (("device", f"d{i}"),), i * 10**9, 1.0) for i in range(n)])

    def number(self, name: str) -> float:
        return sum(point.value for point in self.instruments.read(0) if point.name == name)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.queue.close()


def test_what_the_engine_will_never_take_is_counted_and_passed(rig: Rig) -> None:
    rig.put(8)
    rig.engine.failure = Refused("bad lines")
    assert rig.forwarder.send_one(rig.engine)
    rig.engine.failure = None
    rig.put(9)
    assert rig.forwarder.send_one(rig.engine)
    assert not rig.forwarder.send_one(rig.engine)
    assert len(rig.engine.lines) == 9
    assert rig.number("sink_dropped_samples_total") == 8
    assert rig.number("sink_written_samples_total") == 9


def test_one_line_that_the_engine_refuses_costs_no_other(rig: Rig) -> None:
    rig.put(10)
    rig.engine.never = "device=d7 "
    assert rig.forwarder.send_one(rig.engine)
    assert [line.split("device=")[1].split()[0] for line in rig.engine.lines] == [f"d{i}" for i in range(10) if i != 7]
    assert (rig.number("sink_written_samples_total"), rig.number("sink_dropped_samples_total")) == (9, 1)


def test_an_engine_that_refuses_everything_is_not_asked_about_each_line(rig: Rig) -> None:
    rig.put(3000)
    rig.engine.never = "device"
    assert rig.forwarder.send_one(rig.engine)
    assert rig.number("sink_dropped_samples_total") == 3000
    assert rig.engine.asked < REFUSALS_MAX + 50
    assert not rig.forwarder.send_one(rig.engine)


def test_what_the_engine_does_not_take_now_stays(rig: Rig) -> None:
    rig.put(8)
    rig.engine.failure = Unreachable("gone")
    with pytest.raises(Unreachable):
        rig.forwarder.send_one(rig.engine)
    rig.engine.failure = None
    assert rig.forwarder.send_one(rig.engine)
    assert len(rig.engine.lines) == 8
    assert rig.number("sink_dropped_samples_total") == 0


def test_the_unit_comes_back_after_a_failure_and_closes_each_connection(rig: Rig) -> None:
    async def live() -> None:
        clock = rig.clock
        unit = asyncio.create_task(
            keep_running("sink", lambda: rig.forwarder.run(clock=clock, every_s=5), clock=clock, rng=random.Random(1))
        )
        for _ in range(200):
            await clock.advance(1)
            await asyncio.sleep(0.002)
            if not rig.queue.oldest(1):
                break
        unit.cancel()
        await asyncio.gather(unit, return_exceptions=True)

    rig.put(3)
    rig.engine.failure = Unreachable("gone")

    async def cut_then_back() -> None:
        asyncio.get_running_loop().call_later(0.05, setattr, rig.engine, "failure", None)
        await live()

    asyncio.run(cut_then_back())
    assert len(rig.engine.lines) == 3
    assert rig.engine.open == 0


def test_the_centres_own_numbers_travel_too_with_the_lag_among_them(rig: Rig) -> None:
    async def live() -> None:
        task = asyncio.create_task(report(rig.queue, rig.instruments, clock=rig.clock, every_s=30))
        while rig.queue.oldest(1) is None:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    rig.instruments.add(metrics.WRITTEN, 7)
    asyncio.run(live())
    rig.forwarder.send_one(rig.engine)
    assert sorted(line.split(" ")[0] for line in rig.engine.lines) == [
        "sink_lag,community=dolyna",
        "sink_waiting,community=dolyna",
        "sink_written_samples,community=dolyna",
    ]
