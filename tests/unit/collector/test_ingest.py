import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.metrics import Catalogue, Instruments, Metric, Point
from beket.kernel.text import plain
from collector import metrics
from collector.ingest import Ingest, Refusal, Sender
from collector.messages import PointsReceipt
from collector.store.samples import SampleStore

GOLDEN = Path(__file__).parents[2] / "fixtures" / "wire"
NOW_MS = 1_700_000_060_000
SCHOOL = Sender(SiteId("school"), AgentId("agent-school"))

CATALOGUE = Catalogue(
    [
        Metric("device_up_ratio", "gauge", ("site", "device"), plain("up")),
        Metric("device_ping_latency_seconds", "gauge", ("site", "device"), plain("ping")),
        Metric("port_in_bytes_total", "counter", ("site", "device", "port"), plain("in")),
        Metric("centre_things_count", "gauge", ("room",), plain("no site in it")),
        *metrics.METRICS,
    ]
)


class Elsewhere:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.points: list[Point] = []

    def put(self, points: Sequence[Point]) -> None:
        self.points += points


class House:
    """An ingest over a real store."""

    def __init__(self, folder: Path) -> None:
        self.elsewhere = Elsewhere()
        self.store = SampleStore(folder / "samples.db")
        self.instruments = Instruments()
        self.ingest = Ingest(
            catalogue=CATALOGUE,
            store=self.store,
            instruments=self.instruments,
            clock=SimulatedClock(wall_ns=NOW_MS * 10**6),
            kept_s=14 * 86_400,
            forward=self.elsewhere,
        )

    def take(self, *series: object, sequence: int = 1, sender: Sender = SCHOOL, spool: str = "s") -> PointsReceipt:
        body = msgspec.json.encode({"spool": spool, "batches": [{"sequence": sequence, "series": series}]})
        return wire.decode(self.ingest.take(sender, body), PointsReceipt)

    def values(self) -> list[float]:
        found = [self.store.query(metric.name, start_ns=0, end_ns=2**62) for metric in CATALOGUE]
        return [value for many in found for series in many for value in series.values]

    def number(self, metric: Metric) -> float:
        return sum(p.value for p in self.instruments.read(0) if p.name == metric.name)

    def refused(self) -> dict[str, float]:
        points = [p for p in self.instruments.read(0) if p.name == metrics.POINTS_REFUSED.name]
        return {dict(p.labels)["reason"]: p.value for p in points}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


def up(value: object = 1.0, *, at_ms: object = NOW_MS, **labels: object) -> dict[str, object]:
    return {
        "name": "device_up_ratio",
        "labels": {"site": "school", "device": "d", **labels},
        "samples": [[at_ms, value]],
    }


def test_the_message_of_every_release_is_taken(house: House) -> None:
    paths = sorted(GOLDEN.glob("*/points-message.json"))
    assert paths
    for path in paths:
        receipt = wire.decode(house.ingest.take(SCHOOL, path.read_bytes()), PointsReceipt)
        assert (receipt.through, receipt.accepted, receipt.refused) == (42, 4, 0)
    assert sorted(house.values()) == [0.00217, 1.0, 123456789.0, 123459999.0]


def test_the_receipt_is_the_golden_one(house: House) -> None:
    body = (GOLDEN / "1" / "points-message.json").read_bytes()
    assert house.ingest.take(SCHOOL, body) == (GOLDEN / "1" / "points-receipt.json").read_bytes().strip()


def test_a_repeated_batch_is_not_stored_again_and_is_counted(house: House) -> None:
    assert house.take(up(1.0), sequence=5).accepted == 1
    again = house.take(up(9.0), sequence=5)
    assert (again.through, again.accepted, again.repeated_batches) == (5, 0, 1)
    assert house.values() == [1.0]


def test_what_is_stored_and_nothing_else_goes_on_to_the_sink(house: House) -> None:
    house.take(up(1.0), up(2.0, port="1"), sequence=5)
    house.take(up(9.0), sequence=5)
    assert [point.value for point in house.elsewhere.points] == house.values() == [1.0]


def test_a_sample_goes_on_before_its_batch_counts_as_taken(house: House) -> None:
    house.store.close()  # the disk is gone: the agent will bring the batch again
    with pytest.raises(RuntimeError):
        house.take(up(1.0), sequence=5)
    assert len(house.elsewhere.points) == 1


def test_each_spool_of_each_agent_counts_by_itself(house: House) -> None:
    house.take(up(1.0), sequence=5)
    assert house.take(up(2.0), sequence=1, spool="after a new disk").accepted == 1
    other = Sender(SiteId("school"), AgentId("second"))
    assert house.take(up(3.0, device="e"), sequence=1, sender=other).accepted == 1


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ({"name": "coffee_cups_total", "labels": {"site": "school"}, "samples": [[NOW_MS, 1]]}, Refusal.UNKNOWN),
        (up(1.0, port="1"), Refusal.LABELS),
        ({"name": "device_up_ratio", "labels": {"site": "school"}, "samples": [[NOW_MS, 1]]}, Refusal.LABELS),
        (up(1.0, device=""), Refusal.LABELS),
        (up(1.0, device="x" * 101), Refusal.LABELS),
        (up(1.0, device="a\nb"), Refusal.LABELS),
        (up(1.0, site="clinic"), Refusal.SITE),
        ({"name": "centre_things_count", "labels": {"room": "x"}, "samples": [[NOW_MS, 1]]}, Refusal.SITE),
        (up(None), Refusal.NUMBER),
        (up("12"), Refusal.UNREADABLE),
        (up([1]), Refusal.UNREADABLE),
        (up(at_ms="yesterday"), Refusal.UNREADABLE),
        (up(at_ms=1.5), Refusal.UNREADABLE),
        (up(device=7), Refusal.UNREADABLE),
        ({"labels": {"site": "school"}, "samples": [[NOW_MS, 1]]}, Refusal.UNREADABLE),
        ("a series?", Refusal.UNREADABLE),
    ],
)
def test_a_bad_point_is_refused_counted_and_holds_nothing_up(house: House, series: object, reason: Refusal) -> None:
    receipt = house.take(series, up(7.0, device="good"))
    assert (receipt.through, receipt.accepted, receipt.refused) == (1, 1, 1)
    assert house.values() == [7.0]
    assert house.refused() == {reason.value: 1}


