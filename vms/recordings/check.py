"""Owns `beket vms check`: do files, index, chain and seals agree, byte for byte. Blocking; reads what it is told to.

Plain values come out as they are found: progress for a bar, findings for people. Changes nothing, and may run while the
store records and deletes: a segment that disappears meanwhile is no finding. Memory does not grow with the store.
"""

from collections.abc import Iterator

from beket.kernel.errors import BeketError, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import CameraId, is_slug
from beket.media.fmp4 import boxes, reader
from vms.recordings import container, index, seal_index
from vms.recordings.chain_check import ChainCheck, Trust, trust_any
from vms.recordings.disk import Disk, DiskFailure
from vms.recordings.findings import Fault, Finding, Place, Progress
from vms.recordings.layout import SegmentKey, parse_file_name
from vms.recordings.recovery import file_sha256
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.shelf import DiskAway, Volume
from vms.recordings.store import Store

PAGE = 500
_BEGINNING = Place(CameraId(""))


def check(
    store: Store,
    *,
    rehash: bool = True,
    trusts: Trust = trust_any,
    is_complete: bool = True,
    begin: Place = _BEGINNING,
    only: CameraId | None = None,
) -> Iterator[Finding | Progress]:
    """Go through index, chain, seals and disk; `rehash` reads every byte, else sizes and heads alone.

    `trusts` knows the sites' keys. `is_complete` is False at the centre, where not all that was sealed arrives.
    `begin` leaves out what an earlier check has seen; `only` looks at one camera.
    """
    with store.database.read() as connection:
        cameras = [one for one in index.camera_slugs(connection) if one >= begin.camera and only in (None, one)]
        sizes = [seal_index.bytes_from(connection, one, _from_90k(begin, one)) for one in cameras]
    checked, size_bytes = 0, 0
    named: set[str] = set()
    for camera in cameras:
        chain = ChainCheck(store, camera, trusts, is_complete)
        for segment in _segments(store, camera, _from_90k(begin, camera)):
            fault = _fault_of(store, segment, rehash=rehash)
            if fault is not None and store.find(key_of(segment)) is not None:
                chain.named.add(key_of(segment).file_name)
                yield Finding(key_of(segment).file_name, fault)
            chain.take(segment)
            checked += 1
            size_bytes += segment.size_bytes
            yield Progress(checked, size_bytes, sum(sizes), Place(camera, segment.start_90k))
        yield from chain.findings()
        named |= chain.named
    for volume in store.shelf.volumes:
        yield from (found for found in _strays(store, volume, begin, only) if found.name not in named)


def _from_90k(begin: Place, camera: CameraId) -> int:
    return begin.start_90k if camera == begin.camera else 0


def _segments(store: Store, camera: CameraId, from_90k: int) -> Iterator[StoredSegment]:
    after = SegmentKey(camera, from_90k, -1)
    while batch := _page(store, camera, after):
        yield from batch
        after = key_of(batch[-1])


def _page(store: Store, camera: CameraId, after: SegmentKey) -> list[StoredSegment]:
    with store.database.read() as connection:
        return index.page(connection, camera, after=after, limit=PAGE)


def _fault_of(store: Store, segment: StoredSegment, *, rehash: bool) -> Fault | None:
    key = key_of(segment)
    try:
        disk = store.disk_of(segment)
        if disk.size_bytes(key.file_name) != segment.size_bytes:
            return Fault.SIZE
        if rehash and file_sha256(disk, key, segment.size_bytes) != segment.sha256:
            return Fault.HASH
        with container.open_segment(disk, key) as file:
            if not rehash:
                return None if _is_of(store, segment, reader.read_head(file)[1]) else Fault.IDENTITY
            content = reader.read_segment(file)
        if not _is_of(store, segment, content.identity):
            return Fault.IDENTITY
        if content.is_torn or content.duration_90k != segment.duration_90k:
            return Fault.STRUCTURE
    except NotFound:
        return Fault.MISSING
    except DiskAway:
        return Fault.AWAY
    except ProtocolError:
        return Fault.STRUCTURE
    except BeketError:
        return Fault.UNREADABLE
    return None


def _is_of(store: Store, segment: StoredSegment, identity: boxes.Identity | None) -> bool:
    """Whether the file says of itself what the index says of it."""
    return (
        identity is not None
        and container.names_key(identity, key_of(segment))
        and identity.community == store.origin.community
        and identity.run == segment.run
        and container.previous_sha256_of(identity) == segment.previous_sha256
    )


def _strays(store: Store, volume: Volume, begin: Place, only: CameraId | None) -> Iterator[Finding]:
    disk = volume.disk
    first_day = SegmentKey(begin.camera, begin.start_90k, 0).folder.split("/")[1]
    for camera in disk.names(""):
        if not is_slug(camera) or camera < begin.camera or only not in (None, camera):
            continue
        from_day = first_day if camera == begin.camera else ""
        for name in _names_under(disk, camera, from_day):
            if not _is_known(store, volume, name):
                yield Finding(name, Fault.STRAY)


def _names_under(disk: Disk, folder: str, from_day: str, depth: int = 3) -> Iterator[str]:
    """Files of a camera from a day on; and what stands where a folder should."""
    try:
        names = disk.names(folder) if depth else None
    except DiskFailure:
        names = None
    if names is None:
        yield folder
        return
    for name in names:
        if depth < 3 or name >= from_day:
            yield from _names_under(disk, f"{folder}/{name}", from_day, depth - 1)


def _is_known(store: Store, volume: Volume, name: str) -> bool:
    try:
        key = parse_file_name(name)
    except InvalidArgument:
        return False
    with store.database.read() as connection:
        return index.is_known(connection, volume.id, key)
