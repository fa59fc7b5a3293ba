import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import DataLoss
from collector.store import tiers
from collector.store.tiers import DAY_MS, FIVE_MINUTES, HOURS, TIERS, Buckets, coarsen, fold, merge

DAY = 19_676
MIDNIGHT_MS = DAY * DAY_MS
NOTHING = Buckets([], [], [], [], [])

numbers = st.one_of(
    st.floats(-1e12, 1e12),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
    st.integers(0, 2**60).map(float),
    st.sampled_from([0.0, -0.0, 1.0, 5e-324]),
)
days = st.lists(
    st.tuples(st.integers(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS - 1), numbers), max_size=60, unique_by=lambda pair: pair[0]
).map(sorted)


def columns(pairs: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    return [at for at, _ in pairs], [value for _, value in pairs]


@given(days)
def test_each_sample_is_in_one_bucket_whose_bounds_hold_it(pairs: list[tuple[int, float]]) -> None:
    made = fold(*columns(pairs), FIVE_MINUTES.step_ms)
    assert sum(made.counts) == len(pairs)
    assert made.starts_ms == sorted({at // FIVE_MINUTES.step_ms * FIVE_MINUTES.step_ms for at, _ in pairs})
    for start, count, low, mean, high in made.rows():
        inside = [value for at, value in pairs if start <= at < start + FIVE_MINUTES.step_ms]
        assert (count, low, high) == (len(inside), min(inside), max(inside))
        assert low <= mean <= high
        assert math.isclose(mean, math.fsum(inside) / count, rel_tol=1e-9, abs_tol=1e-3)


@given(days)
def test_hours_made_of_five_minutes_are_hours_made_of_samples(pairs: list[tuple[int, float]]) -> None:
    times, values = columns(pairs)
    direct = fold(times, values, HOURS.step_ms)
    through = coarsen(fold(times, values, FIVE_MINUTES.step_ms), HOURS.step_ms)
    assert (through.starts_ms, through.counts) == (direct.starts_ms, direct.counts)
    assert (through.lows, through.highs) == (direct.lows, direct.highs)
    for one, other in zip(through.means, direct.means, strict=True):
        assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-3)


@given(days)
def test_bounds_and_counts_come_back_exactly_and_means_nearly(pairs: list[tuple[int, float]]) -> None:
    fine = fold(*columns(pairs), FIVE_MINUTES.step_ms)
    for tier, made in ((FIVE_MINUTES, fine), (HOURS, coarsen(fine, HOURS.step_ms))):
        stretch = MIDNIGHT_MS // tier.period_ms
        back = tiers.decode(tiers.encode(made, tier, stretch=stretch), tier, stretch=stretch)
        assert (back.starts_ms, back.counts, back.lows, back.highs) == (
            made.starts_ms, made.counts, made.lows, made.highs,
        )  # fmt: skip
        for low, mean, other, high in zip(back.lows, back.means, made.means, back.highs, strict=True):
            assert math.isclose(mean, other, rel_tol=1e-12, abs_tol=max(0.5, (high - low) / 100))
            assert low <= mean <= high


def test_the_mean_of_states_and_percentages_keeps_two_more_places() -> None:
    made = fold([MIDNIGHT_MS + i for i in range(8)], [0, 1, 1, 1, 1, 1, 1, 1], FIVE_MINUTES.step_ms)
    back = tiers.decode(tiers.encode(made, FIVE_MINUTES, stretch=DAY), FIVE_MINUTES, stretch=DAY)
    assert back.means == [0.88]  # of 0.875


@given(days, st.integers(0, 60))
def test_half_of_the_samples_never_spoil_a_bucket_made_of_all(pairs: list[tuple[int, float]], kept: int) -> None:
    whole = fold(*columns(pairs), FIVE_MINUTES.step_ms)
    half = fold(*columns(pairs[kept:]), FIVE_MINUTES.step_ms)
    assert merge(whole, half) == whole
    assert merge(half, whole) == whole
    assert merge(NOTHING, whole) == merge(whole, NOTHING) == whole


@given(days, st.integers(0, DAY_MS), st.integers(0, DAY_MS))
def test_a_stretch_is_cut_by_where_buckets_begin(pairs: list[tuple[int, float]], start: int, end: int) -> None:
    made = fold(*columns(pairs), FIVE_MINUTES.step_ms)
    got = made.between(MIDNIGHT_MS + start, MIDNIGHT_MS + end)
    expected = [at for at in made.starts_ms if MIDNIGHT_MS + start <= at < MIDNIGHT_MS + end]
    assert got.starts_ms == expected
    assert len(list(got.rows())) == len(got) == len(expected)


@settings(max_examples=200)
@given(st.binary(max_size=120), st.sampled_from(TIERS))
def test_any_bytes_decode_or_are_data_loss(data: bytes, tier: tiers.Tier) -> None:
    for attempt in (data, b"\x01\x00\x00" + data, b"\x01\xff\x00" + data, b"\x01\x02\x02\x04\x06\x06" + data):
        try:
            tiers.decode(attempt, tier, stretch=DAY)
        except DataLoss:
            continue


def test_a_flipped_byte_is_data_loss_or_other_numbers_but_never_a_crash() -> None:
    made = fold(
        [MIDNIGHT_MS + i * 60_000 for i in range(1440)], [i % 77 / 10 for i in range(1440)], FIVE_MINUTES.step_ms
    )
    data = tiers.encode(made, FIVE_MINUTES, stretch=DAY)
    rng = random.Random(1)
    for _ in range(300):
        spoiled = bytearray(data)
        spoiled[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        try:
            tiers.decode(bytes(spoiled), FIVE_MINUTES, stretch=DAY)
        except DataLoss:
            continue


def test_a_row_too_long_for_its_stretch_is_refused() -> None:
    many = fold([MIDNIGHT_MS + i * FIVE_MINUTES.step_ms for i in range(289)], [1.0] * 289, FIVE_MINUTES.step_ms)
    with pytest.raises(DataLoss):
        tiers.decode(tiers.encode(many, FIVE_MINUTES, stretch=DAY), FIVE_MINUTES, stretch=DAY)


def test_a_day_of_a_busy_port_takes_less_than_its_samples() -> None:
    rng = random.Random(7)
    total, times, values = 1e9, [], []
    for minute in range(1440):
        total += round(1e6 * rng.lognormvariate(0, 0.7))
        times.append(MIDNIGHT_MS + minute * 60_000 + rng.randrange(8))
        values.append(total)
    made = fold(times, values, FIVE_MINUTES.step_ms)
    assert len(tiers.encode(made, FIVE_MINUTES, stretch=DAY)) / len(made) < 10
