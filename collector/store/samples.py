"""Owns the embedded store of samples: what came in the last hour or two in memory and in a journal, the rest in blocks.

`put` is one durable row however many samples it brings. `maintain` seals hours that are over into one block per series
and forgets what is older than the retention. A late sample (a village's backlog after an outage) goes the same way and
is merged into its block. Blocking; safe from any thread. Note: collector/design/0017-samples.md.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.metrics import Labels, Point
from collector.store import block, journal
from collector.store.head import ByHour, Head
from collector.store.series import SeriesBook, SeriesKey
from collector.store.tables import BLOCKS, JOURNAL, SPOOLS

SAMPLES_MIGRATIONS = Path(__file__).parent.parent / "migrations_samples"
NS_PER_MS = NS_PER_S // 1000
HOUR_MS = 3_600_000
# An hour is sealed this long after its end, when its last samples have come in the usual case.
SEAL_AFTER_MS = 600_000
# Series sealed in one transaction, or read in one query: others wait no longer than that.
SERIES_AT_ONCE = 500


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
        self._head = Head()
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
            found = self._head.latest(since_ns // NS_PER_MS)
            return [Point(*self._book.key(id_), time_ms * NS_PER_MS, value) for id_, time_ms, value in found]

    def query(
        self, name: str, labels: Mapping[str, str] | None = None, *, start_ns: int, end_ns: int
    ) -> list[SeriesSamples]:
        """Samples from `start_ns` up to, not including, `end_ns` of each series called `name` that carries `labels`."""
        start_ms, end_ms = start_ns // NS_PER_MS, end_ns // NS_PER_MS
        with self._lock:
            keys = {id_: self._book.key(id_) for id_ in self._book.find(name, labels or {})}
            fresh = {id_: self._head.samples(id_) for id_ in keys}
        # Read after the head: what is sealed in between is then in both, and merging makes it one.
        stored = self._read_blocks(list(keys), start_ms, end_ms)
        found = []
        for id_, key in keys.items():
            times, values = block.merge(stored.get(id_, ([], [])), fresh[id_])
            inside = [i for i, time_ms in enumerate(times) if start_ms <= time_ms < end_ms]
            if inside:
                found.append(SeriesSamples(*key, [times[i] for i in inside], [values[i] for i in inside]))
        return found

    def maintain(self, wall_ns: int, *, retention_s: float) -> None:
        """Seal the hours that are over and forget samples older than `retention_s`; call it every few minutes."""
        now_ms = wall_ns // NS_PER_MS
        boundary_ms = (now_ms - SEAL_AFTER_MS) // HOUR_MS * HOUR_MS
        with self._lock:
            series, journal_id = self._head.series(), self._journal_id
        for start in range(0, len(series), SERIES_AT_ONCE):
            with self._lock:
                self._seal(series[start : start + SERIES_AT_ONCE], boundary_ms)
        oldest_hour = (now_ms - round(retention_s * 1000)) // HOUR_MS

        def forget(connection: sa.Connection) -> None:
            # Up to the last row that was in memory when sealing began: a newer one may hold late samples.
            sealed = (JOURNAL.c.id <= journal_id) & (JOURNAL.c.newest_ms < boundary_ms)
            connection.execute(sa.delete(JOURNAL).where(sealed))
            connection.execute(sa.delete(BLOCKS).where(BLOCKS.c.hour < oldest_hour))

        self._database.write(forget)

    def sealed_size(self) -> tuple[int, int]:
        """Samples in blocks, and the bytes that these blocks take."""
        with self._database.read() as connection:
            query = sa.select(sa.func.sum(BLOCKS.c.samples), sa.func.sum(sa.func.length(BLOCKS.c.data)))
            samples, size_bytes = connection.execute(query).one()
        return samples or 0, size_bytes or 0

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

    def _read_blocks(self, series: Sequence[int], start_ms: int, end_ms: int) -> dict[int, block.Samples]:
        found: dict[int, block.Samples] = {}
        with self._database.read() as connection:
            oldest, newest = connection.execute(sa.select(sa.func.min(BLOCKS.c.hour), sa.func.max(BLOCKS.c.hour))).one()
            if oldest is None:
                return found
            # Named hours, not a range of them: the key is (hour, series), and each pair is one look-up.
            hours = range(max(oldest, start_ms // HOUR_MS), min(newest, (end_ms - 1) // HOUR_MS) + 1)
            for start in range(0, len(series), SERIES_AT_ONCE):
                part = series[start : start + SERIES_AT_ONCE]
                query = sa.select(BLOCKS).where(BLOCKS.c.hour.in_(hours), BLOCKS.c.series.in_(part))
                for hour, id_, _, data in connection.execute(query.order_by(BLOCKS.c.hour)):
                    times, values = block.decode(data, start_ms=hour * HOUR_MS)
                    columns = found.setdefault(id_, ([], []))
                    columns[0].extend(times)
                    columns[1].extend(values)
        return found


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
