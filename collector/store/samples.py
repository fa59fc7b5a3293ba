"""Owns the embedded store of samples: what came in the last hour or two in memory and in a journal, the rest in blocks.

`put` is one durable row however many samples it brings. `maintain` seals hours that are over into one block per series,
rolls days that are over into tiers, and forgets (`store.keeping`). A late sample (a village's backlog after an outage)
goes the same way and is merged into its block and tiers. Blocking; safe from any thread.
Notes: collector/design/0017-samples.md, 0042-tiers.md.
"""

import threading
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from beket.kernel.database import Database
from beket.kernel.metrics import Instruments, Labels, Point
from collector.store import block, journal, keeping, metrics, reading, tiers
from collector.store.head import ByHour, Head
from collector.store.journal import NS_PER_MS
from collector.store.keeping import Keeping
from collector.store.reading import SERIES_AT_ONCE
from collector.store.series import SeriesBook, SeriesKey
from collector.store.tables import BLOCKS, JOURNAL, SPOOLS, UNROLLED
from collector.store.tiers import DAY_MS, HOUR_MS, Buckets, Tier

SAMPLES_MIGRATIONS = Path(__file__).parent.parent / "migrations_samples"
# An hour is sealed this long after its end, when its last samples have come in the usual case.
SEAL_AFTER_MS = 600_000
# `latest` is for the present; what is older stays in blocks only.
LATEST_MS = DAY_MS
# Up to so much time is drawn from samples as they came, however many they are.
RAW_GRAPH_MS = DAY_MS


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a spool of an agent has come; stored together with the points."""

    agent: str
    spool: str
    through: int


@dataclass(frozen=True, slots=True)
class SeriesSamples:
    """Samples of one series in order of time."""

    name: str
    labels: Labels
    times_ms: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class SeriesBuckets:
    """Buckets of `step_ms` of one series; where samples are closer together than that, a bucket is one sample."""

    name: str
    labels: Labels
    step_ms: int
    buckets: Buckets


class SampleStore:
    """Samples in one file; a `kernel.ports.PointSink`."""

    def __init__(self, path: Path) -> None:
        """Open the store and read its journal.

        Raises:
            DataLoss, InvalidConfig: see `kernel.database.Database`.
        """
        self._database = Database(path, migrations=SAMPLES_MIGRATIONS)
        self._lock = threading.Lock()
        self._book = SeriesBook()
        self._head = Head(self._book.key)
        self._upkeep = threading.Lock()
        self._journal_id = 0
        with self._database.read() as connection:
            self._book.load(connection)
            for id_, data in connection.execute(sa.select(JOURNAL.c.id, JOURNAL.c.data).order_by(JOURNAL.c.id)):
                self._head.take(journal.decode(data))
                self._journal_id = id_

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def put(self, points: Sequence[Point], mark: Mark | None = None) -> None:
        """See `PointSink.put`; `mark` becomes durable together with the points."""
        with self._lock:
            fresh, samples, journal_id = self._database.write(lambda connection: self._write(connection, points, mark))
            self._book.learn(fresh)
            self._head.take(samples)
            self._journal_id = max(self._journal_id, journal_id)

    def through(self, agent: str, spool: str) -> int:
        """Number of the last batch taken from that spool; -1 before the first."""
        with self._database.read() as connection:
            query = sa.select(SPOOLS.c.through).where(SPOOLS.c.agent == agent, SPOOLS.c.spool == spool)
            found = connection.scalar(query)
        return -1 if found is None else int(found)

    def latest(self, since_ns: int) -> list[Point]:
        """The newest sample of each series that has one since then; of the last hours only, sealed ones are history."""
        with self._lock:
            return self._head.latest(since_ns)

    def query(
        self, name: str, labels: Mapping[str, str] | None = None, *, start_ns: int, end_ns: int
    ) -> list[SeriesSamples]:
        """Samples from `start_ns` up to, not including, `end_ns` of each series called `name` that carries `labels`."""
        start_ms, end_ms = start_ns // NS_PER_MS, end_ns // NS_PER_MS
        with self._lock:
            keys = {id_: self._book.key(id_) for id_ in self._book.find(name, labels or {})}
            fresh = {id_: self._head.samples(id_) for id_ in keys}
        # Read after the head: what is sealed in between is then in both, and merging makes it one.
        with self._database.read() as connection:
            hours = reading.stored_hours(connection, start_ms, end_ms)
            stored = reading.read_blocks(connection, list(keys), hours)
        found = []
        for id_, key in keys.items():
            times, values = block.merge(stored.get(id_, ([], [])), fresh[id_])
            first, last = bisect_left(times, start_ms), bisect_left(times, end_ms)
            if first < last:
                found.append(SeriesSamples(*key, times[first:last], values[first:last]))
        return found

    def graph(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        *,
        start_ns: int,
        end_ns: int,
        buckets_max: int = 1500,
    ) -> list[SeriesBuckets]:
        """The same stretch of time for a picture at most `buckets_max` buckets wide, in the finest form that fits."""
        start_ms, end_ms = start_ns // NS_PER_MS, end_ns // NS_PER_MS
        with self._database.read() as connection:
            tier = _tier_for(connection, start_ms, end_ms, buckets_max)
        if tier is None:
            step_ms = max(1, (end_ms - start_ms) // buckets_max)
            raw = self.query(name, labels, start_ns=start_ns, end_ns=end_ns)
            return [
                SeriesBuckets(one.name, one.labels, step_ms, tiers.fold(one.times_ms, one.values, step_ms))
                for one in raw
            ]
        with self._lock:
            keys = {id_: self._book.key(id_) for id_ in self._book.find(name, labels or {})}
            fresh = {id_: self._head.samples(id_) for id_ in keys}
        days = {time_ms // DAY_MS for samples in fresh.values() for time_ms, _ in samples}
        with self._database.read() as connection:
            series = list(keys)
            rolled = reading.read_buckets(
                connection, tier, series, reading.stored_periods(connection, tier, start_ms, end_ms)
            )
            # What is in no tier yet: today, and days that late samples came for. These are read whole.
            days |= reading.unrolled_days(connection, series)
            hours = [hour for day in sorted(days) for hour in range(24 * day, 24 * day + 24)]
            stored = reading.read_blocks(connection, series, hours)
        found = []
        for id_, key in keys.items():
            times, values = block.merge(stored.get(id_, ([], [])), fresh[id_])
            buckets = tiers.fold(times, values, tier.step_ms)
            if id_ in rolled:
                buckets = tiers.merge(rolled[id_], buckets)
            buckets = buckets.between(start_ms, end_ms)
            if len(buckets):
                found.append(SeriesBuckets(*key, tier.step_ms, buckets))
        return found

    def maintain(self, wall_ns: int, *, keep: Keeping) -> None:
        """Seal hours, roll days and forget what is kept no longer; call it every few minutes."""
        now_ms = wall_ns // NS_PER_MS
        boundary_ms = (now_ms - SEAL_AFTER_MS) // HOUR_MS * HOUR_MS
        with self._upkeep:
            self._seal_all(boundary_ms)
            keeping.roll(self._database, boundary_ms=boundary_ms, keep=keep, now_ms=now_ms)
            keeping.forget(self._database, keep=keep, now_ms=now_ms)
            with self._lock:
                self._head.forget_latest((now_ms - LATEST_MS) * NS_PER_MS)
            self._forget_series(keep, now_ms)

    def measure(self, instruments: Instruments) -> None:
        """Bring the store's own numbers up to date."""
        with self._database.read() as connection:
            instruments.set(metrics.SIZE, keeping.used_bytes(connection))
            for tier, samples in keeping.sacrificed(connection).items():
                instruments.set(metrics.SACRIFICED, samples, reason=tier)
        with self._lock:
            instruments.set(metrics.SERIES, len(self._book))

    def sealed_size(self) -> tuple[int, int]:
        """Samples in blocks, and the bytes that these blocks take."""
        with self._database.read() as connection:
            query = sa.select(sa.func.sum(BLOCKS.c.samples), sa.func.sum(sa.func.length(BLOCKS.c.data)))
            samples, size_bytes = connection.execute(query).one()
        return samples or 0, size_bytes or 0

    def _seal_all(self, boundary_ms: int) -> None:
        with self._lock:
            series, journal_id = self._head.series(), self._journal_id
        for start in range(0, len(series), SERIES_AT_ONCE):
            # Puts wait for one part at the most.
            with self._lock:
                self._seal(series[start : start + SERIES_AT_ONCE], boundary_ms)

        def forget(connection: sa.Connection) -> None:
            # Up to the last row that was in memory when sealing began: a newer one may hold late samples.
            sealed = (JOURNAL.c.id <= journal_id) & (JOURNAL.c.newest_ms < boundary_ms)
            connection.execute(sa.delete(JOURNAL).where(sealed))

        self._database.write(forget)

    def _forget_series(self, keep: Keeping, now_ms: int) -> None:
        with self._database.read() as connection:
            idle = keeping.idle_series(connection, keep=keep, now_ms=now_ms)
        if idle:
            with self._lock:
                busy = set(self._head.series())
                gone = [id_ for id_ in idle if id_ not in busy]
                self._database.write(lambda connection: keeping.forget_series(connection, gone))
                self._book.forget(gone)

    def _write(
        self, connection: sa.Connection, points: Sequence[Point], mark: Mark | None
    ) -> tuple[dict[SeriesKey, int], list[journal.Sample], int]:
        ids, fresh = self._book.number(connection, points)
        times_ms = [point.wall_ns // NS_PER_MS for point in points]
        samples = list(zip(ids, times_ms, [point.value for point in points], strict=True))
        journal_id = 0
        if samples:
            row = sa.insert(JOURNAL).values(newest_ms=max(times_ms), data=journal.encode(samples))
            journal_id = connection.execute(row.returning(JOURNAL.c.id)).scalar_one()
        if mark:
            connection.execute(sa.insert(SPOOLS).prefix_with("OR REPLACE").values(asdict(mark)))
        return fresh, samples, journal_id

    def _seal(self, series: Sequence[int], boundary_ms: int) -> None:
        by_hour = self._head.before(series, boundary_ms, HOUR_MS)
        if by_hour:
            self._database.write(lambda connection: _write_blocks(connection, by_hour))
            self._head.drop_before(series, boundary_ms)


def _tier_for(connection: sa.Connection, start_ms: int, end_ms: int, buckets_max: int) -> Tier | None:
    """The finest form that reaches back to `start_ms` and fits into `buckets_max`; None for the samples themselves.

    Samples are folded to any step, so they fit if they can be read at once: a day.
    """
    span_ms = end_ms - start_ms
    hours = reading.stored_hours(connection, start_ms, end_ms)
    whole = reading.stored_periods(connection, tiers.FIVE_MINUTES, 0, end_ms)
    if span_ms <= RAW_GRAPH_MS and (not len(whole) or hours.start * HOUR_MS <= max(start_ms, whole.start * DAY_MS)):
        return None
    fits = span_ms <= buckets_max * tiers.FIVE_MINUTES.step_ms
    coarse = reading.stored_periods(connection, tiers.HOURS, 0, end_ms)
    reaches = len(whole) and whole.start * DAY_MS <= max(start_ms, coarse.start * tiers.HOURS.period_ms)
    return tiers.FIVE_MINUTES if fits and reaches else tiers.HOURS


def _write_blocks(connection: sa.Connection, by_hour: ByHour) -> None:
    for hour, by_series in by_hour.items():
        start_ms = hour * HOUR_MS
        query = sa.select(BLOCKS.c.series, BLOCKS.c.data).where(
            BLOCKS.c.hour == hour, BLOCKS.c.series.in_(list(by_series))
        )
        present = {id_: block.decode(data, start_ms=start_ms) for id_, data in connection.execute(query)}
        rows = []
        for id_, fresh in by_series.items():
            times, values = block.merge(present.get(id_, ([], [])), fresh)
            data = block.encode(times, values, start_ms=start_ms)
            rows.append({"hour": hour, "series": id_, "samples": len(times), "data": data})
        connection.execute(sa.insert(BLOCKS).prefix_with("OR REPLACE"), rows)
        days = [{"day": start_ms // DAY_MS, "series": id_} for id_ in by_series]
        connection.execute(sa.insert(UNROLLED).prefix_with("OR IGNORE"), days)
