from pathlib import Path

import pytest

from agents.network.snmp.bulk_memory import BUDGET_VARBINDS, DEVICES_REMEMBERED_MAX, TRIED_AGAIN_AFTER_S, BulkMemory
from beket.kernel.clock import SimulatedClock


def test_a_device_of_which_nothing_is_known_is_asked_for_the_full_measure() -> None:
    assert BulkMemory(SimulatedClock()).budget("10.0.0.1", 161) == BUDGET_VARBINDS


def test_what_was_noted_outlasts_a_restart(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "bulk.json"
    memory = BulkMemory(clock, path)
    memory.note("10.0.0.1", 161, 5)
    memory.save()
    again = BulkMemory(clock, path)
    assert (again.budget("10.0.0.1", 161), again.budget("10.0.0.1", 1161)) == (5, BUDGET_VARBINDS)


def test_nothing_is_written_while_nothing_changed(tmp_path: Path) -> None:
    memory = BulkMemory(SimulatedClock(), tmp_path / "bulk.json")
    memory.save()
    assert list(tmp_path.iterdir()) == []


def test_the_full_measure_is_tried_again_after_a_week_and_when_the_clock_went_back() -> None:
    clock = SimulatedClock()
    memory = BulkMemory(clock)
    memory.note("10.0.0.1", 161, 5)
    clock.pass_time(TRIED_AGAIN_AFTER_S - 1)
    assert memory.budget("10.0.0.1", 161) == 5
    clock.pass_time(1)
    assert memory.budget("10.0.0.1", 161) == BUDGET_VARBINDS
    memory.note("10.0.0.1", 161, 5)
    clock.step_wall(-3600)
    assert memory.budget("10.0.0.1", 161) == BUDGET_VARBINDS


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
        memory.note(f"h{number}", 161, 1)
    assert memory.budget("h0", 161) == BUDGET_VARBINDS
    assert memory.budget("h1", 161) == 1
