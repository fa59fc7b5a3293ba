"""Owns the way from FFmpeg's packets to access units: NAL units between start codes or after lengths. Sans-I/O."""

from collections.abc import Iterator

from beket.kernel.errors import ProtocolError
from beket.kernel.ports import Codec
from beket.kernel.text import say
from beket.media.fmp4.reader import configuration_sets
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.parameter_sets import (
    H264_PPS,
    H264_SPS,
    H265_PPS,
    H265_SPS,
    H265_VPS,
    nal_type,
    set_identity,
    video_format,
)

CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
SETS: dict[Codec, tuple[int, ...]] = {"h264": (H264_SPS, H264_PPS), "h265": (H265_VPS, H265_SPS, H265_PPS)}
START_CODE = b"\0\0\1"
DELIMITERS: dict[Codec, int] = {"h264": 9, "h265": 35}


def annexb_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (ITU-T H.264 Annex B), without the zero bytes after them."""
    at = data.find(START_CODE)
    while at >= 0:
        start = at + len(START_CODE)
        at = data.find(START_CODE, start)
        unit = (data[start:] if at < 0 else data[start:at]).rstrip(b"\0")
        if unit:
            yield unit


def sized_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units, each after its length in `length_bytes` bytes, and without zero bytes at the end.

    Raises:
        ProtocolError: a length is 0 or points past the end.
    """
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if size == 0 or at + size > len(data):
            raise ProtocolError(say("Кадр пошкоджено.", "A frame is damaged."))
        unit = data[at : at + size].rstrip(b"\0")
        if unit:
            yield unit
        at += size


def append_sized(data: bytearray, unit: bytes) -> None:
    """Add a NAL unit after its length."""
    data += len(unit).to_bytes(4, "big")
    data += unit


def continues_picture(codec: Codec, data: bytes | bytearray) -> bool:
    """Whether the first slice of a unit is not the first of its picture; the top bit after its NAL header tells."""
    header_bytes, slices = (1, (1, 2, 5)) if codec == "h264" else (2, range(32))
    for nal in sized_units(bytes(data), 4):
        if nal_type(codec, nal) in slices:
            return len(nal) > header_bytes and not nal[header_bytes] & 0x80
    return False


class UnitReader:
    """Reads the packets of one stream; parameter sets inside them replace those that it was announced with.

    `announced` is FFmpeg's extradata: avcC or hvcC when the packets hold lengths, else NAL units after start codes.
    """

    def __init__(self, codec: Codec, announced: bytes) -> None:
        self._codec: Codec = codec
        self._length_bytes = 0  # 0: start codes
        self._sets: dict[tuple[int, int], bytes] = {}
        self._sets_changed = False
        self._format: VideoFormat | None = None
        if announced[:1] == b"\1":
            self._length_bytes = (announced[4 if codec == "h264" else 21] & 3) + 1
            sets = configuration_sets(codec, announced)
        else:
            sets = tuple(annexb_units(announced))
        for nal in sets:
            if nal and nal_type(codec, nal) in SETS[codec]:
                self._keep_set(nal)

    def read(self, packet: bytes, *, timestamp: int, is_key: bool) -> AccessUnit | None:
        """The unit of one packet; None for one without a picture, and while its format is not known.

        Raises:
            ProtocolError: it is damaged.
        """
        data = bytearray()
        for nal in sized_units(packet, self._length_bytes) if self._length_bytes else annexb_units(packet):
            kind = nal_type(self._codec, nal)
            if kind in SETS[self._codec]:
                self._keep_set(nal)
            elif kind != DELIMITERS[self._codec]:
                append_sized(data, nal)
        if not data:
            return None
        new_format = None
        if self._sets_changed or self._format is None:
            found = video_format(self._codec, self._sets) if is_key else None
            if found is None:
                return None
            self._sets_changed = False
            new_format = None if found == self._format else found
            self._format = found
        return AccessUnit(data, timestamp & 0xFFFFFFFF, is_key, 0, new_format)

    def _keep_set(self, nal: bytes) -> None:
        if nal not in self._sets.values():
            self._sets[set_identity(self._codec, nal)] = nal
            self._sets_changed = True
