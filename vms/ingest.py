"""Owns how the centre takes segments and gaps from sites: resumable, bounded, and only of a site's own cameras.

A segment is accepted when its bytes have the hash that was promised and its file says that it is that very segment.
Bytes are not synced until then: after a power cut a damaged arrival fails its hash and begins again. Blocking; safe
from any thread. Note: vms/design/0002-recording-store.md "Wire".
"""

import contextlib
import hashlib
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import sqlalchemy as sa

from beket.kernel.errors import Busy, Forbidden, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, InventoryView, StreamFormat
from beket.kernel.text import say
from beket.media.fmp4 import reader
from vms import metrics
from vms.messages import GapReports, SegmentOffer, SegmentState
from vms.recordings import container, index
from vms.recordings.disk import Disk, DiskFailure, GrowingFile
from vms.recordings.layout import START_LIMIT_90K, SegmentKey
from vms.recordings.recovery import file_sha256
from vms.recordings.segments import NOWHERE, StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.writer import SEGMENT_MAX_BYTES

if TYPE_CHECKING:
    from hashlib import _Hash

log = logging.getLogger(__name__)

# A writer may pass its own bound by what it took in one go.
ARRIVAL_MAX_BYTES = 2 * SEGMENT_MAX_BYTES
# Begun and not whole, per camera; the oldest makes room, and is sent again from its start.
ARRIVALS_PER_CAMERA = 100
HASHES_KEPT = 256


class DamagedSegment(InvalidArgument):
    """The bytes that arrived are not the segment that was offered; they were thrown away."""


