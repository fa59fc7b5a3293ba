"""Owns what a depacketizer hands on: one access unit (a frame) and the format that a run of them shares."""

from dataclasses import dataclass

from beket.kernel.ports import Codec


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """What a decoder must know before the first frame.

    Attributes:
        width: of the picture after cropping, in luma samples.
        height: of the picture after cropping, in luma samples.
        parameter_sets: NAL units without start code or length: SPS, PPS (H.264); VPS, SPS, PPS (H.265); in that order.
    """

    codec: Codec
    width: int
    height: int
    parameter_sets: tuple[bytes, ...]


@dataclass(slots=True)
class AccessUnit:
    """One frame as the camera encoded it.

    Attributes:
        data: NAL units, each after its length as 4 big-endian bytes; without parameter sets and access unit delimiters.
        timestamp: RTP, 32 bit, 90 kHz as it should be; see `StreamClock.reconnected`.
        is_key: a decoder that has the format can start here.
        lost_packets: packets missing since the unit handed on before; 0 when nothing was lost.
        format: set on the first unit and whenever the parameter sets changed, else None. A unit with a format is key.
    """

    data: bytearray
    timestamp: int
    is_key: bool
    lost_packets: int = 0
    format: VideoFormat | None = None
