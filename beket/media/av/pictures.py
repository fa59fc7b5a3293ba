"""Owns decoding one key frame to a picture, as bytes: numpy is never loaded here. Blocks."""

from dataclasses import dataclass
from typing import cast

import av
import av.video.plane
from av.video.codeccontext import VideoCodecContext

from beket.kernel.errors import ProtocolError
from beket.media.av.errors import our_errors
from beket.media.av.units import START_CODE, sized_units
from beket.media.rtp.access_unit import VideoFormat


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `rgb` is uint8 (height, width, 3), rows without padding."""

    width: int
    height: int
    rgb: bytes


def decode_key_frame(video: VideoFormat, data: bytes | bytearray | memoryview, *, width: int | None = None) -> Picture:
    """The picture of one key unit, scaled to `width` (even) if given, its shape kept.

    Raises:
        ProtocolError: the unit cannot be decoded alone.
    """
    decoder = "h264" if video.codec == "h264" else "hevc"
    context = cast(VideoCodecContext, av.CodecContext.create(decoder, "r"))
    context.thread_count = 1
    units = [*video.parameter_sets, *sized_units(bytes(data), 4)]
    with our_errors(video.codec):
        packet = av.Packet(b"".join(b"\0" + START_CODE + unit for unit in units))
        frames = [*context.decode(packet), *context.decode(None)]
        if not frames:
            raise ProtocolError("the unit holds no picture")
        frame = frames[0]
        width = width or frame.width
        height = max(2, round(frame.height * width / frame.width / 2) * 2)
        scaled = frame.reformat(width=width, height=height, format="rgb24")
    return Picture(width, height, _rows(scaled.planes[0], width * 3, height))


def _rows(plane: av.video.plane.VideoPlane, row_bytes: int, rows: int) -> bytes:
    whole, step = bytes(plane), plane.line_size
    if step == row_bytes:
        return whole[: row_bytes * rows]
    return b"".join(whole[at : at + row_bytes] for at in range(0, step * rows, step))
