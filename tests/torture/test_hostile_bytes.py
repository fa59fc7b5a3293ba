"""A minute of hostile bytes for each parser of a camera's: only the declared error, in bounded time and memory."""

import random
import time
import tracemalloc

import pytest

from tests.hostile import DECLARED, INPUT_MAX_BYTES, PARSERS, corpus, damaged

pytestmark = pytest.mark.torture

SECONDS = 60
CPU_MAX_S = 0.5  # for 64 KiB at most; what is usual is a thousandth
MEMORY_MAX_BYTES = 40 * INPUT_MAX_BYTES


@pytest.mark.parametrize("name", PARSERS)
def test_a_minute_of_damage_costs_neither_time_nor_memory(name: str) -> None:
    rng, seeds, worst_s, worst_bytes, inputs = random.Random(), corpus(name), 0.0, 0, 0
    until_s = time.monotonic() + SECONDS
    tracemalloc.start()
    try:
        while time.monotonic() < until_s:
            data = damaged(rng, seeds)
            tracemalloc.reset_peak()
            held_bytes, began_s = tracemalloc.get_traced_memory()[0], time.thread_time()
            try:
                PARSERS[name](data)
            except DECLARED:
                pass
            except Exception as error:
                raise AssertionError(f"{name}: keep it in the corpus: {data.hex()}") from error
            took_s = time.thread_time() - began_s
            peak_bytes = tracemalloc.get_traced_memory()[1] - held_bytes
            assert took_s < CPU_MAX_S, data.hex()
            assert peak_bytes < MEMORY_MAX_BYTES, data.hex()
            worst_s, worst_bytes, inputs = max(worst_s, took_s), max(worst_bytes, peak_bytes), inputs + 1
            if len(seeds) < 500 and rng.random() < 0.02:
                seeds.append(data)  # damage upon damage goes deeper
    finally:
        tracemalloc.stop()
    print(f"{name}: {inputs} inputs, at worst {worst_s * 1000:.1f} ms and {worst_bytes / 1024:.0f} KiB")
