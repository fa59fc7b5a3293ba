"""Owns what the site signs of its recordings: a seal over a camera's newest segments, and how a seal is told genuine.

A seal is one line of JSON: the statement, the site's Ed25519 signature over the statement's very bytes, and the list of
segments whose hash the statement names. Pure. Note: vms/design/0025-signed-chain.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from beket.access.signing import Purpose, SigningKey, verify
from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import KIB
from vms.recordings.layout import START_LIMIT_90K
from vms.recordings.segments import StoredSegment

SEGMENTS_MAX = 256
GAPS_MAX = 256
LINE_MAX_BYTES = 256 * KIB
ANCHOR_MAX_BYTES = 4 * KIB
SHA256_BYTES = 32
# As in the identity box.
_LIMIT = 1 << 62

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Hex = Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{64})?$")]
_Hash = Annotated[bytes, msgspec.Meta(min_length=SHA256_BYTES, max_length=SHA256_BYTES)]
_Start = Annotated[int, msgspec.Meta(ge=0, lt=START_LIMIT_90K)]
_Number = Annotated[int, msgspec.Meta(ge=0, lt=_LIMIT)]


class SealedGap(msgspec.Struct, frozen=True, array_like=True):
    """A gap as it was known when the seal was made; a later seal may tell of the same start anew."""

    start_90k: _Start
    end_90k: _Number | None
    reason: GapReason


class SealedSegment(msgspec.Struct, frozen=True, array_like=True):
    """A segment as the index knows it.

    Attributes:
        previous_sha256: None when it is the hash of the segment before it in the list, as it nearly always is.
    """

    sequence: _Number
    start_90k: _Start
    duration_90k: _Number
    size_bytes: _Number
    run: _Number
    sha256: _Hash
    previous_sha256: Annotated[bytes, msgspec.Meta(max_length=SHA256_BYTES)] | None = None


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed.

    Attributes:
        number: of the seal within its camera: 1, 2, 3 … without a hole.
        previous_seal_sha256: hex hash of the statement before this one; "" before the first.
        first_sequence, last_sequence, segments: what the list holds, and how many.
        head_sha256: hex hash of the last segment's file; through the chain it vouches for all before it.
        list_sha256: hex hash of the list, as its bytes stand in the line.
        gaps: told anew since the seal before.
        sealed_at_ns: wall time; the site never swears to its clock, and `clock_is_set` says whether it believes it.
    """

    community: _Name
    site: _Name
    camera: _Name
    number: Annotated[int, msgspec.Meta(ge=1, lt=_LIMIT)]
    previous_seal_sha256: _Hex
    first_sequence: _Number
    last_sequence: _Number
    segments: Annotated[int, msgspec.Meta(ge=1, le=SEGMENTS_MAX)]
    head_sha256: _Hex
    list_sha256: _Hex
    gaps: Annotated[tuple[SealedGap, ...], msgspec.Meta(max_length=GAPS_MAX)] = ()
    sealed_at_ns: int
    clock_is_set: bool


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """What the site signs when it takes old seals out of its ledger: up to here seals may be missing.

    Attributes:
        number, seal_sha256: of the newest seal that was taken out; the next one names this hash.
        last_sequence: of the newest recording that they named; all were deleted on purpose.
    """

    community: _Name
    site: _Name
    camera: _Name
    number: Annotated[int, msgspec.Meta(ge=1, lt=_LIMIT)]
    seal_sha256: _Hex
    last_sequence: _Number
    trimmed_at_ns: int


class _AnchorLine(msgspec.Struct, frozen=True):
    anchor: msgspec.Raw
    public_key: _Name
    signature: Annotated[bytes, msgspec.Meta(max_length=64)]


@dataclass(frozen=True, slots=True)
class AnchorLine:
    """An anchor as it was read; `is_genuine`: the signature is that of the key that the line names."""

    anchor: Anchor
    public_key: str
    is_genuine: bool


class _Line(msgspec.Struct, frozen=True):
    seal: msgspec.Raw
    public_key: _Name
    signature: Annotated[bytes, msgspec.Meta(max_length=64)]
    segments: msgspec.Raw


_Segments = Annotated[tuple[SealedSegment, ...], msgspec.Meta(max_length=SEGMENTS_MAX)]


