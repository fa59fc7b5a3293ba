"""Owns joining segments to files that any player plays: one init, times from zero, the camera's frames untouched.

Segments are opened one at a time, so that hours join in the memory of one fragment. A part ends where the picture's
format changes or time is missing: a player would freeze on the last frame across a gap, and that would be a lie.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from beket.kernel.errors import DataLoss
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.boxes import not_ours
from beket.media.fmp4.fragments import DECODE_TIME_AT, SEQUENCE_AT
from beket.media.fmp4.reader import FragmentEntry, read_segment

GAP_MAX_90K = TICKS_PER_S  # a second more between two frames is a gap

OpenSegment = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Fragments of one segment that go into one part."""

    open_segment: OpenSegment
    first_start_90k: int
    fragments: tuple[FragmentEntry, ...]


@dataclass(frozen=True, slots=True)
class JoinedPart:
    """One playable file.

    Attributes:
        start_90k: wall time of its first frame; its decode time 0.
    """

    init: bytes
    start_90k: int
    duration_90k: int
    pieces: tuple[_Piece, ...]

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the file: the init segment, then fragment by fragment. Blocks on reading.

        Raises:
            DataLoss: a segment is shorter than it was when the part was planned.
        """
        yield self.init
        sequence = 0
        for piece in self.pieces:
            base_90k = piece.first_start_90k - self.start_90k - piece.fragments[0].decode_time_90k
            with piece.open_segment() as file:
                for entry in piece.fragments:
                    sequence += 1
                    yield _moved(file, entry, sequence=sequence, decode_time_90k=base_90k + entry.decode_time_90k)


def join(segments: Sequence[OpenSegment], *, from_90k: int, until_90k: int) -> list[JoinedPart]:
    """Plan the parts that show `from_90k` to `until_90k` (wall time), out of `segments` in order of time.

    A part begins at the key frame at or before `from_90k`, since a decoder can start nowhere else. [] when nothing of
    that time is there. Each segment is opened once now and once while its part is read.

    Raises:
        ProtocolError: a segment has no identity, or is not ours.
    """
    parts: list[JoinedPart] = []
    for open_segment in segments:
        with open_segment() as file:
            segment = read_segment(file)
        if segment.identity is None:
            raise not_ours()
        if not segment.fragments:
            continue
        offset_90k = segment.identity.start_90k - segment.fragments[0].decode_time_90k
        wanted = _within(segment.fragments, from_90k - offset_90k, until_90k - offset_90k)
        if wanted:
            piece = _Piece(open_segment, wanted[0].decode_time_90k + offset_90k, wanted)
            _add(parts, segment.init, piece)
    return parts


def _within(fragments: tuple[FragmentEntry, ...], from_90k: int, until_90k: int) -> tuple[FragmentEntry, ...]:
    first = 0
    for index, entry in enumerate(fragments):
        if entry.is_key and entry.decode_time_90k <= from_90k:
            first = index
    chosen = tuple(entry for entry in fragments[first:] if entry.decode_time_90k < until_90k)
    ends_before = not chosen or chosen[-1].decode_time_90k + chosen[-1].duration_90k <= from_90k
    return () if ends_before else chosen


def _add(parts: list[JoinedPart], init: bytes, piece: _Piece) -> None:
    last = piece.fragments[-1]
    end_90k = piece.first_start_90k + last.decode_time_90k + last.duration_90k - piece.fragments[0].decode_time_90k
    if parts and parts[-1].init == init:
        before = parts[-1]
        gap_90k = piece.first_start_90k - before.start_90k - before.duration_90k
        if 0 <= gap_90k <= GAP_MAX_90K:
            parts[-1] = JoinedPart(init, before.start_90k, end_90k - before.start_90k, (*before.pieces, piece))
            return
    parts.append(JoinedPart(init, piece.first_start_90k, end_90k - piece.first_start_90k, (piece,)))


def _moved(file: BinaryIO, entry: FragmentEntry, *, sequence: int, decode_time_90k: int) -> bytes:
    file.seek(entry.offset)
    data = bytearray(file.read(entry.size_bytes))
    if len(data) < entry.size_bytes:
        raise DataLoss(
            say(
                "Файл запису став коротшим, поки його копіювали.",
                "A recording became shorter while it was being copied.",
            )
        )
    struct.pack_into(">I", data, SEQUENCE_AT, sequence)
    struct.pack_into(">Q", data, DECODE_TIME_AT, decode_time_90k)
    return bytes(data)
