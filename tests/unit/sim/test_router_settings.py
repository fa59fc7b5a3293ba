"""The simulated MikroTik: what it shows, and the one change that a technician makes."""

import pytest

from beket.kernel.clock import SimulatedClock
from beket.sim.router_settings import CHANGES_AFTER_S, SNMP_STOPS_FOR_S, TECHNICIAN, RouterSettings

EXPORT = "/export show-sensitive"


def after_moment(export: str) -> str:
    return export.partition("\n")[2]


def test_nothing_changes_before_somebody_has_read_it() -> None:
    clock = SimulatedClock()
    router = RouterSettings("router", clock=clock)
    clock.pass_time(10 * CHANGES_AFTER_S)
    assert not router.has_changed()
    assert router.answers_snmp()
    assert TECHNICIAN not in router.answer("/system history print")


def test_it_changes_once_and_its_snmp_is_back_by_itself() -> None:
    clock = SimulatedClock()
    router = RouterSettings("router", clock=clock)
    before = router.answer(EXPORT)
    clock.pass_time(CHANGES_AFTER_S - 1)
    assert after_moment(router.answer(EXPORT)) == after_moment(before)
    clock.pass_time(1)
    changed = router.answer(EXPORT)
    assert "dst-nat" not in before
    assert "dst-nat" in changed
    assert not router.answers_snmp()
    assert TECHNICIAN in router.answer("/system history print")
    clock.pass_time(SNMP_STOPS_FOR_S)
    assert router.answers_snmp()
    assert after_moment(router.answer(EXPORT)) == after_moment(changed)


@pytest.mark.parametrize("command", ["", "/export hide-sensitive", "/user print", "rm -rf /", "/export " * 999])
def test_what_it_does_not_know_it_calls_a_bad_command(command: str) -> None:
    assert RouterSettings("router", clock=SimulatedClock()).answer(command).startswith("bad command name")
