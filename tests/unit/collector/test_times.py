import random

from hypothesis import given
from hypothesis import strategies as st

from collector.times import AHEAD_MAX_MS, HOUR_MS, SKEW_MIN_MS, Window, corrections, skew_ms

NOW_MS = 1_700_000_000_000
DAY_MS = 24 * HOUR_MS
WINDOW = Window(NOW_MS, NOW_MS - 730 * DAY_MS)

times = st.lists(st.lists(st.integers(0, 2 * NOW_MS) | st.integers(-(10**30), 10**30), max_size=4), max_size=5)
skews = st.just(0) | st.integers(-(10**13), 10**13)


def moved(batches: list[list[int]], *, skew: int = 0) -> list[list[int]]:
    moves = corrections(batches, skew_ms=skew, window=WINDOW)
    return [[move(time) for time in batch] for move, batch in zip(moves, batches, strict=True)]


@given(times, skews)
def test_whatever_an_agent_says_every_sample_gets_a_possible_time(batches: list[list[int]], skew: int) -> None:
    got = moved(batches, skew=skew)
    assert [len(batch) for batch in got] == [len(batch) for batch in batches]
    assert all(WINDOW.holds(time) for batch in got for time in batch)


@given(st.lists(st.lists(st.integers(WINDOW.earliest_ms, NOW_MS), max_size=4), max_size=4))
def test_possible_times_of_a_right_clock_stay_as_they_are(batches: list[list[int]]) -> None:
    assert moved(batches) == batches


@given(st.integers(SKEW_MIN_MS + 1, 50 * 365 * DAY_MS), st.booleans(), st.integers(0, 7 * DAY_MS))
def test_a_backlog_of_one_wrong_clock_gets_its_true_times(error: int, is_ahead: bool, age: int) -> None:
    rng = random.Random(1)
    true = [[NOW_MS - age + i * 60_000 + rng.randrange(9) for _ in range(3)] for i in range(5)]
    true = [batch for batch in true if max(batch) <= NOW_MS]
    shift = error if is_ahead else -error
    behind = skew_ms(NOW_MS + shift, NOW_MS)
    assert moved([[time + shift for time in batch] for batch in true], skew=behind) == true


def test_a_slow_line_makes_no_clock_wrong() -> None:
    assert skew_ms(NOW_MS - SKEW_MIN_MS, NOW_MS) == 0
    assert skew_ms(NOW_MS + SKEW_MIN_MS, NOW_MS) == 0
    assert skew_ms(None, NOW_MS) == 0
    assert skew_ms(NOW_MS - 3 * HOUR_MS, NOW_MS) == 3 * HOUR_MS
    assert skew_ms(NOW_MS + 3 * HOUR_MS, NOW_MS) == -3 * HOUR_MS


def test_what_was_measured_before_the_clock_was_set_is_put_before_what_came_after() -> None:
    boot = 1_000  # 1970: no battery
    before = [[boot, boot + 5], [boot + 60_000, boot + 60_005]]
    after = [[NOW_MS - 30_000, NOW_MS - 29_990]]
    got = moved([*before, *after])
    assert got[2] == after[0]
    assert got[0][0] <= got[1][0] <= got[2][0]
    assert all(batch[1] - batch[0] == 5 for batch in got[:2])


def test_samples_from_before_the_clock_went_wrong_keep_their_times() -> None:
    good = [NOW_MS - 2 * HOUR_MS]
    back = NOW_MS - 900 * DAY_MS  # what the clock shows since the last power cut
    assert moved([good, [back - 60_000]], skew=NOW_MS - back) == [good, [NOW_MS - 60_000]]


def test_one_odd_sample_takes_the_time_of_its_batch_and_moves_no_other() -> None:
    assert moved([[NOW_MS - 20, 10**30, NOW_MS - 10]]) == [[NOW_MS - 20, NOW_MS - 10, NOW_MS - 10]]
    assert WINDOW.holds(NOW_MS + AHEAD_MAX_MS)
    assert not WINDOW.holds(NOW_MS + AHEAD_MAX_MS + 1)
