"""Owns the queue of samples between the centre's door and an engine outside; not how they are sent.

A put is one durable row of line protocol, sent in order of arrival and then forgotten; so a village's backlog, days old
when it comes, travels like any other sample, and an outage of the engine is made good after it. Past its cap the queue
drops its oldest rows, and counts every sample of them; the count and the times of what is missing outlive a restart.
Blocking; safe from any thread.
Note: collector/design/0013-samples-out.md.
"""

import logging
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Instruments, Point
from collector.sinks import line_protocol, metrics
from collector.sinks.line_protocol import NS_PER_MS
from collector.sinks.tables import LOST, QUEUE

log = logging.getLogger(__name__)

SINKS_MIGRATIONS = Path(__file__).parent.parent / "migrations_sinks"
ROWS_AT_ONCE = 1000
DAY_MS = 86_400_000
# What is missing at the engine is shown for so long.
HOLES_SHOWN_DAYS = 30


@dataclass(frozen=True, slots=True)
class Parcel:
    """The oldest samples of the queue.

    Attributes:
        through: id of its last row, for `SampleQueue.done`.
        spoiled: samples of rows that the disk did not give back; they are not among the lines.
        lines: line protocol, one sample a line, times in milliseconds.
        oldest_ms, newest_ms: of which times its samples are.
    """

    through: int
    samples: int
    spoiled: int
    lines: bytes
    oldest_ms: int
    newest_ms: int


@dataclass(frozen=True, slots=True)
class Hole:
    """Samples that the engine will never get, lost on one day for one reason; and of which times they are."""

    reason: str
    samples: int
    oldest_ms: int
    newest_ms: int


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
            lost = connection.execute(sa.select(LOST.c.reason, sa.func.sum(LOST.c.samples)).group_by(LOST.c.reason))
            self._lost = {reason: int(samples) for reason, samples in lost}
        for reason, samples in self._lost.items():
            instruments.set(metrics.DROPPED, samples, reason=reason)

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
            "oldest_ms": min(point.wall_ns for point in points) // NS_PER_MS,
            "newest_ms": max(point.wall_ns for point in points) // NS_PER_MS,
        }
        with self._lock:
            excess_bytes = self._size_bytes + len(data) - self._cap_bytes
            try:
                dropped, freed_bytes = self._database.write(lambda c: _append(c, row, excess_bytes, self._taken))
            except BeketError as error:
                log.warning("%d samples will not reach the engine: %s", len(lines), error.sentence().en)
                self._count("disk", len(lines))
                return
            self._size_bytes += len(data) - freed_bytes
            self._count("full", dropped)

    def oldest(self, max_samples: int) -> Parcel | None:
        """Up to `max_samples`, but one row at least; None when nothing waits. They stay until `done`."""
        columns = (QUEUE.c.id, QUEUE.c.samples, QUEUE.c.data, QUEUE.c.oldest_ms, QUEUE.c.newest_ms)
        query = sa.select(*columns).order_by(QUEUE.c.id).limit(ROWS_AT_ONCE)
        parts: list[bytes] = []
        times_ms: list[int] = []
        through = samples = spoiled = 0
        with self._lock, self._database.read() as connection:
            for id_, row_samples, data, *ends in connection.execute(query):
                if through and samples + row_samples > max_samples:
                    break
                through = id_
                times_ms += ends
                try:
                    parts.append(zlib.decompress(data))
                    samples += row_samples
                except zlib.error:
                    spoiled += row_samples
            self._taken = through
        if not through:
            return None
        return Parcel(through, samples, spoiled, b"\n".join(parts), min(times_ms), max(times_ms))

    def done(self, parcel: Parcel, *, refused: int = 0) -> None:
        """Forget a parcel: the engine holds it, but for the `refused` samples that it never will."""
        lost = [Hole("disk", parcel.spoiled, parcel.oldest_ms, parcel.newest_ms)] if parcel.spoiled else []
        if refused:
            lost.append(Hole("refused", refused, parcel.oldest_ms, parcel.newest_ms))
        today = self._clock.wall_ns() // NS_PER_MS // DAY_MS
        with self._lock:
            freed_bytes = self._database.write(lambda connection: _forget(connection, parcel.through, today, lost))
            self._size_bytes -= freed_bytes
            self._taken = 0
            for hole in lost:
                self._count(hole.reason, hole.samples)

    def holes(self) -> list[Hole]:
        """What the engine misses, of all that was lost and written down, oldest first."""
        columns = (LOST.c.reason, LOST.c.samples, LOST.c.oldest_ms, LOST.c.newest_ms)
        with self._database.read() as connection:
            return [Hole(*row) for row in connection.execute(sa.select(*columns).order_by(LOST.c.oldest_ms))]

    def measure(self) -> None:
        """Bring the queue's own numbers up to date."""
        now_ms = self._clock.wall_ns() // NS_PER_MS
        recent = LOST.c.day >= now_ms // DAY_MS - HOLES_SHOWN_DAYS
        with self._lock, self._database.read() as connection:
            oldest_ms = connection.scalar(sa.select(QUEUE.c.arrived_ms).order_by(QUEUE.c.id).limit(1))
            size_bytes = self._size_bytes
            since_ms = connection.scalar(sa.select(sa.func.min(LOST.c.oldest_ms)).where(recent))
            until_ms = connection.scalar(sa.select(sa.func.max(LOST.c.newest_ms)).where(recent))
        if since_ms is not None and until_ms is not None:
            self._instruments.set(metrics.HOLE_SINCE, since_ms / 1000)
            self._instruments.set(metrics.HOLE_UNTIL, until_ms / 1000)
        lag_s = 0.0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000
        self._instruments.set(metrics.LAG, lag_s)
        self._instruments.set(metrics.WAITING, size_bytes)

    def _count(self, reason: str, samples: int) -> None:
        if samples:
            self._lost[reason] = self._lost.get(reason, 0) + samples
            self._instruments.set(metrics.DROPPED, self._lost[reason], reason=reason)