@dataclass(frozen=True, slots=True)
class SealLine:
    """One line as it was read.

    Attributes:
        public_key: hex; whose the line says that the signature is. Whether that is the site's key, the caller knows.
        is_genuine: the signature is that key's, and the list is the one that was signed.
        seal_sha256: hex hash of the statement's bytes, as the next seal names it.
    """

    seal: Seal
    segments: tuple[StoredSegment, ...]
    public_key: str
    is_genuine: bool
    seal_sha256: str

    @property
    def gaps(self) -> list[GapInfo]:
        """The gaps that it tells of."""
        camera = CameraId(self.seal.camera)
        return [GapInfo(camera, gap.start_90k, gap.end_90k, gap.reason) for gap in self.seal.gaps]


def listed(segments: Sequence[StoredSegment]) -> bytes:
    """The list of a seal, as its hash is taken."""
    entries = []
    before: bytes | None = None
    for one in segments:
        previous = None if one.previous_sha256 == before else one.previous_sha256
        entries.append(
            SealedSegment(one.sequence, one.start_90k, one.duration_90k, one.size_bytes, one.run, one.sha256, previous)
        )
        before = one.sha256
    return msgspec.json.encode(entries)


def seal_line(seal: Seal, list_bytes: bytes, key: SigningKey) -> tuple[bytes, str]:
    """The signed line with its line end, and the hex hash of its statement."""
    statement = wire.canonical(seal)
    signature = key.sign(Purpose.RECORDING_SEAL, statement)
    line = _Line(msgspec.Raw(statement), key.public, signature, msgspec.Raw(list_bytes))
    return wire.encode(line) + b"\n", sha256_hex(statement)


def read_line(data: bytes) -> SealLine:
    """The seal in one line.

    Raises:
        ProtocolError: it is none, or says of its list what is not so; a wrong signature is no error here.
    """
    line = wire.decode(data, _Line, max_bytes=LINE_MAX_BYTES)
    statement, list_bytes = bytes(line.seal), bytes(line.segments)
    seal = wire.decode(statement, Seal, max_bytes=LINE_MAX_BYTES)
    segments = _segments(CameraId(seal.camera), wire.decode(list_bytes, _Segments, max_bytes=LINE_MAX_BYTES))
    genuine = (
        verify(line.public_key, Purpose.RECORDING_SEAL, statement, line.signature)
        and sha256_hex(list_bytes) == seal.list_sha256
        and len(segments) == seal.segments
        and segments[-1].sha256.hex() == seal.head_sha256
    )
    return SealLine(seal, segments, line.public_key, genuine, sha256_hex(statement))


def anchor_line(anchor: Anchor, key: SigningKey) -> bytes:
    """The signed line with its line end."""
    statement = wire.canonical(anchor)
    signature = key.sign(Purpose.LEDGER_ANCHOR, statement)
    return wire.encode(_AnchorLine(msgspec.Raw(statement), key.public, signature)) + b"\n"


def read_anchor(data: bytes) -> AnchorLine:
    """The anchor in one line.

    Raises:
        ProtocolError: it is none; a wrong signature is no error here.
    """
    line = wire.decode(data, _AnchorLine, max_bytes=ANCHOR_MAX_BYTES)
    statement = bytes(line.anchor)
    anchor = wire.decode(statement, Anchor, max_bytes=ANCHOR_MAX_BYTES)
    genuine = verify(line.public_key, Purpose.LEDGER_ANCHOR, statement, line.signature)
    return AnchorLine(anchor, line.public_key, genuine)


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def _segments(camera: CameraId, entries: Sequence[SealedSegment]) -> tuple[StoredSegment, ...]:
    segments: list[StoredSegment] = []
    for entry in entries:
        previous = entry.previous_sha256
        if previous is None:
            if not segments:
                raise ProtocolError("the first segment of a list is chained to nothing")
            previous = segments[-1].sha256
        segments.append(
            StoredSegment(
                camera=camera,
                start_90k=entry.start_90k,
                duration_90k=entry.duration_90k,
                sequence=entry.sequence,
                size_bytes=entry.size_bytes,
                sha256=entry.sha256,
                run=entry.run,
                previous_sha256=previous,
            )
        )
    return tuple(segments)
