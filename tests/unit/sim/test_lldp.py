import asyncio

from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker
from agents.network.neighbours.report import Name, Neighbourhood
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Target
from agents.network.snmp.recording import Recording
from beket.kernel.clock import SimulatedClock
from beket.kernel.metrics import Catalogue
from beket.sim.gear import Nameplate, Port, network_gear
from beket.sim.lldp import Peer, lldp, mac_of
from beket.sim.power import Power, Supply


def look(name: str, peers: list[Peer]) -> Neighbourhood:
    """What our own reader makes of it; values of LLDP are short, so their lengths are one octet."""
    ports = [("lan", "комутатор"), ("wan", "")]
    rows = []
    for oid, value in lldp(name, ports, peers).items():
        assert isinstance(value, bytes)
        body = value[2:]
        rows.append((parse_oid(".".join(map(str, oid))), value[0], int.from_bytes(body) if value[0] == 2 else body))
    table = load_shipped(Catalogue(METRICS))[1].tables[0]
    looker = Looker(Recording(rows), table)

    async def both() -> Neighbourhood:
        return await looker.around(Target("x"), await looker.itself(Target("x")), {}, device="x")

    return asyncio.run(both())


def test_simulated_gear_names_its_neighbours() -> None:
    told = look("router-school", [Peer(1, "switch-school", "Simulated switch", "ge1", "127.20.3.2")])
    assert told.chassis == (Name("mac", mac_of("router-school").hex(":")),)
    (one,) = told.neighbours
    assert one.chassis == Name("mac", mac_of("switch-school").hex(":"))
    assert (one.remote_port.text, one.name, one.address) == ("ge1", "switch-school", "127.20.3.2")


def test_each_device_and_port_has_an_address_of_its_own_that_belongs_to_no_maker() -> None:
    macs = {mac_of(f"switch-{n}", port) for n in range(50) for port in range(10)}
    assert len(macs) == 500
    assert all(mac[0] == 2 for mac in macs)


def test_gear_without_neighbours_tells_of_its_own_ports_alone() -> None:
    plate = Nameplate("sw", "Simulated switch", "here", "it", 2)
    power = Power(SimulatedClock())
    alone = network_gear(plate, (Port("ge1"),), power=power, supply=Supply.MAINS)
    peer = Peer(1, "r", "Simulated router", "lan", "127.20.1.1")
    with_one = network_gear(plate, (Port("ge1"),), power=power, supply=Supply.MAINS, peers=[peer])
    assert len(with_one) - len(alone) == 9
