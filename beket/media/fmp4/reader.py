"""Owns reading the segments that we wrote: for the index, for checking, for copies. Bounded; blocking reads of a file.

Only our own layout is read (`fragments.FRAGMENT_HEAD`): anything else ends the segment, as a torn tail does after power
was cut. Foreign MP4 files go through the PyAV gate.
"""

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO

from beket.kernel.ports import Codec
from beket.media.fmp4 import boxes
from beket.media.fmp4.fragments import FRAGMENT_HEAD, KEY_FLAGS, MOOF_BYTES, TRACK_ID
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.assembly import UNIT_MAX_BYTES
from beket.media.rtp.parameter_sets import format_of

INIT_MAX_BYTES = 64 * 1024
_HEAD_BOXES_MAX = 8
_STSD = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_VISUAL_ENTRY_BYTES = 78


@dataclass(frozen=True, slots=True)
class FragmentEntry:
    """Where a fragment stands in its file and when it is shown; `decode_time_90k` counts from the start of the run."""

    offset: int
    size_bytes: int
    decode_time_90k: int
    duration_90k: int
    is_key: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment file holds.

    Attributes:
        init: `ftyp` and `moov`.
        identity: what the file says of itself; None when it does not.
        fragments: in file order.
        whole_bytes: up to the end of the last whole fragment.
        is_torn: whether bytes follow that are not a whole fragment.
    """

    init: bytes
    identity: boxes.Identity | None
    fragments: tuple[FragmentEntry, ...]
    whole_bytes: int
    is_torn: bool

    @property
    def duration_90k(self) -> int:
        """From the start of the first fragment to the end of the last; 0 when there is none."""
        if not self.fragments:
            return 0
        last = self.fragments[-1]
        return last.decode_time_90k + last.duration_90k - self.fragments[0].decode_time_90k


def read_segment(file: BinaryIO) -> Segment:
    """Read the index of a segment; of its video only the heads of the fragments.

    Raises:
        ProtocolError: the init segment is not whole, or not ours.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    init, identity, offset = _read_head(file, size_bytes)
    fragments = []
    while entry := _read_fragment(file, offset, size_bytes):
        fragments.append(entry)
        offset += entry.size_bytes
    return Segment(init, identity, tuple(fragments), offset, is_torn=offset < size_bytes)


def read_head(file: BinaryIO) -> tuple[bytes, boxes.Identity | None]:
    """The init segment, and what the file says of itself; nothing of its video is looked at.

    Raises:
        ProtocolError: the init segment is not whole, or not ours.
    """
    init, identity, _ = _read_head(file, file.seek(0, io.SEEK_END))
    return init, identity


def read_format(init: bytes) -> VideoFormat:
    """The format that an init segment of ours describes.

    Raises:
        ProtocolError: it is damaged, or not ours.
    """
    start, end = boxes.find(init, _STSD)
    for kind, content, content_end in boxes.walk(init, start + 8, end):
        entry = init[content + _VISUAL_ENTRY_BYTES : content_end]
        if kind == b"avc1":
            record, record_end = boxes.find(entry, (b"avcC",))
            return format_of("h264", configuration_sets("h264", entry[record:record_end]))
        if kind == b"hvc1":
            record, record_end = boxes.find(entry, (b"hvcC",))
            return format_of("h265", configuration_sets("h265", entry[record:record_end]))
    raise boxes.not_ours()


def configuration_sets(codec: Codec, record: bytes) -> tuple[bytes, ...]:
    """The parameter sets in an avcC or hvcC record (ISO/IEC 14496-15 §5.3.3.1, §8.3.3.1), as they stand there.

    Raises:
        ProtocolError: the record is cut short.
    """
    try:
        return _avcc_sets(record) if codec == "h264" else _hvcc_sets(record)
    except (IndexError, struct.error) as error:
        raise boxes.not_ours() from error


def _read_head(file: BinaryIO, size_bytes: int) -> tuple[bytes, boxes.Identity | None, int]:
    """The init segment, the identity, and where the fragments begin."""
    init, identity, offset = bytearray(), None, 0
    for _ in range(_HEAD_BOXES_MAX):
        file.seek(offset)
        head = file.read(boxes.HEADER.size)
        if len(head) < boxes.HEADER.size:
            break
        length, kind = boxes.HEADER.unpack(head)
        if kind == b"moof" or not boxes.HEADER.size <= length <= min(size_bytes - offset, INIT_MAX_BYTES):
            break
        content = file.read(length - boxes.HEADER.size)
        if kind in (b"ftyp", b"moov"):
            init += head + content
        elif kind == b"uuid":
            identity = boxes.read_identity(content) or identity
        offset += length
    boxes.find(bytes(init), (b"moov", b"trak"))
    return bytes(init), identity, offset


def _read_fragment(file: BinaryIO, offset: int, size_bytes: int) -> FragmentEntry | None:
    file.seek(offset)
    head = file.read(FRAGMENT_HEAD.size)
    if len(head) < FRAGMENT_HEAD.size:
        return None
    (
        moof_bytes, moof, _, mfhd, _, _, _, traf, _, tfhd, _, track, _, tfdt, _, decode_time,
        _, trun, _, samples, data_at, duration, data_bytes, flags, mdat_bytes, mdat,
    ) = FRAGMENT_HEAD.unpack(head)  # fmt: skip
    if (moof, mfhd, traf, tfhd, tfdt, trun, mdat) != (b"moof", b"mfhd", b"traf", b"tfhd", b"tfdt", b"trun", b"mdat"):
        return None
    if (moof_bytes, track, samples, data_at) != (MOOF_BYTES, TRACK_ID, 1, MOOF_BYTES + 8):
        return None
    whole = MOOF_BYTES + mdat_bytes
    if mdat_bytes != data_bytes + 8 or data_bytes > UNIT_MAX_BYTES or offset + whole > size_bytes:
        return None
    return FragmentEntry(offset, whole, decode_time, duration, flags == KEY_FLAGS)


def _avcc_sets(record: bytes) -> tuple[bytes, ...]:
    sets, at = _sized_sets(record, 6, record[5] & 31)
    more, _ = _sized_sets(record, at + 1, record[at])
    return (*sets, *more)


def _hvcc_sets(record: bytes) -> tuple[bytes, ...]:
    sets: list[bytes] = []
    at = 23
    for _ in range(record[22]):
        found, at = _sized_sets(record, at + 3, int.from_bytes(record[at + 1 : at + 3], "big"))
        sets += found
    return tuple(sets)


def _sized_sets(record: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    sets = []
    for _ in range(count):
        (size,) = struct.unpack_from(">H", record, at)
        sets.append(record[at + 2 : at + 2 + size])
        at += 2 + size
    return sets, at