def test_a_sample_that_is_not_understood_costs_neither_its_series_nor_its_batch(house: House) -> None:
    series = up(1.0)
    series["samples"] = [[NOW_MS - 2, 1.0], [NOW_MS - 1, "a lot"], [NOW_MS], None, [NOW_MS, 2.0]]
    receipt = house.take(series, up(7.0, device="e"))
    assert (receipt.accepted, receipt.refused) == (3, 3)
    assert sorted(house.values()) == [1.0, 2.0, 7.0]
    assert house.refused() == {Refusal.UNREADABLE.value: 3}
    assert house.take(series).repeated_batches == 1
    assert house.refused() == {Refusal.UNREADABLE.value: 3}  # not again with its batch


def test_samples_of_a_clock_that_stands_years_back_are_kept_at_their_true_times(house: House) -> None:
    wrong_ms = 1_500_000_000_000  # the agent's now
    minute = [[wrong_ms - 60_000 + i * 10_000, float(i)] for i in range(6)]
    series = {**up(), "samples": minute}
    body = {"spool": "s", "sent_ms": wrong_ms, "batches": [{"sequence": 1, "series": [series]}]}
    receipt = wire.decode(house.ingest.take(SCHOOL, msgspec.json.encode(body)), PointsReceipt)
    assert (receipt.accepted, receipt.refused) == (6, 0)
    (found,) = house.store.query("device_up_ratio", start_ns=0, end_ns=2**62)
    assert found.times_ms == [NOW_MS - 60_000 + i * 10_000 for i in range(6)]
    assert found.values == [0, 1, 2, 3, 4, 5]
    assert [point.wall_ns // 10**6 for point in house.elsewhere.points] == found.times_ms
    assert house.number(metrics.POINTS_RETIMED) == 6
    assert house.number(metrics.CLOCK_BEHIND) == (NOW_MS - wrong_ms) / 1000


def test_an_agent_that_does_not_say_its_time_has_impossible_samples_kept_as_of_now(house: House) -> None:
    house.take(up(1.0, at_ms=NOW_MS + 3_600_000), up(2.0, at_ms=0, device="e"), up(3.0, at_ms=10**30, device="f"))
    times = {s.values[0]: s.times_ms for s in house.store.query("device_up_ratio", start_ns=0, end_ns=2**62)}
    assert times == {1.0: [NOW_MS], 2.0: [NOW_MS], 3.0: [NOW_MS]}
    assert house.number(metrics.POINTS_RETIMED) == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"spool":1}',
        b'{"spool":"s","batches":[{"sequence":-1}]}',
        b'{"spool":"s","batches":[{"sequence":99999999999999999999}]}',
        b'{"spool":"s","batches":[{"sequence":1,"series":[{"name":"x","samples":[[1,NaN]]}]}]}',
        b'{"spool":"s","batches":[{"sequence":1,"series":5}]}',
        b"[" * 100,
    ],
)
def test_what_is_no_message_is_a_protocol_error(house: House, body: bytes) -> None:
    with pytest.raises(ProtocolError):
        house.ingest.take(SCHOOL, body)


def test_fields_of_a_newer_release_are_ignored(house: House) -> None:
    body = b'{"spool":"s","mood":"fine","batches":[{"sequence":1,"priority":3,"series":[]}]}'
    assert wire.decode(house.ingest.take(SCHOOL, body), PointsReceipt).through == 1


def test_one_batch_sent_by_two_threads_at_once_is_stored_once(house: House) -> None:
    threads = [threading.Thread(target=house.take, args=(up(1.0),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    accepted = [p.value for p in house.instruments.read(0) if p.name == metrics.POINTS_ACCEPTED.name]
    assert accepted == [1]


names = st.sampled_from(["device_up_ratio", "port_in_bytes_total", "x", ""])
labels = st.dictionaries(st.sampled_from(["site", "device", "port", "x"]), st.text(max_size=5) | st.just("school"))
numbers = st.none() | st.floats(allow_nan=True) | st.integers(-(2**70), 2**70)
series = st.fixed_dictionaries(
    {"name": names, "labels": labels, "samples": st.lists(st.tuples(st.integers(0, 2 * NOW_MS), numbers), max_size=3)}
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(series, max_size=5), sequence=st.integers(0, 2**63 - 1))
def test_any_well_formed_message_gets_a_receipt_that_adds_up(
    house: House, many: list[dict[str, object]], sequence: int
) -> None:
    samples = sum(len(one["samples"]) for one in many)  # type: ignore[arg-type]
    try:
        receipt = house.take(*many, sequence=sequence, spool=f"spool-{sequence}-{samples}")
    except ProtocolError:
        return  # whole numbers beyond 64 bits are no samples
    assert receipt.accepted + receipt.refused == samples or receipt.repeated_batches
