"""Owns the only door to PyAV (FFmpeg's libraries): encoding for simulated cameras, reading files, decoding a key frame.

All of it blocks; never on an event loop. Pictures go in and out as bytes, so numpy is never loaded here. Everything of
`av.error` becomes an error of ours in `_our_errors`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
from av.video.codeccontext import VideoCodecContext

from beket.kernel.errors import (
    BeketError,
    Cancelled,
    Forbidden,
    Internal,
    InvalidArgument,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.ports import Codec
from beket.kernel.text import Text, say
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.reader import configuration_sets
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.parameter_sets import (
    H264_PPS,
    H264_SPS,
    H265_PPS,
    H265_SPS,
    H265_VPS,
    format_of,
    nal_type,
)

_CODECS: dict[str, Codec] = {"h264": "h264", "hevc": "h265"}
_SETS: dict[Codec, tuple[int, ...]] = {"h264": (H264_SPS, H264_PPS), "h265": (H265_VPS, H265_SPS, H265_PPS)}
_DELIMITERS: dict[Codec, int] = {"h264": 9, "h265": 35}
_START_CODE = b"\0\0\1"

# The nearest class of the foreign error's line of descent decides.
_MAP: dict[type[BaseException], type[BeketError]] = {
    av.error.InvalidDataError: ProtocolError,
    av.error.EOFError: ProtocolError,
    av.error.BufferTooSmallError: ProtocolError,
    av.error.OverflowError: ProtocolError,
    av.error.PatchWelcomeError: ProtocolError,
    av.error.NotImplementedError: ProtocolError,
    av.error.InputChangedError: ProtocolError,
    av.error.OutputChangedError: ProtocolError,
    av.error.ExternalError: ProtocolError,
    av.error.UndefinedError: ProtocolError,
    av.error.UnknownError: ProtocolError,
    av.error.ArgumentError: InvalidArgument,
    av.error.LookupError: Internal,  # this FFmpeg was built without the part that we ask for
    av.error.BugError: Internal,
    av.error.MemoryError: Internal,
    av.error.ExperimentalError: Internal,
    av.error.PyAVCallbackError: Internal,
    av.error.ExitError: Cancelled,
    av.error.InterruptedError: Cancelled,
    av.error.FileNotFoundError: NotFound,
    av.error.IsADirectoryError: NotFound,
    av.error.NotADirectoryError: NotFound,
    av.error.PermissionError: Forbidden,
    av.error.TimeoutError: TimedOut,
    av.error.BlockingIOError: TimedOut,
    av.error.OSError: Unreachable,
    av.error.HTTPNotFoundError: NotFound,
    av.error.HTTPUnauthorizedError: Unauthenticated,
    av.error.HTTPForbiddenError: Forbidden,
    av.error.HTTPClientError: ProtocolError,
    av.error.HTTPError: Unreachable,
    # PyAV's errors inherit the builtin of the same name, and these have no class of their own above them.
    ConnectionError: Unreachable,
    OSError: Unreachable,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `rgb` is uint8 (height, width, 3), rows without padding."""

    width: int
    height: int
    rgb: bytes


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
        with _our_errors("libx264"):
            context.open()
        sets = [nal for nal in _annexb_units(bytes(context.extradata or b"")) if nal_type("h264", nal) in _SETS["h264"]]
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
        frame.pts, frame.time_base = self._frames, self._context.time_base
        self._frames += 1
        with _our_errors("libx264"):
            packets = self._context.encode(frame)
        data = bytearray()
        for packet in packets:
            _append_sized(data, _picture_units("h264", _annexb_units(bytes(packet))))
        return data, any(packet.is_keyframe for packet in packets)


