import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.sim.power import Power, Supply


def test_blackout_darkens_the_mains_and_drains_the_battery() -> None:
    clock = SimulatedClock()
    power = Power(clock, battery_lasts_s=600, battery_charges_s=6000)
    assert power.feeds(Supply.MAINS)
    power.switch_off()
    clock.pass_time(150)
    assert not power.feeds(Supply.MAINS)
    assert power.feeds(Supply.UPS)
    assert (power.on_battery_s(), power.battery_left_s(), power.battery_charge_pct()) == (150, 450, 75)
    clock.pass_time(450)
    assert not power.feeds(Supply.UPS)


def test_light_restarts_what_was_dark_and_nothing_else() -> None:
    clock = SimulatedClock()
    power = Power(clock, battery_lasts_s=600)
    clock.pass_time(1000)
    power.switch_off()
    clock.pass_time(60)
    power.switch_on()
    clock.pass_time(5)
    assert (power.up_s(Supply.MAINS), power.up_s(Supply.UPS)) == (5, 1065)
    power.switch_off()
    clock.pass_time(700)
    power.switch_on()
    assert (power.up_s(Supply.MAINS), power.up_s(Supply.UPS)) == (0, 0)


def test_battery_fills_again_in_its_own_time() -> None:
    clock = SimulatedClock()
    power = Power(clock, battery_lasts_s=600, battery_charges_s=6000)
    power.switch_off()
    clock.pass_time(600)
    power.switch_on()
    clock.pass_time(3000)
    assert power.battery_charge_pct() == pytest.approx(50)
    clock.pass_time(4000)
    assert power.battery_charge_pct() == 100


@given(steps=st.lists(st.tuples(st.booleans(), st.floats(0, 20_000)), max_size=20))
def test_battery_stays_between_empty_and_full_whatever_happens(steps: list[tuple[bool, float]]) -> None:
    clock = SimulatedClock()
    power = Power(clock)
    for light, passing_s in steps:
        if light:
            power.switch_on()
        else:
            power.switch_off()
        assert power.mains_is_on == light
        clock.pass_time(passing_s)
        assert 0 <= power.battery_charge_pct() <= 100
        assert power.up_s(Supply.UPS) >= power.up_s(Supply.MAINS) >= 0
