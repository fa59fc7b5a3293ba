import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import DataLoss
from collector.store import block, journal

START_MS = 472_222 * 3_600_000

floats = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(0, 2**64).map(float),
    st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
    st.sampled_from([0.0, -0.0, 1.0, 5e-324, 1.7976931348623157e308]),
)
samples = st.lists(st.tuples(st.integers(START_MS, START_MS + 3_599_999), floats), max_size=100).map(
    lambda pairs: sorted(pairs, key=lambda pair: pair[0])
)


@given(samples)
def test_what_goes_in_comes_out_to_the_last_bit(pairs: list[tuple[int, float]]) -> None:
    times, values = [t for t, _ in pairs], [v for _, v in pairs]
    data = block.encode(times, values, start_ms=START_MS)
    got_times, got_values = block.decode(data, start_ms=START_MS)
    assert got_times == times
    assert [value.hex() for value in got_values] == [value.hex() for value in values]


@settings(max_examples=200)
@given(st.binary(max_size=120), st.integers(0, 255))
def test_any_bytes_decode_or_are_data_loss(data: bytes, first: int) -> None:
    for attempt in (data, bytes((1, first)) + data, b"\x81\x08" + zlib.compress(data, wbits=-15)):
        try:
            block.decode(attempt, start_ms=0)
        except DataLoss:
            continue


def test_a_later_sample_of_the_same_moment_counts() -> None:
    assert block.merge(([1, 3], [1.0, 3.0]), [(2, 2.0), (3, 9.0)]) == ([1, 2, 3], [1.0, 2.0, 9.0])


def hour_of(rng: random.Random, kind: str) -> tuple[list[int], list[float]]:
    """An hour of a series polled each minute, as the poller gives it: a beat with some ms of jitter."""
    phase = rng.randrange(60_000)
    times = [START_MS + phase + minute * 60_000 + rng.randrange(8) for minute in range(60)]
    base = float(rng.randrange(10**6, 10**12))
    values = []
    load = 10 ** rng.uniform(3, 8)
    for minute in range(60):
        if kind == "busy":  # a port in use: some megabytes a minute, changing all the time
            base += round(load * rng.lognormvariate(0, 0.7))
        elif kind == "quiet":  # a port with a camera asleep or a printer: broadcasts
            base += rng.randrange(400, 3000)
        elif kind == "errors":
            base += rng.random() < 0.02
        elif kind == "latency":
            base = round(0.004 + rng.expovariate(500), 5)
        elif kind == "uptime":
            base = round(123456.78 + minute * 60 + rng.randrange(8) / 1000, 2)
        values.append(base)
    return times, values


# What 24 ports and their device make: half of the ports idle, a few busy (bytes in and out), the rest nearly constant.
SHARES = {"busy": 2 * 6, "quiet": 2 * 8, "constant": 2 * 10 + 24 * 3, "errors": 24 * 4, "latency": 1, "uptime": 1}


def test_a_sample_takes_little_more_than_a_byte_on_realistic_data() -> None:
    rng = random.Random(7)
    size = count = 0
    for kind, share in SHARES.items():
        for _ in range(share):
            times, values = hour_of(rng, kind)
            size += len(block.encode(times, values, start_ms=START_MS))
            count += 60
    assert size / count < 1.3


@pytest.mark.parametrize(("kind", "bytes_max"), [("busy", 3.7), ("quiet", 2.5), ("constant", 0.9), ("latency", 2.2)])
def test_each_kind_of_series_stays_within_its_measure(kind: str, bytes_max: float) -> None:
    rng = random.Random(7)
    sizes = [len(block.encode(*hour_of(rng, kind), start_ms=START_MS)) / 60 for _ in range(20)]
    assert sum(sizes) / 20 < bytes_max


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))))
def test_the_journal_gives_back_what_it_took(rows: list[tuple[int, int, float]]) -> None:
    assert journal.decode(journal.encode(rows)) == rows


@given(st.binary(max_size=60))
def test_any_bytes_in_the_journal_decode_or_are_data_loss(data: bytes) -> None:
    for attempt in (data, zlib.compress(data)):
        try:
            journal.decode(attempt)
        except DataLoss:
            continue
