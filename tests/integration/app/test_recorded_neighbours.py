"""What real devices told of their neighbours, from recording to link: a Nexus and a ProCurve of one real network."""

import asyncio
import functools
from collections.abc import Mapping

import pytest

from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.neighbours.look import Looker, Thing
from agents.network.neighbours.report import Neighbourhood as Told
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import Target, Walk
from agents.network.snmp.recording import Recording, load_recording
from beket.kernel import wire
from beket.kernel.errors import TimedOut
from beket.kernel.ids import CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, DeviceKind, Inventory, Site
from beket.kernel.metrics import Catalogue
from beket.kernel.text import plain
from beket.testing.recordings import recording
from collector.topology.derive import derive
from collector.topology.links import End, Kind, Protocol, device
from collector.topology.messages import Neighbourhood, read_neighbourhood

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
        return await looker.around(target, itself, things or {}, device=name.rpartition("/")[2], wall_ns=7)

    return asyncio.run(both_steps())


def as_the_centre_reads(told: Told) -> Neighbourhood:
    return read_neighbourhood(wire.encode(told))


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
    told = [as_the_centre_reads(look(name)) for name in (NEXUS, PROCURVE)]
    heard = {DeviceId(one.device): one for one in told}
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
    told = as_the_centre_reads(look(name))
    found = {(one.port, one.name, one.remote_port.text, one.address) for one in told.neighbours}
    assert (port, neighbour, far_port, address) in found
    assert told.missing == ()
    assert {one.port for one in told.neighbours} <= {one.name for one in told.ports}


def test_addresses_of_people_are_counted_and_gear_is_named() -> None:
    known = "00:50:56:88:14:62"
    told = look(PROCURVE, {known: Thing("camera", "yard"), "00:50:56:88:79:6e": Thing("device", "server")})
    by_port = {one.port: one for one in told.behind}
    assert by_port["17"].cameras == ("yard",)
    assert by_port["10"].devices == ("server",)
    assert by_port["17"].others > 100
    spelled = wire.encode(told).decode()
    # An address that belongs to nobody known leaves the site in no form.
    assert "00:50:56" not in spelled


@pytest.mark.parametrize(
    "name", ["network/switch/dlink-des3200", "network/switch/brocade-icx6430-24", "network/switch/dcs-3726c"]
)
def test_bridges_without_lldp_tell_what_is_behind_their_ports(name: str) -> None:
    told = as_the_centre_reads(look(name))
    assert told.tables == ("fdb",)
    assert sum(one.others for one in told.behind) > 0
    assert {one.port for one in told.behind} <= {one.name for one in told.ports}


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
    ("walks", "tables", "missing"),
    [
        (0, (), {"ports", "lldp", "cdp", "fdb"}),
        (2, (), {"lldp", "cdp", "fdb"}),
        (3, ("lldp",), {"cdp", "fdb"}),
        (4, ("cdp", "lldp"), {"fdb"}),
        (5, ("cdp", "fdb", "lldp"), {"fdb"}),
        (6, ("cdp", "fdb", "lldp"), set()),
    ],
)
def test_a_device_that_falls_silent_keeps_what_came_and_is_asked_no_more(
    walks: int, tables: tuple[str, ...], missing: set[str]
) -> None:
    silent = FallsSilent(load(PROCURVE), walks)
    told = look(PROCURVE, snmp=silent)
    assert told.tables == tables
    assert {one.table for one in told.missing} == missing
    assert all(one.reason == TimedOut.kind.value for one in told.missing)
    assert silent.asked == min(walks + 1, 6)
