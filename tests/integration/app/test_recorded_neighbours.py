"""What real devices told of their neighbours, from recording to link: a Nexus and a ProCurve of one real network."""

import asyncio
import functools
from collections.abc import Mapping

import pytest

from agents.facts.messages import spelled
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker, Thing
from agents.network.neighbours.report import Neighbourhood as Told
from agents.network.neighbours.telling import facts_of
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Target, Walk
from agents.network.snmp.recording import Recording, load_recording
from beket.kernel.errors import TimedOut
from beket.kernel.ids import CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, DeviceKind, Inventory, Site
from beket.kernel.metrics import Catalogue
from beket.kernel.text import plain
from beket.testing.recordings import recording
from collector.devices.admission import FACTS_MAX, is_key, is_value
from collector.devices.known import KnownFact
from collector.topology.derive import derive
from collector.topology.links import End, Kind, Protocol, device
from collector.topology.told import Neighbourhood, neighbourhoods

PORTS = load_shipped(Catalogue(METRICS))[1].tables[0]
NEXUS, PROCURVE = "network/switch/cisco-n5000", "network/switch/hpe-procurve-516733-b21"


@functools.cache
def load(name: str) -> Recording:
    """Only what a look asks: a whole recording is 100,000 rows."""
    asked = tuple(map(parse_oid, ("1.0.8802", "1.2.840", "1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.17",
                                  "1.3.6.1.2.1.31.1.1.1", "1.3.6.1.4.1.9.9.23")))  # fmt: skip
    return Recording(row for row in load_recording(recording(name)).rows if row[0].startswith(asked))


def look(name: str, things: Mapping[str, Thing] | None = None, snmp: Recording | None = None) -> Told:
    looker, target = Looker(snmp or load(name), PORTS), Target("recorded")

    async def both_steps() -> Told:
        itself = await looker.itself(target)
        return await looker.around(target, itself, things or {}, device=name.rpartition("/")[2])

    return asyncio.run(both_steps())


def as_the_centre_reads(name: str, told: Told) -> Neighbourhood:
    """By way of facts, as they travel; each of them is one that the centre lets in."""
    known = []
    for source, facts, _ in facts_of(told):
        assert len(facts) <= FACTS_MAX
        for key, value in facts.items():
            text, kind = spelled(value)
            assert is_key(key)
            assert is_value(kind, text)
            known.append(KnownFact(DeviceId(name.rpartition("/")[2]), source, key, kind, text, 5, 6, 7))
    (neighbourhood,) = neighbourhoods(known).values()
    return neighbourhood


def an_inventory(*names: str) -> Inventory:
    site = SiteId("university")
    return Inventory(
        version=1,
        community=Community(id=CommunityId("c"), name="c"),
        sites=(Site(id=site, name="s", village="v"),),
        devices=tuple(
            Device(id=DeviceId(name), site=site, name=name, kind=DeviceKind.SWITCH, address=f"{name}.invalid")
            for name in names
        ),
    )


def test_two_real_switches_name_each_other_and_make_one_link() -> None:
    told = [as_the_centre_reads(name, look(name)) for name in (NEXUS, PROCURVE)]
    heard = {one.device: one for one in told}
    topology = derive(an_inventory(*heard), heard)
    (link,) = [one for one in topology.links if all(end.party.kind is Kind.DEVICE for end in one.ends)]
    assert link.ends == (
        End(device("cisco-n5000"), "Ethernet1/19"),
        End(device("hpe-procurve-516733-b21"), "17"),
    )
    assert link.is_mutual
    assert {one.protocol for one in link.strongest} == {Protocol.LLDP, Protocol.CDP}
    assert not link.doubts
    names = {topology.strangers[end.party].name for one in topology.links for end in one.ends if end != link.ends[0]
             and end.party in topology.strangers}  # fmt: skip
    assert {"H3C-1", "NWPU-UCS-FI-A", "NWPU-CA-5548-02"} <= names


