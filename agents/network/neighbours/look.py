"""Owns one look at the neighbours of one device over SNMP: what it says of itself first, then whom it hears and sees.

Two steps, because the tables of bridges hold addresses of people's telephones: the first step learns which addresses
are gear, the second keeps those and only counts the others. What a device does not finish is named with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.network import reading
from agents.network.module_files import Table
from agents.network.neighbours import naming, tables
from agents.network.neighbours.report import Behind, Neighbour, Neighbourhood
from agents.network.neighbours.tables import Forwarding, OwnPorts
from agents.network.neighbours.telling import CDP, FDB, LLDP, PORTS
from agents.network.snmp.codec import Value
from agents.network.snmp.port import SnmpPort, Target
from beket.kernel.errors import BeketError, TimedOut, Unreachable

OVER_BOUND = "too-many"
BEHIND_MAX = 250


@dataclass(frozen=True, slots=True)
class Thing:
    """Something of the inventory that has a hardware address."""

    kind: str
    id: str


@dataclass(slots=True)
class Self:
    """What a device says of itself.

    Attributes:
        error: why nothing more is asked of it; None while it answers.
    """

    ports: OwnPorts = field(default_factory=OwnPorts)
    values: Mapping[bytes, Value] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    error: BeketError | None = None

    def macs(self) -> set[str]:
        """Every hardware address that is its own."""
        names = tables.own_names(self.values)
        own = {name.text for name in names if name.kind == "mac"} | {port.mac for port in self.ports.ports}
        return (own | {naming.mac_of(self.values.get(tables.BRIDGE_ADDRESS))}) - {""}


class Looker:
    """Looks at devices; `port_table` is the table of ports as polls read it, so that ports have the same names."""

    def __init__(self, snmp: SnmpPort, port_table: Table) -> None:
        self._snmp = snmp
        self._port_table = port_table

    async def itself(self, target: Target) -> Self:
        """What the device says of itself. A device that is away has `error`."""
        found = Self()
        try:
            found.values = await self._snmp.get(target, tables.OWN_SCALARS)
        except BeketError as error:
            found.error = error
            return found
        table = self._port_table
        named_by = [name for name in (table.names, table.spare_names, table.aliases) if name is not None]
        asked = [*named_by, tables.PORT_MACS, tables.BRIDGE_PORTS]
        columns = await self._walk(target, PORTS, asked, found)
        lldp = [tables.LLDP_PORT_KIND, tables.LLDP_PORT_ID, tables.LLDP_PORT_WORDS, tables.AGGREGATES]
        columns |= await self._walk(target, PORTS, lldp, found)
        identities = reading.ports_of(table, {name: columns[name] for name in named_by if name in columns})
        found.ports = tables.own_ports(identities, columns, named_by)
        if found.ports.is_cut:
            found.missing.setdefault(PORTS, OVER_BOUND)
        return found

    async def around(self, target: Target, of: Self, things: Mapping[str, Thing], *, device: str) -> Neighbourhood:
        """Whom the device hears and what it sees behind its ports; `things` by their hardware addresses."""
        neighbours = [*await self._lldp(target, of), *await self._cdp(target, of)]
        seen = await self._forwarding(target, of)
        own = of.macs() | seen.own
        behind = [_behind(port, macs - own, things, device) for port, macs in sorted(seen.behind.items()) if macs - own]
        if len(behind) > BEHIND_MAX:
            of.missing.setdefault(FDB, OVER_BOUND)
        port_macs = {port.mac for port in of.ports.ports}
        return Neighbourhood(
            name=reading.text_of(of.values.get(tables.SYS_NAME), naming.NAME_MAX_CHARS),
            chassis=tables.own_names(of.values),
            macs=tuple(sorted(own - port_macs))[: tables.PORTS_MAX],
            ports=tuple(of.ports.ports),
            neighbours=tuple(neighbours),
            behind=tuple(behind[:BEHIND_MAX]),
            missing=tuple(sorted(of.missing.items())),
        )

    async def _lldp(self, target: Target, of: Self) -> list[Neighbour]:
        asked = [*tables.LLDP_REMOTE, tables.LLDP_ADDRESSES]
        columns = await self._walk(target, LLDP, asked, of)
        remote = [columns.get(name, {}) for name in tables.LLDP_REMOTE]
        return _cut(tables.lldp_neighbours(remote, columns.get(tables.LLDP_ADDRESSES, {}), of.ports), LLDP, of)

    async def _cdp(self, target: Target, of: Self) -> list[Neighbour]:
        columns = await self._walk(target, CDP, tables.CDP_CACHE, of)
        return _cut(tables.cdp_neighbours([columns.get(name, {}) for name in tables.CDP_CACHE], of.ports), CDP, of)

    async def _forwarding(self, target: Target, of: Self) -> Forwarding:
        seen = Forwarding()
        for port, status in ((tables.FDB_PORT, tables.FDB_STATUS), (tables.VLAN_FDB_PORT, tables.VLAN_FDB_STATUS)):
            columns = await self._walk(target, FDB, [port, status], of)
            tables.forwarding(columns.get(port, {}), columns.get(status, {}), of.ports, seen)
        return seen

    async def _walk(
        self, target: Target, table: str, columns: Sequence[bytes], of: Self
    ) -> dict[bytes, Mapping[bytes, Value]]:
        """The columns as far as they came. A device that has fallen silent is asked for nothing more."""
        if isinstance(of.error, TimedOut | Unreachable):
            of.missing.setdefault(table, of.error.kind.value)
            return {}
        walk = await self._snmp.walk(target, columns)
        if walk.error is not None:
            of.missing.setdefault(table, walk.error.kind.value)
            of.error = walk.error
        return dict(zip(columns, walk.columns, strict=True))


def _cut(neighbours: list[Neighbour], table: str, of: Self) -> list[Neighbour]:
    if len(neighbours) > tables.NEIGHBOURS_MAX:
        of.missing.setdefault(table, OVER_BOUND)
    return neighbours[: tables.NEIGHBOURS_MAX]


def _behind(port: str, macs: set[str], things: Mapping[str, Thing], device: str) -> Behind:
    known = {things[mac] for mac in macs if mac in things and things[mac] != Thing("device", device)}
    return Behind(
        port,
        tuple(sorted(thing.id for thing in known if thing.kind == "device")),
        tuple(sorted(thing.id for thing in known if thing.kind == "camera")),
        sum(mac not in things for mac in macs),
    )
