"""Owns the order in which bytes and rows become durable; the only writer of a recording disk and of `video.db`.

    record:  row `growing` → O_EXCL → head → fsync folder → fragments, fdatasync each RPO → fdatasync → row
    delete:  row → garbage row → unlink → fsync folder → forget the garbage row

So what is in the index exists with that size and hash, and what a crash leaves behind is listed in `growing` or
`garbage`. Blocking; safe from any thread, each `GrowingSegment` from one. Note: vms/design/0002-recording-store.md.
"""

import contextlib
import logging
import threading
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from beket.kernel.database import Database
from beket.kernel.errors import BeketError, Busy, NotFound
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from beket.kernel.ports import GapInfo, GapReason, StreamFormat
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from vms.recordings import container, held, index, seal_index
from vms.recordings.disk import Disk, DiskFailure, GrowingFile, prove_identity
from vms.recordings.held import HeldSpan
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import Announced, GrowingSegment, StoredSegment, key_of

log = logging.getLogger(__name__)

# Two runs nearer than this follow each other: a change of parameter sets, not a gap.
JOINED_90K = TICKS_PER_S
GARBAGE_BATCH = 1000


class Store:
    """Segments on one disk and their index."""

    def __init__(self, database: Database, disk: Disk, *, origin: container.Origin) -> None:
        """Open the disk.

        Raises:
            InvalidConfig: it is not the disk that the index was written with.
        """
        self.database = database
        self.disk = disk
        self.origin = origin
        self._folders: set[str] = set()
        self._folders_lock = threading.Lock()
        with database.read() as connection:
            known = index.known_disk(connection)
        uuid = prove_identity(disk, origin.community, known_uuid=known[1] if known else None)
        self.disk_id = known[0] if known else database.write(lambda c: index.add_disk(c, uuid))

    # Recording --------------------------------------------------------------------------------------------------------

    def announce(self, camera: CameraId, stream: StreamFormat, *, start_90k: int, unexplained: GapReason) -> Announced:
        """Expect the first segment of a new run.

        The gap that was going on ends here; a hole that nobody explained is put down as `unexplained`.
        """

        def expect(connection: sa.Connection) -> Announced:
            announced = index.announce(connection, self.disk_id, camera, start_90k=start_90k)
            index.add_run(connection, camera, run=announced.run, start_90k=start_90k, stream=stream)
            self._end_gap(connection, camera, start_90k, unexplained)
            return announced

        return self.database.write(expect)

    def rotate(self, segment: GrowingSegment, *, start_90k: int) -> Announced:
        """Close a segment and expect the next one of its run, with one transaction for both."""
        stored = segment.seal()

        def close_and_expect(connection: sa.Connection) -> Announced:
            self.add_recorded(connection, stored)
            return index.announce(connection, self.disk_id, stored.camera, start_90k=start_90k, run=stored.run)

        announced = self.database.write(close_and_expect)
        segment.file.close()
        return announced

    def open(self, announced: Announced, stream: StreamFormat) -> GrowingSegment:
        """Make the file of an announced segment, with its head, durable by name.

        Raises:
            NoSpace, DiskFailure: nothing is recorded, what may lie on the disk is garbage, and a gap goes on.
        """
        head = container.head(self.origin, announced, stream)
        try:
            file = self._create_file(announced.key, head)
        except BeketError:
            self.abandon_announced(announced, reason=GapReason.DISK)
            raise
        return GrowingSegment(announced, stream, file, head)

    def finish(self, segment: GrowingSegment, *, reason: GapReason | None) -> StoredSegment | None:
        """Close the last segment of a run; None when it held no frame.

        A gap with `reason` starts at its end; without one the next run is to follow at once.
        """
        stored = segment.seal() if segment.duration_90k > 0 else None

        def close(connection: sa.Connection) -> None:
            if stored is not None:
                self.add_recorded(connection, stored)
            else:
                index.to_garbage(connection, self.disk_id, [segment.announced.key])
            if reason is not None:
                gap = GapInfo(segment.camera, segment.end_90k, None, reason)
                index.put_gap(connection, gap, acknowledged=False)

        self.database.write(close)
        segment.file.close()
        return stored

    def abandon(self, segment: GrowingSegment, *, reason: GapReason) -> None:
        """Give up a segment whose disk failed: its bytes cannot be vouched for, so the gap covers all of it."""
        segment.file.close()
        self.abandon_announced(segment.announced, reason=reason)

    def abandon_announced(self, announced: Announced, *, reason: GapReason) -> None:
        """Give up a segment by its announcement alone."""
        gap = GapInfo(announced.key.camera, announced.key.start_90k, None, reason)

        def give_up(connection: sa.Connection) -> None:
            index.to_garbage(connection, self.disk_id, [announced.key])
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

    def add_recorded(self, connection: sa.Connection, stored: StoredSegment) -> None:
        """Index a segment that was recorded here; it is to travel, and to be signed."""
        index.add_segment(connection, self.disk_id, stored, acknowledged=False)
        seal_index.await_seal(connection, stored)

    # Receiving --------------------------------------------------------------------------------------------------------

    def expect(self, segment: StoredSegment) -> GrowingFile:
        """Announce a segment recorded elsewhere and make its empty file.

        Raises:
            Busy: an older file of this name is still to be removed; later it will work.
        """
        key = key_of(segment)

        def announce(connection: sa.Connection) -> None:
            if index.is_garbage(connection, key):
                raise Busy(say("Старий файл ще стирається.", "An old file is still being removed."), subject=key.camera)
            index.announce_incoming(connection, self.disk_id, segment)

        self.database.write(announce)
        return self._create_file(key)

    def resume(self, key: SegmentKey) -> GrowingFile:
        """Open what has arrived of a segment so far; a crash may have left the announcement alone."""
        try:
            return self.disk.reopen(key.file_name)
        except NotFound:
            return self._create_file(key)

    def forget_arrival(self, key: SegmentKey) -> None:
        """Throw away what has arrived of a segment, so that it can be sent from its start."""
        self.database.write(lambda c: index.to_garbage(c, self.disk_id, [key]))
        self.collect_garbage()

    def admit(self, segment: StoredSegment, file: GrowingFile, stream: StreamFormat | None) -> None:
        """Index a segment whose bytes have all arrived and have the right hash."""
        file.sync_data()

        def add(connection: sa.Connection) -> None:
            index.add_segment(connection, self.disk_id, segment, acknowledged=True)
            if stream is not None:
                start_90k = segment.start_90k
                index.add_run(connection, segment.camera, run=segment.run, start_90k=start_90k, stream=stream)

        self.database.write(add)

    # Reading ----------------------------------------------------------------------------------------------------------

    def find(self, key: SegmentKey) -> StoredSegment | None:
        """The closed segment with this key."""
        with self.database.read() as connection:
            return index.segment(connection, key)

    def read(self, key: SegmentKey, offset_bytes: int, max_bytes: int) -> bytes:
        """Bytes of a segment's file.

        Raises:
            NotFound: the file is gone.
        """
        return self.disk.read(key.file_name, offset_bytes, max_bytes)

    # Holding ----------------------------------------------------------------------------------------------------------

    def hold_exactly(self, spans: Sequence[HeldSpan]) -> None:
        """Let nothing of these spans be deleted, durably, and let go whatever else was held."""

        def put(connection: sa.Connection) -> None:
            cameras = {span.camera: index.camera_row(connection, span.camera) for span in spans}
            held.replace(connection, spans, cameras)

        self.database.write(put)

    # Deleting ---------------------------------------------------------------------------------------------------------

    def discard(self, keys: Sequence[SegmentKey]) -> None:
        """Take segments out of the index for good; `collect_garbage` removes their files."""

        def move(connection: sa.Connection) -> None:
            index.to_garbage(connection, self.disk_id, keys)
            seal_index.note_removed(connection, keys)

        self.database.write(move)

    def collect_garbage(self) -> tuple[int, int]:
        """Remove the files of what is no longer a recording; return (removed, failed).

        A file that cannot be removed stays on the list and is tried again the next time.
        """
        with self.database.read() as connection:
            keys = index.garbage_keys(connection, GARBAGE_BATCH)
        gone = [key for key in keys if self._unlink(key)]
        durable: set[str] = set()
        for folder in {key.folder for key in gone}:
            try:
                # A whole camera's folder may be absent already: then so are its names.
                with contextlib.suppress(NotFound):
                    self.disk.sync_folder(folder)
                durable.add(folder)
            except DiskFailure as error:
                log.log(level_number(error.handling.log_level), "%s", error.sentence().en)
        forgotten = [key for key in gone if key.folder in durable]
        if forgotten:
            self.database.write(lambda c: index.forget_garbage(c, forgotten))
        self._remove_empty(durable)
        return len(forgotten), len(keys) - len(forgotten)

    # Parts ------------------------------------------------------------------------------------------------------------

    def _create_file(self, key: SegmentKey, head: bytes = b"") -> GrowingFile:
        with self._folders_lock:
            self._make_folders(key)
            file = self.disk.create(key.file_name)
        try:
            if head:
                # Not synced: without its frames a head is worth nothing, and with them it is synced.
                file.append(head)
            self.disk.sync_folder(key.folder)
        except BaseException:
            file.close()
            raise
        return file

    def _make_folders(self, key: SegmentKey) -> None:
        folder = ""
        for part in key.folder.split("/"):
            parent, folder = folder, f"{folder}/{part}".lstrip("/")
            if folder not in self._folders:
                # Synced even when it was there: the process that made it may have died before its own sync.
                self.disk.make_folder(folder)
                self.disk.sync_folder(parent)
                self._folders.add(folder)

    def _remove_empty(self, folders: Iterable[str]) -> None:
        with self._folders_lock:
            for hour in folders:
                day = hour.rpartition("/")[0]
                for folder in (hour, day):
                    if self.disk.remove_folder(folder):
                        self._folders.discard(folder)

    def _unlink(self, key: SegmentKey) -> bool:
        try:
            self.disk.unlink(key.file_name)
        except DiskFailure as error:
            log.log(level_number(error.handling.log_level), "%s", error.sentence().en)
            return False
        return True

    def _end_gap(self, connection: sa.Connection, camera: CameraId, start_90k: int, unexplained: GapReason) -> None:
        gap = index.open_gap(connection, camera)
        last_90k = index.last_end_90k(connection, camera)
        if gap is None and last_90k is not None and start_90k - last_90k > JOINED_90K:
            gap = GapInfo(camera, last_90k, None, unexplained)
        if gap is not None:
            # A clock that was set back would end a gap before it began; then it has no length.
            ended = GapInfo(camera, gap.start_90k, max(gap.start_90k, start_90k), gap.reason)
            index.put_gap(connection, ended, acknowledged=False)


def missing_file(key: SegmentKey) -> NotFound:
    """The error for a segment that is not here."""
    return NotFound(say("Такого фрагмента запису тут немає.", "There is no such segment here."), subject=key.file_name)
