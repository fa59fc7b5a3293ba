from pathlib import Path

import pytest

from agents.network.detection import Kinship
from agents.network.known_devices import SURE_FOR_S, UNSURE_FOR_S, KnownDevices
from beket.kernel.clock import SimulatedClock

MODEL = b"\x2b\x06\x01"
SURE, UNSURE = Kinship(("cisco",), is_sure=True), Kinship((), is_sure=False)


def recall(known: KnownDevices, *, model: bytes = MODEL, uptime: int | None = 100) -> tuple[str, ...] | None:
    return known.recall("sw 10.0.0.2", model=model, uptime=uptime)


def test_what_was_found_out_is_remembered_over_a_restart(tmp_path: Path) -> None:
    clock, path = SimulatedClock(), tmp_path / "known.json"
    known = KnownDevices(clock, path, rules=7)
    assert recall(known) is None
    known.note("sw 10.0.0.2", SURE, model=MODEL)
    known.save()
    assert recall(KnownDevices(clock, path, rules=7)) == ("cisco",)
    assert recall(KnownDevices(clock, path, rules=8)) is None


@pytest.mark.parametrize(("kinship", "good_for_s"), [(SURE, SURE_FOR_S), (UNSURE, UNSURE_FOR_S)])
def test_a_verdict_is_believed_for_its_time(kinship: Kinship, good_for_s: int) -> None:
    clock = SimulatedClock()
    known = KnownDevices(clock)
    known.note("sw 10.0.0.2", kinship, model=MODEL)
    clock.pass_time(good_for_s - 1)
    assert recall(known) == kinship.modules
    clock.pass_time(1)
    assert recall(known) is None


def test_an_unsure_round_takes_nothing_away_and_is_repeated_in_an_hour() -> None:
    clock = SimulatedClock()
    known = KnownDevices(clock)
    assert known.note("sw 10.0.0.2", UNSURE, model=MODEL) == ()
    assert known.note("sw 10.0.0.2", SURE, model=MODEL) == ("cisco",)
    assert known.note("sw 10.0.0.2", UNSURE, model=MODEL) == ("cisco",)
    assert recall(known) == ("cisco",)
    clock.pass_time(UNSURE_FOR_S)
    assert recall(known) is None
    assert known.note("sw 10.0.0.2", UNSURE, model=MODEL) == ("cisco",)
    assert known.note("sw 10.0.0.2", Kinship((), is_sure=True), model=MODEL) == ()
    known.note("sw 10.0.0.2", SURE, model=MODEL)
    assert known.note("sw 10.0.0.2", UNSURE, model=b"\x2b") == ()


def test_another_model_or_a_restart_is_asked_anew() -> None:
    known = KnownDevices(SimulatedClock())
    known.note("sw 10.0.0.2", SURE, model=MODEL)
    assert recall(known, uptime=100) == ("cisco",)
    assert recall(known, uptime=200) == ("cisco",)
    assert recall(known, uptime=None) == ("cisco",)
    assert recall(known, model=b"\x2b") is None
    known.note("sw 10.0.0.2", SURE, model=MODEL)
    assert recall(known, uptime=300) == ("cisco",)
    assert recall(known, uptime=5) is None


def test_a_spoiled_file_is_an_empty_memory(tmp_path: Path) -> None:
    for spoiled in (b"", b"{", b'{"rules": 7}', b"\xff" * 100, b'{"rules":7,"devices":{"a":{"model":1}}}'):
        path = tmp_path / "known.json"
        path.write_bytes(spoiled)
        assert recall(KnownDevices(SimulatedClock(), path, rules=7)) is None
