"""Owns what simulated things of an office and of a mast say over SNMP: a printer, a Wi-Fi point, a radio bridge.

The objects are those of Printer-MIB (RFC 3805), UBNT-UniFi-MIB and UBNT-AirMAX-MIB, in the shape of the recordings on
which the modules of these families are checked. Clients are counted, as the gear itself does; nobody is named.
"""

import math
from collections.abc import Callable

from beket.sim import snmp_ber as ber
from beket.sim.gear import Nameplate, Port, port_values, system_values, text
from beket.sim.lldp import mac_of
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import Mib, Value
from beket.sim.snmp_ber import Oid

PRINTER: Oid = (1, 3, 6, 1, 2, 1, 43)
HOST_DEVICE: Oid = (1, 3, 6, 1, 2, 1, 25, 3)
UNIFI: Oid = (1, 3, 6, 1, 4, 1, 41112, 1, 6)
AIRMAX: Oid = (1, 3, 6, 1, 4, 1, 41112, 1, 4)
PAGES_BEFORE, PAGE_EVERY_S = 48_211, 40
# Name, how much it holds, how much is left.
SUPPLIES = (("Чорний тонер", 100, 12), ("Барабан", 100, 64), ("Ємність для відпрацьованого", 5000, 4200))
SHEETS_MAX, SHEETS_LEFT = 250, 180
# Network and how many are in it when few and when many are there.
ZONES = (("Школа", 3, 14), ("Гості", 0, 5))
CROWD_S = 900
LAN = Port("eth0", "комутатор", 1_000_000_000, in_bps=350_000, out_bps=2_200_000)


def printer(plate: Nameplate, *, power: Power, supply: Supply) -> Mib:
    """A printer whose toner ends soon; it prints a page every `PAGE_EVERY_S`."""
    values = _with_a_port(plate, power, supply)

    def put(suffix: Oid, value: Value) -> None:
        values[(*PRINTER, *suffix)] = value

    values[(*HOST_DEVICE, 2, 1, 3, 1)] = text(plate.description)
    values[(*HOST_DEVICE, 5, 1, 2, 1)] = ber.wrap(ber.OCTET_STRING, b"\0")  # nothing is wrong
    put((5, 1, 1, 1, 1), ber.encode_int(3, ber.COUNTER32))
    put((8, 2, 1, 9, 1, 1), ber.encode_int(SHEETS_MAX))
    put((8, 2, 1, 10, 1, 1), ber.encode_int(SHEETS_LEFT))
    put((8, 2, 1, 13, 1, 1), text("1"))
    put((10, 2, 1, 4, 1, 1), lambda: ber.encode_int(_pages(power.up_s(supply)), ber.COUNTER32))
    for n, (name, holds, left) in enumerate(SUPPLIES, start=1):
        put((11, 1, 1, 6, 1, n), text(name))
        put((11, 1, 1, 8, 1, n), ber.encode_int(holds))
        put((11, 1, 1, 9, 1, n), ber.encode_int(left))
    return Mib(values)


def access_point(plate: Nameplate, *, power: Power, supply: Supply) -> Mib:
    """A Wi-Fi point of two networks on one radio; people come and go."""
    values = _with_a_port(plate, power, supply)

    def clients(few: int, many: int) -> Callable[[], bytes]:
        return lambda: ber.encode_int(_crowd(power.up_s(supply), few, many), ber.GAUGE32)

    values[(*UNIFI, 3, 3, 0)] = text(plate.description)
    values[(*UNIFI, 3, 6, 0)] = text("6.6.55")
    values[(*UNIFI, 1, 1, 1, 3, 1)] = text("ng")
    values[(*UNIFI, 1, 1, 1, 6, 1)] = lambda: ber.encode_int(_crowd(power.up_s(supply), 12, 46))
    for n, (name, few, many) in enumerate(ZONES, start=1):
        values[(*UNIFI, 1, 2, 1, 6, n)] = text(name)
        values[(*UNIFI, 1, 2, 1, 8, n)] = clients(few, many)
    return Mib(values)


def radio_bridge(plate: Nameplate, *, power: Power, supply: Supply) -> Mib:
    """One end of a radio bridge: the other is its one client."""
    values = _with_a_port(plate, power, supply)

    def put(suffix: Oid, value: Value) -> None:
        values[(*AIRMAX, *suffix)] = value

    put((1, 1, 1, 1), ber.encode_int(1))
    put((5, 1, 2, 1), text("village-bridge"))
    put((5, 1, 5, 1), lambda: ber.encode_int(_crowd(power.up_s(supply), -67, -61)))
    put((5, 1, 7, 1), ber.encode_int(97))
    put((5, 1, 8, 1), ber.encode_int(-98))
    put((5, 1, 9, 1), ber.encode_int(130_000))  # kilobits, as airOS counts
    put((5, 1, 10, 1), ber.encode_int(117_000))
    put((5, 1, 15, 1), ber.encode_int(1, ber.GAUGE32))
    put((8, 4, 0), ber.encode_int(41))
    return Mib(values)


def _with_a_port(plate: Nameplate, power: Power, supply: Supply) -> dict[Oid, Value]:
    def up_s() -> float:
        return power.up_s(supply)

    return system_values(plate, up_s, services=72) | port_values(LAN, 1, up_s, mac_of(plate.name, 1))


def _pages(up_s: float) -> int:
    return PAGES_BEFORE + int(up_s // PAGE_EVERY_S)


def _crowd(up_s: float, few: int, many: int) -> int:
    """What swells and ebbs between the two every `CROWD_S`, beginning in the middle."""
    return round((few + many) / 2 + (many - few) / 2 * math.sin(2 * math.pi * up_s / CROWD_S))
