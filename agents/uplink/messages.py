"""Owns the messages of the bulk protocol as the agent sends and reads them; the centre has its own (vms.messages).

Both sides share the golden files tests/fixtures/wire/<version>/segment-*.json and gap-*.json. Hashes are hex text.
"""

import msgspec

OFFER_HEADER = "Beket-Segment"
GAPS_PATH = "/agent/v1/gaps"


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
