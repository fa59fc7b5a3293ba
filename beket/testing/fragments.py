"""Owns made-up recordings for tests of what stores and carries them: right in form, with noise for pictures."""

import random

from beket.kernel.ports import Fragment, StreamFormat
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.parameter_sets import format_of
from beket.testing.access_units import TakenApart

# 320 × 240 H.264 baseline, as x264 writes it.
_SPS = bytes.fromhex("6742c00bd90141fb011000000300100000030140f142a480")
_PPS = bytes.fromhex("68cb83cb20")

# 2026-11-25 00:00 UTC.
DAY_90K = 1_795_564_800 * TICKS_PER_S


def made_up_stream() -> StreamFormat:
    """The format of `made_up_fragments`."""
    video = format_of("h264", (_SPS, _PPS))
    return StreamFormat(codec="h264", width=video.width, height=video.height, init=init_segment(video))


def made_up_fragments(
    rng: random.Random, *, start_90k: int, seconds: int, fps: int = 5, key_every_s: int = 2, frame_bytes: int = 300
) -> list[Fragment]:
    """Frames of noise from `start_90k` on; the first one is a key frame."""
    step_90k = TICKS_PER_S // fps
    made = []
    for number in range(seconds * fps):
        is_key = number % (key_every_s * fps) == 0
        # A NAL unit never ends in a zero byte.
        nal = bytes([0x65 if is_key else 0x41]) + rng.randbytes(rng.randrange(1, frame_bytes)) + b"\x80"
        made.append(_fragment(nal, is_key=is_key, number=number, start_90k=start_90k, step_90k=step_90k))
    return made


def film_stream(film: TakenApart) -> StreamFormat:
    """The format of `film_fragments`."""
    init = init_segment(film.format)
    return StreamFormat(codec=film.format.codec, width=film.format.width, height=film.format.height, init=init)


def film_fragments(film: TakenApart, *, start_90k: int) -> list[Fragment]:
    """A film's frames as capture would write them, from its first key frame on."""
    step_90k = round(TICKS_PER_S / film.fps)
    first = next(number for number, (_, is_key) in enumerate(film.units) if is_key)
    return [
        _fragment(data, is_key=is_key, number=number, start_90k=start_90k, step_90k=step_90k, framed=True)
        for number, (data, is_key) in enumerate(film.units[first:])
    ]


def _fragment(
    data: bytes, *, is_key: bool, number: int, start_90k: int, step_90k: int, framed: bool = False
) -> Fragment:
    framed_data = data if framed else len(data).to_bytes(4, "big") + data
    unit = AccessUnit(data=bytearray(framed_data), timestamp=0, is_key=is_key)
    decode_time_90k = number * step_90k
    box = fragment(unit, sequence=number + 1, decode_time_90k=decode_time_90k, duration_90k=step_90k)
    return Fragment(box, start_90k + decode_time_90k, step_90k, is_key)
