"""Owns many simulated switches, each on an address of its own in 127.0.0.0/8, in one process beside the test.

`python -m beket.testing.snmp_gear COUNT PORTS PORT` serves until it is ended. All have the same variables, so that a
thousand of them cost little memory; each answers from its own address.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator

import uvloop

from beket.kernel.clock import SystemClock
from beket.sim.gear import Nameplate, Port, network_gear
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import SnmpAgent
from beket.testing.process import free_udp_port, printed, running

READY = "all answer"


@contextlib.contextmanager
def switches(count: int, *, ports: int) -> Iterator[list[str]]:
    """Run `count` switches with `ports` ports each until the block ends; give their addresses, `host:port`.

    Raises:
        ProgramFailed: they did not start.
    """
    port = free_udp_port()
    argv = [sys.executable, "-m", "beket.testing.snmp_gear", str(count), str(ports), str(port)]
    with running(argv, ready=printed(READY)):
        yield [f"{host}:{port}" for host in _hosts(count)]


def _hosts(count: int) -> list[str]:
    return [f"127.77.{number // 250}.{number % 250 + 1}" for number in range(count)]


async def _serve(count: int, ports: int, port: int) -> None:
    plate = Nameplate("switch", "Simulated switch", "here", "it", 2)
    clock = SystemClock()
    own_ports = tuple(Port(f"ge{i}", alias=f"port {i}", in_bps=4e6, out_bps=1e5) for i in range(1, ports + 1))
    mib = network_gear(plate, own_ports, power=Power(clock), supply=Supply.MAINS)
    for host in _hosts(count):
        await SnmpAgent(mib).start(host, port)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    count_, ports_, port_ = map(int, sys.argv[1:])
    uvloop.run(_serve(count_, ports_, port_))
