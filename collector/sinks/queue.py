"""Owns the queue of samples between the centre's door and an engine outside; not how they are sent.

A put is one durable row of line protocol, sent in order of arrival and then forgotten; so a village's backlog, days old
when it comes, travels like any other sample, and an outage of the engine is made good after it. Past its cap the queue
drops its oldest rows, and counts every sample of them. Blocking; safe from any thread.
Note: collector/design/0013-samples-out.md.
"""

import logging
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Point
from collector.sinks import line_protocol, metrics
from collector.sinks.line_protocol import NS_PER_MS
from collector.sinks.tables import QUEUE

log = logging.getLogger(__name__)

SINKS_MIGRATIONS = Path(__file__).parent.parent / "migrations_sinks"
ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Parcel:
    """The oldest samples of the queue.

    Attributes:
        through: id of its last row, for `SampleQueue.done`.
        spoiled: samples of rows that the disk did not give back; they are not among the lines.
        lines: line protocol, one sample a line, times in milliseconds.
    """

    through: int
    samples: int
    spoiled: int
    lines: bytes


class SampleQueue:
    """Samples that wait; a `kernel.ports.PointSink` whose troubles are its own."""

    def __init__(
        self, path: Path, *, community: CommunityId, cap_bytes: int, clock: Clock, instruments: Instruments
    ) -> None:
        """Open the queue with what was not sent before.

        Raises:
            DataLoss, InvalidConfig: see `kernel.database.Database`.
        """
        self._database = Database(path, migrations=SINKS_MIGRATIONS)
        self._community = community
        self._cap_bytes = cap_bytes
        self._clock = clock
        self._instruments = instruments
        self._lock = threading.Lock()
        self._taken = 0
        with self._database.read() as connection:
            self._size_bytes = connection.scalar(sa.select(sa.func.sum(QUEUE.c.size_bytes))) or 0

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def put(self, points: Sequence[Point]) -> None:
        """Queue the samples, durably. Never raises: samples that the disk does not take are counted as dropped.

        The embedded store is the master copy; a sink in trouble must not keep samples out of that.
        """
        lines = line_protocol.spell(points, self._community)
        if not lines:
            return
        data = zlib.compress("\n".join(lines).encode(), 1)
        row = {
            "arrived_ms": self._clock.wall_ns() // NS_PER_MS,
            "samples": len(lines),
            "size_bytes": len(data),
            "data": data,
        }
        with self._lock:
            excess_bytes = self._size_bytes + len(data) - self._cap_bytes
            try:
                dropped, freed_bytes = self._database.write(lambda c: _append(c, row, excess_bytes, self._taken))
            except BeketError as error:
                log.warning("%d samples will not reach the engine: %s", len(lines), error.sentence().en)
                self._instruments.add(metrics.DROPPED, len(lines), reason="disk")
                return
            self._size_bytes += len(data) - freed_bytes
        if dropped:
            self._instruments.add(metrics.DROPPED, dropped, reason="full")

    def oldest(self, max_samples: int) -> Parcel | None:
        """Up to `max_samples`, but one row at least; None when nothing waits. They stay until `done`."""
        query = sa.select(QUEUE.c.id, QUEUE.c.samples, QUEUE.c.data).order_by(QUEUE.c.id).limit(ROWS_AT_ONCE)
        parts: list[bytes] = []
        through = samples = spoiled = 0
        with self._lock, self._database.read() as connection:
            for id_, row_samples, data in connection.execute(query):
                if through and samples + row_samples > max_samples:
                    break
                through = id_
                try:
                    parts.append(zlib.decompress(data))
                    samples += row_samples
                except zlib.error:
                    spoiled += row_samples
            self._taken = through
        return Parcel(through, samples, spoiled, b"\n".join(parts)) if through else None

    def done(self, parcel: Parcel) -> None:
        """Forget a parcel: the engine holds it, or never will."""
        with self._lock:
            freed_bytes = self._database.write(lambda connection: _forget(connection, parcel.through))
            self._size_bytes -= freed_bytes
            self._taken = 0
        if parcel.spoiled:
            self._instruments.add(metrics.DROPPED, parcel.spoiled, reason="disk")

    def measure(self) -> None:
        """Bring the queue's own numbers up to date."""
        with self._lock, self._database.read() as connection:
            oldest_ms = connection.scalar(sa.select(QUEUE.c.arrived_ms).order_by(QUEUE.c.id).limit(1))
            size_bytes = self._size_bytes
        now_ms = self._clock.wall_ns() // NS_PER_MS
        lag_s = 0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000
        self._instruments.set(metrics.LAG, lag_s)
        self._instruments.set(metrics.WAITING, size_bytes)


def _append(connection: sa.Connection, row: dict[str, object], excess_bytes: int, taken: int) -> tuple[int, int]:
    """Write a row and make room for it; what is on its way to the engine just now stays. Samples and bytes dropped."""
    connection.execute(sa.insert(QUEUE), row)
    dropped = freed_bytes = last = 0
    if excess_bytes > 0:
        query = sa.select(QUEUE.c.id, QUEUE.c.samples, QUEUE.c.size_bytes).where(QUEUE.c.id > taken)
        for id_, samples, size_bytes in connection.execute(query.order_by(QUEUE.c.id)):
            last, dropped, freed_bytes = id_, dropped + samples, freed_bytes + size_bytes
            if freed_bytes >= excess_bytes:
                break
        connection.execute(sa.delete(QUEUE).where(QUEUE.c.id > taken, QUEUE.c.id <= last))
    return dropped, freed_bytes


def _forget(connection: sa.Connection, through: int) -> int:
    sent = QUEUE.c.id <= through
    freed_bytes = connection.scalar(sa.select(sa.func.sum(QUEUE.c.size_bytes)).where(sent)) or 0
    connection.execute(sa.delete(QUEUE).where(sent))
    return freed_bytes
