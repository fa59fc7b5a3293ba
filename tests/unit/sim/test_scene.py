import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.sim import street
from beket.sim.clock_text import read_clock_strip
from beket.sim.scene import CLOCK_TOP, FRAME_BYTES, Scene, Weather
from beket.sim.street import HEIGHT, WIDTH
from beket.sim.traffic import Passage, PlannedTraffic, VillageTraffic

NOON_MS = 1_795_600_800_000
VIEWS = [street.COUNCIL_STREET, street.COUNCIL_YARD, street.VILLAGE_STREET, street.SCHOOL_YARD]
CLOCK_BOTTOM = CLOCK_TOP + 36
STRIP_TOP = HEIGHT - 8


def luma(picture: bytes) -> np.ndarray:
    return np.frombuffer(picture, np.uint8, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH)


def changed_box(before: bytes, after: bytes) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what differs below the clock and above the strip."""
    differs = (luma(before) != luma(after))[CLOCK_BOTTOM:STRIP_TOP]
    rows, columns = np.nonzero(differs.any(axis=1))[0], np.nonzero(differs.any(axis=0))[0]
    if not rows.size:
        return None
    return int(columns[0]), int(rows[0]) + CLOCK_BOTTOM, int(columns[-1]) + 1, int(rows[-1]) + CLOCK_BOTTOM + 1


@pytest.fixture(scope="module")
def busy() -> Scene:
    return Scene(street.COUNCIL_STREET, VillageTraffic(3, cars_per_minute=12, people_per_minute=6))


class Stage:
    """Traffic that a test changes between pictures."""

    def __init__(self) -> None:
        self.cast: list[Passage] = []

    def passages(self, wall_ms: int) -> list[Passage]:
        return [p for p in self.cast if 0 <= p.progress_ratio(wall_ms) < 1]


@pytest.fixture(scope="module")
def stage() -> tuple[Stage, Scene]:
    stage = Stage()
    return stage, Scene(street.COUNCIL_STREET, stage)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["car", "person"]),
    rightward=st.booleans(),
    look=st.integers(0, 20),
    progress_pct=st.integers(5, 95),
)
def test_picture_differs_from_the_empty_street_only_where_truth_says(
    stage: tuple[Stage, Scene], kind: str, rightward: bool, look: int, progress_pct: int
) -> None:
    traffic, scene = stage
    at_ms = NOON_MS + 50 * progress_pct
    traffic.cast = []
    empty = scene.picture(at_ms)
    traffic.cast = [Passage(kind, start_ms=NOON_MS, duration_ms=5000, rightward=rightward, look=look)]
    (sight,) = scene.truth(at_ms)
    box = changed_box(empty, scene.picture(at_ms))
    assert box is not None
    assert sight.left <= box[0] < box[2] <= sight.right
    assert sight.top <= box[1] < box[3] <= sight.bottom
    assert (box[2] - box[0]) * (box[3] - box[1]) > 0.3 * (sight.right - sight.left) * (sight.bottom - sight.top)


def test_street_is_still_when_truth_says_nobody() -> None:
    scene = Scene(street.VILLAGE_STREET, PlannedTraffic([Passage("car", NOON_MS, 5000, True, 0)]))
    assert scene.truth(NOON_MS - 1000) == ()
    assert changed_box(scene.picture(NOON_MS - 1000), scene.picture(NOON_MS + 5000)) is None


@settings(max_examples=50, deadline=None)
@given(wall_ms=st.integers(min_value=1_600_000_000_000, max_value=2_000_000_000_000))
def test_picture_is_whole_and_tells_its_time(busy: Scene, wall_ms: int) -> None:
    picture = busy.picture(wall_ms)
    assert len(picture) == FRAME_BYTES
    assert read_clock_strip(luma(picture)) == wall_ms
    assert picture == busy.picture(wall_ms)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("weather", [Weather(), Weather(rain=True, noise_sigma=6)])
@pytest.mark.parametrize("daylight", ["day", "night"])
def test_every_view_keeps_its_clock_in_any_weather(view: street.View, weather: Weather, daylight: str) -> None:
    scene = Scene(view, VillageTraffic(1), daylight=daylight, weather=weather)
    assert read_clock_strip(luma(scene.picture(NOON_MS))) == NOON_MS


def test_noise_is_as_strong_as_asked_and_new_in_each_frame() -> None:
    noisy = Scene(street.COUNCIL_STREET, PlannedTraffic([]), weather=Weather(noise_sigma=4))
    clean = Scene(street.COUNCIL_STREET, PlannedTraffic([]))
    road = slice(270, 290)
    first, second, truth = (
        luma(s.picture(t))[road].astype(int) for s, t in [(noisy, NOON_MS), (noisy, NOON_MS + 100), (clean, NOON_MS)]
    )
    assert 3.5 < (first - truth).std() < 4.5
    assert (first - second).std() > 3


def test_night_is_dark_and_comes_by_the_kyiv_clock_when_asked() -> None:
    by_clock = Scene(street.COUNCIL_STREET, PlannedTraffic([]), daylight="by-clock")
    day = luma(by_clock.picture(NOON_MS)).mean()
    night = luma(by_clock.picture(NOON_MS + 11 * 3_600_000)).mean()
    assert night < day / 2


def test_a_frame_costs_less_than_three_milliseconds(busy: Scene) -> None:
    busy.picture(NOON_MS)
    began_s = time.process_time()
    for i in range(100):
        busy.picture(NOON_MS + 100 * i)
    assert (time.process_time() - began_s) / 100 < 0.003
