"""Owns the messages of the bulk protocol as the agent sends and reads them; the centre has its own (vms.messages).

Both sides share the golden files tests/fixtures/wire/<version>/{segment,gap,held}-*.json. Hashes are hex text.
"""

from typing import Annotated

import msgspec

from beket.kernel.ids import SLUG_MAX_CHARS

OFFER_HEADER = "Beket-Segment"
GAPS_PATH = "/agent/v1/gaps"
HOLDS_PATH = "/agent/v1/holds"
HELD_MAX = 10_000


class SegmentOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre, in the header `Beket-Segment` of each PUT: what the whole segment will be."""

    duration_90k: int
    sha256: str


class SegmentState(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: the next byte it wants, and the hash of the whole once it is stored durably ("" before)."""

    offset_bytes: int
    sha256: str = ""


class GapReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch without recording; `end_90k` is None while it goes on."""

    camera: str
    start_90k: int
    end_90k: int | None
    reason: str


class GapReports(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: why there is no recording."""

    gaps: tuple[GapReport, ...]


class HeldTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one camera that nothing may delete; `until_s` is None while the hold is in force."""

    hold: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
    camera: Annotated[str, msgspec.Meta(max_length=SLUG_MAX_CHARS)]
    start_90k: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
    end_90k: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
    until_s: Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)] | None = None


class HeldTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: all that is held of this site's cameras, and the name of this version of it."""

    version: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{1,64}$", max_length=64)]
    held: Annotated[tuple[HeldTime, ...], msgspec.Meta(max_length=HELD_MAX)]
