"""Owns the agent's durable queue of points: what was put survives a crash until the centre has it.

Blocking; safe from any thread. Batches are numbered without end; a restart may send up to one segment again, which the
centre ignores, so no cursor needs to be kept. When the byte cap is reached the oldest points go first, and are counted.
Note: agents/design/0016-spool.md.
"""

import errno
import logging
import os
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.spool import metrics, segments
from agents.spool.messages import series_of
from agents.spool.segments import Record, Segment
from beket.kernel.errors import DataLoss, NoSpace
from beket.kernel.ids import SiteId, new_uuid
from beket.kernel.metrics import Instruments, Point
from beket.kernel.text import say
from beket.kernel.units import KIB

log = logging.getLogger(__name__)

SEGMENT_BYTES = 256 * KIB
# Keeps a batch well under the longest message that the centre reads.
BATCH_POINTS_MAX = segments.POINTS_MAX
ID_FILE = "id"


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """A batch that waits; `series` is the JSON list of `messages.Series`."""

    sequence: int
    series: bytes


class Spool:
    """A queue in one folder; a `kernel.ports.PointSink`."""

    def __init__(
        self,
        folder: Path,
        *,
        site: SiteId,
        cap_bytes: int,
        instruments: Instruments,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Open the queue, repairing what a crash left; one process at a time.

        Raises:
            NoSpace: the folder cannot be written.
        """
        self._folder = folder
        self._site = site
        self._cap_bytes = cap_bytes
        self._segment_bytes = segment_bytes
        self._instruments = instruments
        self._lock = threading.Lock()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.id = self._load_id()
        self._segments = [self._opened(path) for path in segments.list_segments(folder)]
        self._next_sequence = self._sequence_after_all()
        self._forgotten_through = -1
        self._must_roll = False
        # Never append behind a torn frame: a fresh segment costs nothing.
        self._start_segment()
        self._note_size()

    def put(self, points: Sequence[Point]) -> None:
        """See `PointSink.put`.

        Raises:
            NoSpace: the disk is full.
            DataLoss: the disk failed.
            Either way points from the first that was not stored on are not; putting all again does no harm.
        """
        for start in range(0, len(points), BATCH_POINTS_MAX):
            part = points[start : start + BATCH_POINTS_MAX]
            payload = zlib.compress(msgspec.json.encode(series_of(part)), 1)
            with self._lock:
                self._append(len(part), payload)

    def take(self, max_bytes: int) -> list[StoredBatch]:
        """The oldest batches, in order, up to `max_bytes` of JSON but at least one; [] when nothing waits.

        They stay until `forget`. A batch that the disk spoiled is dropped and counted.
        """
        with self._lock:
            found: list[StoredBatch] = []
            total_bytes = 0
            spoiled: list[tuple[Segment, Record]] = []
            for segment, record in self._waiting():
                try:
                    series = zlib.decompress(segments.read(segment, record))
                except (OSError, zlib.error):
                    spoiled.append((segment, record))
                    continue
                total_bytes += len(series)
                if found and total_bytes > max_bytes:
                    break
                found.append(StoredBatch(record.sequence, series))
            for segment, record in spoiled:
                segment.records.remove(record)
                self._count_dropped(record.points)
            return found

    def forget(self, through: int) -> None:
        """Let go of the batches up to and including `through`; the centre has them."""
        with self._lock:
            self._forgotten_through = max(self._forgotten_through, min(through, self._next_sequence - 1))
            if self._segments[-1].records and self._is_done(self._segments[-1]):
                self._start_segment()
            while len(self._segments) > 1 and self._is_done(self._segments[0]):
                self._segments.pop(0).path.unlink(missing_ok=True)
            self._note_size()

    def pending(self) -> int:
        """How many points wait."""
        with self._lock:
            return sum(record.points for _, record in self._waiting())

    def _append(self, points: int, payload: bytes) -> None:
        if self._must_roll or self._segments[-1].end_bytes >= self._segment_bytes:
            self._start_segment()
        self._make_room(segments.FRAME_BYTES + len(payload))
        sequence = self._next_sequence
        self._next_sequence += 1
        try:
            segments.append(self._segments[-1], sequence, points, payload)
        except OSError as error:
            # After a failed fsync nobody knows what is on disk: never write to that file again.
            self._must_roll = True
            raise _ours(error, self._folder) from error
        self._note_size()

    def _waiting(self) -> Iterator[tuple[Segment, Record]]:
        for segment in self._segments:
            for record in segment.records:
                if record.sequence > self._forgotten_through:
                    yield segment, record

    def _is_done(self, segment: Segment) -> bool:
        return not segment.records or segment.records[-1].sequence <= self._forgotten_through

    def _make_room(self, more_bytes: int) -> None:
        """Drop the oldest segments until `more_bytes` fit under the cap; the active one always stays."""
        while len(self._segments) > 1 and self._size_bytes() + more_bytes > self._cap_bytes:
            oldest = self._segments.pop(0)
            oldest.path.unlink(missing_ok=True)
            lost = sum(record.points for record in oldest.records if record.sequence > self._forgotten_through)
            self._count_dropped(lost)

    def _count_dropped(self, points: int) -> None:
        if points:
            self._instruments.add(metrics.SPOOL_DROPPED, points, site=self._site)
            log.warning("spool %s: dropped %d points", self._folder, points)

    def _size_bytes(self) -> int:
        return sum(segment.end_bytes for segment in self._segments)

    def _note_size(self) -> None:
        self._instruments.set(metrics.SPOOL_SIZE, self._size_bytes(), site=self._site)

    def _start_segment(self) -> None:
        try:
            fresh = segments.create(self._folder, self._next_sequence)
        except OSError as error:
            raise _ours(error, self._folder) from error
        self._must_roll = False
        # The new name is durable before an old one goes: the names carry the sequence over a restart.
        for empty in [segment for segment in self._segments if not segment.records]:
            self._segments.remove(empty)
            empty.path.unlink(missing_ok=True)
        self._segments.append(fresh)

    def _opened(self, path: Path) -> Segment:
        """A segment of an earlier run; what the disk spoiled in it is counted, once."""
        segment = segments.scan(path)
        if not segment.lost_points:
            return segment
        self._count_dropped(segment.lost_points)
        try:
            return segments.mend(segment)
        except OSError as error:
            log.warning("%s: damaged, and cannot be written anew: %s", path, error)
            return segment

    def _sequence_after_all(self) -> int:
        named = [segments.first_sequence_of(segment.path) for segment in self._segments]
        stored = [segment.records[-1].sequence + 1 for segment in self._segments if segment.records]
        # One number is skipped: a torn record may have used it.
        return max([0, *named, *stored]) + 1

    def _load_id(self) -> str:
        path = self._folder / ID_FILE
        if not path.exists():
            # Renamed into place, so that a crash leaves no half id that would hide batches from the centre.
            draft = path.with_suffix(".new")
            with draft.open("w") as file:
                file.write(new_uuid())
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
            segments.sync_folder(self._folder)
        return path.read_text().strip()


def _ours(error: OSError, folder: Path) -> NoSpace | DataLoss:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(
            say("На диску немає місця для вимірів.", "No disk space left for measurements."),
            subject=str(folder),
            hint=say("Звільніть місце на цьому диску.", "Free some space on that disk."),
        )
    return DataLoss(
        say("Диск не записує виміри: {why}.", "The disk does not store measurements: {why}.", why=error.strerror),
        subject=str(folder),
        hint=say("Перевірте диск.", "Check the disk."),
    )
