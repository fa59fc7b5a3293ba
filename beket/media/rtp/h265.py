"""Owns the RTP payload of H.265 (RFC 7798): single NAL unit, aggregation packet, fragmentation unit. Sans-I/O.

A key frame is an IRAP picture (IDR, CRA, BLA). Decoding order numbers (sprop-max-don-diff above 0) are not spoken: no
camera needs them over TCP, and `sdp.choose_video` refuses a description that uses them. PACI packets count as loss.
"""

from beket.media.rtp.assembly import UnitAssembler, end_of_nal
from beket.media.rtp.parameter_sets import H265_PPS, H265_SPS, H265_VPS

_FIRST_IRAP, _LAST_IRAP, _LAST_SLICE = 16, 23, 31
_DELIMITER = 35
_AGGREGATION, _FRAGMENTATION = 48, 49
_SETS = (H265_VPS, H265_SPS, H265_PPS)


class H265Depacketizer(UnitAssembler):
    """See `depacketizer.Depacketizer`."""

    __slots__ = ()
    _fragment_bytes = 3

    def __init__(self, parameter_sets: tuple[bytes, ...] = ()) -> None:
        super().__init__("h265", parameter_sets)

    def _take_payload(self, buffer: bytearray, start: int, end: int) -> None:
        kind = buffer[start] >> 1 & 63
        if kind == _FRAGMENTATION:
            self._take_fragment(buffer, start, end)
        elif self._nal_at >= 0 or end - start < 3:
            self._note_loss(1)  # a fragmented NAL unit lost its end although no number is missing
        elif kind < _AGGREGATION:
            self._take_nal(buffer, start, end)
        elif kind == _AGGREGATION:
            self._take_aggregate(buffer, start + 2, end)
        else:
            self._note_loss(1)

    def _take_aggregate(self, buffer: bytearray, at: int, end: int) -> None:
        while at + 2 < end:
            size = buffer[at] << 8 | buffer[at + 1]
            at += 2
            if size < 3 or at + size > end:
                self._note_loss(1)
                return
            self._take_nal(buffer, at, at + size)
            at += size

    def _take_nal(self, buffer: bytearray, start: int, end: int) -> None:
        if not buffer[end - 1]:
            end = end_of_nal(buffer, start, end)
            if end - start < 3:
                self._note_loss(1)
                return
        kind = buffer[start] >> 1 & 63
        if kind in _SETS:
            self._keep_set(bytes(buffer[start:end]))
            return
        if kind == _DELIMITER:
            return
        if kind <= _LAST_SLICE:
            self._note_slice(buffer[start + 2], is_key=_FIRST_IRAP <= kind <= _LAST_IRAP)
        self._append(buffer, start, end)

    def _take_fragment(self, buffer: bytearray, start: int, end: int) -> None:
        if end - start < 4:
            self._note_loss(1)
            return
        first, second, header = buffer[start], buffer[start + 1], buffer[start + 2]
        kind = header & 63
        if header & 0x80:
            self._open_fragmented(bytes((first & 0x81 | kind << 1, second)), buffer, start + 3, end)
            self._middle = first << 16 | second << 8 | kind
            if kind <= _LAST_SLICE:
                self._note_slice(buffer[start + 3], is_key=_FIRST_IRAP <= kind <= _LAST_IRAP)
        elif self._middle == first << 16 | second << 8 | kind:
            self._data += memoryview(buffer)[start + 3 : end]
        else:
            self._damaged = True  # its beginning is missing
            return
        if header & 0x40:
            self._close_fragmented(is_set=kind in _SETS)
