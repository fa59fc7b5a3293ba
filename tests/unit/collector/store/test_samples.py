import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Point
from collector.store.samples import HOUR_MS, NS_PER_MS, Mark, SampleStore

HOUR_NS = HOUR_MS * NS_PER_MS
NOON_NS = 472_224 * HOUR_NS
DAY_S = 86_400
LABELS = (("site", "school"), ("device", "switch-1"))


def point(at_ns: int, value: float, device: str = "switch-1") -> Point:
    return Point("device_uptime_seconds", (("site", "school"), ("device", device)), at_ns, value)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    opened = SampleStore(tmp_path / "samples.db")
    yield opened
    opened.close()


def all_of(store: SampleStore, **labels: str) -> list[tuple[int, float]]:
    found = store.query("device_uptime_seconds", labels, start_ns=0, end_ns=2**62)
    return [pair for series in found for pair in zip(series.times_ms, series.values, strict=True)]


def test_an_open_sample_is_found_at_once_and_a_sealed_one_just_the_same(store: SampleStore) -> None:
    points = [point(NOON_NS + minute * 60 * NS_PER_S, minute * 60) for minute in range(120)]
    store.put(points)
    expected = [(p.wall_ns // NS_PER_MS, p.value) for p in points]
    assert all_of(store) == expected
    store.maintain(NOON_NS + 2 * HOUR_NS, retention_s=DAY_S)
    assert store.sealed_size()[0] == 60  # the second hour still waits for late samples
    assert all_of(store) == expected
    store.maintain(NOON_NS + 2 * HOUR_NS + 601 * NS_PER_S, retention_s=DAY_S)
    assert store.sealed_size()[0] == 120
    assert all_of(store) == expected


def test_a_query_takes_its_range_and_its_labels_only(store: SampleStore) -> None:
    store.put([point(NOON_NS + i * NS_PER_S, i, device) for device in ("a", "b") for i in range(10)])
    found = store.query(
        "device_uptime_seconds", {"device": "b"}, start_ns=NOON_NS + 2 * NS_PER_S, end_ns=NOON_NS + 5 * NS_PER_S
    )
    assert [(series.labels, series.values) for series in found] == [((("site", "school"), ("device", "b")), [2, 3, 4])]
    assert store.query("device_up_ratio", start_ns=0, end_ns=2**62) == []


def test_a_backlog_of_old_samples_is_merged_into_its_hours(store: SampleStore) -> None:
    store.put([point(NOON_NS, 1), point(NOON_NS + 20 * NS_PER_S, 3)])
    store.maintain(NOON_NS + 2 * HOUR_NS, retention_s=DAY_S)
    store.put([point(NOON_NS + 10 * NS_PER_S, 2), point(NOON_NS + 20 * NS_PER_S, 3.5)])
    store.maintain(NOON_NS + 2 * HOUR_NS, retention_s=DAY_S)
    assert [value for _, value in all_of(store)] == [1, 2, 3.5]
    assert store.sealed_size()[0] == 3


def test_samples_survive_a_kill_and_are_not_doubled_by_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    first = SampleStore(path)
    first.put([point(NOON_NS, 1), point(NOON_NS + HOUR_NS, 2)], Mark("agent-1", "s", 7))
    first.maintain(NOON_NS + HOUR_NS + 700 * NS_PER_S, retention_s=DAY_S)
    again = SampleStore(path)  # the first was never closed
    assert [value for _, value in all_of(again)] == [1, 2]
    again.maintain(NOON_NS + 3 * HOUR_NS, retention_s=DAY_S)
    assert again.sealed_size()[0] == 2
    assert again.through("agent-1", "s") == 7
    assert again.through("agent-1", "other") == -1
    again.close()
    first.close()


def test_what_is_older_than_the_retention_is_forgotten(store: SampleStore) -> None:
    store.put([point(NOON_NS, 1), point(NOON_NS + 30 * HOUR_NS, 2)])
    store.maintain(NOON_NS + 32 * HOUR_NS, retention_s=DAY_S)
    assert [value for _, value in all_of(store)] == [2]


def test_the_latest_sample_is_the_newest_by_its_own_time(store: SampleStore) -> None:
    store.put([point(NOON_NS + 60 * NS_PER_S, 2), point(NOON_NS, 1), point(NOON_NS - HOUR_NS, 0, "old")])
    assert store.latest(NOON_NS) == [point(NOON_NS + 60 * NS_PER_S, 2)]


def test_many_series_are_sealed_in_parts(store: SampleStore) -> None:
    store.put([point(NOON_NS, i, f"d{i}") for i in range(1100)])
    store.maintain(NOON_NS + 2 * HOUR_NS, retention_s=DAY_S)
    assert store.sealed_size()[0] == 1100
    assert sorted(value for _, value in all_of(store)) == list(range(1100))


def test_a_failed_put_leaves_no_trace(store: SampleStore) -> None:
    with pytest.raises(OverflowError):
        store.put([point(NOON_NS, 1)], Mark("agent-1", "s", 2**70))
    assert all_of(store) == []
    store.put([point(NOON_NS, 2)])
    assert all_of(store) == [(NOON_NS // NS_PER_MS, 2)]


def test_a_sample_takes_less_than_three_bytes_of_the_whole_file(tmp_path: Path) -> None:
    """The file as it stands, with rows, keys, names of series and the journal's free pages.

    A day, because names and fixed pages are paid once: of three hours they alone are half.
    """
    path = tmp_path / "samples.db"
    store = SampleStore(path)
    rng = random.Random(3)
    series, hours = 100, 24
    totals = [float(rng.randrange(10**9)) for _ in range(series)]
    for hour in range(hours):
        points = []
        for minute in range(60):
            at_ns = NOON_NS + (hour * 60 + minute) * 60 * NS_PER_S + rng.randrange(8) * NS_PER_MS
            for i in range(0, series, 4):
                totals[i] += round(10**5 * rng.lognormvariate(0, 0.7))
            points += [point(at_ns, total, f"d{i}") for i, total in enumerate(totals)]
        store.put(points)
        store.maintain(at_ns + 700 * NS_PER_S, retention_s=14 * DAY_S)
    assert store.sealed_size()[0] == series * hours * 60
    store.close()
    assert path.stat().st_size / (series * hours * 60) < 3


class StoreModel(RuleBasedStateMachine):
    """Put, maintain and restart in any order: a query always gives what was put, once, the later put winning."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "samples.db"
        self.store = SampleStore(self.path)
        self.expected: dict[int, float] = {}
        self.n = 0.0

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(minutes=st.lists(st.integers(0, 400), min_size=1, max_size=5))
    def puts(self, minutes: list[int]) -> None:
        for minute in minutes:
            self.n += 1
            at_ns = NOON_NS + minute * 60 * NS_PER_S
            self.store.put([point(at_ns, self.n)])
            self.expected[at_ns // NS_PER_MS] = self.n

    @rule(hours=st.integers(0, 8))
    def maintains(self, hours: int) -> None:
        self.store.maintain(NOON_NS + hours * HOUR_NS, retention_s=14 * DAY_S)

    @rule()
    def restarts(self) -> None:
        self.store.close()
        self.store = SampleStore(self.path)

    @invariant()
    def everything_is_there_once(self) -> None:
        assert dict(all_of(self.store)) == self.expected
        assert len(all_of(self.store)) == len(self.expected)


StoreModel.TestCase.settings = settings(max_examples=10, stateful_step_count=12, deadline=None)
test_the_store_keeps_its_promises = StoreModel.TestCase
