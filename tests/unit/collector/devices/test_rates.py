"""Honest rates: a reset is a missing step, never a spike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.devices.rates import NOTHING, Track, growth, rate

MINUTE_MS = 60_000


def every_minute(*values: float) -> Track:
    return Track([n * MINUTE_MS for n in range(len(values))], values)


def test_a_steady_counter_grows_at_its_rate() -> None:
    counter = every_minute(0, 600, 1200, 1800)
    assert rate(counter) == 10
    assert growth(counter) == 1800
    assert rate(every_minute(5)) is None
    assert rate(NOTHING) is None
    assert growth(NOTHING) is None


def test_the_newest_minutes_count_and_of_slow_polls_the_newest_step() -> None:
    assert rate(every_minute(*[0] * 20, *(600 * n for n in range(1, 7)))) == 10
    slow = Track([0, 1_800_000, 3_600_000], [0, 0, 1800])
    assert rate(slow) == 1


@pytest.mark.parametrize(
    ("counter", "uptime", "began"),
    [
        (every_minute(10**9, 10**9 + 600, 50, 650), NOTHING, NOTHING),
        (every_minute(0, 600, 10**9, 10**9 + 600), every_minute(1000, 1060, 5, 65), NOTHING),
        (every_minute(0, 600, 10**9, 10**9 + 600), every_minute(10, 70, 75, 135), NOTHING),
        (every_minute(0, 600, 10**9, 10**9 + 600), NOTHING, every_minute(7, 7, 99, 99)),
    ],
    ids=["it fell", "the device says so", "it restarted and already runs longer", "the port says so"],
)
def test_a_reset_gives_no_spike(counter: Track, uptime: Track, began: Track) -> None:
    assert rate(counter, uptime=uptime, began=began) == 10
    assert growth(counter, uptime=uptime, began=began) == 1200


@given(
    st.lists(st.tuples(st.integers(1, 10**7), st.floats(0, 1e15)), max_size=60),
    st.lists(st.tuples(st.integers(1, 10**7), st.floats(0, 1e9)), max_size=60),
)
def test_whatever_came_a_rate_is_no_more_than_the_steepest_step(
    steps: list[tuple[int, float]], ups: list[tuple[int, float]]
) -> None:
    def track(given: list[tuple[int, float]]) -> Track:
        times = [sum(gap for gap, _ in given[: n + 1]) for n in range(len(given))]
        return Track(times, [value for _, value in given])

    counter = track(steps)
    found = rate(counter, uptime=track(ups))
    pairs = zip(range(1, len(steps)), range(len(steps)), strict=False)
    steepest = [
        1000 * (counter.values[b] - counter.values[a]) / (counter.times_ms[b] - counter.times_ms[a]) for b, a in pairs
    ]
    if found is not None:
        assert 0 <= found <= max(steepest) * (1 + 1e-9)
