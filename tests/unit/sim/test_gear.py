from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.sim import gear, mikrotik
from beket.sim import snmp_ber as ber
from beket.sim.gear import IF_ENTRY, IF_X_ENTRY, SYSTEM, UPS, Nameplate, Port, network_gear, octets_after, ups
from beket.sim.power import Power, Supply
from beket.sim.router_settings import RouterSettings
from beket.sim.snmp_agent import Mib

PLATE = Nameplate("switch-council", "Simulated switch", "Сільрада", "it", 2)


def read(mib: Mib, *name: int) -> int | str:
    place = mib.find(name)
    assert place is not None, name
    value = mib.value(place)
    return value[2:].decode() if value[0] == ber.OCTET_STRING else int.from_bytes(value[2:], "big")


@given(mean_bps=st.floats(0, 1e10), phase=st.integers(0, 60), up_s=st.floats(0, 1e7), step_s=st.floats(0, 1000))
def test_octets_never_fall(mean_bps: float, phase: int, up_s: float, step_s: float) -> None:
    assert octets_after(up_s + step_s, mean_bps, phase=phase) >= octets_after(up_s, mean_bps, phase=phase) >= 0


def test_octets_hold_their_mean_over_a_whole_swell() -> None:
    carried = octets_after(2 * gear.SWELL_S, 8_000_000, phase=3) - octets_after(gear.SWELL_S, 8_000_000, phase=3)
    assert abs(carried - 1_000_000 * gear.SWELL_S) <= 1


def test_switch_counts_from_its_start_and_wraps_only_the_narrow_counter() -> None:
    clock = SimulatedClock()
    ports = (Port("ge1", alias="камера", speed_bps=10_000_000_000, in_bps=8e9, out_bps=0),)
    switch = network_gear(PLATE, ports, power=Power(clock), supply=Supply.MAINS)
    clock.pass_time(600)
    wide, narrow = read(switch, *IF_X_ENTRY, 6, 1), read(switch, *IF_ENTRY, 10, 1)
    assert wide == 600_000_000_000
    assert narrow == wide % 2**32
    assert (read(switch, *IF_ENTRY, 5, 1), read(switch, *IF_X_ENTRY, 15, 1)) == (2**32 - 1, 10_000)
    assert read(switch, *SYSTEM, 3, 0) == 60_000
    assert (read(switch, *SYSTEM, 6, 0), read(switch, *IF_X_ENTRY, 18, 1)) == ("Сільрада", "камера")


def test_switch_begins_anew_after_a_blackout_and_one_on_the_ups_does_not() -> None:
    clock = SimulatedClock()
    power = Power(clock)
    dark, fed = (network_gear(PLATE, (), power=power, supply=supply) for supply in (Supply.MAINS, Supply.UPS))
    clock.pass_time(100)
    power.switch_off()
    clock.pass_time(60)
    power.switch_on()
    clock.pass_time(7)
    assert (read(dark, *SYSTEM, 3, 0), read(fed, *SYSTEM, 3, 0)) == (700, 16_700)


def test_port_goes_down_with_what_is_plugged_into_it() -> None:
    linked = [True]
    switch = network_gear(
        PLATE, (Port("ge1", is_linked=lambda: linked[0]),), power=Power(SimulatedClock()), supply=Supply.MAINS
    )
    assert read(switch, *IF_ENTRY, 8, 1) == gear.UP
    linked[0] = False
    assert (read(switch, *IF_ENTRY, 7, 1), read(switch, *IF_ENTRY, 8, 1)) == (gear.UP, gear.DOWN)


def test_ups_tells_the_blackout() -> None:
    clock = SimulatedClock()
    power = Power(clock, battery_lasts_s=2400)
    mib = ups(PLATE, power=power)

    def state() -> tuple[int | str, ...]:
        return tuple(
            read(mib, *UPS, *suffix)
            for suffix in ((3, 3, 1, 3, 1), (4, 1, 0), (2, 1, 0), (2, 2, 0), (2, 3, 0), (2, 4, 0), (6, 1, 0))
        )

    assert state() == (231, gear.OUTPUT_NORMAL, gear.BATTERY_NORMAL, 0, 40, 100, 0)
    power.switch_off()
    clock.pass_time(1200)
    assert state() == (0, gear.OUTPUT_BATTERY, gear.BATTERY_NORMAL, 1200, 20, 50, 1)
    clock.pass_time(900)
    assert read(mib, *UPS, 2, 1, 0) == gear.BATTERY_LOW
    clock.pass_time(300)
    assert read(mib, *UPS, 2, 1, 0) == gear.BATTERY_DEPLETED


def test_a_router_says_what_its_command_line_says() -> None:
    clock = SimulatedClock()
    router = mikrotik.router(PLATE, (Port("wan"),), power=Power(clock), supply=Supply.UPS)
    settings = RouterSettings("router", clock=clock)
    assert f"model: {read(router, *mikrotik.MIKROTIK, 1, 7, 9, 0)}" in settings.answer("/system routerboard print")
    assert f"serial-number: {read(router, *mikrotik.MIKROTIK, 1, 7, 3, 0)}" in settings.answer(
        "/system routerboard print"
    )
    assert f"version: {read(router, *mikrotik.MIKROTIK, 1, 4, 4, 0)}" in settings.answer("/system resource print")
    clock.pass_time(gear.SWELL_S / 4)
    assert read(router, *mikrotik.HOST, 3, 3, 1, 2, 1) == 14
    assert read(router, *IF_X_ENTRY, 1, 1) == "wan"