def read_file_units(path: Path) -> Iterator[tuple[AccessUnit, int]]:
    """The access units of a file's first video stream with their `pts_90k`, in decoding order; audio is passed over.

    The first unit carries the format.

    Raises:
        NotFound: no such file, or no H.264 or H.265 video in it.
        ProtocolError: it is damaged, or not a video file.
    """
    with _our_errors(path.name), av.open(os.fspath(path)) as container:
        stream = next((s for s in container.streams.video if s.codec_context.name in _CODECS), None)
        if stream is None:
            raise NotFound(
                say("У файлі немає відео H.264 чи H.265.", "The file holds no H.264 or H.265 video."), subject=path.name
            )
        codec = _CODECS[stream.codec_context.name]
        extradata = bytes(stream.codec_context.extradata or b"")
        is_sized = extradata[:1] == b"\1"
        length_bytes = (extradata[4 if codec == "h264" else 21] & 3) + 1 if is_sized else 0
        sets = configuration_sets(codec, extradata) if is_sized else tuple(_annexb_units(extradata))
        sets = tuple(nal for nal in sets if nal and nal_type(codec, nal) in _SETS[codec])
        video: VideoFormat | None = format_of(codec, sets)
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue
            raw = bytes(packet)
            units = _sized_units(raw, length_bytes) if is_sized else _annexb_units(raw)
            data = bytearray()
            _append_sized(data, _picture_units(codec, units))
            pts_90k = round(packet.pts * packet.time_base * TICKS_PER_S)
            yield AccessUnit(data, pts_90k & 0xFFFFFFFF, packet.is_keyframe, 0, video), pts_90k
            video = None


def decode_key_frame(video: VideoFormat, data: bytes | bytearray | memoryview, *, width: int | None = None) -> Picture:
    """The picture of one key unit, scaled to `width` (even) if given, its shape kept.

    Raises:
        ProtocolError: the unit cannot be decoded alone.
    """
    decoder = "h264" if video.codec == "h264" else "hevc"
    context = cast(VideoCodecContext, av.CodecContext.create(decoder, "r"))
    context.thread_count = 1
    units = [*video.parameter_sets, *_sized_units(bytes(data), 4)]
    with _our_errors(video.codec):
        packet = av.Packet(b"".join(b"\0" + _START_CODE + unit for unit in units))
        frames = [*context.decode(packet), *context.decode(None)]
        if not frames:
            raise ProtocolError("the unit holds no picture")
        frame = frames[0]
        width = width or frame.width
        height = max(2, round(frame.height * width / frame.width / 2) * 2)
        scaled = frame.reformat(width=width, height=height, format="rgb24")
    return Picture(width, height, _rows(scaled.planes[0], width * 3, height))


@contextmanager
def _our_errors(subject: str) -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise our_error(error, subject) from error


def our_error(error: av.error.FFmpegError, subject: str) -> BeketError:
    """What an error of PyAV means here."""
    ours = next((_MAP[kind] for kind in type(error).__mro__ if kind in _MAP), Internal)
    message: Text = say("Відео не читається: {why}.", "The video cannot be processed: {why}.", why=error.strerror)
    return ours(message, subject=subject)


def _annexb_units(data: bytes) -> Iterator[bytes]:
    """The NAL units between start codes (ITU-T H.264 Annex B)."""
    at = data.find(_START_CODE)
    while at >= 0:
        start = at + len(_START_CODE)
        at = data.find(_START_CODE, start)
        unit = (data[start:] if at < 0 else data[start:at]).rstrip(b"\0")
        if unit:
            yield unit


def _sized_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + length_bytes], "big")
        at += length_bytes
        if size == 0 or at + size > len(data):
            raise ProtocolError(say("Кадр пошкоджено.", "A frame is damaged."))
        yield data[at : at + size]
        at += size


def _picture_units(codec: Codec, units: Iterator[bytes]) -> Iterator[bytes]:
    """Without parameter sets and delimiters."""
    dropped = (*_SETS[codec], _DELIMITERS[codec])
    return (unit for unit in units if nal_type(codec, unit) not in dropped)


def _append_sized(data: bytearray, units: Iterator[bytes]) -> None:
    for unit in units:
        data += len(unit).to_bytes(4, "big")
        data += unit


def _fill(plane: av.video.plane.VideoPlane, rows: memoryview) -> None:
    padding = plane.line_size - plane.width
    if padding == 0:
        plane.update(bytes(rows))
        return
    gap, width = bytes(padding), plane.width
    plane.update(b"".join(part for at in range(0, len(rows), width) for part in (bytes(rows[at : at + width]), gap)))


def _rows(plane: av.video.plane.VideoPlane, row_bytes: int, rows: int) -> bytes:
    whole, step = bytes(plane), plane.line_size
    if step == row_bytes:
        return whole[: row_bytes * rows]
    return b"".join(whole[at : at + row_bytes] for at in range(0, step * rows, step))
