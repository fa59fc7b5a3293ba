"""Owns how packets become units, whatever the codec: order, holes, ends, parameter sets. Sans-I/O, one thread.

What is handed on plays without errors, and what is missing is counted:

* A unit with a hole in it is dropped, and so is every unit after a hole until the next key frame: each refers to
  pictures that the decoder does not have, and would play as smears. Only the missing packets are counted as lost;
  what was dropped for their sake is `withheld_units`.
* A packet whose payload makes no sense counts as lost. Bytes that are not RTP, or a unit beyond any camera's, raise.
* A unit ends at the marker bit, or where the timestamp changes (some cameras forget the marker). A marker before the
  first slice is ignored; if one proves to stand inside a picture, markers of this stream are not believed again.
* Parameter sets are taken out of the units; sets in the stream replace those of the SDP, which often lie.
* Zero bytes after a NAL unit go: cameras that cut their encoder's stream at 4-byte start codes leave them behind
  (trailing_zero_8bits, ITU-T H.264 §B.1), no NAL unit ends in one, and recovery takes one for a torn write.
"""

import struct
from functools import lru_cache
from typing import ClassVar

from beket.kernel.errors import ProtocolError
from beket.kernel.ports import Codec
from beket.kernel.text import Text, say
from beket.kernel.units import MIB
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.parameter_sets import set_identity, video_format

UNIT_MAX_BYTES = 16 * MIB
_SETS_MAX = 32
_HEADER = struct.Struct(">BBHI")
_HEADER_BYTES = 12
_LENGTH_PLACE = b"\0\0\0\0"
_FRAME_BYTES = 4 + _HEADER_BYTES
# RFC 3550 A.1: up to 100 back is a late packet (we do not reorder: over TCP there is nothing to reorder), up to 3000
# ahead is loss; anything else is a camera that began to count anew.
_LATE = 0x10000 - 100
_DROPOUT = 3000


@lru_cache(maxsize=64)
def _row_of(stride: int, fragment_bytes: int) -> struct.Struct:
    """An interleaved frame of a known length: sign, channel and length; RTP flags, number, time; fragment; the rest."""
    rest = stride - _FRAME_BYTES - fragment_bytes
    return struct.Struct(f">IHHI4x{fragment_bytes}s{rest}s")


