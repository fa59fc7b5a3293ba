import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.uplink.budget import Budget
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import InvalidArgument

steps = st.lists(st.tuples(st.integers(0, 5_000_000_000), st.integers(0, 100_000)), max_size=40)


@given(st.integers(1, 10**8), st.integers(1, 10**6), steps)
def test_never_more_than_the_burst_and_the_rate_is_sent(
    rate_bps: int, burst_bytes: int, asked: list[tuple[int, int]]
) -> None:
    clock = SimulatedClock()
    budget = Budget(rate_bps=rate_bps, burst_bytes=burst_bytes, clock=clock)
    sent: list[tuple[float, int]] = []
    for pause_ns, size_bytes in asked:
        clock.pass_time(pause_ns / 1e9)
        wait_s = budget.spend(size_bytes)
        clock.pass_time(wait_s)
        sent.append((clock.mono_ns() / 1e9, size_bytes))
    for first, (begin_s, _) in enumerate(sent):
        total_bits = 0
        for at_s, size_bytes in sent[first:]:
            total_bits += size_bytes * 8
            # The piece that went first may have been paid for before; from then on rate and burst bound everything.
            allowed = rate_bps * (at_s - begin_s) + burst_bytes * 8 + sent[first][1] * 8
            assert total_bits <= allowed + rate_bps * 1e-6 + 8


@given(st.integers(1, 10**8), st.integers(1, 10**6), st.integers(1, 10**7))
def test_whoever_keeps_asking_gets_the_whole_rate(rate_bps: int, burst_bytes: int, size_bytes: int) -> None:
    clock = SimulatedClock()
    budget = Budget(rate_bps=rate_bps, burst_bytes=burst_bytes, clock=clock)
    waited_s = 0.0
    for _ in range(10):
        wait_s = budget.spend(size_bytes)
        clock.pass_time(wait_s)
        waited_s += wait_s
    owed_s = max(0, 10 * size_bytes - burst_bytes) * 8 / rate_bps
    assert waited_s == pytest.approx(owed_s, rel=1e-6, abs=1e-6)


def test_a_step_of_the_wall_clock_changes_nothing() -> None:
    clock = SimulatedClock()
    budget = Budget(rate_bps=8000, burst_bytes=1000, clock=clock)
    assert budget.spend(1000) == 0
    clock.step_wall(3600)
    assert budget.spend(1000) == pytest.approx(1)


@pytest.mark.parametrize(("rate_bps", "burst_bytes"), [(0, 1), (1, 0), (-1, 5)])
def test_a_budget_of_nothing_is_refused(rate_bps: int, burst_bytes: int) -> None:
    with pytest.raises(InvalidArgument):
        Budget(rate_bps=rate_bps, burst_bytes=burst_bytes, clock=SimulatedClock())