class Ingest:
    """Takes what sites send into one store."""

    def __init__(self, store: Store, inventory: InventoryView, *, instruments: Instruments) -> None:
        self._store = store
        self._inventory = inventory
        self._instruments = instruments
        self._lock = threading.Lock()
        self._busy: set[SegmentKey] = set()
        # Hashes of what has arrived of unfinished segments; lost ones are counted again from the disk.
        self._hashes: OrderedDict[SegmentKey, tuple[int, _Hash]] = OrderedDict()

    def state(self, site: SiteId, key: SegmentKey) -> SegmentState:
        """How much of a segment is here.

        Raises:
            Forbidden: the camera is not the site's.
        """
        self._check(site, key.camera)
        with self._store.database.read() as connection:
            stored = index.segment(connection, key)
        if stored is not None:
            return SegmentState(offset_bytes=stored.size_bytes, sha256=stored.sha256.hex())
        arriving = self._arriving(key)
        return SegmentState(offset_bytes=0 if arriving is None else self._size_bytes(arriving))

    def open(
        self, site: SiteId, key: SegmentKey, offer: SegmentOffer, *, offset_bytes: int, total_bytes: int
    ) -> "Arrival":
        """Take bytes of a segment from `offset_bytes` on; the caller must `close` what it gets.

        Raises:
            Forbidden: the camera is not the site's.
            InvalidArgument: sizes or times are out of bounds.
            Busy: another request sends this segment, or other bytes are expected next: ask for the state.
        """
        self._check(site, key.camera)
        if not 0 < total_bytes <= ARRIVAL_MAX_BYTES or not key.start_90k < START_LIMIT_90K:
            raise InvalidArgument("a segment of impossible size or time", subject=key.file_name)
        wanted = StoredSegment(
            camera=key.camera,
            start_90k=key.start_90k,
            duration_90k=offer.duration_90k,
            sequence=key.sequence,
            size_bytes=total_bytes,
            sha256=bytes.fromhex(offer.sha256),
            run=0,
            previous_sha256=b"",
        )
        with self._lock:
            if key in self._busy:
                raise _wrong_moment(key)
            self._busy.add(key)
        with contextlib.ExitStack() as undo:
            undo.callback(self._release, key)
            arrival = self._open(site, key, wanted, offset_bytes)
            undo.pop_all()
        return arrival

    def take_gaps(self, site: SiteId, reports: GapReports) -> None:
        """Put a site's gaps into the ledger.

        Raises:
            Forbidden: one of the cameras is not the site's; none is taken.
        """
        for camera in {report.camera for report in reports.gaps}:
            self._check(site, CameraId(camera))
        gaps = [GapInfo(CameraId(r.camera), r.start_90k, r.end_90k, r.reason) for r in reports.gaps]

        def put(connection: sa.Connection) -> None:
            for gap in gaps:
                index.put_gap(connection, gap, acknowledged=True)

        self._store.database.write(put)

    def _check(self, site: SiteId, camera: CameraId) -> None:
        if not any(known.id == camera and known.site == site for known in self._inventory.current().cameras):
            raise Forbidden(
                say(
                    "Цей об'єкт не має камери «{camera}» у переліку громади.",
                    "This site has no camera “{camera}” in the community's inventory.",
                    camera=camera,
                ),
                subject=site,
                hint=say("Перевірте перелік камер.", "Check the list of cameras."),
            )

    def _open(self, site: SiteId, key: SegmentKey, wanted: StoredSegment, offset_bytes: int) -> "Arrival":
        with self._store.database.read() as connection:
            if index.segment(connection, key) is not None:
                raise _wrong_moment(key)
        arriving = self._arriving(key)
        if arriving is not None and arriving != wanted:
            self._store.forget_arrival(key)
            arriving = None
        if offset_bytes != (0 if arriving is None else self._size_bytes(arriving)):
            raise _wrong_moment(key)
        if arriving is None:
            self._make_room(key.camera)
            file = self._store.expect(wanted)
        else:
            file = self._store.resume(key)
        with self._lock:
            hashed_bytes, digest = self._hashes.pop(key, (0, hashlib.sha256()))
        return Arrival(self, site, wanted, file, digest if hashed_bytes == offset_bytes else None)

    def _make_room(self, camera: CameraId) -> None:
        with self._store.database.read() as connection:
            keys = index.incoming_keys(connection, camera)
        for key in keys[: max(0, len(keys) - ARRIVALS_PER_CAMERA + 1)]:
            log.warning("%s: too many unfinished arrivals; %s begins anew", camera, key.file_name)
            self._store.forget_arrival(key)

    def _arriving(self, key: SegmentKey) -> StoredSegment | None:
        """What has been announced of the segment; what began on a disk that is away since begins anew elsewhere."""
        with self._store.database.read() as connection:
            arriving = index.incoming(connection, key)
        if arriving is not None and not self._store.shelf.is_here(arriving.disk):
            self._store.forget_arrival(key)
            return None
        return arriving

    def _size_bytes(self, arriving: StoredSegment) -> int:
        try:
            return self._store.disk_of(arriving).size_bytes(key_of(arriving).file_name)
        except NotFound:
            return 0

    def _disk_of(self, key: SegmentKey) -> Disk:
        with self._store.database.read() as connection:
            return self._store.shelf.volume(index.growing_disk(connection, key) or NOWHERE).disk

    def _begin_elsewhere(self, key: SegmentKey, error: DiskFailure) -> None:
        """A disk did not take the segment: after a failed sync a file cannot be trusted, nor synced again."""
        with self._store.database.read() as connection:
            disk = index.growing_disk(connection, key)
        if disk is not None:
            self._store.note_failure(disk, error)
            self._store.forget_arrival(key)

    def _keep_hash(self, key: SegmentKey, size_bytes: int, digest: "_Hash") -> None:
        with self._lock:
            self._hashes[key] = (size_bytes, digest)
            while len(self._hashes) > HASHES_KEPT:
                self._hashes.popitem(last=False)

    def _release(self, key: SegmentKey) -> None:
        with self._lock:
            self._busy.discard(key)

    def _admit(self, site: SiteId, wanted: StoredSegment, file: GrowingFile, digest: "_Hash | None") -> None:
        key = key_of(wanted)
        sha256 = digest.digest() if digest else file_sha256(self._disk_of(key), key, wanted.size_bytes)
        try:
            if sha256 != wanted.sha256:
                raise ProtocolError("the hash differs", subject=key.file_name)
            segment, stream = self._read_back(site, wanted)
        except ProtocolError as error:
            self._instruments.add(metrics.REFUSED_SEGMENTS, camera=key.camera)
            self._store.forget_arrival(key)
            raise DamagedSegment(
                say("Фрагмент прийшов пошкодженим: {why}", "The segment arrived damaged: {why}", why=error.message),
                subject=key.file_name,
            ) from error
        try:
            self._store.admit(segment, file, stream)
        except DiskFailure as error:
            self._begin_elsewhere(key, error)
            raise

    def _read_back(self, site: SiteId, wanted: StoredSegment) -> tuple[StoredSegment, StreamFormat]:
        """What the file says of itself, when that agrees with what was offered."""
        key = key_of(wanted)
        with container.open_segment(self._disk_of(key), key) as file:
            content = reader.read_segment(file)
        identity = content.identity
        if identity is None or not container.names_key(identity, key) or identity.site != site:
            raise ProtocolError("the file says that it is another segment", subject=key.file_name)
        if content.is_torn or content.duration_90k != wanted.duration_90k:
            raise ProtocolError("the video is not whole", subject=key.file_name)
        segment = StoredSegment(
            camera=key.camera,
            start_90k=key.start_90k,
            duration_90k=wanted.duration_90k,
            sequence=key.sequence,
            size_bytes=wanted.size_bytes,
            sha256=wanted.sha256,
            run=identity.run,
            previous_sha256=container.previous_sha256_of(identity),
        )
        return segment, container.stream_of(content.init)