class UnitAssembler:
    """What the depacketizers of H.264 and H.265 share; each adds `_take_payload`."""

    __slots__ = (
        "_codec", "_damaged", "_data", "_format", "_has_slice", "_is_key", "_lost_before", "_marked_timestamp",
        "_markers_lie", "_middle", "_nal_at", "_ready", "_sequence", "_sets", "_sets_changed", "_timestamp",
        "_waits_for_key", "late_packets", "lost_packets", "withheld_units",
    )  # fmt: skip

    # Of the payload of a continuing fragment, before its part of the NAL unit; the last byte tells begin and end.
    _fragment_bytes: ClassVar[int]

    def __init__(self, codec: Codec, parameter_sets: tuple[bytes, ...]) -> None:
        self.lost_packets = 0
        self.late_packets = 0
        self.withheld_units = 0
        self._codec: Codec = codec
        self._sets: dict[tuple[int, int], bytes] = {}
        self._sets_changed = True
        self._format: VideoFormat | None = None
        self._sequence = -1  # the next one expected; -1 before the first packet
        self._timestamp = -1
        self._marked_timestamp = -1  # of the unit that a marker ended last
        self._markers_lie = False
        self._waits_for_key = True
        self._lost_before = 0
        self._ready: AccessUnit | None = None
        self._begin_unit()
        for nal in parameter_sets:
            self._take_sdp_set(nal)

    def _begin_unit(self) -> None:
        self._data = bytearray()
        self._has_slice = False
        self._is_key = False
        self._damaged = False
        self._nal_at = -1  # where the length of the fragmented NAL unit will be written; -1 when none is open
        self._middle = -1  # what the payload of a continuing fragment begins with; -1 when none is open

    def push_alike(self, view: memoryview, like: int, at: int, end: int) -> int:
        """See `depacketizer.Depacketizer`.

        A frame is `$`, channel, length and an RTP packet (RFC 2326 §10.12). The middle of a picture is a row of such
        frames of one length, so one C call takes each of them apart.
        """
        stride = at - like
        if self._middle < 0 or stride <= _FRAME_BYTES + self._fragment_bytes:
            return 0
        row = _row_of(stride, self._fragment_bytes)
        sign, flags, *_ = row.unpack_from(view, like)
        if flags & 0xFF80 != 0x8000:  # no padding, extension, CSRC or marker
            return 0
        fragment, timestamp = self._middle.to_bytes(self._fragment_bytes, "big"), self._timestamp
        data, sequence, count = self._data, self._sequence, 0
        frames = row.iter_unpack(view[at : end - (end - at) % stride])
        for its_sign, its_flags, its_sequence, its_timestamp, its_fragment, payload in frames:
            if its_sequence != sequence or its_fragment != fragment or its_timestamp != timestamp:
                break
            if its_flags != flags or its_sign != sign:
                break
            data += payload
            sequence = (sequence + 1) & 0xFFFF
            count += 1
        if len(data) > UNIT_MAX_BYTES:
            raise unit_too_large()
        self._sequence = sequence
        return count

    def push(self, buffer: bytearray, start: int, end: int) -> AccessUnit | None:
        """See `depacketizer.Depacketizer`."""
        if end - start < _HEADER_BYTES or buffer[start] >> 6 != 2:
            raise _broken(say("Камера надіслала не RTP.", "The camera sent something that is not RTP."))
        first, second, sequence, timestamp = _HEADER.unpack_from(buffer, start)
        start += _HEADER_BYTES
        if first & 0x3F:
            start, end = _payload_bounds(buffer, start, end, first)
        if not self._accepts(sequence):
            return self._oldest(None, None)
        if start == end and timestamp != self._timestamp:
            return self._oldest(None, None)  # an empty packet that keeps the line open
        before = self._turn_to(timestamp) if timestamp != self._timestamp else None
        if start < end:
            self._take_payload(buffer, start, end)
        if len(self._data) > UNIT_MAX_BYTES:
            raise unit_too_large()
        if not (second & 0x80 and (self._has_slice or self._damaged)) or self._markers_lie:
            return self._oldest(before, None)
        self._marked_timestamp = timestamp
        return self._oldest(before, self._finish_unit())

    def _take_payload(self, buffer: bytearray, start: int, end: int) -> None:
        raise AssertionError  # each codec has its own

    def _oldest(self, first: AccessUnit | None, second: AccessUnit | None) -> AccessUnit | None:
        """The oldest unit not handed on yet; at most one more waits for the next packet.

        A packet completes two units when it ends one by its timestamp and its own by its marker. Then no unit is open,
        so the next packet completes at most one, and the packet after that none unless the waiting one is gone.
        """
        if first is None and self._ready is None:
            return second
        units = [unit for unit in (self._ready, first, second) if unit is not None]
        self._ready = units[1] if len(units) > 1 else None
        return units[0] if units else None

    def _accepts(self, sequence: int) -> bool:
        """Note what is missing before this packet; False for one that comes too late."""
        ahead = (sequence - self._sequence) & 0xFFFF if self._sequence >= 0 else 0
        if ahead >= _LATE:
            self.late_packets += 1
            return False
        self._sequence = (sequence + 1) & 0xFFFF
        if ahead:
            self._note_loss(ahead if ahead < _DROPOUT else 1)
        return True

    def _note_loss(self, packets: int) -> None:
        self.lost_packets += packets
        self._lost_before += packets
        self._waits_for_key = True
        self._damaged = self._damaged or bool(self._data) or self._has_slice
        self._nal_at = self._middle = -1

    def _turn_to(self, timestamp: int) -> AccessUnit | None:
        """Begin the unit of `timestamp`; what came before its slices (SEI) stays with it."""
        finished = self._finish_unit() if self._has_slice or self._damaged else None
        self._timestamp = timestamp
        return finished

    def _finish_unit(self) -> AccessUnit | None:
        data, is_key = self._data, self._is_key
        damaged = self._damaged or self._nal_at >= 0
        self._begin_unit()
        if damaged:
            self._waits_for_key = True
        if damaged or (not is_key and (self._waits_for_key or self._sets_changed)):
            self.withheld_units += 1
            return None
        new_format = None
        if self._sets_changed:
            found = video_format(self._codec, self._sets)
            if found is None:
                self.withheld_units += 1
                return None
            self._sets_changed = False
            new_format = None if found == self._format else found
            self._format = found
        self._waits_for_key = False
        lost, self._lost_before = self._lost_before, 0
        return AccessUnit(data, self._timestamp, is_key, lost, new_format)

    # What the codecs call ---------------------------------------------------------------------------------------------

    def _append(self, buffer: bytearray, start: int, end: int) -> None:
        """Add a whole NAL unit, which ends in no zero byte, to the unit."""
        self._data += (end - start).to_bytes(4, "big")
        self._data += memoryview(buffer)[start:end]

    def _note_slice(self, first_byte: int, *, is_key: bool) -> None:
        """A slice begins; the top bit of the byte after its NAL header says that it begins the picture, both codecs."""
        if not self._has_slice:
            self._has_slice = True
            if not first_byte & 0x80:
                self._damaged = True
                self._markers_lie = self._markers_lie or self._timestamp == self._marked_timestamp
        if is_key:
            self._is_key = True

    def _open_fragmented(self, header: bytes, buffer: bytearray, start: int, end: int) -> None:
        """Begin a NAL unit that comes in fragments; its length is known at its end."""
        if self._nal_at >= 0:
            self._damaged = True
        self._nal_at = len(self._data)
        self._data += _LENGTH_PLACE
        self._data += header
        self._data += memoryview(buffer)[start:end]

    def _close_fragmented(self, *, is_set: bool) -> None:
        """End it; a parameter set is taken out of the unit again."""
        at = self._nal_at
        self._nal_at = self._middle = -1
        if not self._data[-1]:
            del self._data[end_of_nal(self._data, at + 4, len(self._data)) :]
        if len(self._data) - at - 4 < self._fragment_bytes:  # no more than the NAL unit's header is left
            self._damaged = True
            del self._data[at:]
            return
        if is_set:
            nal = bytes(self._data[at + 4 :])
            del self._data[at:]
            self._keep_set(nal)
            return
        self._data[at : at + 4] = (len(self._data) - at - 4).to_bytes(4, "big")

    def _keep_set(self, nal: bytes) -> None:
        """Remember a parameter set; an unchanged one, as cameras repeat them, costs one comparison."""
        if nal in self._sets.values():
            return
        self._sets[set_identity(self._codec, nal)] = nal
        self._sets_changed = True
        if len(self._sets) > _SETS_MAX:
            raise _broken(say("Камера надсилає забагато описів відео.", "The camera sends too many parameter sets."))

    def _take_sdp_set(self, nal: bytes) -> None:
        try:
            self._keep_set(nal)
        except ProtocolError:
            return  # cheap cameras write broken sets into the SDP and right ones into the stream


