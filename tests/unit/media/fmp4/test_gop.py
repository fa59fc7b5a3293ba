from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.gop import GOP_MAX_90K, GopCache


@dataclass(frozen=True)
class Picture:
    data: bytes
    start_90k: int
    is_key: bool


frames = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 2 * TICKS_PER_S), st.booleans()), max_size=60)


@given(frames)
def test_cache_always_begins_with_the_newest_key_frame_and_stays_in_bounds(drawn: list[tuple[int, int, bool]]) -> None:
    cache: GopCache[Picture] = GopCache(max_bytes=100)
    at, seen = 0, []
    for size, step, is_key in drawn:
        at += step
        seen.append(Picture(bytes(size), at, is_key))
        cache.take(seen[-1])
        assert sum(len(frame.data) for frame in cache) <= 100
        if cache:
            newest_key = max(number for number, frame in enumerate(seen) if frame.is_key)
            assert list(cache) == seen[newest_key:]
            assert cache[-1].start_90k - cache[0].start_90k <= GOP_MAX_90K


def test_group_that_outgrew_its_bounds_is_not_kept_in_pieces() -> None:
    cache: GopCache[Picture] = GopCache(max_bytes=10)
    for number in range(4):
        cache.take(Picture(bytes(4), number, number == 0))
    assert not cache
    cache.take(Picture(bytes(4), 4, False))
    assert not cache
    cache.take(Picture(bytes(4), 5, True))
    assert len(cache) == 1