class Arrival:
    """One request's part of a segment. Used by one thread at a time."""

    def __init__(
        self, ingest: Ingest, site: SiteId, wanted: StoredSegment, file: GrowingFile, digest: "_Hash | None"
    ) -> None:
        self._ingest = ingest
        self._site = site
        self._wanted = wanted
        self._file = file
        self._digest = digest
        self._lock = threading.Lock()
        self._open = True

    def append(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            InvalidArgument: more than the segment was to have.
            NoSpace, DiskFailure: the disk did not take them.
        """
        with self._lock:
            if not self._open:
                raise InvalidArgument("the request is over")
            if self._file.size_bytes + len(data) > self._wanted.size_bytes:
                raise InvalidArgument("more bytes than the segment has", subject=key_of(self._wanted).file_name)
            before = self._file.size_bytes
            try:
                self._file.append(data)
            except DiskFailure as error:
                self._ingest._begin_elsewhere(key_of(self._wanted), error)
                raise
            if self._digest is not None:
                self._digest.update(data)
            self._ingest._instruments.add(
                metrics.RECEIVED_BYTES, self._file.size_bytes - before, camera=self._wanted.camera
            )

    def finish(self) -> SegmentState:
        """What is here now; a segment that has become whole is checked, made durable and indexed first.

        Raises:
            DamagedSegment: it is not what was offered; sending begins anew.
        """
        with self._lock:
            size_bytes = self._file.size_bytes
            if size_bytes < self._wanted.size_bytes:
                return SegmentState(offset_bytes=size_bytes)
            self._ingest._admit(self._site, self._wanted, self._file, self._digest)
            self._digest = None
            return SegmentState(offset_bytes=size_bytes, sha256=self._wanted.sha256.hex())

    def close(self) -> None:
        """Let go of the segment, whole or not. Does no harm twice."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            self._file.close()
            key = key_of(self._wanted)
            if self._digest is not None and self._file.size_bytes < self._wanted.size_bytes:
                self._ingest._keep_hash(key, self._file.size_bytes, self._digest)
            self._ingest._release(key)


def _wrong_moment(key: SegmentKey) -> Busy:
    return Busy(
        say("Цей фрагмент уже надсилається або вже є.", "This segment is being sent already, or is here."),
        subject=key.file_name,
    )
