"""Owns the order in which bytes and rows become durable; the only writer of the recording disks and of `video.db`.

    record:  row `growing` → O_EXCL → head → fsync folder → fragments, fdatasync each RPO → fdatasync → row
    hold:    file beside the recordings, on each disk → fsync → fsync folder → rows
    delete:  row → garbage row → unlink → fsync folder → forget the garbage row

So what is in the index exists with that size and hash, and what a crash leaves behind is listed in `growing` or
`garbage`. Blocking; safe from any thread, each `GrowingSegment` from one. Note: vms/design/0002-recording-store.md.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

import sqlalchemy as sa

from beket.kernel.database import Database
from beket.kernel.errors import BeketError, Busy, NoSpace, NotFound
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from beket.kernel.ports import GapInfo, GapReason, RunClocks, StreamFormat
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from vms.recordings import container, garbage_index, held, index, seal_index
from vms.recordings.disk import Disk, DiskFailure, GrowingFile
from vms.recordings.held import HeldSpan
from vms.recordings.hold_files import HoldFiles
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import NOWHERE, Announced, GrowingSegment, StoredSegment, key_of
from vms.recordings.shelf import Shelf, Volume

log = logging.getLogger(__name__)

# Two runs nearer than this follow each other: a change of parameter sets, not a gap.
JOINED_90K = TICKS_PER_S
GARBAGE_BATCH = 1000
R = TypeVar("R")


class Store:
    """Segments on their disks, and their index.

    Attributes:
        shelf: its disks.
    """

    def __init__(self, database: Database, *disks: Disk, origin: container.Origin, free_floor_bytes: int = 0) -> None:
        """Open the disks; one that is away is no obstacle while another is here.

        Raises:
            InvalidConfig, DiskFailure: none is a disk that the index was written with.
        """
        self.database = database
        self.shelf = Shelf(database, disks, community=origin.community, floor_bytes=free_floor_bytes)
        self.origin = origin
        self._hold_files = HoldFiles(self.shelf)
        # What failing disks keep of segments, to be cut when they serve again; till then `growing` has their rows.
        self._owed: dict[SegmentKey, StoredSegment] = {}
        self._owed_lock = threading.Lock()

    # Recording --------------------------------------------------------------------------------------------------------

    def announce(
        self,
        camera: CameraId,
        stream: StreamFormat,
        *,
        start_90k: int,
        unexplained: GapReason,
        clocks: RunClocks | None = None,
    ) -> Announced:
        """Expect the first segment of a new run.

        The gap that was going on ends here; a hole that nobody explained is put down as `unexplained`.
        """
        disk = self.shelf.place()[0].id

        def expect(connection: sa.Connection) -> Announced:
            announced = index.announce(connection, disk, camera, start_90k=start_90k)
            index.add_run(connection, camera, run=announced.run, start_90k=start_90k, stream=stream, clocks=clocks)
            self._end_gap(connection, camera, start_90k, unexplained)
            return announced

        return self.database.write(expect)

    def rotate(self, segment: GrowingSegment, *, start_90k: int) -> Announced:
        """Close a segment and expect the next one of its run, with one transaction for both."""
        stored = segment.seal()
        disk = self.shelf.place()[0].id

        def close_and_expect(connection: sa.Connection) -> Announced:
            self.add_recorded(connection, stored)
            return index.announce(connection, disk, stored.camera, start_90k=start_90k, run=stored.run)

        announced = self.database.write(close_and_expect)
        segment.file.close()
        return announced

    def open(self, announced: Announced, stream: StreamFormat) -> GrowingSegment:
        """Make the file of an announced segment, with its head, durable by name; on another disk if its own refuses.

        Raises:
            NoSpace, DiskFailure: nothing is recorded, what may lie on the disk is garbage, and a gap goes on.
        """
        head = container.head(self.origin, announced, stream)
        try:
            file, disk = self._create(announced.key, announced.disk, head)
        except BeketError:
            self.abandon_announced(announced, reason=GapReason.DISK)
            raise
        return GrowingSegment(replace(announced, disk=disk), stream, file, head)

    def finish(self, segment: GrowingSegment, *, reason: GapReason | None) -> StoredSegment | None:
        """Close the last segment of a run; None when it held no frame.

        A gap with `reason` starts at its end; without one the next run is to follow at once.
        """
        stored = segment.seal() if segment.duration_90k > 0 else None

        def close(connection: sa.Connection) -> None:
            if stored is not None:
                self.add_recorded(connection, stored)
            else:
                garbage_index.add(connection, [segment.announced.key])
            if reason is not None:
                gap = GapInfo(segment.camera, segment.end_90k, None, reason)
                index.put_gap(connection, gap, acknowledged=False)

        self.database.write(close)
        segment.file.close()
        return stored

    def abandon(self, segment: GrowingSegment, *, reason: GapReason) -> None:
        """Give up a segment whose disk failed: what a sync has vouched for stays, the gap covers the rest.

        A disk that cannot even cut the file keeps it until it serves again.
        """
        segment.file.close()
        durable = segment.durable()
        if durable is None:
            self.abandon_announced(segment.announced, reason=reason)
            return
        gap = GapInfo(segment.camera, durable.end_90k, None, reason)
        self.database.write(lambda connection: index.put_gap(connection, gap, acknowledged=False))
        with self._owed_lock:
            self._owed[segment.announced.key] = durable
            self._cut_owed(durable, is_newest=True)

    def keep_owed(self) -> None:
        """Index what failing disks have kept of segments, if they can be cut now."""
        with self._owed_lock:
            for durable in list(self._owed.values()):
                self._cut_owed(durable, is_newest=False)

    def note_failure(self, disk: int, error: BeketError) -> None:
        """A disk refused something: unless it is only full, new segments go elsewhere until it serves again."""
        if isinstance(error, DiskFailure):
            self.shelf.note_failure(disk)

    def abandon_announced(self, announced: Announced, *, reason: GapReason) -> None:
        """Give up a segment by its announcement alone; a gap goes on from its start, unless something is newer."""
        gap = GapInfo(announced.key.camera, announced.key.start_90k, None, reason)

        def give_up(connection: sa.Connection) -> None:
            garbage_index.add(connection, [announced.key])
            last_90k = index.last_end_90k(connection, gap.camera)
            if last_90k is not None and last_90k > gap.start_90k:
                return
            if not index.reopen_gap(connection, gap):
                index.put_gap(connection, gap, acknowledged=False)

        self.database.write(give_up)

    def note_gap(self, camera: CameraId, *, start_90k: int, reason: GapReason) -> None:
        """Put down why the camera records nothing from `start_90k` on; a gap of another reason ends there.

        After a restart, for example, a camera may prove to be away: the restart was over before.
        """

        def note(connection: sa.Connection) -> None:
            before = index.open_gap(connection, camera)
            if before is not None and (before.reason is reason or before.start_90k >= start_90k):
                return
            if before is not None:
                ended = GapInfo(camera, before.start_90k, start_90k, before.reason)
                index.put_gap(connection, ended, acknowledged=False)
            index.put_gap(connection, GapInfo(camera, start_90k, None, reason), acknowledged=False)

        self.database.write(note)

    def add_recorded(self, connection: sa.Connection, stored: StoredSegment, *, is_newest: bool = True) -> None:
        """Index a segment that was recorded here; it is to travel, and to be signed."""
        index.add_segment(connection, stored, acknowledged=False, is_newest=is_newest)
        seal_index.await_seal(connection, stored)

    def explain_open_gaps(self, *, before: GapReason, after: GapReason) -> int:
        """Now that the reason is known, let the gaps that go on for `before` have it; how many."""
        return self.database.write(lambda c: index.explain_open_gaps(c, before=before, after=after))

    # Receiving --------------------------------------------------------------------------------------------------------

    def expect(self, segment: StoredSegment) -> GrowingFile:
        """Announce a segment recorded elsewhere and make its empty file.

        Raises:
            Busy: an older file of this name is still to be removed; later it will work.
        """
        key = key_of(segment)
        order = [volume.id for volume in self.shelf.place()]

        def announce(connection: sa.Connection) -> int:
            taken = garbage_index.disks_with(connection, key)
            disk = next((disk for disk in order if disk not in taken), None)
            if disk is None:
                raise Busy(say("Старий файл ще стирається.", "An old file is still being removed."), subject=key.camera)
            index.announce_incoming(connection, disk, segment)
            return disk

        return self._create(key, self.database.write(announce))[0]

    def resume(self, key: SegmentKey) -> GrowingFile:
        """Open what has arrived of a segment so far; a crash may have left the announcement alone."""
        with self.database.read() as connection:
            disk = index.growing_disk(connection, key) or NOWHERE
        try:
            return self.shelf.volume(disk).disk.reopen(key.file_name)
        except NotFound:
            return self._create(key, disk)[0]

    def forget_arrival(self, key: SegmentKey) -> None:
        """Throw away what has arrived of a segment, so that it can be sent from its start."""
        self.database.write(lambda c: garbage_index.add(c, [key]))
        self.collect_garbage()

    def admit(self, segment: StoredSegment, file: GrowingFile, stream: StreamFormat | None) -> None:
        """Index a segment whose bytes have all arrived and have the right hash."""
        file.sync_data()

        def add(connection: sa.Connection) -> None:
            disk = index.growing_disk(connection, key_of(segment))
            assert disk is not None  # announced, and nobody else ends an arrival
            index.add_segment(connection, replace(segment, disk=disk), acknowledged=True)
            if stream is not None:
                start_90k = segment.start_90k
                index.add_run(connection, segment.camera, run=segment.run, start_90k=start_90k, stream=stream)

        self.database.write(add)

    # Reading ----------------------------------------------------------------------------------------------------------

    def find(self, key: SegmentKey) -> StoredSegment | None:
        """The closed segment with this key."""
        with self.database.read() as connection:
            return index.segment(connection, key)

    def disk_of(self, segment: StoredSegment) -> Disk:
        """The disk that the segment lies on.

        Raises:
            DiskAway: it is not here.
        """
        return self.shelf.volume(segment.disk).disk

    def read(self, segment: StoredSegment, offset_bytes: int, max_bytes: int) -> bytes:
        """Bytes of a segment's file.

        Raises:
            NotFound: the file is gone.
            DiskFailure: the disk does not give it, or is away.
        """
        return self.disk_of(segment).read(key_of(segment).file_name, offset_bytes, max_bytes)

    # Holding ----------------------------------------------------------------------------------------------------------

    def hold_exactly(self, spans: Sequence[HeldSpan]) -> None:
        """Let nothing of these spans be deleted, durably, and let go whatever else was held."""

        def put(connection: sa.Connection) -> None:
            cameras = {span.camera: index.camera_row(connection, span.camera) for span in spans}
            held.replace(connection, spans, cameras)

        self.change_holds(put)

    def change_holds(self, change: Callable[[sa.Connection], R]) -> R:
        """Make a change of what is held durable beside the recordings, on all disks that serve, and in the index."""

        def with_files(connection: sa.Connection) -> R:
            result = change(connection)
            self._hold_files.note(connection)
            return result

        result = self.database.write(with_files)
        self.settle_holds()
        return result

    def settle_holds(self) -> None:
        """Give disks what they lack of the holds: one that was away, or refused, or all of them after an upgrade."""
        if self._hold_files.is_settled():
            return
        self.database.write(self._hold_files.settle)

    # Deleting ---------------------------------------------------------------------------------------------------------

    def discard(self, keys: Sequence[SegmentKey]) -> None:
        """Take segments out of the index for good; `collect_garbage` removes their files."""

        def move(connection: sa.Connection) -> None:
            garbage_index.add(connection, keys)
            seal_index.note_removed(connection, keys)

        self.database.write(move)

    def collect_garbage(self) -> tuple[int, int]:
        """Remove the files of what is no longer a recording; return (removed, failed).

        A file that cannot be removed stays on the list and is tried again the next time; one on a disk that is away
        waits for it.
        """
        with self.database.read() as connection:
            files = garbage_index.files(connection, [volume.id for volume in self.shelf.volumes], GARBAGE_BATCH)
        removed = 0
        for volume in self.shelf.volumes:
            keys = [key for disk, key in files if disk == volume.id]
            removed += self._collect(volume, keys) if keys else 0
        return removed, len(files) - removed

    # Parts ------------------------------------------------------------------------------------------------------------

    def _create(self, key: SegmentKey, disk: int, head: bytes = b"") -> tuple[GrowingFile, int]:
        """Make the file on its announced disk or, when that refuses, on the next best; return the disk's number too."""
        try:
            return self.shelf.volume(disk).create(key, head), disk
        except (NoSpace, DiskFailure) as error:
            refusal = error
            self.note_failure(disk, error)
        for volume in self.shelf.place():
            if volume.id != disk:
                self.database.write(partial(garbage_index.move_growing, key=key, disk=volume.id))
                try:
                    return volume.create(key, head), volume.id
                except (NoSpace, DiskFailure) as error:
                    self.note_failure(volume.id, error)
        raise refusal

    def _cut_owed(self, durable: StoredSegment, *, is_newest: bool) -> None:
        key = key_of(durable)
        try:
            file = self.disk_of(durable).reopen(key.file_name)
            try:
                file.truncate(durable.size_bytes)
                file.sync()
            finally:
                file.close()
        except BeketError as error:
            log.log(
                level_number(error.handling.log_level), "%s stays to be cut: %s", key.file_name, error.sentence().en
            )
            return
        self.database.write(lambda c: self.add_recorded(c, durable, is_newest=is_newest))
        del self._owed[key]

    def _collect(self, volume: Volume, keys: Sequence[SegmentKey]) -> int:
        gone = [key for key in keys if _unlink(volume, key)]
        durable: set[str] = set()
        for folder in {key.folder for key in gone}:
            try:
                # A whole camera's folder may be absent already: then so are its names.
                with contextlib.suppress(NotFound):
                    volume.disk.sync_folder(folder)
                durable.add(folder)
            except DiskFailure as error:
                log.log(level_number(error.handling.log_level), "%s", error.sentence().en)
        forgotten = [key for key in gone if key.folder in durable]
        if forgotten:
            self.database.write(lambda c: garbage_index.forget(c, volume.id, forgotten))
        volume.remove_empty(durable)
        return len(forgotten)

    def _end_gap(self, connection: sa.Connection, camera: CameraId, start_90k: int, unexplained: GapReason) -> None:
        gap = index.open_gap(connection, camera)
        last_90k = index.last_end_90k(connection, camera)
        if gap is None and last_90k is not None and start_90k - last_90k > JOINED_90K:
            gap = GapInfo(camera, last_90k, None, unexplained)
        if gap is not None:
            # A clock that was set back would end a gap before it began; then it has no length.
            ended = GapInfo(camera, gap.start_90k, max(gap.start_90k, start_90k), gap.reason)
            index.put_gap(connection, ended, acknowledged=False)


def _unlink(volume: Volume, key: SegmentKey) -> bool:
    try:
        volume.disk.unlink(key.file_name)
    except DiskFailure as error:
        log.log(level_number(error.handling.log_level), "%s", error.sentence().en)
        return False
    return True


def missing_file(key: SegmentKey) -> NotFound:
    """The error for a segment that is not here."""
    return NotFound(say("Такого фрагмента запису тут немає.", "There is no such segment here."), subject=key.file_name)
