import contextlib
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Instruments, Point
from collector.store.journal import NS_PER_MS
from collector.store.keeping import Keeping
from collector.store.samples import Mark, SampleStore, SeriesBuckets
from collector.store.tiers import HOUR_MS

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
    store.maintain(NOON_NS + 2 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    assert store.sealed_size()[0] == 60  # the second hour still waits for late samples
    assert all_of(store) == expected
    store.maintain(NOON_NS + 2 * HOUR_NS + 601 * NS_PER_S, keep=Keeping(raw_s=DAY_S))
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
    store.maintain(NOON_NS + 2 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    store.put([point(NOON_NS + 10 * NS_PER_S, 2), point(NOON_NS + 20 * NS_PER_S, 3.5)])
    store.maintain(NOON_NS + 2 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    assert [value for _, value in all_of(store)] == [1, 2, 3.5]
    assert store.sealed_size()[0] == 3


def test_samples_survive_a_kill_and_are_not_doubled_by_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    first = SampleStore(path)
    first.put([point(NOON_NS, 1), point(NOON_NS + HOUR_NS, 2)], Mark("agent-1", "s", 7))
    first.maintain(NOON_NS + HOUR_NS + 700 * NS_PER_S, keep=Keeping(raw_s=DAY_S))
    again = SampleStore(path)  # the first was never closed
    assert [value for _, value in all_of(again)] == [1, 2]
    again.maintain(NOON_NS + 3 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    assert again.sealed_size()[0] == 2
    assert again.through("agent-1", "s") == 7
    assert again.through("agent-1", "other") == -1
    again.close()
    first.close()


def test_what_is_older_than_the_retention_is_forgotten(store: SampleStore) -> None:
    store.put([point(NOON_NS, 1), point(NOON_NS + 30 * HOUR_NS, 2)])
    store.maintain(NOON_NS + 32 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    assert [value for _, value in all_of(store)] == [2]


def test_the_latest_sample_is_the_newest_by_its_own_time(store: SampleStore) -> None:
    store.put([point(NOON_NS + 60 * NS_PER_S, 2), point(NOON_NS, 1), point(NOON_NS - HOUR_NS, 0, "old")])
    assert store.latest(NOON_NS) == [point(NOON_NS + 60 * NS_PER_S, 2)]


def test_many_series_are_sealed_in_parts(store: SampleStore) -> None:
    store.put([point(NOON_NS, i, f"d{i}") for i in range(1100)])
    store.maintain(NOON_NS + 2 * HOUR_NS, keep=Keeping(raw_s=DAY_S))
    assert store.sealed_size()[0] == 1100
    assert sorted(value for _, value in all_of(store)) == list(range(1100))


def test_a_failed_put_leaves_no_trace(store: SampleStore) -> None:
    with pytest.raises(OverflowError):
        store.put([point(NOON_NS, 1)], Mark("agent-1", "s", 2**70))
    assert all_of(store) == []
    store.put([point(NOON_NS, 2)])
    assert all_of(store) == [(NOON_NS // NS_PER_MS, 2)]


def test_a_sample_takes_less_than_three_bytes_of_the_whole_file(tmp_path: Path) -> None:
    """The file as it stands, with rows, keys, names of series, the tiers and the journal's free pages.

    A day, because names and fixed pages are paid once: of three hours they alone are half. Its buckets count as well:
    they are stored, and read when the samples are gone.
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
        store.maintain(at_ns + 700 * NS_PER_S, keep=Keeping(raw_s=14 * DAY_S))
    assert store.sealed_size()[0] == series * hours * 60
    store.close()
    buckets = series * hours * (12 + 1)
    assert path.stat().st_size / (series * hours * 60 + buckets) < 3


DAY_NS = 24 * HOUR_NS
KEEPING = Keeping(raw_s=2 * DAY_S, five_minutes_s=10 * DAY_S, hours_s=40 * DAY_S, cap_bytes=10**8)


def fill(store: SampleStore, *, from_day: int, days: int, every_s: int = 3600, device: str = "switch-1") -> None:
    """A sample each `every_s` whose value is its number of that day; maintained at the end of each day."""
    for day in range(from_day, from_day + days):
        start_ns = NOON_NS + day * DAY_NS
        store.put([point(start_ns + i * every_s * NS_PER_S, i, device) for i in range(DAY_S // every_s)])
        store.maintain(start_ns + DAY_NS + 3600 * NS_PER_S, keep=KEEPING)


def graph(store: SampleStore, start_ns: int, end_ns: int, *, buckets_max: int = 1500) -> SeriesBuckets:
    (found,) = store.graph("device_uptime_seconds", start_ns=start_ns, end_ns=end_ns, buckets_max=buckets_max)
    return found


def test_old_samples_live_on_as_five_minutes_and_then_as_hours(store: SampleStore) -> None:
    fill(store, from_day=0, days=30, every_s=600)
    end_ns = NOON_NS + 30 * DAY_NS
    assert len(all_of(store)) < 3 * 144  # of raw ones two days and the rest of an hour
    week = graph(store, end_ns - 7 * DAY_NS, end_ns, buckets_max=10_000)
    assert (week.step_ms, len(week.buckets)) == (300_000, 7 * 144)
    assert set(week.buckets.counts) == {1}
    month = graph(store, NOON_NS, end_ns, buckets_max=10_000)
    assert (month.step_ms, len(month.buckets)) == (HOUR_MS, 30 * 24)
    assert next(month.buckets.rows()) == (NOON_NS // NS_PER_MS, 6, 0, 2.5, 5)
    assert graph(store, end_ns - 7 * DAY_NS, end_ns, buckets_max=200).step_ms == HOUR_MS


def test_what_is_sealed_today_or_not_sealed_at_all_is_on_the_graph(store: SampleStore) -> None:
    fill(store, from_day=0, days=5)
    today_ns = NOON_NS + 5 * DAY_NS
    store.put([point(today_ns + i * 600 * NS_PER_S, 7) for i in range(18)])
    store.maintain(today_ns + 2 * HOUR_NS, keep=KEEPING)
    whole = graph(store, NOON_NS, today_ns + DAY_NS, buckets_max=150)
    assert sum(whole.buckets.counts) == 5 * 24 + 18
    assert list(whole.buckets.rows())[-1] == ((today_ns + 2 * HOUR_NS) // NS_PER_MS, 6, 7, 7, 7)
    assert store.graph("device_uptime_seconds", {"device": "x"}, start_ns=0, end_ns=2**60) == []
    assert store.graph("device_up_ratio", start_ns=NOON_NS, end_ns=today_ns) == []


def test_a_short_stretch_is_drawn_from_samples_as_they_came(store: SampleStore) -> None:
    fill(store, from_day=0, days=3, every_s=60)
    start_ns = NOON_NS + 2 * DAY_NS + 6 * HOUR_NS
    hour = graph(store, start_ns, start_ns + HOUR_NS)
    assert (len(hour.buckets), set(hour.buckets.counts)) == (60, {1})
    assert graph(store, start_ns, start_ns + HOUR_NS, buckets_max=6).buckets.counts == [10] * 6


def test_late_samples_change_the_tiers_of_their_day(store: SampleStore) -> None:
    fill(store, from_day=0, days=2)
    store.put([point(NOON_NS + DAY_NS + 30 * 60 * NS_PER_S, 1000)])

    def first_hour_of_the_second_day() -> list[tuple[int, float]]:
        found = graph(store, NOON_NS, NOON_NS + 3 * DAY_NS, buckets_max=100).buckets
        return [(count, high) for start, count, _, _, high in found.rows() if start == (NOON_NS + DAY_NS) // NS_PER_MS]

    assert first_hour_of_the_second_day() == [(2, 1000)]  # still in memory
    store.maintain(NOON_NS + 2 * DAY_NS + 4 * HOUR_NS, keep=KEEPING)
    assert first_hour_of_the_second_day() == [(2, 1000)]  # rolled again
    store.maintain(NOON_NS + 6 * DAY_NS, keep=KEEPING)
    assert all_of(store) == []
    assert first_hour_of_the_second_day() == [(2, 1000)]  # and the samples are gone


def numbers_of(store: SampleStore) -> dict[str, float]:
    """What the store says of itself; what the cap took by its reason."""
    instruments = Instruments(unit="centre")
    store.measure(instruments)
    return {dict(p.labels).get("reason", p.name): p.value for p in instruments.read(0)}


def test_the_cap_takes_the_oldest_first_counts_them_and_is_held(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    store = SampleStore(path)
    rng = random.Random(1)
    cap_bytes, put, gone = 400_000, 0, 0.0
    keep = Keeping(raw_s=30 * DAY_S, five_minutes_s=60 * DAY_S, cap_bytes=cap_bytes)
    for day in range(12):
        start_ns = NOON_NS + day * DAY_NS
        for device in range(10):
            store.put([point(start_ns + i * 300 * NS_PER_S, rng.random(), f"d{device}") for i in range(288)])
            put += 288
        store.maintain(start_ns + DAY_NS + 3600 * NS_PER_S, keep=keep)
        numbers = numbers_of(store)
        gone = numbers.get("raw", 0)
        assert numbers["samples_store_bytes"] <= cap_bytes
        assert store.sealed_size()[0] == put - gone
    assert gone > 0
    assert numbers["samples_stored_series"] == 10
    store.close()
    again = SampleStore(path)  # what was lost is not forgotten by a restart
    assert numbers_of(again)["raw"] == gone
    again.close()
    assert path.stat().st_size < 3 * cap_bytes


def test_a_series_of_which_nothing_is_left_is_forgotten_and_may_come_back(store: SampleStore) -> None:
    fill(store, from_day=0, days=1, device="gone for good")
    fill(store, from_day=0, days=1, device="back later")
    fill(store, from_day=1, days=1)
    assert numbers_of(store)["samples_stored_series"] == 3
    late_ns = NOON_NS + 100 * DAY_NS
    store.put([point(late_ns, 1, "back later")])
    store.maintain(late_ns, keep=KEEPING)
    assert numbers_of(store)["samples_stored_series"] == 1
    assert [value for _, value in all_of(store, device="back later")] == [1]
    fill(store, from_day=101, days=1, device="gone for good")
    assert numbers_of(store)["samples_stored_series"] == 2


def test_blocks_of_an_older_release_are_rolled_too(tmp_path: Path) -> None:
    path = tmp_path / "samples.db"
    store = SampleStore(path)
    fill(store, from_day=0, days=1)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as connection:  # as the first release left it
        for table in ("five_minutes", "hours", "unrolled", "sacrificed"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE series DROP COLUMN newest_day")
        connection.execute("UPDATE alembic_version SET version_num = 'samples_0001'")
        connection.commit()
    store = SampleStore(path)
    for days in (2, 9):
        store.maintain(NOON_NS + days * DAY_NS, keep=KEEPING)
    assert sum(graph(store, NOON_NS, NOON_NS + 9 * DAY_NS).buckets.counts) == 24
    store.close()


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
        self.store.maintain(NOON_NS + hours * HOUR_NS, keep=Keeping(raw_s=14 * DAY_S))

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
