"""Owns the true time inside a simulated picture: digits for people, and a strip of 64 blocks for tests.

The strip lies at the bottom edge: 48 bits of wall time in ms, then their CRC-16, most significant bit first, white is
one. It survives H.264 and scaling, so a test reads from a decoded frame when that frame was made, and can tell how old
a live picture is or whether a recording lost any.
"""

import binascii
import datetime
import zoneinfo

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

STRIP_BLOCKS = 64
STRIP_HEIGHT_RATIO = 8 / 360
_TIME_BITS = 48
_BLACK, _WHITE = 16, 235
INK, PAPER = 235, 24
# Not zero: an all-black edge must not read as the year 1970.
_CRC_START = 0xFFFF

_KYIV = zoneinfo.ZoneInfo("Europe/Kyiv")

# 5 × 7 dots, a row each, the leftmost dot in the highest of five bits.
_GLYPHS = {
    "0": (0x0E, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0E),
    "1": (0x04, 0x0C, 0x04, 0x04, 0x04, 0x04, 0x0E),
    "2": (0x0E, 0x11, 0x01, 0x02, 0x04, 0x08, 0x1F),
    "3": (0x1F, 0x02, 0x04, 0x02, 0x01, 0x11, 0x0E),
    "4": (0x02, 0x06, 0x0A, 0x12, 0x1F, 0x02, 0x02),
    "5": (0x1F, 0x10, 0x1E, 0x01, 0x01, 0x11, 0x0E),
    "6": (0x06, 0x08, 0x10, 0x1E, 0x11, 0x11, 0x0E),
    "7": (0x1F, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08),
    "8": (0x0E, 0x11, 0x11, 0x0E, 0x11, 0x11, 0x0E),
    "9": (0x0E, 0x11, 0x11, 0x0F, 0x01, 0x02, 0x0C),
    ":": (0x00, 0x04, 0x04, 0x00, 0x04, 0x04, 0x00),
    ".": (0x00, 0x00, 0x00, 0x00, 0x00, 0x0C, 0x0C),
}


def spell_moment(wall_ms: int) -> tuple[str, str]:
    """Kyiv time and date of `wall_ms`, as the picture shows them.

    Example:
        >>> spell_moment(1_700_000_000_123)
        ('00:13:20.1', '15.11.2023')
    """
    moment = datetime.datetime.fromtimestamp(wall_ms / 1000, _KYIV)
    return f"{moment:%H:%M:%S}.{wall_ms % 1000 // 100}", f"{moment:%d.%m.%Y}"


class Lettering:
    """Digits at one size, ready to be pasted into a luma plane.

    Attributes:
        height: in pixels, with a margin of one dot above and below.
    """

    def __init__(self, dot_pixels: int) -> None:
        self.height = 9 * dot_pixels
        self._glyphs = {char: _glyph(rows, dot_pixels) for char, rows in _GLYPHS.items()}

    def width(self, text: str) -> int:
        """How many pixels wide `text` is."""
        return sum(self._glyphs[char].shape[1] for char in text)

    def draw(self, luma: Plane, text: str, *, x: int, y: int) -> int:
        """Write `text` with its top left corner at (x, y); return where the next character would begin."""
        for char in text:
            glyph = self._glyphs[char]
            luma[y : y + glyph.shape[0], x : x + glyph.shape[1]] = glyph
            x += glyph.shape[1]
        return x


def draw_clock_strip(luma: Plane, wall_ms: int) -> None:
    """Code `wall_ms` into the lowest rows of `luma`, uint8 (height, width)."""
    height, width = luma.shape
    time = wall_ms.to_bytes(_TIME_BITS // 8, "big")
    word = time + binascii.crc_hqx(time, _CRC_START).to_bytes(2, "big")
    bits = np.unpackbits(np.frombuffer(word, np.uint8))
    blocks = np.where(bits, np.uint8(_WHITE), np.uint8(_BLACK))
    luma[height - round(height * STRIP_HEIGHT_RATIO) :] = blocks[np.arange(width) * STRIP_BLOCKS // width]


def read_clock_strip(gray: Plane) -> int | None:
    """The wall time in ms that `draw_clock_strip` put into a picture, uint8 (height, width), of any size.

    None when there is no strip, or it is too damaged for its checksum: a wrong time is never returned
    (but for one chance in 65 536 with noise).
    """
    height, width = gray.shape
    rows = gray[height - max(1, round(height * STRIP_HEIGHT_RATIO * 0.75)) : height - round(height / 360)]
    if width < STRIP_BLOCKS or not rows.size:
        return None
    # The middle of each block: its edges are what the codec blurs.
    centres = ((np.arange(STRIP_BLOCKS) + 0.5) * width / STRIP_BLOCKS).astype(np.intp)
    reach = max(0, width // STRIP_BLOCKS // 2 - 3)
    columns = centres[:, None] + np.arange(-reach, reach + 1)
    bits = rows[:, columns].mean(axis=(0, 2)) > (_BLACK + _WHITE) / 2
    word = np.packbits(bits).tobytes()
    time, checksum = word[: _TIME_BITS // 8], int.from_bytes(word[_TIME_BITS // 8 :], "big")
    return int.from_bytes(time, "big") if binascii.crc_hqx(time, _CRC_START) == checksum else None


def read_clock_of_rgb(rgb: bytes, *, width: int, height: int) -> int | None:
    """`read_clock_strip` of a decoded picture, uint8 (height, width, 3) without padding."""
    return read_clock_strip(np.frombuffer(rgb, np.uint8).reshape(height, width, 3)[:, :, 1])


def _glyph(rows: tuple[int, ...], dot_pixels: int) -> Plane:
    dots = np.full((9, 6), PAPER, np.uint8)
    for y, row in enumerate(rows):
        dots[y + 1, :5] = [INK if row >> (4 - x) & 1 else PAPER for x in range(5)]
    return dots.repeat(dot_pixels, axis=0).repeat(dot_pixels, axis=1)
