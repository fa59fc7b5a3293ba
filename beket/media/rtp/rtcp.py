"""Owns reading RTCP (RFC 3550 §6): of a compound packet, the sender report. Sans-I/O."""

import struct
from dataclasses import dataclass

_SENDER_REPORT = 200
_HEADER = struct.Struct(">BBH")
_SENDER_INFO = struct.Struct(">IIII")  # SSRC, NTP seconds, NTP fraction, RTP timestamp
_NTP_TO_UNIX_S = 2_208_988_800  # 1900-01-01 to 1970-01-01
_NTP_ERA_S = 1 << 32


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The camera's claim that its own clock stood at `wall_ns` when its RTP clock stood at `rtp_timestamp`."""

    ssrc: int
    wall_ns: int
    rtp_timestamp: int


def parse_sender_report(packet: memoryview) -> SenderReport | None:
    """The first sender report in a compound packet; None when there is none, or its camera does not know the time.

    Never raises: RTCP is advice, and bytes that are not RTCP give None. NTP seconds below 2^31 are of the era that
    begins in 2036 (RFC 4330 §3), so a camera that counts from its start looks like one with a wrong clock, which it is.
    """
    at = 0
    while at + _HEADER.size <= len(packet):
        first, kind, words = _HEADER.unpack_from(packet, at)
        end = at + 4 * (words + 1)
        if first >> 6 != 2 or end > len(packet):
            return None
        if kind == _SENDER_REPORT and end - at >= _HEADER.size + _SENDER_INFO.size:
            ssrc, ntp_s, fraction, rtp_timestamp = _SENDER_INFO.unpack_from(packet, at + _HEADER.size)
            if ntp_s == 0 and fraction == 0:
                return None
            return SenderReport(ssrc, _ntp_to_wall_ns(ntp_s, fraction), rtp_timestamp)
        at = end
    return None


def _ntp_to_wall_ns(ntp_s: int, fraction: int) -> int:
    era_s = 0 if ntp_s >> 31 else _NTP_ERA_S
    return (ntp_s + era_s - _NTP_TO_UNIX_S) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)
