"""Two real devices on one cable, lldpd behind Net-SNMP, from their packets to one link that both confirm.

Run as a program it looks at the device at its own 127.0.0.1: the test starts it inside each device's namespace.
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path

import pytest

from agents.facts.messages import spelled
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker
from agents.network.neighbours.telling import facts_of
from agents.network.snmp.backends import Backends
from agents.network.snmp.port import Target
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, Inventory, Site
from beket.kernel.metrics import Catalogue
from beket.testing.lldp_pair import SNMP_PORT, Place, lldp_pair
from beket.testing.process import output_of
from beket.testing.source_tree import PROJECT
from collector.devices.known import KnownFact
from collector.topology.derive import Topology, derive
from collector.topology.links import End, Protocol, device
from collector.topology.told import neighbourhoods

pytestmark = pytest.mark.torture
WITHIN_S = 120


async def _look() -> list[tuple[str, str, str, str]]:
    snmp = Backends(clock=SystemClock(), rng=random.Random(1))
    try:
        looker, target = Looker(snmp, load_shipped(Catalogue(METRICS))[1].tables[0]), Target("127.0.0.1", SNMP_PORT)
        look = await looker.around(target, await looker.itself(target), {}, device="self")
    finally:
        snmp.close()
    return [(source, key, *spelled(value)) for source, facts, _ in facts_of(look) for key, value in facts.items()]


def _facts(place: Place) -> list[KnownFact]:
    program = [sys.executable, str(Path(__file__).resolve())]
    told = json.loads(output_of("env", f"PYTHONPATH={PROJECT}", *place.inside(program), within_s=60))
    return [KnownFact(DeviceId(place.name), source, key, kind, text, 1, 1, 1) for source, key, text, kind in told]


def _topology(*places: Place) -> Topology:
    site = SiteId("lab")
    devices = tuple(Device(id=DeviceId(p.name), site=site, name=p.name, address=f"{p.name}.invalid") for p in places)
    sites = (Site(id=site, name="Lab", village="v"),)
    community = Community(id=CommunityId("c"), name="c")
    inventory = Inventory(version=1, community=community, sites=sites, devices=devices)
    return derive(inventory, neighbourhoods([fact for place in places for fact in _facts(place)]))


@pytest.mark.needs("lldpd", "snmpd", "unshare", "nsenter", "ip")
def test_two_real_devices_on_one_cable_are_one_link_that_both_confirm() -> None:
    with lldp_pair("council", "school") as (one, other):
        until_s = time.monotonic() + WITHIN_S
        topology = _topology(one, other)
        while not any(link.is_mutual for link in topology.links) and time.monotonic() < until_s:
            time.sleep(1)
            topology = _topology(one, other)
    (link,) = topology.links
    assert link.ends == (End(device("council"), "eth0"), End(device("school"), "eth7"))
    assert [evidence.protocol for evidence in link.evidence] == [Protocol.LLDP, Protocol.LLDP]
    assert link.is_mutual
    assert not link.doubts
    assert not topology.strangers


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_look())))
