import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import Busy, Cancelled, DataLoss, Internal, ProtocolError, Unreachable
from beket.kernel.supervise import Backoff, UnitState, keep_running, run_together
from beket.kernel.text import say

STEPS = Backoff(steps_s=(1, 5, 60), jitter_ratio=0, healthy_after_s=30)
SILENT = Unreachable(say("Камера мовчить.", "The camera is silent."))


class Village:
    """A unit under supervision: each call of `run_once` takes the next outcome; the last one repeats."""

    def __init__(
        self,
        *outcomes: Exception | None,
        works_for_s: float = 0,
        backoff: Backoff = STEPS,
        has_recovered: Callable[[], bool] | None = None,
    ) -> None:
        self.clock = SimulatedClock()
        self.starts_s: list[float] = []
        self.states: list[UnitState] = []
        self._outcomes = list(outcomes)
        self._works_for_s = works_for_s
        self._backoff = backoff
        self._has_recovered = has_recovered

    async def run_once(self) -> None:
        self.starts_s.append(self.clock.mono_ns() / NS_PER_S)
        if self._works_for_s:
            await self.clock.sleep(self._works_for_s)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if outcome is not None:
            raise outcome

    def live_for(self, duration_s: float) -> bool:
        """Let time pass, then cancel; whether the unit had ended by itself."""

        async def story() -> bool:
            unit = keep_running(
                "gate",
                self.run_once,
                clock=self.clock,
                rng=random.Random(1),
                backoff=self._backoff,
                has_recovered=self._has_recovered,
                on_change=self.states.append,
            )
            task = asyncio.create_task(unit)
            await self.clock.advance(duration_s)
            ended = task.done()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert ended or task.cancelled()
            return ended

        return asyncio.run(story())


def test_failing_unit_is_tried_again_after_each_tier_and_the_last_repeats() -> None:
    village = Village(SILENT)
    assert village.live_for(200) is False
    assert village.starts_s == [0, 1, 6, 66, 126, 186]


def test_unit_that_has_nothing_left_to_do_ends() -> None:
    village = Village(SILENT, None)
    assert village.live_for(10) is True
    assert village.starts_s == [0, 1]


def test_unit_that_stops_for_shutdown_is_not_started_again() -> None:
    village = Village(Cancelled("stop"))
    assert village.live_for(100) is True
    assert village.starts_s == [0]


def test_long_healthy_run_starts_the_tiers_anew() -> None:
    village = Village(SILENT, works_for_s=30)
    village.live_for(100)
    assert village.starts_s == [0, 31, 62, 93]


def test_short_run_does_not_count_as_recovered() -> None:
    village = Village(SILENT, works_for_s=29)
    village.live_for(100)
    assert village.starts_s == [0, 30, 64]


def test_short_run_that_did_its_work_starts_the_tiers_anew_and_is_still_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    village = Village(SILENT, works_for_s=3, has_recovered=lambda: True)
    village.live_for(20)
    assert village.starts_s == [0, 4, 8, 12, 16, 20]
    assert len(caplog.records) == 1


def test_what_only_waiting_mends_has_tiers_of_its_own_and_neither_kind_lengthens_the_other() -> None:
    backoff = replace(STEPS, away_steps_s=(0.5, 1))
    odd = ProtocolError(say("Незрозуміло.", "Not understood."))
    village = Village(SILENT, SILENT, SILENT, odd, odd, SILENT, SILENT, backoff=backoff)
    village.live_for(11)
    assert village.starts_s == [0, 0.5, 1.5, 2.5, 3.5, 8.5, 9, 10, 11]


def test_failure_that_waits_for_a_person_is_tried_at_the_longest_tier() -> None:
    village = Village(DataLoss(say("Хеш не збігся.", "The hash differs.")))
    village.live_for(130)
    assert village.starts_s == [0, 60, 120]


def test_repeated_failure_is_logged_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    village = Village(SILENT, SILENT, SILENT, Busy(say("Зайнято.", "Busy.")), SILENT)
    village.live_for(200)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "gate: The camera is silent. (next try in 1 s)"),
        ("INFO", "gate: Busy. (next try in 60 s)"),
        ("WARNING", "gate: The camera is silent. (next try in 60 s)"),
    ]


def test_watcher_hears_of_each_failure_and_of_each_new_try() -> None:
    village = Village(SILENT)
    village.live_for(3)
    assert village.states == [
        UnitState("gate", SILENT, 1, 1),
        UnitState("gate", None, 1, 0),
        UnitState("gate", SILENT, 2, 5),
    ]


def test_bug_is_logged_with_its_trace_and_the_unit_starts_again(caplog: pytest.LogCaptureFixture) -> None:
    village = Village(ZeroDivisionError("oops"), None)
    assert village.live_for(10) is True
    assert village.starts_s == [0, 1]
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].levelno == logging.ERROR
    error = village.states[0].error
    assert isinstance(error, Internal)
    assert error.sentence().en == "gate: ZeroDivisionError: oops"


@given(st.integers(1, 50), st.integers())
def test_jitter_stretches_each_tier_within_its_bound(failures: int, seed: int) -> None:
    backoff = Backoff()
    step_s = backoff.steps_s[min(failures, len(backoff.steps_s)) - 1]
    assert step_s <= backoff.delay_s(failures, random.Random(seed)) <= step_s * (1 + backoff.jitter_ratio)


def test_jitter_spreads_a_village_whose_power_came_back() -> None:
    rng = random.Random(7)
    assert len({round(Backoff().delay_s(7, rng)) for _ in range(40)}) > 8


async def _raise(error: BaseException, after: int = 0) -> None:
    for _ in range(after):
        await asyncio.sleep(0)
    raise error


def test_first_failure_ends_the_others_and_is_raised_alone_with_its_cause() -> None:
    cancelled: list[str] = []

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append("other")

    async def fail() -> None:
        try:
            await _raise(OSError("wire"), after=3)
        except OSError as error:
            raise SILENT from error

    with pytest.raises(Unreachable) as caught:
        asyncio.run(run_together({"other": wait_for_ever(), "fails": fail()}))
    assert caught.value is SILENT
    assert isinstance(caught.value.__cause__, OSError)
    assert cancelled == ["other"]


def test_units_that_all_end_well_end_well_together() -> None:
    async def done() -> None:
        await asyncio.sleep(0)

    asyncio.run(run_together({"a": done(), "b": done()}))


def test_cancellation_passes_through_to_every_unit() -> None:
    async def story() -> None:
        clock = SimulatedClock()
        units: dict[str, Awaitable[None]] = {
            name: keep_running(name, lambda: _raise(SILENT), clock=clock, rng=random.Random(1)) for name in "ab"
        }
        whole = asyncio.create_task(run_together(units))
        await clock.advance(10)
        whole.cancel()
        with pytest.raises(asyncio.CancelledError):
            await whole
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())
