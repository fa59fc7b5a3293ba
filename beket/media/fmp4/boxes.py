"""Owns ISO BMFF boxes (ISO/IEC 14496-12 §4.2): building, bounded walking, the identity box. Sans-I/O.

The identity box makes a file say of itself what it is, so that the index can be rebuilt from the disk alone, even when
folders were renamed or disks mixed up. It is a `uuid` box, which every player skips; its content is JSON.
"""

import struct
from collections.abc import Iterator
from typing import Annotated

import msgspec

from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

HEADER = struct.Struct(">I4s")
IDENTITY_TYPE = bytes.fromhex("62656b65742d4d80a1d50d6f3f8c11e7")
IDENTITY_MAX_BYTES = 4096
_BOXES_MAX = 1024

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Moment = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment is, written right after its `moov`.

    Attributes:
        sequence: number of the segment within its camera, growing.
        start_90k: wall time of the first fragment since 1970 UTC; a fragment's wall time is this plus its decode time
            minus the first one's decode time.
        boot_id: of the machine that recorded it; changes at each start.
        clock_is_set: whether that machine believed its own wall clock.
        software: release of Beket.
        run: sequence of the first segment of its run: n is followed without a hole by n + 1 of the same run.
        previous_sha256: hex hash of the camera's segment before this one, so that each hash vouches for all before it.
    """

    community: _Name
    site: _Name
    camera: _Name
    sequence: _Moment
    start_90k: _Moment
    boot_id: _Name
    clock_is_set: bool
    software: _Name
    run: _Moment = 0
    previous_sha256: _Name = ""


def box(kind: bytes, *parts: bytes) -> bytes:
    r"""A box of `kind` (4 letters) around `parts`.

    Example:
        >>> box(b"free", b"ab")
        b'\x00\x00\x00\nfreeab'
    """
    body = b"".join(parts)
    return HEADER.pack(HEADER.size + len(body), kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box that begins with its version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def walk(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Each box in `data[start:end]` as kind, start and end of its content.

    Sizes of 64 bits and "to the end of the file" are not ours.

    Raises:
        ProtocolError: a box does not fit, or there are more than any file of ours has.
    """
    for _ in range(_BOXES_MAX):
        if start == end:
            return
        if end - start < HEADER.size:
            break
        size, kind = HEADER.unpack_from(data, start)
        if not HEADER.size <= size <= end - start:
            break
        yield kind, start + HEADER.size, start + size
        start += size
    raise not_ours()


def find(data: bytes, path: tuple[bytes, ...]) -> tuple[int, int]:
    """Where the content of the box at `path` stands, the first of each kind on the way down.

    Raises:
        ProtocolError: there is none.
    """
    start, end = 0, len(data)
    for wanted in path:
        for kind, content, content_end in walk(data, start, end):
            if kind == wanted:
                start, end = content, content_end
                break
        else:
            raise not_ours()
    return start, end


def identity_box(identity: Identity) -> bytes:
    """The box that goes between the init segment and the first fragment."""
    return box(b"uuid", IDENTITY_TYPE, wire.encode(identity))


def read_identity(content: bytes) -> Identity | None:
    """The identity in the content of a `uuid` box; None when the box is somebody else's.

    Raises:
        ProtocolError: the box is ours and makes no sense.
    """
    if content[: len(IDENTITY_TYPE)] != IDENTITY_TYPE:
        return None
    return wire.decode(content[len(IDENTITY_TYPE) :], Identity, max_bytes=IDENTITY_MAX_BYTES)


def not_ours() -> ProtocolError:
    """A file that this software did not write, or that was damaged."""
    return ProtocolError(
        say("Це не запис Бекета, або файл пошкоджено.", "This is not a recording of Beket, or the file is damaged.")
    )
