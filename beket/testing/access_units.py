"""Owns films taken apart into access units, as a camera's encoder would hand them to our RTSP server."""

import re
from dataclasses import dataclass
from pathlib import Path

from beket.kernel.ports import Codec
from beket.media.rtp.access_unit import VideoFormat
from beket.testing.footage import look_at
from beket.testing.process import output_of

_START_CODE = re.compile(rb"\x00{2,3}\x01")


@dataclass(frozen=True, slots=True)
class TakenApart:
    """A film's format, frame rate and frames: (NAL units with 4-byte lengths, is key), parameter sets left out."""

    format: VideoFormat
    fps: float
    units: list[tuple[bytes, bool]]


def take_apart(film: Path, folder: Path) -> TakenApart:
    """The access units of an H.264 or H.265 film without B-frames; `folder` takes the elementary stream."""
    facts = look_at(film)
    codec: Codec = "h265" if facts.codec == "hevc" else "h264"
    name = "hevc" if codec == "h265" else "h264"
    stream = folder / f"{film.stem}.{name}"
    output_of(
        "ffmpeg", "-v", "error", "-y", "-i", film, "-an", "-c", "copy",
        "-bsf:v", f"{name}_mp4toannexb,{name}_metadata=aud=insert", "-f", name, stream,
    )  # fmt: skip
    parameter_sets: dict[int, bytes] = {}
    frames: list[tuple[list[bytes], bool]] = []
    for unit in _split(stream.read_bytes()):
        kind = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
        if kind == (9 if codec == "h264" else 35):  # an access unit delimiter
            frames.append(([], False))
        elif kind in ((7, 8) if codec == "h264" else (32, 33, 34)):
            parameter_sets[kind] = unit
        else:
            units, is_key = frames[-1]
            frames[-1] = ([*units, unit], is_key or (kind == 5 if codec == "h264" else 16 <= kind <= 21))
    sets = tuple(parameter_sets[kind] for kind in sorted(parameter_sets))
    joined = [(b"".join(len(u).to_bytes(4, "big") + u for u in units), is_key) for units, is_key in frames]
    return TakenApart(VideoFormat(codec, facts.width, facts.height, sets), facts.fps, joined)


def _split(stream: bytes) -> list[bytes]:
    starts = [(match.start(), match.end()) for match in _START_CODE.finditer(stream)]
    ends = [begin for begin, _ in starts[1:]] + [len(stream)]
    return [stream[begin:end] for (_, begin), end in zip(starts, ends, strict=True)]
