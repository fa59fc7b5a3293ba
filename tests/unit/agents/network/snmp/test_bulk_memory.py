from pathlib import Path

import pytest

from agents.network.snmp.bulk_memory import (
    BUDGET_VARBINDS,
    DEVICES_REMEMBERED_MAX,
    PATIENCE_S,
    REFUSAL_BELIEVED_S,
    SILENCE_BELIEVED_S,
    BulkMemory,
)
from beket.kernel.clock import NS_PER_S, SimulatedClock

SWITCH = ("10.0.0.1", 161)


def test_a_device_of_which_nothing_is_known_is_asked_for_the_full_measure() -> None:
    assert BulkMemory(SimulatedClock()).budget("10.0.0.1", 161) == BUDGET_VARBINDS


def test_what_was_noted_outlasts_a_restart(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "bulk.json"
    memory = BulkMemory(clock, path)
    memory.refused(*SWITCH, 5)
    memory.save()
    again = BulkMemory(clock, path)
    assert (again.budget("10.0.0.1", 161), again.budget("10.0.0.1", 1161)) == (5, BUDGET_VARBINDS)


def test_nothing_is_written_while_nothing_changed(tmp_path: Path) -> None:
    memory = BulkMemory(SimulatedClock(), tmp_path / "bulk.json")
    memory.save()
    assert list(tmp_path.iterdir()) == []


def test_what_a_device_says_itself_is_believed_for_a_week_and_not_when_the_clock_went_back() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    memory.refused(*SWITCH, 5)
    clock.pass_time(REFUSAL_BELIEVED_S - 1)
    memory.answered(*SWITCH)
    memory.stayed_silent(*SWITCH)
    assert memory.budget(*SWITCH) == 5
    clock.pass_time(1)
    assert memory.budget(*SWITCH) == BUDGET_VARBINDS
    memory.refused(*SWITCH, 5)
    clock.step_wall(-3600)
    assert memory.budget(*SWITCH) == BUDGET_VARBINDS


def test_what_is_guessed_from_silence_is_believed_for_an_hour_however_often_it_is_guessed_again() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    for _ in range(SILENCE_BELIEVED_S // 60):
        memory.fell_silent(*SWITCH, 3)
        assert memory.budget(*SWITCH) == 3
        clock.pass_time(60)
    assert memory.budget(*SWITCH) == BUDGET_VARBINDS


def test_more_is_tried_after_a_while_and_the_longer_after_each_failure() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    waits_s = []
    memory.fell_silent(*SWITCH, 3)
    for _ in range(3):
        waited_s = 0
        while memory.budget(*SWITCH) == 3:
            clock.pass_time(10)
            waited_s += 10
            memory.answered(*SWITCH)
        waits_s.append(waited_s)
        memory.fell_silent(*SWITCH, 3)
    assert waits_s == [PATIENCE_S * 2**n for n in range(3)]


def test_while_more_is_tried_in_walks_scalars_are_asked_for_as_few_as_it_has_borne() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    assert memory.scalars_at_once(*SWITCH) == BUDGET_VARBINDS
    memory.fell_silent(*SWITCH, 15)
    clock.pass_time(PATIENCE_S)
    memory.answered(*SWITCH)
    assert (memory.budget(*SWITCH), memory.scalars_at_once(*SWITCH)) == (BUDGET_VARBINDS, 7)
    memory.refused(*SWITCH, 30)
    assert memory.scalars_at_once(*SWITCH) == 15


def test_whole_answers_bring_a_device_back_to_the_full_measure() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    memory.fell_silent(*SWITCH, 1)
    budgets = []
    for _ in range(4):
        clock.pass_time(PATIENCE_S)
        memory.answered(*SWITCH)
        budgets.append(memory.budget(*SWITCH))
    assert budgets == [4, 16, BUDGET_VARBINDS, BUDGET_VARBINDS]


def test_a_guess_is_given_up_when_less_does_not_help_either(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "bulk.json"
    memory = BulkMemory(clock, path)
    memory.fell_silent(*SWITCH, 3)
    memory.save()
    memory.stayed_silent(*SWITCH)
    memory.save()
    assert memory.budget(*SWITCH) == BulkMemory(clock, path).budget(*SWITCH) == BUDGET_VARBINDS


def test_a_guess_of_an_older_release_is_no_refusal(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "bulk.json"
    path.write_text(f'{{"10.0.0.1 161": {{"varbinds": 1, "since_s": {clock.wall_ns() // NS_PER_S}}}}}')
    memory = BulkMemory(clock, path)
    assert memory.budget(*SWITCH) == 1
    clock.pass_time(SILENCE_BELIEVED_S)
    assert memory.budget(*SWITCH) == BUDGET_VARBINDS


@pytest.mark.parametrize(
    "spoiled", [b"", b"{", b"\xff", b'{"a": 1}', b'{"10.0.0.1 161": {"varbinds": 0, "since_s": 1}}']
)
def test_a_spoiled_file_costs_only_what_it_held(tmp_path: Path, spoiled: bytes) -> None:
    path = tmp_path / "bulk.json"
    path.write_bytes(spoiled)
    assert BulkMemory(SimulatedClock(), path).budget("10.0.0.1", 161) == BUDGET_VARBINDS


def test_the_memory_is_bounded() -> None:
    memory = BulkMemory(SimulatedClock())
    for number in range(DEVICES_REMEMBERED_MAX + 1):
        memory.refused(f"h{number}", 161, 1)
    assert memory.budget("h0", 161) == BUDGET_VARBINDS
    assert memory.budget("h1", 161) == 1
