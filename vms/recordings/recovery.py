"""Owns what happens after a crash: recordings that were growing are cut at their last whole fragment and indexed.

Runs once at start, before anything records; blocking. What to look at is in the table `growing`, so a start never
walks the disk. A file without a whole fragment becomes garbage. Note: vms/design/0002-recording-store.md.
"""

import hashlib
import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

import sqlalchemy as sa

from beket.kernel.errors import NotFound, ProtocolError
from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason
from beket.media.fmp4 import reader
from beket.media.fmp4.fragments import FRAGMENT_HEAD
from vms.recordings import container, index
from vms.recordings.disk import Disk
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import Announced, StoredSegment
from vms.recordings.shelf import Volume
from vms.recordings.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a start found."""

    segments: int
    dropped: int


def recover(
    store: Store, *, reason: GapReason = GapReason.RESTART, volumes: Sequence[Volume] | None = None
) -> Recovered:
    """Bring index and disks together after a crash, then finish what was being deleted.

    `reason` is the reason of the gaps that begin where the recordings were cut: the caller knows whether power failed.
    `volumes`: only these disks, which have just come; None are all that are here, before anything records.
    """
    disks = [volume.id for volume in (store.shelf.volumes if volumes is None else volumes)]
    with store.database.read() as connection:
        leftovers = index.unfinished(connection, disks)
        away = index.unfinished(connection, index.known_disks(connection).keys() - set(disks))
    kept = sum(_recover_one(store, leftover, reason) for leftover in leftovers)
    for leftover in away if volumes is None else ():
        # What it holds is known when its disk comes; until then nothing of it can be shown.
        store.database.write(partial(_open_gap, leftover.key.camera, leftover.key.start_90k, reason))
    while store.collect_garbage()[0]:
        pass
    store.settle_holds()
    if leftovers:
        log.warning("after an unclean stop: %d recordings kept, %d dropped", kept, len(leftovers) - kept)
    return Recovered(segments=kept, dropped=len(leftovers) - kept)


def _recover_one(store: Store, leftover: Announced, reason: GapReason) -> bool:
    key = leftover.key
    disk = store.shelf.volume(leftover.disk).disk
    whole, previous = _cut(disk, key)
    if not whole:
        store.abandon_announced(leftover, reason=reason)
        return False
    size_bytes = whole[-1].offset + whole[-1].size_bytes
    duration_90k = whole[-1].decode_time_90k + whole[-1].duration_90k - whole[0].decode_time_90k
    digest = file_sha256(disk, key, size_bytes)

    stored = StoredSegment(
        camera=key.camera,
        start_90k=key.start_90k,
        duration_90k=duration_90k,
        sequence=key.sequence,
        size_bytes=size_bytes,
        sha256=digest,
        run=leftover.run,
        previous_sha256=previous,
        disk=leftover.disk,
    )

    def add(connection: sa.Connection) -> None:
        store.add_recorded(connection, stored)
        _open_gap(key.camera, stored.end_90k, reason, connection)

    store.database.write(add)
    return True


def _cut(disk: Disk, key: SegmentKey) -> tuple[list[reader.FragmentEntry], bytes]:
    """Keep the sound beginning of the file, durable; return its fragments, and the hash that it says it is chained to.

    No fragments when there is nothing of use. The hash stands in the file, and the file's own hash covers it; what the
    index knows by now may be another: an older leftover of the camera may have been indexed just before.
    """
    try:
        with container.open_segment(disk, key) as file:
            segment = reader.read_segment(file)
            whole = list(itertools.takewhile(lambda entry: _is_sound(file, entry), segment.fragments))
        identity = segment.identity
        if not whole or identity is None or not container.names_key(identity, key):
            return [], b""
        previous = container.previous_sha256_of(identity)
    except (NotFound, ProtocolError):
        return [], b""
    size_bytes = whole[-1].offset + whole[-1].size_bytes
    growing = disk.reopen(key.file_name)
    try:
        if growing.size_bytes != size_bytes:
            growing.truncate(size_bytes)
        growing.sync()
    finally:
        growing.close()
    return whole, previous


def is_sound(disk: Disk, key: SegmentKey) -> bool:
    """Whether recovery would leave the file as it is.

    Raises:
        NotFound, DiskFailure: it cannot be read.
    """
    with container.open_segment(disk, key) as file:
        try:
            segment = reader.read_segment(file)
        except ProtocolError:
            return False
        return not segment.is_torn and all(_is_sound(file, entry) for entry in segment.fragments)


def _is_sound(file: BinaryIO, entry: reader.FragmentEntry) -> bool:
    """Whether NAL units fill the fragment and none ends in zeros.

    A write that power cut short leaves zeros when a later one had made the file longer; no NAL unit ends in a zero byte
    (ITU-T H.264 §7.4.1, H.265 §7.4.2).
    """
    file.seek(entry.offset + FRAGMENT_HEAD.size)
    data = file.read(entry.size_bytes - FRAGMENT_HEAD.size)
    at = 0
    while at + 4 < len(data):
        end = at + 4 + int.from_bytes(data[at : at + 4], "big")
        if end == at + 4 or end > len(data) or data[end - 1] == 0:
            return False
        at = end
    return at == len(data)


def _open_gap(camera: CameraId, start_90k: int, reason: GapReason, connection: sa.Connection) -> None:
    """Let a gap go on from there, unless one does already or something newer was recorded."""
    last_90k = index.last_end_90k(connection, camera)
    if index.open_gap(connection, camera) is None and (last_90k is None or last_90k <= start_90k):
        index.put_gap(connection, GapInfo(camera, start_90k, None, reason), acknowledged=False)


def file_sha256(disk: Disk, key: SegmentKey, size_bytes: int) -> bytes:
    """Hash of the first `size_bytes` of a segment's file."""
    digest = hashlib.sha256()
    offset = 0
    while offset < size_bytes and (
        part := disk.read(key.file_name, offset, min(container.READ_BYTES * 16, size_bytes - offset))
    ):
        digest.update(part)
        offset += len(part)
    return digest.digest()
