"""Owns the way out: access units to RTP packets for H.264 (RFC 6184) and H.265 (RFC 7798), and RTCP sender reports.

The opposite of `depacketizer`, for our own server only, so it makes the plainest legal stream: single NAL units and
fragmentation units, one STAP-A (H.264) with the parameter sets in front of a key frame. No sockets, no state.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S
from beket.kernel.ports import Codec

HEADER_BYTES = 12
MARKER = 0x80
NTP_MINUS_UNIX_S = 2_208_988_800
_STAP_A, _FU_A, _FU_H265 = 24, 28, 49
_PACK_HEADER = struct.Struct(">BBHII").pack
_PACK_REPORT = struct.Struct(">BBHIQIII").pack


@dataclass(frozen=True, slots=True)
class OutgoingStream:
    """What all packets of one stream share."""

    codec: Codec
    ssrc: int
    payload_type: int = 96
    max_bytes: int = 1400


def packetize(
    stream: OutgoingStream,
    data: bytes | bytearray,
    *,
    timestamp: int,
    first_sequence: int,
    parameter_sets: Sequence[bytes] = (),
) -> list[bytes]:
    """The RTP packets of one access unit; the last one has the marker bit.

    Given NAL units with 4-byte big-endian lengths in `data` (a unit cut short is dropped), and the parameter sets to
    send in front of them (for key frames), return packets of at most `stream.max_bytes`, sequence numbers mod 2^16.
    """
    payload_max_bytes = stream.max_bytes - HEADER_BYTES
    payloads: list[bytes] = []
    if parameter_sets:
        payloads.extend(_parameter_payloads(stream.codec, parameter_sets, payload_max_bytes))
    for unit in _split(data):
        payloads.extend(_payloads(stream.codec, unit, payload_max_bytes))
    last = len(payloads) - 1
    return [
        _PACK_HEADER(
            0x80,
            stream.payload_type | (MARKER if i == last else 0),
            (first_sequence + i) & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            stream.ssrc,
        )
        + payload
        for i, payload in enumerate(payloads)
    ]


def sender_report(ssrc: int, *, wall_ns: int, timestamp: int, packets: int, octets: int) -> bytes:
    """A compound RTCP packet: SR (RFC 3550 §6.4.1) that ties `timestamp` to `wall_ns`, and SDES with a CNAME."""
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    ntp = ((seconds + NTP_MINUS_UNIX_S) & 0xFFFFFFFF) << 32 | (rest_ns << 32) // NS_PER_S
    report = _PACK_REPORT(0x80, 200, 6, ssrc, ntp, timestamp & 0xFFFFFFFF, packets & 0xFFFFFFFF, octets & 0xFFFFFFFF)
    name = b"beket"
    chunk = struct.pack(">IBB", ssrc, 1, len(name)) + name + b"\0"
    chunk += b"\0" * (-len(chunk) % 4)
    return report + struct.pack(">BBH", 0x81, 202, len(chunk) // 4) + chunk


def _split(data: bytes | bytearray) -> Iterator[memoryview]:
    view, at, end = memoryview(data), 0, len(data)
    while at + 4 < end:
        size = int.from_bytes(view[at : at + 4], "big")
        if size and at + 4 + size <= end:
            yield view[at + 4 : at + 4 + size]
        at += 4 + size


def _parameter_payloads(codec: Codec, parameter_sets: Sequence[bytes], max_bytes: int) -> Iterator[bytes]:
    whole = 1 + sum(2 + len(unit) for unit in parameter_sets)
    if codec == "h264" and len(parameter_sets) > 1 and whole <= max_bytes:
        importance = max(unit[0] & 0x60 for unit in parameter_sets)
        yield bytes([importance | _STAP_A]) + b"".join(len(u).to_bytes(2, "big") + u for u in parameter_sets)
        return
    for unit in parameter_sets:
        yield from _payloads(codec, memoryview(unit), max_bytes)


def _payloads(codec: Codec, unit: memoryview, max_bytes: int) -> Iterator[bytes]:
    if len(unit) <= max_bytes:
        yield bytes(unit)
        return
    if codec == "h264":
        header = bytes([unit[0] & 0xE0 | _FU_A])
        unit_type, body = unit[0] & 0x1F, unit[1:]
    else:
        header = bytes([unit[0] & 0x81 | _FU_H265 << 1, unit[1]])
        unit_type, body = unit[0] >> 1 & 0x3F, unit[2:]
    step = max_bytes - len(header) - 1
    for at in range(0, len(body), step):
        start = 0x80 if at == 0 else 0
        stop = 0x40 if at + step >= len(body) else 0
        yield header + bytes([start | stop | unit_type]) + body[at : at + step]
