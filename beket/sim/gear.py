"""Owns what simulated gear says about itself over SNMP: routers and switches with living ports, a UPS on its battery.

Given data about a device, builds its variables (`Mib`); the objects are those of RFC 3418 (system), RFC 2863
(interfaces), RFC 1628 (UPS) and LLDP-MIB. Counters are functions of the time since the device got its power, so that a
test knows them without having asked; they start anew after a blackout, as real ones do.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beket.sim import snmp_ber as ber
from beket.sim.lldp import Peer, lldp, mac_of
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import Mib, Value
from beket.sim.snmp_ber import Oid

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
IF_NUMBER: Oid = (1, 3, 6, 1, 2, 1, 2, 1)
IF_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_X_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
UPS: Oid = (1, 3, 6, 1, 2, 1, 33, 1)
# Private enterprise number for documentation (RFC 5612).
ENTERPRISE: Oid = (1, 3, 6, 1, 4, 1, 32473)

COUNTER32_RANGE = 2**32
PACKET_BYTES = 700
# Traffic swells and ebbs in this rhythm, by this share of its mean; under 1, so that a counter never runs back.
SWELL_S = 600
SWELL_SHARE = 0.6

ETHERNET_CSMACD = 6
UP, DOWN = 1, 2
BATTERY_NORMAL, BATTERY_LOW, BATTERY_DEPLETED = 2, 3, 4
OUTPUT_NORMAL, OUTPUT_BATTERY = 3, 5
LOW_CHARGE_PCT = 20
TEST_PASSED = 1


@dataclass(frozen=True, slots=True)
class Port:
    """A network port.

    Attributes:
        alias: what the technician wrote on it.
        in_bps: mean traffic into the port.
        is_linked: whether there is something alive at the other end.
    """

    name: str
    alias: str = ""
    speed_bps: int = 100_000_000
    in_bps: float = 0
    out_bps: float = 0
    is_linked: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Nameplate:
    """Who a device says it is."""

    name: str
    description: str
    location: str
    contact: str
    model: int


def network_gear(
    plate: Nameplate, ports: tuple[Port, ...], *, power: Power, supply: Supply, peers: Sequence[Peer] = ()
) -> Mib:
    """A switch with `ports`, numbered from 1; `peers` are what it hears at their other ends."""
    return Mib(network_values(plate, ports, lambda: power.up_s(supply), services=2, peers=peers))


def network_values(
    plate: Nameplate, ports: tuple[Port, ...], up_s: Callable[[], float], *, services: int, peers: Sequence[Peer]
) -> dict[Oid, Value]:
    """What a switch or a router says of itself, its ports and whom it hears there."""
    values = system_values(plate, up_s, services=services)
    values[(*IF_NUMBER, 0)] = ber.encode_int(len(ports))
    for index, port in enumerate(ports, start=1):
        values |= port_values(port, index, up_s, mac_of(plate.name, index))
    return values | lldp(plate.name, [(port.name, port.alias) for port in ports], peers)


def ups(plate: Nameplate, *, power: Power) -> Mib:
    """A UPS that carries a site in a blackout."""
    values = system_values(plate, lambda: power.up_s(Supply.UPS), services=64)

    def put(suffix: Oid, value: Value) -> None:
        values[(*UPS, *suffix)] = value

    def number(compute: Callable[[], float]) -> Callable[[], bytes]:
        return lambda: ber.encode_int(round(compute()))

    def mains(volts: int) -> Callable[[], bytes]:
        return lambda: ber.encode_int(volts if power.mains_is_on else 0)

    put((1, 1, 0), text("Beket"))
    put((1, 2, 0), text(plate.description))
    put((1, 5, 0), text(plate.name))
    put((2, 1, 0), lambda: ber.encode_int(_battery_status(power)))
    put((2, 2, 0), number(power.on_battery_s))
    put((2, 3, 0), number(lambda: power.battery_left_s() / 60))
    put((2, 4, 0), number(power.battery_charge_pct))
    put((2, 5, 0), number(lambda: 210 + 0.65 * power.battery_charge_pct()))
    put((2, 7, 0), ber.encode_int(27))
    put((3, 2, 0), ber.encode_int(1))
    put((3, 3, 1, 2, 1), mains(500))
    put((3, 3, 1, 3, 1), mains(231))
    put((4, 1, 0), lambda: ber.encode_int(OUTPUT_NORMAL if power.mains_is_on else OUTPUT_BATTERY))
    put((4, 2, 0), ber.encode_int(500))
    put((4, 3, 0), ber.encode_int(1))
    put((4, 4, 1, 2, 1), ber.encode_int(230))
    put((4, 4, 1, 4, 1), ber.encode_int(96))
    put((4, 4, 1, 5, 1), ber.encode_int(18))
    put((7, 3, 0), ber.encode_int(TEST_PASSED))
    put((6, 1, 0), lambda: ber.encode_int(0 if power.mains_is_on else 1, ber.GAUGE32))
    return Mib(values)


def octets_after(up_s: float, mean_bps: float, *, phase: int) -> int:
    """How many bytes a port has carried `up_s` after its device started; never falls as `up_s` grows."""
    turn = 2 * math.pi / SWELL_S
    swell_s = SWELL_SHARE / turn * (math.sin(turn * up_s + phase) - math.sin(phase))
    return int(mean_bps / 8 * (up_s + swell_s))


def system_values(plate: Nameplate, up_s: Callable[[], float], *, services: int) -> dict[Oid, Value]:
    """RFC 3418's system group."""
    return {
        (*SYSTEM, 1, 0): text(plate.description),
        (*SYSTEM, 2, 0): ber.encode_oid((*ENTERPRISE, plate.model)),
        (*SYSTEM, 3, 0): lambda: ber.encode_int(int(up_s() * 100) % COUNTER32_RANGE, ber.TIME_TICKS),
        (*SYSTEM, 4, 0): text(plate.contact),
        (*SYSTEM, 5, 0): text(plate.name),
        (*SYSTEM, 6, 0): text(plate.location),
        (*SYSTEM, 7, 0): ber.encode_int(services),
    }


