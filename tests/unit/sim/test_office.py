from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.sim import office
from beket.sim import snmp_ber as ber
from beket.sim.gear import Nameplate
from beket.sim.office import AIRMAX, PRINTER, UNIFI, access_point, printer, radio_bridge
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import Mib

PLATE = Nameplate("thing", "Simulated thing", "Школа", "it", 3)


def read(mib: Mib, *name: int) -> int | str:
    place = mib.find(name)
    assert place is not None, name
    value = mib.value(place)
    if value[0] == ber.OCTET_STRING:
        return value[2:].decode()
    return int.from_bytes(value[2:], "big", signed=value[0] == ber.INTEGER)


def test_a_printer_counts_pages_and_never_backwards_but_after_a_blackout() -> None:
    clock = SimulatedClock()
    power = Power(clock)
    mib = printer(PLATE, power=power, supply=Supply.MAINS)

    def pages() -> int | str:
        return read(mib, *PRINTER, 10, 2, 1, 4, 1, 1)

    assert pages() == office.PAGES_BEFORE
    clock.pass_time(10 * office.PAGE_EVERY_S)
    assert pages() == office.PAGES_BEFORE + 10
    levels = [
        (read(mib, *PRINTER, 11, 1, 1, 9, 1, n), read(mib, *PRINTER, 11, 1, 1, 8, 1, n))
        for n in range(1, len(office.SUPPLIES) + 1)
    ]
    assert levels == [(left, holds) for _, holds, left in office.SUPPLIES]


@given(seconds=st.floats(0, 1e6))
def test_a_wifi_point_never_has_more_or_fewer_people_than_its_zones_may(seconds: float) -> None:
    clock = SimulatedClock()
    mib = access_point(PLATE, power=Power(clock), supply=Supply.MAINS)
    clock.pass_time(seconds)
    for n, (name, few, many) in enumerate(office.ZONES, start=1):
        assert read(mib, *UNIFI, 1, 2, 1, 6, n) == name
        clients = read(mib, *UNIFI, 1, 2, 1, 8, n)
        assert isinstance(clients, int)
        assert few <= clients <= many
    busy = read(mib, *UNIFI, 1, 1, 1, 6, 1)
    assert isinstance(busy, int)
    assert 0 <= busy <= 100


def test_a_radio_bridge_hears_its_other_end_above_the_noise() -> None:
    mib = radio_bridge(PLATE, power=Power(SimulatedClock()), supply=Supply.UPS)
    signal, noise = (read(mib, *AIRMAX, 5, 1, column, 1) for column in (5, 8))
    assert (signal, noise) == (-64, -98)
    assert read(mib, *AIRMAX, 5, 1, 15, 1) == 1
