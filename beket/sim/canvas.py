"""Owns drawing in colour for simulated scenes: flat shapes with soft edges, turned into yuv420p planes at the end.

Shapes are drawn at twice the size and averaged, which is all the anti-aliasing that a 640-pixel street needs. Nothing
here runs per frame: backgrounds and sprites are drawn once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
Point = tuple[float, float]
Floats = NDArray[np.float32]
Plane = NDArray[np.uint8]

OVERSAMPLING = 2


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture in yuv420p, limited range BT.601: luma (height, width), chroma of half that size each."""

    y: Plane
    u: Plane
    v: Plane


@dataclass(frozen=True, slots=True)
class Sprite:
    """A small picture with its coverage, 0 to 1, for luma and for chroma; width and height are even."""

    planes: Planes
    alpha: Floats
    alpha_chroma: Floats

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.planes.y.shape
        return width, height

    def mirrored(self) -> "Sprite":
        """The same, looking the other way."""
        p = self.planes
        return Sprite(Planes(p.y[:, ::-1], p.u[:, ::-1], p.v[:, ::-1]), self.alpha[:, ::-1], self.alpha_chroma[:, ::-1])


class Canvas:
    """A drawing of `width` × `height` pixels; coordinates are in pixels, y grows downwards."""

    def __init__(self, width: int, height: int) -> None:
        size = (height * OVERSAMPLING, width * OVERSAMPLING)
        self._rgb: Floats = np.zeros((*size, 3), np.float32)
        self._alpha: Floats = np.zeros(size, np.float32)
        rows, columns = np.indices(size, dtype=np.float32)
        half = np.float32(0.5)
        self._x: Floats = (columns + half) / np.float32(OVERSAMPLING)
        self._y: Floats = (rows + half) / np.float32(OVERSAMPLING)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: Rgb) -> None:
        """Fill a rectangle whose top left corner is (x, y)."""
        where = self._box(x, y, x + width, y + height)
        self._rgb[where] = colour
        self._alpha[where] = 1

    def polygon(self, corners: Sequence[Point], colour: Rgb) -> None:
        """Fill a convex polygon, its corners given clockwise as seen."""
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        where = self._box(min(xs), min(ys), max(xs), max(ys))
        inside = np.ones(self._alpha[where].shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            inside &= (x1 - x0) * (self._y[where] - y0) - (y1 - y0) * (self._x[where] - x0) >= 0
        self._fill(where, inside, colour)

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, colour: Rgb) -> None:
        """Fill an ellipse around (x, y)."""
        where = self._box(x - radius_x, y - radius_y, x + radius_x, y + radius_y)
        inside = ((self._x[where] - x) / radius_x) ** 2 + ((self._y[where] - y) / radius_y) ** 2 <= 1
        self._fill(where, inside, colour)

    def fade(self, y: float, height: float, top: Rgb, bottom: Rgb) -> None:
        """Fill the rows from `y` on with colours that pass from `top` to `bottom`."""
        rows = slice(round(y * OVERSAMPLING), round((y + height) * OVERSAMPLING))
        share = np.linspace(0, 1, rows.stop - rows.start, dtype=np.float32)[:, None, None]
        self._rgb[rows] = np.array(top, np.float32) * (1 - share) + np.array(bottom, np.float32) * share
        self._alpha[rows] = 1

    def grain(self, y: float, height: float, strength: float, rng: np.random.Generator) -> None:
        """Give the rows from `y` on the unevenness of ground: asphalt, grass."""
        rows = slice(round(y * OVERSAMPLING), round((y + height) * OVERSAMPLING))
        shape = self._alpha[rows].shape
        self._rgb[rows] += rng.normal(0, strength, shape).astype(np.float32)[..., None]

    def nightfall(self, lamps: Sequence[Point], *, reach: float = 95) -> None:
        """Darken everything, bluish, but for what stands in the warm light under `lamps`."""
        light = np.zeros(self._alpha.shape, np.float32)
        for x, y in lamps:
            light += np.exp(-(((self._x - x) / reach) ** 2 + ((self._y - y) / (reach * 0.9)) ** 2))
        warm = light[..., None] * np.array((0.75, 0.62, 0.42), np.float32)
        self._rgb *= np.array((0.16, 0.18, 0.27), np.float32) + warm

    def planes(self) -> Planes:
        """The drawing as yuv420p."""
        return _to_yuv(_shrink(self._rgb, OVERSAMPLING))

    def sprite(self) -> Sprite:
        """The drawing with its coverage, where nothing drawn is transparent."""
        alpha = _shrink(self._alpha[..., None], OVERSAMPLING)
        rgb: Floats = _shrink(self._rgb * self._alpha[..., None], OVERSAMPLING)
        rgb /= np.maximum(alpha, np.float32(1e-3))
        return Sprite(_to_yuv(rgb), alpha[..., 0], _shrink(alpha, 2)[..., 0])

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
        def span(begin: float, end: float) -> slice:
            return slice(max(0, round(begin * OVERSAMPLING)), max(0, round(end * OVERSAMPLING)))

        return span(top, bottom), span(left, right)

    def _fill(self, where: tuple[slice, slice], inside: NDArray[np.bool_], colour: Rgb) -> None:
        self._rgb[where][inside] = colour
        self._alpha[where][inside] = 1


def paste(target: Planes, sprite: Sprite, x: int, y: int) -> None:
    """Blend `sprite` into `target` with its top left corner at (x, y), both even; what lies outside is cut off."""
    height, width = target.y.shape
    sprite_width, sprite_height = sprite.size
    left, right = max(0, x), min(width, x + sprite_width)
    top, bottom = max(0, y), min(height, y + sprite_height)
    if left >= right or top >= bottom:
        return
    _blend(target.y, sprite.planes.y, sprite.alpha, (left, right, top, bottom), (x, y))
    half = (left // 2, right // 2, top // 2, bottom // 2)
    _blend(target.u, sprite.planes.u, sprite.alpha_chroma, half, (x // 2, y // 2))
    _blend(target.v, sprite.planes.v, sprite.alpha_chroma, half, (x // 2, y // 2))


def _blend(target: Plane, source: Plane, alpha: Floats, box: tuple[int, int, int, int], at: tuple[int, int]) -> None:
    left, right, top, bottom = box
    there = target[top:bottom, left:right]
    here = (slice(top - at[1], bottom - at[1]), slice(left - at[0], right - at[0]))
    share = alpha[here]
    there[...] = there * (1 - share) + source[here] * share


def _shrink(picture: Floats, by: int) -> Floats:
    height, width, depth = picture.shape
    shrunk: Floats = picture.reshape(height // by, by, width // by, by, depth).mean(axis=(1, 3), dtype=np.float32)
    return shrunk


def _to_yuv(rgb: Floats) -> Planes:
    # ITU-R BT.601-7, limited range.
    matrix = np.array(((65.481, 128.553, 24.966), (-37.797, -74.203, 112.0), (112.0, -93.786, -18.214)), np.float32)
    yuv = np.clip(rgb, 0, 255) / 255 @ matrix.T + np.array((16, 128, 128), np.float32)
    chroma = _shrink(yuv[..., 1:].astype(np.float32), 2)
    as_bytes = [
        np.ascontiguousarray(np.rint(plane), np.uint8) for plane in (yuv[..., 0], chroma[..., 0], chroma[..., 1])
    ]
    return Planes(*as_bytes)
