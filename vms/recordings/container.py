"""Owns how the store uses MP4: the head of each file, and reading a file back through the Disk port.

The format itself is `beket.media.fmp4`.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from beket.kernel.errors import ProtocolError
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.ports import StreamFormat
from beket.kernel.units import KIB
from beket.media.fmp4 import boxes, reader
from vms.recordings.disk import Disk
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import Announced

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

READ_BYTES = 64 * KIB
# More than any head of ours: init segment and identity.
HEAD_MAX_BYTES = reader.INIT_MAX_BYTES + boxes.IDENTITY_MAX_BYTES + KIB


@dataclass(frozen=True, slots=True)
class Origin:
    """Who records, as each file says of itself.

    Attributes:
        clock_is_set: asked at each segment, whether the machine believes its own wall clock.
    """

    community: CommunityId
    site: SiteId
    boot_id: str
    software: str
    clock_is_set: Callable[[], bool]


def head(origin: Origin, announced: Announced, stream: StreamFormat) -> bytes:
    """What a segment's file begins with, so that it plays alone and says what it is."""
    identity = boxes.Identity(
        community=origin.community,
        site=origin.site,
        camera=announced.key.camera,
        sequence=announced.key.sequence,
        start_90k=announced.key.start_90k,
        boot_id=origin.boot_id,
        clock_is_set=origin.clock_is_set(),
        software=origin.software,
        run=announced.run,
        previous_sha256=announced.previous_sha256.hex(),
    )
    return stream.init + boxes.identity_box(identity)


def open_segment(disk: Disk, key: SegmentKey) -> BinaryIO:
    """The segment's file for reading and seeking.

    Raises:
        NotFound: it is not there.
    """
    raw = _DiskReader(disk, key.file_name, disk.size_bytes(key.file_name))
    return cast(BinaryIO, io.BufferedReader(raw, buffer_size=READ_BYTES))


def names_key(identity: boxes.Identity | None, key: SegmentKey) -> bool:
    """Whether the file says that it is the segment `key`."""
    if identity is None:
        return False
    return key == SegmentKey(CameraId(identity.camera), identity.start_90k, identity.sequence)


def stream_of(init: bytes) -> StreamFormat:
    """What the frames after `init` are like.

    Raises:
        ProtocolError: not an init segment of ours.
    """
    video = reader.read_format(init)
    return StreamFormat(codec=video.codec, width=video.width, height=video.height, init=init)


def previous_sha256_of(identity: boxes.Identity) -> bytes:
    """The hash that the file is chained to.

    Raises:
        ProtocolError: it is not a hash.
    """
    try:
        return bytes.fromhex(identity.previous_sha256)
    except ValueError as error:
        raise ProtocolError("the identity names no hash") from error


class _DiskReader(io.RawIOBase):
    """A file of the Disk port as Python's file."""

    def __init__(self, disk: Disk, name: str, size_bytes: int) -> None:
        super().__init__()
        self._disk = disk
        self._name = name
        self._size_bytes = size_bytes
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size_bytes}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._disk.read(self._name, self._at, len(view))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
