"""Owns how batches lie on disk: append-only segment files of framed records. Blocking; the caller serialises calls.

A segment is named after the first sequence it can hold, `<20 digits>.spool`. A frame is magic, payload length, CRC-32
of what follows, sequence, number of points, payload. After a power cut the last segment may end in a torn frame;
appending goes on in a new segment. Behind a frame that does not check the next one that does is looked for, and what
lay between is counted.
Note: agents/design/0016-spool.md.
"""

import contextlib
import os
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from beket.kernel.durable_file import put_file

MAGIC = b"Bkt1"
# magic, payload length, CRC-32 of sequence, points and payload
_HEAD = struct.Struct("<4sII")
_NUMBERS = struct.Struct("<QI")
FRAME_BYTES = _HEAD.size + _NUMBERS.size
PAYLOAD_MAX_BYTES = 16 * 1024 * 1024
POINTS_MAX = 10_000
# A start reads no more than this of one segment over and over while it looks for where whole frames go on.
_CHECKED_MAX_BYTES = 64 * 1024 * 1024
SUFFIX = ".spool"


@dataclass(frozen=True, slots=True)
class Record:
    """A frame's place and numbers; `size_bytes` is of the payload, `offset_bytes` where it starts."""

    sequence: int
    points: int
    offset_bytes: int
    size_bytes: int


@dataclass(slots=True)
class Segment:
    """A segment file and the whole records in it.

    Attributes:
        end_bytes: how long the file is.
        lost_points: points in frames that were found damaged.
    """

    path: Path
    records: list[Record] = field(default_factory=list)
    end_bytes: int = 0
    lost_points: int = 0

    @property
    def points(self) -> int:
        """Points in its records."""
        return sum(record.points for record in self.records)


def segment_path(folder: Path, first_sequence: int) -> Path:
    """Where the segment that starts with `first_sequence` lies."""
    return folder / f"{first_sequence:020d}{SUFFIX}"


def first_sequence_of(path: Path) -> int:
    """The sequence that a segment's name promises."""
    return int(path.stem)


def list_segments(folder: Path) -> list[Path]:
    """Segment files, oldest first; other files are left alone."""
    return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.stem.isascii() and path.stem.isdigit())


def scan(path: Path) -> Segment:
    """Read a segment's whole frames, those behind damage too, and count what the damage cost."""
    data = path.read_bytes()
    records, lost_points = _whole_records(data, first_sequence_of(path))
    return Segment(path, records, len(data), lost_points)


def mend(segment: Segment) -> Segment:
    """Write the segment anew without what is damaged, so that the next start does not count that again.

    Raises:
        OSError: it stays as it was.
    """
    data = segment.path.read_bytes()
    frames = (data[one.offset_bytes - FRAME_BYTES : one.offset_bytes + one.size_bytes] for one in segment.records)
    put_file(segment.path, b"".join(frames))
    return scan(segment.path)


def frame(sequence: int, points: int, payload: bytes) -> bytes:
    """A record's bytes."""
    body = _NUMBERS.pack(sequence, points) + payload
    return _HEAD.pack(MAGIC, len(payload), zlib.crc32(body)) + body


def append(segment: Segment, sequence: int, points: int, payload: bytes) -> None:
    """Write one record and make it durable.

    Raises:
        OSError: it is not stored; the segment ends where it did before, or in a torn frame.
    """
    data = frame(sequence, points, payload)
    with segment.path.open("r+b", buffering=0) as file:
        file.seek(segment.end_bytes)
        try:
            written = 0
            while written < len(data):
                written += file.write(data[written:])
            os.fdatasync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(segment.end_bytes)
            raise
    segment.records.append(Record(sequence, points, segment.end_bytes + FRAME_BYTES, len(payload)))
    segment.end_bytes += len(data)


def create(folder: Path, first_sequence: int) -> Segment:
    """Make a new, empty segment, durable in its folder."""
    path = segment_path(folder, first_sequence)
    path.touch(mode=0o600, exist_ok=True)
    sync_folder(folder)
    return Segment(path)


def read(segment: Segment, record: Record) -> bytes:
    """A record's payload."""
    with segment.path.open("rb") as file:
        file.seek(record.offset_bytes)
        return file.read(record.size_bytes)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _whole_records(data: bytes, first: int) -> tuple[list[Record], int]:
    """The whole frames, in order, and how many points were in those that are not; numbers begin with `first`."""
    records: list[Record] = []
    claims: list[_Claim] = []  # of the damaged frames since the last whole one
    at = whole_end = lost = checked_bytes = 0
    before = first - 1
    while at + FRAME_BYTES <= len(data) and checked_bytes <= _CHECKED_MAX_BYTES:
        record, read_bytes = _checked(data, at)
        if record is not None and record.sequence > before:
            # Numbers within a segment have no gaps, so a gap is what was lost, as far as there was room for it.
            gap = min(record.sequence - before - 1, (at - whole_end) // FRAME_BYTES)
            lost += sum(claim.points for claim in claims[:gap]) + max(0, gap - len(claims))
            claims.clear()
            records.append(record)
            before, at = record.sequence, record.offset_bytes + record.size_bytes
            whole_end = at
            continue
        checked_bytes += read_bytes
        room = (at - whole_end) // FRAME_BYTES
        if (claim := _claimed(data, at, range(before + 1, before + 2 + room))) is not None:
            claims.append(claim)
        following = data.find(MAGIC, at + 1)
        at = following if following >= 0 else len(data)
    if claims and claims[-1].is_cut:
        claims.pop()  # what a power cut tore: nobody was told that it is stored
    return records, lost + sum(claim.points for claim in claims)


def _checked(data: bytes, at: int) -> tuple[Record | None, int]:
    """The frame at `at` if it is whole, and how many bytes were read to know."""
    magic, size, crc = _HEAD.unpack_from(data, at)
    start = at + _HEAD.size
    end = start + _NUMBERS.size + size
    if magic != MAGIC or size > PAYLOAD_MAX_BYTES or end > len(data):
        return None, 0
    if zlib.crc32(memoryview(data)[start:end]) != crc:
        return None, size
    sequence, points = _NUMBERS.unpack_from(data, start)
    return Record(sequence, points, start + _NUMBERS.size, size), size


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a damaged frame says of itself: its points, at least one; `is_cut`: the file ends before it does."""

    points: int
    is_cut: bool


def _claimed(data: bytes, at: int, plausible: range) -> _Claim | None:
    """The claim of the damaged frame at `at`; None when neither its number nor its place speaks for there being one."""
    _, size, _ = _HEAD.unpack_from(data, at)
    sequence, points = _NUMBERS.unpack_from(data, at + _HEAD.size)
    end = at + FRAME_BYTES + size
    is_placed = end == len(data) or data.startswith(MAGIC, end)
    if sequence not in plausible and not is_placed:
        return None
    return _Claim(points if 1 <= points <= POINTS_MAX else 1, end > len(data))
