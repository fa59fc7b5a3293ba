"""Owns the moving picture of a simulated camera, and the truth about it: who is where at a given moment.

A picture is a function of the wall clock alone (view, traffic and seed being fixed), so it may be asked for any moment
in any order. It is yuv420p, 640×360, with the true clock in it. Backgrounds and sprites are drawn when first needed;
a frame then costs copies and a few small blends. Belongs to one thread.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from beket.sim import street
from beket.sim.canvas import Planes, Sprite, paste
from beket.sim.clock_text import PAPER, Lettering, draw_clock_strip, spell_moment
from beket.sim.street import HEIGHT, WIDTH, View
from beket.sim.traffic import Kind, Passage, Traffic

FRAME_BYTES = WIDTH * HEIGHT * 3 // 2

T = TypeVar("T", bound=np.generic)
Daylight = Literal["day", "night", "by-clock"]
NIGHT_HOURS = (20, 6)

CLOCK_LEFT, CLOCK_TOP = 8, 8
NEUTRAL = 128
STRIP_CHROMA_ROWS = 4

# Where feet and wheels touch the ground, and how long a car is there: the near lane heads right, the far one left.
_PAVEMENT_FEET_Y = 258
_NEAR_WHEELS_Y, _NEAR_LENGTH = 330, 112
_FAR_WHEELS_Y, _FAR_LENGTH = 290, 88
_PACE_MS = 180


@dataclass(frozen=True, slots=True)
class Weather:
    """What spoils the picture.

    Attributes:
        noise_sigma: of the sensor, in luma levels; 2 is a good camera, 8 a cheap one at dusk.
    """

    rain: bool = False
    noise_sigma: float = 0


@dataclass(frozen=True, slots=True)
class Sight:
    """One car or person in the picture; the box is in pixels, right and bottom excluded, cut to the picture."""

    kind: Kind
    passage: Passage
    left: int
    top: int
    right: int
    bottom: int


class Scene:
    """A view with traffic and weather.

    Args:
        seed: of the noise and rain; traffic brings its own.
    """

    def __init__(
        self,
        view: View,
        traffic: Traffic,
        *,
        daylight: Daylight = "day",
        weather: Weather | None = None,
        seed: int = 0,
    ) -> None:
        self._traffic = traffic
        self._daylight = daylight
        self._weather = weather or Weather()
        self._clock = _Clock()
        self._street = functools.lru_cache(maxsize=2)(lambda night: street.draw_street(view, night=night))
        self._car = functools.lru_cache(maxsize=64)(_draw_car)
        self._person = functools.lru_cache(maxsize=128)(_draw_person)
        rng = np.random.default_rng(seed)
        self._rain = _rain_tile(rng) if self._weather.rain else None
        self._noise = _noise_tile(rng, self._weather.noise_sigma) if self._weather.noise_sigma else None
        self._buffer = np.empty(FRAME_BYTES, np.uint8)

    def picture(self, wall_ms: int) -> bytes:
        """The frame at `wall_ms`: the Y plane, then U, then V."""
        text = spell_moment(wall_ms)
        night = self._is_night(int(text[0][:2]))
        frame = _planes_of(self._buffer)
        background = self._street(night)
        np.copyto(frame.y, background.y)
        np.copyto(frame.u, background.u)
        np.copyto(frame.v, background.v)
        for sprite, x, y, _ in self._actors(wall_ms, night=night):
            paste(frame, sprite, x, y)
        self._spoil(frame.y, wall_ms)
        self._clock.draw(frame, text)
        draw_clock_strip(frame.y, wall_ms)
        frame.u[-STRIP_CHROMA_ROWS:] = NEUTRAL
        frame.v[-STRIP_CHROMA_ROWS:] = NEUTRAL
        return self._buffer.tobytes()

    def truth(self, wall_ms: int) -> tuple[Sight, ...]:
        """Who is in the picture at `wall_ms`, those in front last; empty when nobody is."""
        seen = []
        for sprite, x, y, passage in self._actors(wall_ms, night=False):
            width, height = sprite.size
            left, right = max(0, x), min(WIDTH, x + width)
            if left < right:
                seen.append(Sight(passage.kind, passage, left, y, right, y + height))
        return tuple(seen)

    def _actors(self, wall_ms: int, *, night: bool) -> Sequence[tuple[Sprite, int, int, Passage]]:
        placed = []
        for passage in self._traffic.passages(wall_ms):
            if passage.kind == "car":
                sprite = self._car(passage.look, passage.rightward, night)
                ground_y = _NEAR_WHEELS_Y if passage.rightward else _FAR_WHEELS_Y
            else:
                stride = (wall_ms - passage.start_ms) // _PACE_MS % street.STRIDES
                sprite = self._person(passage.look, stride, passage.rightward, night)
                ground_y = _PAVEMENT_FEET_Y
            width, height = sprite.size
            done = passage.progress_ratio(wall_ms)
            way = done if passage.rightward else 1 - done
            # Chroma has half the pixels: only even places keep colour and outline together.
            x = round((way * (WIDTH + width) - width) / 2) * 2
            placed.append((sprite, x, ground_y - height, passage))
        return sorted(placed, key=lambda actor: actor[2] + actor[0].size[1])

    def _is_night(self, hour: int) -> bool:
        if self._daylight == "by-clock":
            return hour >= NIGHT_HOURS[0] or hour < NIGHT_HOURS[1]
        return self._daylight == "night"

    def _spoil(self, luma: NDArray[np.uint8], wall_ms: int) -> None:
        if self._rain is not None:
            falls = _window(self._rain, wall_ms // 40 * 7, -wall_ms // 4)
            np.minimum(luma, 255 - falls, out=luma)
            luma += falls
        if self._noise is not None:
            mixed = wall_ms // 10 * 2_654_435_761
            noisy = luma + _window(self._noise, mixed >> 7, mixed >> 16)
            np.clip(noisy, 0, 255, out=luma, casting="unsafe")


class _Clock:
    """The clock in the upper left corner: the time in large digits, the date smaller, on one dark label."""

    def __init__(self) -> None:
        self._time, self._date = Lettering(4), Lettering(3)

    def draw(self, frame: Planes, text: tuple[str, str]) -> None:
        bottom = CLOCK_TOP + self._time.height
        end = self._time.draw(frame.y, text[0], x=CLOCK_LEFT + 4, y=CLOCK_TOP)
        width = self._date.width(text[1])
        frame.y[CLOCK_TOP:bottom, CLOCK_LEFT : CLOCK_LEFT + 4] = PAPER
        frame.y[CLOCK_TOP:bottom, end : end + width + 8] = PAPER
        self._date.draw(frame.y, text[1], x=end + 8, y=bottom - self._date.height - 1)
        label = (slice(CLOCK_TOP // 2, bottom // 2), slice(CLOCK_LEFT // 2, (end + width + 8) // 2))
        frame.u[label] = NEUTRAL
        frame.v[label] = NEUTRAL


def _draw_car(look: int, rightward: bool, night: bool) -> Sprite:
    paint = street.CAR_PAINTS[look % len(street.CAR_PAINTS)]
    sprite = street.draw_car(paint, length=_NEAR_LENGTH if rightward else _FAR_LENGTH, night=night)
    return sprite if rightward else sprite.mirrored()


def _draw_person(look: int, stride: int, rightward: bool, night: bool) -> Sprite:
    sprite = street.draw_person(street.COATS[look % len(street.COATS)], stride=stride, night=night)
    return sprite if rightward else sprite.mirrored()


def _planes_of(buffer: NDArray[np.uint8]) -> Planes:
    luma, quarter = WIDTH * HEIGHT, WIDTH * HEIGHT // 4
    half = (HEIGHT // 2, WIDTH // 2)
    return Planes(
        buffer[:luma].reshape(HEIGHT, WIDTH),
        buffer[luma : luma + quarter].reshape(half),
        buffer[luma + quarter :].reshape(half),
    )


# A tile is larger than the picture by this; a window of it at a changing place looks new each time.
_TILE_MARGIN = 64


def _window(tile: NDArray[T], x: int, y: int) -> NDArray[T]:
    x, y = x % _TILE_MARGIN, y % _TILE_MARGIN
    return tile[y : y + HEIGHT, x : x + WIDTH]


def _noise_tile(rng: np.random.Generator, sigma: float) -> NDArray[np.int16]:
    return np.rint(rng.normal(0, sigma, (HEIGHT + _TILE_MARGIN, WIDTH + _TILE_MARGIN))).astype(np.int16)


def _rain_tile(rng: np.random.Generator) -> NDArray[np.uint8]:
    # The streaks repeat every margin, so that they fall without a jump when the window wraps.
    tile = np.zeros((HEIGHT + _TILE_MARGIN, WIDTH + _TILE_MARGIN), np.uint8)
    for _ in range(260):
        x, y = int(rng.integers(WIDTH + _TILE_MARGIN)), int(rng.integers(HEIGHT + _TILE_MARGIN))
        tile[y : y + int(rng.integers(8, 20)), x] = rng.integers(24, 56)
    return tile
