"""Owns reading a film file as access units. Blocks."""

import os
from collections.abc import Iterator
from pathlib import Path

import av

from beket.kernel.errors import NotFound
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from beket.media.av.errors import our_errors
from beket.media.av.units import CODECS, UnitReader
from beket.media.rtp.access_unit import AccessUnit


def read_file_units(path: Path) -> Iterator[tuple[AccessUnit, int]]:
    """The access units of a file's first video stream with their `pts_90k`, in decoding order; audio is passed over.

    The first unit carries the format.

    Raises:
        NotFound: no such file, or no H.264 or H.265 video in it.
        ProtocolError: it is damaged, or not a video file.
    """
    with our_errors(path.name), av.open(os.fspath(path)) as container:
        stream = next((s for s in container.streams.video if s.codec_context.name in CODECS), None)
        if stream is None:
            raise NotFound(
                say("У файлі немає відео H.264 чи H.265.", "The file holds no H.264 or H.265 video."), subject=path.name
            )
        reader = UnitReader(CODECS[stream.codec_context.name], bytes(stream.codec_context.extradata or b""))
        for packet in container.demux(stream):
            if packet.pts is None or packet.time_base is None:
                continue
            pts_90k = round(packet.pts * packet.time_base * TICKS_PER_S)
            unit = reader.read(bytes(packet), timestamp=pts_90k, is_key=packet.is_keyframe)
            if unit is not None:
                yield unit, pts_90k
