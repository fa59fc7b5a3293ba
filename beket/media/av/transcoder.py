"""Owns the way from pictures of any codec to H.264 units: for cameras of MJPEG or MPEG-4, which no browser plays.

Blocks. Decoding and encoding is what recording avoids everywhere else, and the stored bytes are not the camera's own:
whoever uses it says so.
"""

from collections.abc import Iterator
from typing import Any

import av
import av.video.stream

from beket.kernel.units import TICKS_PER_S
from beket.media.av.encoder import H264Encoder
from beket.media.rtp.access_unit import AccessUnit

FPS_MAX = 30
FPS_UNKNOWN = 10
KEY_EACH_S = 2
_BITS_PER_PIXEL = 0.1


class Transcoder:
    """Decodes one stream's packets and encodes their pictures; begins anew when their size changes."""

    def __init__(self, stream: av.video.stream.VideoStream) -> None:
        self._context = stream.codec_context
        self._context.thread_count = 1
        rate = stream.average_rate or stream.guessed_rate
        self._fps = min(max(round(rate), 1), FPS_MAX) if rate else FPS_UNKNOWN
        self._encoder: H264Encoder | None = None

    def read(self, packet: "av.Packet[Any]") -> Iterator[AccessUnit]:
        """The units of one packet.

        Raises:
            FFmpegError: it cannot be decoded; the next one may.
        """
        for frame in self._context.decode(packet):
            if frame.pts is not None and frame.time_base is not None:
                timestamp = round(frame.pts * frame.time_base * TICKS_PER_S) & 0xFFFFFFFF
                yield self._encode(frame, timestamp)

    def _encode(self, frame: av.VideoFrame, timestamp: int) -> AccessUnit:
        width, height = frame.width & ~1, frame.height & ~1  # 4:2:0 has no odd sizes
        encoder, new_format = self._encoder, None
        if encoder is None or (encoder.format.width, encoder.format.height) != (width, height):
            encoder = self._encoder = H264Encoder(
                width,
                height,
                fps=self._fps,
                bitrate_bps=round(width * height * self._fps * _BITS_PER_PIXEL),
                gop_frames=self._fps * KEY_EACH_S,
            )
            new_format = encoder.format
        data, is_key = encoder.encode_frame(frame.reformat(width=width, height=height, format="yuv420p"))
        return AccessUnit(data, timestamp, is_key, 0, new_format)
