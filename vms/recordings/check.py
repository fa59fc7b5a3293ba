"""Owns `beket vms check`: do the files agree with the index, byte for byte. Blocking; reads everything it is told to.

Plain values come out as they are found: progress for a bar, findings for people. Changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.errors import BeketError, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.text import Text, say
from beket.media.fmp4 import reader
from vms.recordings import container, index
from vms.recordings.layout import parse_file_name
from vms.recordings.recovery import file_sha256
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store

PAGE = 500


class Fault(StrEnum):
    """What can be wrong with one file."""

    MISSING = "missing"
    SIZE = "size"
    HASH = "hash"
    IDENTITY = "identity"
    STRUCTURE = "structure"
    UNREADABLE = "unreadable"
    STRAY = "stray"


_SENTENCES = {
    Fault.MISSING: say("файла немає, хоча він є в переліку", "the file is missing, though it is in the index"),
    Fault.SIZE: say("розмір файла не той, що в переліку", "the file's size is not the one in the index"),
    Fault.HASH: say("вміст файла змінився: контрольна сума не збігається", "the file has changed: its hash differs"),
    Fault.IDENTITY: say("файл належить іншій камері чи часу", "the file says that it is another segment"),
    Fault.STRUCTURE: say("відео у файлі пошкоджене", "the video in the file is damaged"),
    Fault.UNREADABLE: say("диск не віддає файл", "the disk does not give the file"),
    Fault.STRAY: say("файл є на диску, але його немає в переліку", "the file is on the disk but not in the index"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, with the file's name on the disk."""

    name: str
    fault: Fault

    def sentence(self) -> Text:
        """The finding as one sentence."""
        return say("{name}: {what}.", "{name}: {what}.", name=self.name, what=_SENTENCES[self.fault])


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the check has come."""

    segments: int
    size_bytes: int


def check(store: Store, *, rehash: bool = True) -> Iterator[Finding | Progress]:
    """Go through the whole index and then the whole disk; `rehash` reads every byte, else sizes and heads alone.

    May run while the store records and deletes: a segment that disappears meanwhile is no finding.
    """
    checked = size_bytes = 0
    with store.database.read() as connection:
        cameras = index.camera_slugs(connection)
    for camera in cameras:
        before: StoredSegment | None = None
        while batch := _page(store, camera, before):
            for segment in batch:
                fault = _fault_of(store, segment, rehash=rehash)
                if fault is not None and store.find(key_of(segment)) is not None:
                    yield Finding(key_of(segment).file_name, fault)
                checked += 1
                size_bytes += segment.size_bytes
            before = batch[-1]
            yield Progress(checked, size_bytes)
    yield from _strays(store)


def _page(store: Store, camera: CameraId, before: StoredSegment | None) -> list[StoredSegment]:
    with store.database.read() as connection:
        after = None if before is None else key_of(before)
        return index.page(connection, camera, after=after, limit=PAGE)


def _fault_of(store: Store, segment: StoredSegment, *, rehash: bool) -> Fault | None:
    key = key_of(segment)
    try:
        if store.disk.size_bytes(key.file_name) != segment.size_bytes:
            return Fault.SIZE
        if rehash and file_sha256(store.disk, key, segment.size_bytes) != segment.sha256:
            return Fault.HASH
        with container.open_segment(store.disk, key) as file:
            content = reader.read_segment(file)
        identity = content.identity
        if identity is None or not container.names_key(identity, key):
            return Fault.IDENTITY
        if content.is_torn or content.duration_90k != segment.duration_90k or identity.run != segment.run:
            return Fault.STRUCTURE
    except NotFound:
        return Fault.MISSING
    except ProtocolError:
        return Fault.STRUCTURE
    except BeketError:
        return Fault.UNREADABLE
    return None


def _strays(store: Store) -> Iterator[Finding]:
    disk = store.disk
    for camera in filter(is_slug, disk.names("")):
        for day in disk.names(camera):
            for hour in disk.names(f"{camera}/{day}"):
                for file in disk.names(f"{camera}/{day}/{hour}"):
                    name = f"{camera}/{day}/{hour}/{file}"
                    if not _is_known(store, name):
                        yield Finding(name, Fault.STRAY)


def _is_known(store: Store, name: str) -> bool:
    try:
        key = parse_file_name(name)
    except InvalidArgument:
        return False
    with store.database.read() as connection:
        return index.is_known(connection, key)
