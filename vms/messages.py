"""Owns the messages of the bulk protocol as the centre knows them; agents have their own (agents.uplink).

Both sides share the golden files tests/fixtures/wire/<version>/{segment,gap,held}-*.json. Hashes are hex text.
Note: vms/design/0002-recording-store.md "Wire".
"""

from typing import Annotated

import msgspec

from beket.kernel.ids import SLUG_MAX_CHARS
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S

GAPS_MAX = 1000
DURATION_MAX_90K = 24 * 3600 * TICKS_PER_S

_Moment = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Slug = Annotated[str, msgspec.Meta(max_length=SLUG_MAX_CHARS)]


class SegmentOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre, in the header `Beket-Segment` of each PUT: what the whole segment will be."""

    duration_90k: Annotated[int, msgspec.Meta(gt=0, le=DURATION_MAX_90K)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", max_length=64)]


class SegmentState(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: how much of a segment it has.

    Attributes:
        offset_bytes: the next byte it wants.
        sha256: of the whole segment once it is stored durably; "" before.
    """

    offset_bytes: int
    sha256: str = ""


class GapReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch without recording; `end_90k` is None while it goes on."""

    camera: _Slug
    start_90k: _Moment
    end_90k: _Moment | None
    reason: GapReason


class GapReports(msgspec.Struct, frozen=True, kw_only=True):
    """Agent to centre: why there is no recording."""

    gaps: Annotated[tuple[GapReport, ...], msgspec.Meta(max_length=GAPS_MAX)]


class HeldTime(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one camera that nothing may delete.

    Attributes:
        hold: the centre's number of the hold.
        until_s: None while it is in force; seconds since 1970 at which a released one lets go.
    """

    hold: int
    camera: str
    start_90k: int
    end_90k: int
    until_s: int | None = None


class HeldTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to agent: all that is held of the site's cameras; `version` is how the agent names it from now on."""

    version: str
    held: tuple[HeldTime, ...]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """Centre to people's pages: a camera's time in 90 kHz ticks since 1970 UTC.

    Attributes:
        recorded: (from, until, run, bytes) of stretches without a hole.
        missing: (from, until, reason or null when it is not known yet).
    """

    recorded: tuple[tuple[int, int, int, int], ...]
    missing: tuple[tuple[int, int, str | None], ...]
