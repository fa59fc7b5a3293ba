"""How a walk goes on and what is remembered of a device: over a line that loses datagrams, of gear that bears little.

The clock is simulated: a question that is not answered takes two seconds, polls come each minute.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.network.snmp import course
from agents.network.snmp.bulk_memory import BUDGET_VARBINDS, BulkMemory
from agents.network.snmp.codec import TAG_END_OF_MIB_VIEW, TAG_NO_SUCH_OBJECT, ErrorStatus, Pdu, Response, Varbind
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Scalars, Target, Walk
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import ProtocolError, TimedOut

COLUMNS = [parse_oid(f"1.3.6.1.2.1.2.2.1.{number}") for number in range(1, 13)]
ROWS = 50
SILENCE_S = 2
SWITCH = Target("10.0.0.1")

Hears = Callable[[int], bool]


class Device:
    """A switch of 50 ports; `hears` says of a question for so many values whether it gets through and back."""

    def __init__(self, hears: Hears) -> None:
        self.clock = SimulatedClock()
        self.memory = BulkMemory(self.clock)
        self.hears = hears
        self.silences = 0
        self.refusals = 0
        self.breaks_in: bytes = b""
        self.says_too_big_over = 1000

    async def ask(self, pdu: Pdu, names: Sequence[bytes], repetitions: int) -> Response:
        if not self.hears(len(names) * max(1, repetitions)):
            self.silences += 1
            self.clock.pass_time(SILENCE_S)
            raise TimedOut("no answer")
        if len(names) * max(1, repetitions) > self.says_too_big_over:
            self.refusals += 1
            return Response(1, ErrorStatus.TOO_BIG, 0, [])
        found: list[Varbind] = []
        for place, name in enumerate(names, start=1):
            if self.breaks_in and name.startswith(self.breaks_in):
                return Response(1, ErrorStatus.GEN_ERR, place, [])
        for repetition in range(1, repetitions + 1):
            for name in names:
                column, row = (name, 0) if name in COLUMNS else (name[:-1], name[-1])
                row += repetition
                found.append((column + bytes((row,)), 2, row) if row <= ROWS else (name, TAG_END_OF_MIB_VIEW, None))
        return Response(1, 0, 0, found)

    def walk(self) -> Walk:
        return asyncio.run(course.walk(self.ask, SWITCH, COLUMNS, memory=self.memory, clock=self.clock))

    def poll(self) -> Walk:
        """A walk, a minute after the one before."""
        self.clock.pass_time(60)
        return self.walk()

    @property
    def budget(self) -> int:
        return self.memory.budget(SWITCH.host, SWITCH.port)


def is_whole(walk: Walk) -> bool:
    return walk.error is None and all(len(column) == ROWS for column in walk.columns)


def losing(ratio: float, seed: int) -> Hears:
    """A line that loses this share of datagrams, each way; a question goes out twice."""
    rng = random.Random(seed)
    return lambda _: any(rng.random() > ratio and rng.random() > ratio for _ in range(2))


@pytest.mark.parametrize("seed", range(3))
def test_a_line_that_loses_one_datagram_in_twenty_costs_hardly_a_table_and_never_keeps_a_device_small(
    seed: int,
) -> None:
    device = Device(losing(0.05, seed))
    walks, budgets = [], []
    for _ in range(6 * 60):
        walks.append(device.poll())
        budgets.append(device.budget)
    assert sum(map(is_whole, walks)) >= 0.98 * len(walks)
    assert sum(budget == BUDGET_VARBINDS for budget in budgets) >= 0.5 * len(budgets)
    assert max(budgets.count(1), budgets.count(3)) <= 0.05 * len(budgets)


@settings(max_examples=20)
@given(st.lists(st.booleans(), max_size=200))
def test_whatever_was_lost_an_hour_later_all_is_asked_for_again_and_comes(heard: list[bool]) -> None:
    device = Device(lambda _: True)
    waiting = list(heard)
    device.hears = lambda _: waiting.pop() if waiting else True
    while waiting:
        device.poll()
    budget = device.budget
    for _ in range(60):
        assert is_whole(device.poll())
        assert device.budget >= budget
        budget = device.budget
    assert device.budget == BUDGET_VARBINDS


def test_a_device_that_loses_power_in_the_middle_of_a_walk_bears_as_much_as_before() -> None:
    answers = iter([True, True, False, False, False])
    device = Device(lambda _: next(answers))
    walk = device.walk()
    assert isinstance(walk.error, TimedOut)
    assert any(walk.columns)
    assert device.silences == 3
    assert device.budget == BUDGET_VARBINDS


def test_one_silence_costs_its_time_and_the_rest_of_the_table_comes_as_fast_as_before() -> None:
    asked = []
    answers = iter([True, False, True])

    def hears(values: int) -> bool:
        asked.append(values)
        return next(answers, True)

    device = Device(hears)
    assert is_whole(device.walk())
    assert set(asked[:3]) | set(asked[3:]) == {60, 12}
    assert asked.count(12) == 1
    assert device.budget == BUDGET_VARBINDS


@settings(max_examples=10)
@given(st.integers(3, 40), st.integers(0, 7))
def test_a_device_that_truly_bears_little_is_learnt_and_trying_more_costs_it_little(bears: int, broken: int) -> None:
    # Fifteen values are twelve of twelve columns and eleven of the eleven whole ones: too much at first, and then not.
    assume(bears != 11 or not broken)
    device = Device(lambda values: values <= bears)
    device.breaks_in = COLUMNS[broken] if broken else b""
    for minute in range(2 * 60):
        walk = device.poll()
        assert isinstance(walk.error, ProtocolError if broken else type(None))
        assert sum(map(len, walk.columns)) == ROWS * (len(COLUMNS) - bool(broken))
        assert device.budget < BUDGET_VARBINDS or minute % 60 > 4
    # Each hour at most four silences to learn it, and two for each time that more was tried: after 5, 15, 35 minutes.
    assert device.silences <= 2 * (4 + 3 * 2)


@settings(max_examples=10)
@given(st.integers(1, BUDGET_VARBINDS - 1))
def test_a_device_that_says_what_is_too_big_is_believed_and_not_tried(bears: int) -> None:
    device = Device(lambda _: True)
    device.says_too_big_over = bears
    for _ in range(2 * 60):
        assert is_whole(device.poll())
    assert device.refusals <= 6


# Scalars --------------------------------------------------------------------------------------------------------------


class Values:
    """A device with these names; those in `broken` cannot be read, and it answers so many at once."""

    def __init__(self, names: set[bytes], broken: set[bytes], *, at_once: int, is_v1: bool, names_it: bool) -> None:
        self.names, self.broken = names, broken
        self.at_once, self.is_v1, self.names_it = at_once, is_v1, names_it
        self.asked = 0

    async def ask(self, _: Pdu, names: Sequence[bytes], __: int) -> Response:
        self.asked += 1
        if len(names) > self.at_once:
            return Response(1, ErrorStatus.TOO_BIG, 0, [])
        for place, name in enumerate(names, start=1):
            if name in self.broken:
                return Response(1, ErrorStatus.GEN_ERR, place if self.names_it else 0, [])
            if name not in self.names and self.is_v1:
                return Response(1, ErrorStatus.NO_SUCH_NAME, place, [])
        found = [(name, 2, 7) if name in self.names else (name, TAG_NO_SUCH_OBJECT, None) for name in names]
        return Response(1, 0, 0, found)


def ask_for(device: Values, wanted: set[bytes], memory: BulkMemory | None = None) -> Scalars:
    memory = memory or BulkMemory(SimulatedClock())
    return asyncio.run(course.get(device.ask, SWITCH, sorted(wanted), memory=memory))


some_names = st.sets(st.integers(0, 40).map(lambda number: bytes((43, number))), max_size=24)


@given(some_names, some_names, some_names, st.integers(1, 30), st.booleans(), st.booleans())
def test_all_that_is_whole_comes_and_what_is_lacking_is_told_from_what_is_broken(
    wanted: set[bytes], had: set[bytes], broken: set[bytes], at_once: int, is_v1: bool, names_it: bool
) -> None:
    device = Values(had, broken, at_once=at_once, is_v1=is_v1, names_it=names_it)
    whole = wanted & had - broken
    if wanted & broken and not whole:
        with pytest.raises(ProtocolError):
            ask_for(device, wanted)
        return
    found = ask_for(device, wanted)
    assert found == dict.fromkeys(whole, 7)
    assert found.lacking == (wanted - had - broken if is_v1 else set())
    assert (found.error is None) == (not wanted & broken)
    assert device.asked <= 2 * len(wanted) + 1


@given(some_names, st.integers(1, BUDGET_VARBINDS - 1))
def test_a_device_that_bears_little_is_asked_for_few_scalars(wanted: set[bytes], bears: int) -> None:
    memory = BulkMemory(SimulatedClock())
    memory.fell_silent(SWITCH.host, SWITCH.port, bears)
    sizes = []

    async def ask(_: Pdu, names: Sequence[bytes], __: int) -> Response:
        sizes.append(len(names))
        return Response(1, 0, 0, [(name, 2, 7) for name in names])

    found = asyncio.run(course.get(ask, SWITCH, sorted(wanted), memory=memory))
    assert list(found) == sorted(wanted)
    assert all(size <= max(1, bears // 2) for size in sizes)


def test_what_came_before_a_silence_is_kept_with_its_reason() -> None:
    memory = BulkMemory(SimulatedClock())
    memory.fell_silent(SWITCH.host, SWITCH.port, 4)
    answers = iter([[(COLUMNS[0], 2, 1), (COLUMNS[1], 2, 1)]])

    async def ask(_: Pdu, __: Sequence[bytes], ___: int) -> Response:
        rows = next(answers, None)
        if rows is None:
            raise TimedOut("no answer")
        return Response(1, 0, 0, rows)

    found = asyncio.run(course.get(ask, SWITCH, COLUMNS, memory=memory))
    assert list(found) == COLUMNS[:2]
    assert isinstance(found.error, TimedOut)
    with pytest.raises(TimedOut):
        asyncio.run(course.get(ask, SWITCH, COLUMNS, memory=memory))


def test_what_falls_silent_after_a_broken_column_is_silent() -> None:
    answers = iter([True, True, True, False, False, False])
    device = Device(lambda _: next(answers))
    device.breaks_in = COLUMNS[3]
    walk = device.walk()
    assert isinstance(walk.error, TimedOut)
    assert device.budget == BUDGET_VARBINDS
