"""Owns encoding to H.264: for simulated cameras, and for real ones whose own codec no browser plays. Blocks."""

from fractions import Fraction

import av
import av.video.plane

from beket.kernel.errors import InvalidArgument
from beket.media.av.errors import our_errors
from beket.media.av.units import DELIMITERS, SETS, annexb_units, append_sized
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.parameter_sets import format_of, nal_type


class H264Encoder:
    """Encodes as a plain IP camera does: baseline profile, no B-frames, a key frame each `gop_frames`, no delay.

    Raises:
        InvalidArgument: a size that 4:2:0 cannot have, or values that libx264 refuses.
    """

    def __init__(self, width: int, height: int, *, fps: int, bitrate_bps: int, gop_frames: int) -> None:
        if width <= 0 or height <= 0 or width % 2 or height % 2:
            raise InvalidArgument(f"width and height must be even and positive, not {width}x{height}")
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = Fraction(fps), Fraction(1, fps)
        context.bit_rate, context.gop_size, context.max_b_frames = bitrate_bps, gop_frames, 0
        context.thread_count = 1
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": f"scenecut=0:keyint={gop_frames}:min-keyint={gop_frames}:sliced-threads=0",
            "flags": "+global_header",
        }
        with our_errors("libx264"):
            context.open()
        sets = [nal for nal in annexb_units(bytes(context.extradata or b"")) if nal_type("h264", nal) in SETS["h264"]]
        self.format: VideoFormat = format_of("h264", tuple(sets))
        self._context = context
        self._frames = 0

    def encode(self, yuv420p: bytes | bytearray | memoryview) -> tuple[bytearray, bool]:
        """One picture (planes Y, U, V one after another, rows without padding) as unit data, and whether it is key.

        The data is as `AccessUnit.data`: each NAL unit after its length, parameter sets are in `format`.
        """
        width, height = self.format.width, self.format.height
        planes = memoryview(yuv420p).cast("B")
        if len(planes) != width * height * 3 // 2:
            raise InvalidArgument(f"yuv420p of {width}x{height} has {width * height * 3 // 2} bytes, not {len(planes)}")
        frame = av.VideoFrame(width, height, "yuv420p")
        at = 0
        for plane in frame.planes:
            size = plane.width * plane.height
            _fill(plane, planes[at : at + size])
            at += size
        return self.encode_frame(frame)

    def encode_frame(self, frame: av.VideoFrame) -> tuple[bytearray, bool]:
        """The same for a frame of FFmpeg's, already yuv420p and of the encoder's size."""
        frame.pts, frame.time_base = self._frames, self._context.time_base
        self._frames += 1
        with our_errors("libx264"):
            packets = self._context.encode(frame)
        data = bytearray()
        for packet in packets:
            for nal in annexb_units(bytes(packet)):
                if nal_type("h264", nal) not in (*SETS["h264"], DELIMITERS["h264"]):
                    append_sized(data, nal)
        return data, any(packet.is_keyframe for packet in packets)


def _fill(plane: av.video.plane.VideoPlane, rows: memoryview) -> None:
    padding = plane.line_size - plane.width
    if padding == 0:
        plane.update(bytes(rows))
        return
    gap, width = bytes(padding), plane.width
    plane.update(b"".join(part for at in range(0, len(rows), width) for part in (bytes(rows[at : at + width]), gap)))