def end_of_nal(buffer: bytearray, start: int, end: int) -> int:
    """Where the NAL unit `buffer[start:end]` ends without the zero bytes after it; `start` when it is nothing else.

    Copies; ask only when the last byte is zero.
    """
    return start + len(buffer[start:end].rstrip(b"\0"))


def unit_too_large() -> ProtocolError:
    """A frame beyond any camera's, or a frame that never ends."""
    return _broken(say("Камера надіслала завеликий кадр.", "The camera sent a frame of more than 16 MiB."))


def _broken(message: Text) -> ProtocolError:
    return ProtocolError(
        message,
        hint=say(
            "З'єднання почнеться заново; якщо це повторюється, оновіть програму камери.",
            "The connection starts again; if this repeats, update the camera's firmware.",
        ),
    )


def _payload_bounds(buffer: bytearray, start: int, end: int, first: int) -> tuple[int, int]:
    """Where the payload stands behind CSRCs and extension and before padding (RFC 3550 §5.1, §5.3.1)."""
    start += 4 * (first & 15)
    if first & 0x10:
        start += 4 + 4 * int.from_bytes(buffer[start + 2 : min(start + 4, end)], "big")
    if first & 0x20 and start < end:
        end -= buffer[end - 1]
    if start > end:
        raise _broken(say("Камера надіслала пошкоджений RTP.", "The camera sent a broken RTP header."))
    return start, end
