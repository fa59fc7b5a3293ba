import asyncio
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import (
    NS_PER_S,
    Clock,
    SimulatedClock,
    SystemClock,
    is_set_within,
    read_boot_id,
    utc,
    wall_ns_of,
)


async def _note(clock: Clock, after_s: float, name: str, heard: list[tuple[str, int]]) -> None:
    await clock.sleep(after_s)
    heard.append((name, clock.mono_ns() // NS_PER_S))


def test_sleepers_wake_in_order_each_at_its_own_moment() -> None:
    async def story() -> list[tuple[str, int]]:
        clock, heard = SimulatedClock(), list[tuple[str, int]]()
        async with asyncio.TaskGroup() as group:
            for after_s, name in ((5, "late"), (1, "early"), (1, "early too")):
                group.create_task(_note(clock, after_s, name, heard))
            await clock.advance(0.5)
            assert heard == []
            await clock.advance(10)
        return heard

    assert asyncio.run(story()) == [("early", 1), ("early too", 1), ("late", 5)]


def test_sleeper_that_sleeps_again_wakes_again_within_one_advance() -> None:
    async def ticks(clock: Clock) -> None:
        for _ in range(3):
            await clock.sleep(2)

    async def story() -> tuple[bool, int]:
        clock = SimulatedClock()
        task = asyncio.create_task(ticks(clock))
        await clock.advance(7)
        return task.done(), clock.mono_ns()

    assert asyncio.run(story()) == (True, 7 * NS_PER_S)


def test_cancelled_sleeper_does_not_stand_in_the_way() -> None:
    async def story() -> list[tuple[str, int]]:
        clock, heard = SimulatedClock(), list[tuple[str, int]]()
        doomed = asyncio.create_task(_note(clock, 1, "doomed", heard))
        other = asyncio.create_task(_note(clock, 2, "other", heard))
        await clock.advance(0)
        doomed.cancel()
        await clock.advance(3)
        await other
        return heard

    assert asyncio.run(story()) == [("other", 2)]


def test_wall_steps_leave_monotonic_time_alone() -> None:
    clock = SimulatedClock(wall_ns=1000 * NS_PER_S)
    clock.step_wall(-3600)
    assert (clock.wall_ns(), clock.mono_ns()) == (-2600 * NS_PER_S, 0)
    clock.pass_time(1.5)
    assert (clock.wall_ns(), clock.mono_ns()) == (-2_598_500_000_000, 1_500_000_000)


def test_monotonic_time_does_not_go_back_for_an_overdue_sleeper() -> None:
    async def story() -> list[tuple[str, int]]:
        clock, heard = SimulatedClock(), list[tuple[str, int]]()
        task = asyncio.create_task(_note(clock, 5, "overdue", heard))
        await clock.advance(0)
        clock.pass_time(10)
        await clock.advance(1)
        await task
        assert clock.mono_ns() == 11 * NS_PER_S
        return heard

    assert asyncio.run(story()) == [("overdue", 10)]


def test_system_clock_agrees_with_the_machine_and_only_grows() -> None:
    clock = SystemClock()
    first = clock.mono_ns()
    asyncio.run(clock.sleep(0))
    assert clock.mono_ns() >= first
    assert abs(utc(clock.wall_ns()) - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(seconds=5)


@given(st.datetimes(timezones=st.just(datetime.UTC)))
def test_utc_and_wall_ns_are_each_others_inverse(moment: datetime.datetime) -> None:
    assert utc(wall_ns_of(moment)) == moment


@given(st.integers(-(10**18), 10**19))
def test_wall_ns_loses_less_than_a_microsecond_in_utc(wall_ns: int) -> None:
    assert 0 <= wall_ns - wall_ns_of(utc(wall_ns)) < 1000


def test_wall_ns_of_refuses_a_moment_without_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        wall_ns_of(datetime.datetime(2024, 1, 1))  # noqa: DTZ001 (the mistake under test)


def test_machine_names_this_start_of_it() -> None:
    assert read_boot_id() == read_boot_id() != ""


def test_wait_for_an_event_ends_with_it_or_with_the_time() -> None:
    async def wait() -> list[bool]:
        clock, event = SimulatedClock(), asyncio.Event()
        in_vain = asyncio.create_task(is_set_within(event, 5, clock=clock))
        await clock.advance(4.9)
        assert not in_vain.done()
        await clock.advance(0.2)
        in_time = asyncio.create_task(is_set_within(event, 5, clock=clock))
        await clock.advance(1)
        event.set()
        return [await in_vain, await in_time, await is_set_within(event, 0, clock=clock)]

    assert asyncio.run(wait()) == [False, True, True]
