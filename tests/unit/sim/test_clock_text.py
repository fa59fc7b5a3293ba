import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.sim.clock_text import Lettering, draw_clock_strip, read_clock_strip, spell_moment

ANY_MS = st.integers(min_value=0, max_value=2**48 - 1)


def gray(height: int = 360, width: int = 640) -> np.ndarray:
    return np.full((height, width), 90, np.uint8)


@given(wall_ms=ANY_MS, size=st.sampled_from([(360, 640), (180, 320), (720, 1280), (432, 768), (1080, 1920)]))
def test_strip_reads_back_at_any_size(wall_ms: int, size: tuple[int, int]) -> None:
    picture = gray(*size)
    draw_clock_strip(picture, wall_ms)
    assert read_clock_strip(picture) == wall_ms


@given(wall_ms=ANY_MS, seed=st.integers(0, 1000))
def test_strip_reads_back_through_noise(wall_ms: int, seed: int) -> None:
    picture = gray()
    draw_clock_strip(picture, wall_ms)
    noise = np.random.default_rng(seed).normal(0, 25, picture.shape)
    assert read_clock_strip(np.clip(picture + noise, 0, 255).astype(np.uint8)) == wall_ms


@given(wall_ms=ANY_MS, block=st.integers(0, 63))
def test_strip_with_a_wrong_block_is_refused(wall_ms: int, block: int) -> None:
    picture = gray()
    draw_clock_strip(picture, wall_ms)
    picture[352:, block * 10 : block * 10 + 10] = 251 - picture[352:, block * 10 : block * 10 + 10]
    assert read_clock_strip(picture) is None


@pytest.mark.parametrize("picture", [gray(), gray() * 0, gray() * 0 + 255, gray(1, 64), gray(360, 63), gray(0, 640)])
def test_a_picture_without_a_strip_has_no_time(picture: np.ndarray) -> None:
    assert read_clock_strip(picture) is None


def test_moment_is_spelled_in_kyiv_time_in_winter_and_summer() -> None:
    assert spell_moment(1_795_567_839_999) == ("02:50:39.9", "25.11.2026")
    assert spell_moment(1_782_864_000_000) == ("03:00:00.0", "01.07.2026")


def test_lettering_draws_different_digits_side_by_side() -> None:
    lettering = Lettering(3)
    picture = gray()
    assert lettering.draw(picture, "0123456789", x=10, y=20) == 10 + lettering.width("0123456789") == 10 + 10 * 18
    digits = {picture[20 : 20 + lettering.height, 10 + 18 * i : 28 + 18 * i].tobytes() for i in range(10)}
    assert len(digits) == 10
    assert (picture[:20] == 90).all()
    assert (picture[20 + lettering.height :] == 90).all()
