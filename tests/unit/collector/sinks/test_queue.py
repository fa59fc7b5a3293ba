import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NoSpace
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Point
from collector.sinks import metrics
from collector.sinks.queue import SINKS_MIGRATIONS, SampleQueue
from collector.sinks.tables import METADATA

CLOCK = SimulatedClock()


def points(n: int, *, start: int = 0) -> list[Point]:
    rng = random.Random(start)
    return [Point("device_up_ratio", (("device", f"d{i}"),), i * 10**9, rng.random()) for i in range(start, start + n)]


def lines_of(queue: SampleQueue, max_samples: int = 10**6) -> list[str]:
    parcel = queue.oldest(max_samples)
    return parcel.lines.decode().splitlines() if parcel else []


def numbers(instruments: Instruments) -> dict[str, float]:
    return {" ".join([p.name, *(value for _, value in p.labels)]): p.value for p in instruments.read(0)}


@pytest.fixture
def instruments() -> Instruments:
    return Instruments()


@pytest.fixture
def opened(tmp_path: Path, instruments: Instruments) -> Iterator[Callable[..., SampleQueue]]:
    boxes: list[SampleQueue] = []

    def open_queue(cap_bytes: int = 10**7) -> SampleQueue:
        box = SampleQueue(
            tmp_path / "sinks.db",
            community=CommunityId("dolyna"),
            cap_bytes=cap_bytes,
            clock=CLOCK,
            instruments=instruments,
        )
        boxes.append(box)
        return box

    yield open_queue
    for box in boxes:
        box.close()


def test_samples_wait_in_order_until_they_are_done(opened: Callable[..., SampleQueue]) -> None:
    queue = opened()
    queue.put(points(3))
    queue.put([])
    queue.put(points(2, start=3))

    parcel = queue.oldest(4)
    assert parcel is not None
    assert parcel.samples == 3
    assert queue.oldest(4) == parcel
    queue.done(parcel)
    assert [line.split(",")[2].split()[0] for line in lines_of(queue)] == ["device=d3", "device=d4"]
    last = queue.oldest(1)
    assert last is not None
    assert last.samples == 2
    queue.done(last)
    assert queue.oldest(1) is None


def test_what_waits_survives_the_process(opened: Callable[..., SampleQueue]) -> None:
    opened().put(points(3))
    again = opened()
    assert len(lines_of(again)) == 3
    again.put(points(1, start=3))
    assert len(lines_of(again)) == 4


def test_past_the_cap_the_oldest_samples_go_and_each_is_counted(
    opened: Callable[..., SampleQueue], instruments: Instruments
) -> None:
    queue = opened(cap_bytes=4000)
    for i in range(30):
        queue.put(points(20, start=20 * i))
    kept = lines_of(queue)

    assert 0 < len(kept) < 600
    assert numbers(instruments)["sink_dropped_samples_total full"] == 600 - len(kept)
    assert kept[-1].startswith("device_up,community=dolyna,device=d599 ")
    queue.measure()
    assert numbers(instruments)["sink_waiting_bytes"] <= 4000


def test_what_is_on_its_way_is_not_dropped_and_not_counted_twice(
    opened: Callable[..., SampleQueue], instruments: Instruments
) -> None:
    queue = opened(cap_bytes=4000)
    queue.put(points(20))
    parcel = queue.oldest(20)
    assert parcel is not None
    for i in range(1, 30):
        queue.put(points(20, start=20 * i))
    queue.done(parcel)
    dropped = numbers(instruments)["sink_dropped_samples_total full"]
    assert parcel.samples + dropped + len(lines_of(queue)) == 600


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.integers(1, 40), st.just("send"), st.just("restart")), max_size=25))
def test_sent_dropped_and_waiting_samples_are_all_that_came(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int | str]
) -> None:
    path, instruments = tmp_path_factory.mktemp("queue") / "sinks.db", Instruments()

    def open_queue() -> SampleQueue:
        community = CommunityId("dolyna")
        return SampleQueue(path, community=community, cap_bytes=3000, clock=CLOCK, instruments=instruments)

    queue, came, sent = open_queue(), 0, 0
    for step in steps:
        if isinstance(step, int):
            queue.put(points(step, start=came))
            came += step
        elif step == "restart":
            queue.close()
            queue = open_queue()
        elif parcel := queue.oldest(50):
            sent += parcel.samples
            queue.done(parcel)
    dropped = numbers(instruments).get("sink_dropped_samples_total full", 0)
    assert sent + dropped + len(lines_of(queue)) == came
    queue.close()


