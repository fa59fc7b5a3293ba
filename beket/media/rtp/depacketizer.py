"""Owns the choice of depacketizer by codec. Sans-I/O; one depacketizer per stream, used by one thread.

The rules that both codecs share (order, holes, marks, parameter sets) are in `assembly`, the payload formats in `h264`
(RFC 6184) and `h265` (RFC 7798).
"""

from typing import Protocol

from beket.kernel.ports import Codec
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.h264 import H264Depacketizer
from beket.media.rtp.h265 import H265Depacketizer


class Depacketizer(Protocol):
    """Puts RTP packets together to access units.

    Attributes:
        lost_packets: sequence numbers that never came, and packets whose payload made no sense, since the start.
        late_packets: came after a packet with a higher number, or twice, since the start, and were passed over. One
            that came after all still counts as lost: its unit had to do without it.
        withheld_units: units not handed on since the start: damaged, or waiting for a key frame after a damaged one.
    """

    lost_packets: int
    late_packets: int
    withheld_units: int

    def push(self, buffer: bytearray, start: int, end: int) -> AccessUnit | None:
        """Take the RTP packet `buffer[start:end]`, header included; return the unit that it completed, if any.

        The payload is copied once, into the unit; `buffer` may be reused as soon as this returns.

        Raises:
            ProtocolError: not RTP, or a unit or parameter set beyond any camera's; the session must end.
        """

    def push_alike(self, view: memoryview, like: int, at: int, end: int) -> int:
        """How many interleaved frames of `view` from `at` on continue the open fragment, alike to that at `like`.

        They are taken. The frame at `like` ends at `at` and was pushed just before.

        Raises:
            ProtocolError: a unit beyond any camera's.
        """


def depacketizer_for(codec: Codec, *, parameter_sets: tuple[bytes, ...]) -> Depacketizer:
    """A depacketizer that starts with the `parameter_sets` of the SDP; () when it names none."""
    if codec == "h264":
        return H264Depacketizer(parameter_sets)
    return H265Depacketizer(parameter_sets)
