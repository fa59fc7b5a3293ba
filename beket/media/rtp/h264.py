"""Owns the RTP payload of H.264 (RFC 6184, packetization modes 0 and 1): single NAL unit, STAP-A, FU-A. Sans-I/O.

A key frame is an IDR picture, or one whose SEI promises exact recovery at once (recovery_frame_cnt 0): cameras with
intra refresh or open GOPs have no other. Interleaved mode (STAP-B, MTAP, FU-B) is refused by `sdp.choose_video`; such a
packet counts as loss.
"""

from beket.media.rtp.assembly import UnitAssembler, end_of_nal
from beket.media.rtp.parameter_sets import H264_PPS, H264_SPS

_SLICE, _PARTITION_A, _IDR, _SEI, _DELIMITER = 1, 2, 5, 6, 9
_STAP_A, _FU_A = 24, 28
_RECOVERY_POINT = 6


class H264Depacketizer(UnitAssembler):
    """See `depacketizer.Depacketizer`."""

    __slots__ = ()
    _fragment_bytes = 2

    def __init__(self, parameter_sets: tuple[bytes, ...] = ()) -> None:
        super().__init__("h264", parameter_sets)

    def _take_payload(self, buffer: bytearray, start: int, end: int) -> None:
        kind = buffer[start] & 31
        if kind == _FU_A:
            self._take_fragment(buffer, start, end)
        elif self._nal_at >= 0 or kind == 0:
            self._note_loss(1)  # a fragmented NAL unit lost its end although no number is missing
        elif kind < _STAP_A:
            self._take_nal(buffer, start, end)
        elif kind == _STAP_A:
            self._take_aggregate(buffer, start + 1, end)
        else:
            self._note_loss(1)

    def _take_aggregate(self, buffer: bytearray, at: int, end: int) -> None:
        while at + 2 < end:
            size = buffer[at] << 8 | buffer[at + 1]
            at += 2
            if size == 0 or at + size > end:
                self._note_loss(1)
                return
            self._take_nal(buffer, at, at + size)
            at += size

    def _take_nal(self, buffer: bytearray, start: int, end: int) -> None:
        if not buffer[end - 1]:
            end = end_of_nal(buffer, start, end)
            if end == start:
                self._note_loss(1)
                return
        kind = buffer[start] & 31
        if kind in (H264_SPS, H264_PPS):
            self._keep_set(bytes(buffer[start:end]))
            return
        if kind == _DELIMITER:
            return
        if kind in (_SLICE, _PARTITION_A, _IDR):
            if end - start < 2:
                self._note_loss(1)
                return
            self._note_slice(buffer[start + 1], is_key=kind == _IDR)
        elif kind == _SEI and _promises_recovery(buffer, start + 1, end):
            self._is_key = True
        self._append(buffer, start, end)

    def _take_fragment(self, buffer: bytearray, start: int, end: int) -> None:
        if end - start < 3:
            self._note_loss(1)
            return
        indicator, header = buffer[start], buffer[start + 1]
        kind = header & 31
        if header & 0x80:
            self._open_fragmented(bytes((indicator & 0xE0 | kind,)), buffer, start + 2, end)
            self._middle = indicator << 8 | kind
            if kind in (_SLICE, _PARTITION_A, _IDR):
                self._note_slice(buffer[start + 2], is_key=kind == _IDR)
        elif self._middle == indicator << 8 | kind:
            self._data += memoryview(buffer)[start + 2 : end]
        else:
            self._damaged = True  # its beginning is missing
            return
        if header & 0x40:
            self._close_fragmented(is_set=kind in (H264_SPS, H264_PPS))


def _promises_recovery(buffer: bytearray, at: int, end: int) -> bool:
    """Whether an SEI NAL unit holds a recovery point with recovery_frame_cnt 0 (ITU-T H.264 §D.1.8)."""
    while at + 2 < end:
        kind = buffer[at]
        size = buffer[at + 1]
        if kind == _RECOVERY_POINT:
            return buffer[at + 2] & 0x80 != 0
        if kind == 0xFF or size == 0xFF:
            return False  # sizes beyond one byte belong to user data, which recovery points precede
        at += 2 + size
    return False