def port_values(port: Port, index: int, up_s: Callable[[], float], mac: bytes) -> dict[Oid, Value]:
    """A port's row in the tables of RFC 2863."""

    def octets(mean_bps: float, wide: bool) -> Value:
        return _counter(lambda: octets_after(up_s(), mean_bps, phase=index), wide=wide)

    def packets(mean_bps: float, wide: bool) -> Value:
        return _counter(lambda: octets_after(up_s(), mean_bps, phase=index) // PACKET_BYTES, wide=wide)

    def oper_status() -> bytes:
        return ber.encode_int(UP if port.is_linked() else DOWN)

    none = ber.encode_int(0, ber.COUNTER32)
    columns: dict[int, Value] = {
        1: ber.encode_int(index),
        2: text(port.name),
        3: ber.encode_int(ETHERNET_CSMACD),
        4: ber.encode_int(1500),
        5: ber.encode_int(min(port.speed_bps, COUNTER32_RANGE - 1), ber.GAUGE32),
        6: ber.wrap(ber.OCTET_STRING, mac),
        7: ber.encode_int(UP),
        8: oper_status,
        9: ber.encode_int(0, ber.TIME_TICKS),
        10: octets(port.in_bps, wide=False),
        11: packets(port.in_bps, wide=False),
        13: none,
        14: none,
        16: octets(port.out_bps, wide=False),
        17: packets(port.out_bps, wide=False),
        19: none,
        20: none,
    }
    extended: dict[int, Value] = {
        1: text(port.name),
        6: octets(port.in_bps, wide=True),
        7: packets(port.in_bps, wide=True),
        10: octets(port.out_bps, wide=True),
        11: packets(port.out_bps, wide=True),
        15: ber.encode_int(port.speed_bps // 1_000_000, ber.GAUGE32),
        18: text(port.alias),
        19: ber.encode_int(0, ber.TIME_TICKS),
    }
    return {(*IF_ENTRY, column, index): value for column, value in columns.items()} | {
        (*IF_X_ENTRY, column, index): value for column, value in extended.items()
    }


def _counter(count: Callable[[], int], *, wide: bool) -> Value:
    if wide:
        return lambda: ber.encode_int(count(), ber.COUNTER64)
    return lambda: ber.encode_int(count() % COUNTER32_RANGE, ber.COUNTER32)


def _battery_status(power: Power) -> int:
    charge_pct = power.battery_charge_pct()
    if charge_pct <= 0:
        return BATTERY_DEPLETED
    return BATTERY_LOW if charge_pct < LOW_CHARGE_PCT else BATTERY_NORMAL


def text(words: str) -> bytes:
    """A string as SNMP carries it."""
    return ber.wrap(ber.OCTET_STRING, words.encode())
