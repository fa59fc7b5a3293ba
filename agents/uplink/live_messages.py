"""Owns the messages of the live line as the agent knows them; the centre has its own (vms.live.protocol).

Text is JSON, binary is video behind a header of 16 bytes. Both sides share the golden files
tests/fixtures/wire/<version>/live-*. Note: vms/design/0008-live.md "Wire".
"""

import struct
from enum import IntEnum
from typing import Annotated

import msgspec

from beket.kernel.ids import SLUG_MAX_CHARS

LIVE_PATH = "/agent/v1/live"
LIVE_VERSION = 1
WATCH_MAX = 256
# version, kind, flags, (unused), camera index, frames dropped before this one, wall time of the frame.
_HEADER = struct.Struct(">BBBxHHQ")
KEY_FLAG = 1
LOST_MAX = 0xFFFF


class LiveKind(IntEnum):
    """What follows a header."""

    INIT = 1
    FRAMES = 2


class LiveWatch(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: exactly these cameras are watched from now on, each with its index in this connection."""

    cameras: Annotated[
        dict[Annotated[str, msgspec.Meta(max_length=SLUG_MAX_CHARS)], Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]],
        msgspec.Meta(max_length=WATCH_MAX),
    ]


class LiveAway(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: a watched camera has nothing to show now; a word of `GapReason` says why."""

    camera: str
    reason: str


def head(kind: LiveKind, *, camera: int, start_90k: int = 0, is_key: bool = False, lost: int = 0) -> bytes:
    """The header in front of the bytes of an init segment or of fragments."""
    flags = KEY_FLAG if is_key else 0
    return _HEADER.pack(LIVE_VERSION, kind, flags, camera, min(lost, LOST_MAX), start_90k)