def test_what_is_lost_is_known_by_its_times_and_outlives_a_restart(
    opened: Callable[..., SampleQueue], instruments: Instruments
) -> None:
    queue = opened(cap_bytes=4000)
    for i in range(30):
        queue.put(points(20, start=20 * i))
    queue.measure()
    first_kept = 600 - len(lines_of(queue))
    (hole,) = queue.holes()
    assert (hole.reason, hole.samples) == ("full", first_kept)
    assert (hole.oldest_ms, hole.newest_ms) == (0, (first_kept - 1) * 1000)
    before = numbers(instruments)
    assert (before["sink_hole_since_seconds"], before["sink_hole_until_seconds"]) == (0, first_kept - 1)
    queue.close()
    again = SampleQueue(
        queue._database.path,
        community=CommunityId("x"),
        cap_bytes=10**6,
        clock=CLOCK,
        instruments=(new := Instruments()),
    )
    again.measure()
    assert numbers(new) == before
    parcel = again.oldest(30)
    assert parcel is not None
    again.done(parcel, refused=3)
    assert numbers(new)["sink_dropped_samples_total refused"] == 3
    assert sum(one.samples for one in again.holes()) == first_kept + 3
    again.close()


def test_lag_is_the_age_of_the_oldest(opened: Callable[..., SampleQueue], instruments: Instruments) -> None:
    queue = opened()
    queue.put(points(1))
    CLOCK.pass_time(90)
    queue.put(points(1, start=1))
    queue.measure()
    assert numbers(instruments)["sink_lag_seconds"] == 90
    parcel = queue.oldest(10)
    assert parcel is not None
    queue.done(parcel)
    queue.measure()
    assert numbers(instruments) == {"sink_lag_seconds": 0, "sink_waiting_bytes": 0}


def test_a_spoiled_row_is_counted_and_holds_up_nothing(
    tmp_path: Path, opened: Callable[..., SampleQueue], instruments: Instruments
) -> None:
    queue = opened()
    queue.put(points(3))
    queue.put(points(2, start=3))
    with sqlite3.connect(tmp_path / "sinks.db") as connection:
        connection.execute("UPDATE queue SET data = x'00ff' WHERE id = 1")
    connection.close()

    parcel = queue.oldest(10)
    assert parcel is not None
    assert (parcel.samples, parcel.spoiled) == (2, 3)
    queue.done(parcel)
    assert numbers(instruments)["sink_dropped_samples_total disk"] == 3


def test_a_disk_that_takes_nothing_loses_the_samples_of_the_sink_alone(
    opened: Callable[..., SampleQueue], instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = opened()

    def full(_: object) -> object:
        raise NoSpace("full")

    monkeypatch.setattr(queue._database, "write", full)
    queue.put(points(4))
    assert numbers(instruments) == {"sink_dropped_samples_total disk": 4}


def test_the_migration_makes_the_tables_that_the_code_expects(
    tmp_path: Path, opened: Callable[..., SampleQueue]
) -> None:
    opened()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'sinks.db'}")
    inspector = sa.inspect(engine)
    for table in METADATA.sorted_tables:
        made = {(c["name"], str(c["type"]), c["nullable"]) for c in inspector.get_columns(table.name)}
        assert made == {(c.name, str(c.type), bool(c.nullable)) for c in table.columns}
    engine.dispose()
    assert SINKS_MIGRATIONS.is_dir()


def test_every_metric_of_the_sinks_is_listed() -> None:
    assert len({metric.name for metric in metrics.METRICS}) == 6