@pytest.mark.parametrize(
    ("name", "port", "neighbour", "far_port", "address"),
    [
        ("network/switch/h3c-e528-1", "GigabitEthernet1/0/24", "WRD-Huiju-2", "GigabitEthernet1/0/33", "10.1.123.2"),
        ("network/switch/cisco-c3560", "Gi0/50", "RanQiLou", "GigabitEthernet0/25", "10.1.100.146"),
        ("network/router/cisco-unmarked-0", "Gi0/1", "gongjiaolou-C3550", "GigabitEthernet0/8", "192.168.31.31"),
        ("network/router/juniper-mx960-12-3r6-6", "xe-0/2/0", "re0-SNNU-YT-CORE-2", "642", "192.168.2.7"),
        ("cloud/arista-dcs-7150s-52-cl", "Ethernet47", "ZJ-BP-Bak-Arista", "Ethernet23", "172.16.229.22"),
    ],
)
def test_recorded_devices_name_their_neighbours(
    name: str, port: str, neighbour: str, far_port: str, address: str
) -> None:
    told = as_the_centre_reads(name, look(name))
    found = {(one.port, one.name, one.remote_port.text, one.address) for one in told.neighbours}
    assert (port, neighbour, far_port, address) in found
    assert told.whole == {"ports", "lldp", "cdp", "fdb"}
    assert {one.port for one in told.neighbours} <= {one.name for one in told.ports}


def test_addresses_of_people_are_counted_and_gear_is_named() -> None:
    known = "00:50:56:88:14:62"
    told = look(PROCURVE, {known: Thing("camera", "yard"), "00:50:56:88:79:6e": Thing("device", "server")})
    by_port = {one.port: one for one in told.behind}
    centre = {one.port: one for one in as_the_centre_reads(PROCURVE, told).behind}
    assert by_port["17"].cameras == ("yard",)
    assert by_port["10"].devices == ("server",)
    assert by_port["17"].others > 100
    assert {port: (one.cameras, one.devices, one.others) for port, one in centre.items()} == {
        "10": ((), ("server",), 2),
        "17": (("yard",), (), 2),
    }
    # An address that belongs to nobody known leaves the site in no form.
    assert "00:50:56" not in repr([facts for _, facts, _ in facts_of(told)])


@pytest.mark.parametrize(
    "name", ["network/switch/dlink-des3200", "network/switch/brocade-icx6430-24", "network/switch/dcs-3726c"]
)
def test_bridges_without_lldp_see_what_is_behind_their_ports(name: str) -> None:
    told = look(name)
    assert told.neighbours == ()
    assert sum(one.others for one in told.behind) > 0
    assert {one.port for one in told.behind} <= {one.name for one in told.ports}
    # Strangers alone are nothing to tell.
    assert as_the_centre_reads(name, told).behind == ()


class FallsSilent(Recording):
    """A recorded device that answers so many walks and then no more."""

    def __init__(self, of: Recording, walks: int) -> None:
        super().__init__(of.rows)
        self.walks, self.asked = walks, 0

    async def walk(self, target: Target, columns: object) -> Walk:
        self.asked += 1
        if self.asked > self.walks:
            return Walk([{} for _ in columns], TimedOut(plain("silent")))  # type: ignore[attr-defined]
        return await super().walk(target, columns)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("walks", "protocols", "missing"),
    [
        (0, set(), {"ports", "lldp", "cdp", "fdb"}),
        (2, set(), {"lldp", "cdp", "fdb"}),
        (3, {"lldp"}, {"cdp", "fdb"}),
        (4, {"cdp", "lldp"}, {"fdb"}),
        (5, {"cdp", "lldp"}, {"fdb"}),
        (6, {"cdp", "lldp"}, set()),
    ],
)
def test_a_device_that_falls_silent_keeps_what_came_and_is_asked_no_more(
    walks: int, protocols: set[str], missing: set[str]
) -> None:
    silent = FallsSilent(load(PROCURVE), walks)
    told = look(PROCURVE, snmp=silent)
    assert {one.protocol for one in told.neighbours} == protocols
    assert bool(told.behind) == (walks >= 5)
    assert dict(told.missing) == dict.fromkeys(missing, TimedOut.kind.value)
    assert as_the_centre_reads(PROCURVE, told).whole == {"ports", "lldp", "cdp", "fdb"} - missing
    assert silent.asked == min(walks + 1, 6)
