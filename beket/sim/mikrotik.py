"""Owns what a simulated MikroTik says about itself over SNMP besides its ports: what it is, how warm, how busy.

Objects of MIKROTIK-MIB and HOST-RESOURCES-MIB (RFC 2790). Model, version and serial number are those that its command
line tells (`router_settings`).
"""

import math
from collections.abc import Callable, Sequence

from beket.sim import snmp_ber as ber
from beket.sim.gear import COUNTER32_RANGE, SWELL_S, SYSTEM, Nameplate, Port, network_values, text
from beket.sim.lldp import Peer
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import Mib
from beket.sim.snmp_ber import Oid

HOST: Oid = (1, 3, 6, 1, 2, 1, 25)
MIKROTIK: Oid = (1, 3, 6, 1, 4, 1, 14988, 1)
RAM_KIB = 256 * 1024
RAM_INDEX = 65536


def router(
    plate: Nameplate, ports: tuple[Port, ...], *, power: Power, supply: Supply, peers: Sequence[Peer] = ()
) -> Mib:
    """A router with `ports`, numbered from 1; `peers` are what it hears at their other ends."""

    def up_s() -> float:
        return power.up_s(supply)

    def swelling(mean: float, share: float) -> Callable[[], bytes]:
        return lambda: ber.encode_int(round(mean * (1 + share * math.sin(2 * math.pi * up_s() / SWELL_S))))

    values = network_values(plate, ports, up_s, services=6, peers=peers)
    values |= {
        (*SYSTEM, 2, 0): ber.encode_oid(MIKROTIK),
        (*MIKROTIK, 1, 3, 8, 0): ber.encode_int(241),
        (*MIKROTIK, 1, 3, 10, 0): swelling(410, 0.05),
        (*MIKROTIK, 1, 4, 4, 0): text("7.16.1"),
        (*MIKROTIK, 1, 7, 3, 0): text("HEX0NAVCHALNYI"),
        (*MIKROTIK, 1, 7, 9, 0): text("RB760iGS"),
        (*HOST, 1, 1, 0): lambda: ber.encode_int(int(up_s() * 100) % COUNTER32_RANGE, ber.TIME_TICKS),
        (*HOST, 2, 3, 1, 2, RAM_INDEX): ber.encode_oid((*HOST, 2, 1, 2)),
        (*HOST, 2, 3, 1, 3, RAM_INDEX): text("main memory"),
        (*HOST, 2, 3, 1, 4, RAM_INDEX): ber.encode_int(1024),
        (*HOST, 2, 3, 1, 5, RAM_INDEX): ber.encode_int(RAM_KIB),
        (*HOST, 2, 3, 1, 6, RAM_INDEX): swelling(0.3 * RAM_KIB, 0.1),
        (*HOST, 3, 3, 1, 2, 1): swelling(9, 0.6),
    }
    return Mib(values)