def _append(connection: sa.Connection, row: dict[str, Any], excess_bytes: int, taken: int) -> tuple[int, int]:
    """Write a row and make room for it; what is on its way to the engine just now stays. Samples and bytes dropped."""
    connection.execute(sa.insert(QUEUE), row)
    dropped = freed_bytes = last = 0
    if excess_bytes > 0:
        columns = (QUEUE.c.id, QUEUE.c.samples, QUEUE.c.size_bytes, QUEUE.c.oldest_ms, QUEUE.c.newest_ms)
        times_ms: list[int] = []
        for id_, samples, size_bytes, *ends in connection.execute(
            sa.select(*columns).where(QUEUE.c.id > taken).order_by(QUEUE.c.id)
        ):
            last, dropped, freed_bytes = id_, dropped + samples, freed_bytes + size_bytes
            times_ms += ends
            if freed_bytes >= excess_bytes:
                break
        connection.execute(sa.delete(QUEUE).where(QUEUE.c.id > taken, QUEUE.c.id <= last))
        _write_down(connection, row["arrived_ms"] // DAY_MS, Hole("full", dropped, min(times_ms), max(times_ms)))
    return dropped, freed_bytes


def _write_down(connection: sa.Connection, day: int, hole: Hole) -> None:
    this = (LOST.c.day == day) & (LOST.c.reason == hole.reason)
    before = connection.execute(sa.select(LOST.c.samples, LOST.c.oldest_ms, LOST.c.newest_ms).where(this)).first()
    samples, oldest_ms, newest_ms = before or (0, hole.oldest_ms, hole.newest_ms)
    row = {
        "day": day,
        "reason": hole.reason,
        "samples": samples + hole.samples,
        "oldest_ms": min(oldest_ms, hole.oldest_ms),
        "newest_ms": max(newest_ms, hole.newest_ms),
    }
    connection.execute(sa.insert(LOST).prefix_with("OR REPLACE").values(row))


def _forget(connection: sa.Connection, through: int, today: int, lost: Sequence[Hole]) -> int:
    sent = QUEUE.c.id <= through
    freed_bytes = connection.scalar(sa.select(sa.func.sum(QUEUE.c.size_bytes)).where(sent)) or 0
    connection.execute(sa.delete(QUEUE).where(sent))
    for hole in lost:
        _write_down(connection, today, hole)
    return freed_bytes
