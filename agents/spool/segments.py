"""Owns how batches lie on disk: append-only segment files of framed records. Blocking; the caller serialises calls.

A segment is named after the first sequence it can hold, `<20 digits>.spool`. A frame is magic, payload length, CRC-32
of what follows, sequence, number of points, payload. After a power cut the last segment may end in a torn frame;
reading stops at the first frame that does not check, and appending goes on in a new segment.
Note: agents/design/0016-spool.md.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = b"Bkt1"
# magic, payload length, CRC-32 of sequence, points and payload
_HEAD = struct.Struct("<4sII")
_NUMBERS = struct.Struct("<QI")
FRAME_BYTES = _HEAD.size + _NUMBERS.size
PAYLOAD_MAX_BYTES = 16 * 1024 * 1024
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
    """A segment file and the whole records in it. `end_bytes` is where its last whole frame ends."""

    path: Path
    records: list[Record] = field(default_factory=list)
    end_bytes: int = 0

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
    """Read a segment's frames up to the first that is torn or damaged."""
    segment = Segment(path)
    segment.records = list(_whole_records(path.read_bytes()))
    if segment.records:
        last = segment.records[-1]
        segment.end_bytes = last.offset_bytes + last.size_bytes
    return segment


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


def _whole_records(data: bytes) -> Iterator[Record]:
    at = 0
    before = -1
    while at + FRAME_BYTES <= len(data):
        magic, size, crc = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        end = start + _NUMBERS.size + size
        if magic != MAGIC or size > PAYLOAD_MAX_BYTES or end > len(data):
            return
        if zlib.crc32(memoryview(data)[start:end]) != crc:
            return
        sequence, points = _NUMBERS.unpack_from(data, start)
        if sequence <= before:
            return
        before = sequence
        yield Record(sequence, points, start + _NUMBERS.size, size)
        at = end
