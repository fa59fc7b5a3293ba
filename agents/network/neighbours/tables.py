"""Owns the tables that tell of neighbours: which objects are asked, and what their rows mean. Pure, and bounded.

LLDP-MIB (IEEE 802.1AB-2005), CISCO-CDP-MIB, BRIDGE-MIB (RFC 4188), Q-BRIDGE-MIB (RFC 4363), LAG-MIB, 802.3ad. They
are the same on every family, so they are code; what differs by family are modules.
Note: agents/design/0045-topology.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agents.network.neighbours import naming
from agents.network.neighbours.naming import MAC_OCTETS, NAME_MAX_CHARS
from agents.network.neighbours.report import Name, Neighbour, Port
from agents.network.reading import Column, PortIdentity, text_of
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import parse_oid, sub_ids
from beket.kernel.errors import ProtocolError

PORTS_MAX = 500
NEIGHBOURS_MAX = 250
NAMES_PER_PORT_MAX = 8

SYS_NAME = parse_oid("1.3.6.1.2.1.1.5.0")
BRIDGE_ADDRESS = parse_oid("1.3.6.1.2.1.17.1.1.0")
LLDP_CHASSIS_KIND = parse_oid("1.0.8802.1.1.2.1.3.1.0")
LLDP_CHASSIS = parse_oid("1.0.8802.1.1.2.1.3.2.0")
CDP_DEVICE_ID = parse_oid("1.3.6.1.4.1.9.9.23.1.3.4.0")
OWN_SCALARS = [SYS_NAME, BRIDGE_ADDRESS, LLDP_CHASSIS_KIND, LLDP_CHASSIS, CDP_DEVICE_ID]

PORT_MACS = parse_oid("1.3.6.1.2.1.2.2.1.6")
AGGREGATES = parse_oid("1.2.840.10006.300.43.1.2.1.1.13")
BRIDGE_PORTS = parse_oid("1.3.6.1.2.1.17.1.4.1.2")
LLDP_PORT_KIND, LLDP_PORT_ID, LLDP_PORT_WORDS = (parse_oid(f"1.0.8802.1.1.2.1.3.7.1.{n}") for n in (2, 3, 4))

LLDP_REMOTE = [parse_oid(f"1.0.8802.1.1.2.1.4.1.1.{n}") for n in (4, 5, 6, 7, 8, 9, 10)]
LLDP_ADDRESSES = parse_oid("1.0.8802.1.1.2.1.4.2.1.3")
CDP_CACHE = [parse_oid(f"1.3.6.1.4.1.9.9.23.1.2.1.1.{n}") for n in (3, 4, 6, 7, 8)]
FDB_PORT, FDB_STATUS = (parse_oid(f"1.3.6.1.2.1.17.4.3.1.{n}") for n in (2, 3))
VLAN_FDB_PORT, VLAN_FDB_STATUS = (parse_oid(f"1.3.6.1.2.1.17.7.1.2.2.1.{n}") for n in (2, 3))

_CDP_IP = 1
_LEARNED, _SELF = 3, 4
_LLDP_IDS = {1: 4, 2: 16}


@dataclass(slots=True)
class OwnPorts:
    """The ports of one device, found by any of their numbers and names."""

    ports: list[Port] = field(default_factory=list)
    by_index: dict[int, str] = field(default_factory=dict)
    by_bridge: dict[int, str] = field(default_factory=dict)
    by_lldp: dict[int, str] = field(default_factory=dict)
    is_cut: bool = False

    def bridge_port(self, number: int) -> str:
        """The port that a row of the bridge's table means; some give the interface's number instead of their own."""
        known = self.by_bridge or self.by_index
        return known.get(number, f"#{number}")

    def lldp_port(self, number: int) -> str:
        """The port that a row of LLDP means."""
        return self.by_lldp.get(number) or self.by_index.get(number) or f"#{number}"

    def index_port(self, number: int) -> str:
        """The port with this ifIndex."""
        return self.by_index.get(number, f"#{number}")


def own_ports(
    identities: Mapping[bytes, PortIdentity], columns: Mapping[bytes, Column], named_by: Sequence[bytes]
) -> OwnPorts:
    """The ports by all that they are called; `identities` by raw ifIndex, as polls name them, out of `named_by`."""
    found = OwnPorts()
    names: dict[str, list[str]] = {}
    macs: dict[str, str] = {}
    for raw, identity in identities.items():
        if len(names) >= PORTS_MAX:
            found.is_cut = True
            break
        numbers = _numbers(raw)
        if len(numbers) != 1:
            continue
        found.by_index[numbers[0]] = identity.name
        said = (text_of(columns.get(column, {}).get(raw), NAME_MAX_CHARS) for column in named_by)
        names[identity.name] = [*said, identity.index]
        macs[identity.name] = naming.mac_of(columns.get(PORT_MACS, {}).get(raw))
    for raw, value in columns.get(BRIDGE_PORTS, {}).items():
        numbers = _numbers(raw)
        if len(numbers) == 1 and isinstance(value, int) and value in found.by_index:
            found.by_bridge[numbers[0]] = found.by_index[value]
    _learn_lldp_ports(found, names, macs, columns)
    aggregates = _aggregates(found, columns.get(AGGREGATES, {}))
    found.ports = [
        Port(name, _distinct(name, others), macs[name], aggregates.get(name, "")) for name, others in names.items()
    ]
    return found


def _learn_lldp_ports(
    found: OwnPorts, names: dict[str, list[str]], macs: Mapping[str, str], columns: Mapping[bytes, Column]
) -> None:
    """Tie LLDP's own numbers of ports to the ports: by their ids and words first, by equal numbers last."""
    uses = Counter(word for others in names.values() for word in set(others) if word)
    called = {word: name for name, others in names.items() for word in others if uses[word] == 1}
    called |= {name: name for name in names}
    of_mac = Counter(mac for mac in macs.values() if mac)
    by_mac = {mac: name for name, mac in macs.items() if mac and of_mac[mac] == 1}
    kinds, words = columns.get(LLDP_PORT_KIND, {}), columns.get(LLDP_PORT_WORDS, {})
    for raw, value in columns.get(LLDP_PORT_ID, {}).items():
        numbers = _numbers(raw)
        if len(numbers) != 1 or len(found.by_lldp) >= PORTS_MAX:
            continue
        own_id, said = naming.port_name(kinds.get(raw), value), text_of(words.get(raw), NAME_MAX_CHARS)
        name = by_mac.get(own_id.text) if own_id.kind == "mac" else called.get(own_id.text)
        name = name or called.get(said) or found.by_bridge.get(numbers[0]) or found.by_index.get(numbers[0])
        if name:
            found.by_lldp[numbers[0]] = name
            names[name] += [own_id.text, said]
        else:
            found.by_lldp[numbers[0]] = said or own_id.text or f"#{numbers[0]}"


def _aggregates(found: OwnPorts, column: Column) -> dict[str, str]:
    bundles: dict[str, str] = {}
    for raw, value in column.items():
        numbers = _numbers(raw)
        if len(numbers) == 1 and isinstance(value, int) and value != numbers[0]:
            port, bundle = found.by_index.get(numbers[0]), found.by_index.get(value)
            if port and bundle:
                bundles[port] = bundle
    return bundles


def lldp_neighbours(columns: Sequence[Column], addresses: Column, ports: OwnPorts) -> list[Neighbour]:
    """Whom LLDP hears; `columns` as `LLDP_REMOTE`. Of one neighbour told at several times the newest counts."""
    kinds, chassis, port_kinds, port_ids, port_words, names, descriptions = columns
    newest: dict[tuple[int, int], tuple[int, bytes]] = {}
    for raw in chassis:
        numbers = _numbers(raw)
        if len(numbers) == 3:
            time_mark, port, remote = numbers
            newest[port, remote] = max(newest.get((port, remote), (-1, b"")), (time_mark, raw))
    managed: dict[tuple[int, int], str] = {}
    for whose, address in _managed(addresses):
        # IPv4 stands first in the table; an address of one cable names nobody.
        if address and not address.startswith("fe80:"):
            managed.setdefault(whose, address)
    found = [
        Neighbour(
            "lldp",
            ports.lldp_port(port),
            naming.chassis_name(kinds.get(raw), chassis[raw]),
            naming.port_name(port_kinds.get(raw), port_ids.get(raw)),
            text_of(port_words.get(raw), NAME_MAX_CHARS),
            text_of(names.get(raw), NAME_MAX_CHARS),
            managed.get((port, remote), ""),
            text_of(descriptions.get(raw), NAME_MAX_CHARS),
        )
        for (port, remote), (_, raw) in sorted(newest.items())
    ]
    return _bounded(found)


def _managed(addresses: Column) -> Iterator[tuple[tuple[int, int], str]]:
    """The address of each neighbour; it stands in the row's index, with its length or, in older agents, without."""
    for raw in addresses:
        numbers = _numbers(raw)
        if len(numbers) < 8:
            continue
        _, port, remote, kind, *rest = numbers
        size = _LLDP_IDS.get(kind)
        if size is not None and len(rest) == size + 1:
            rest = rest[1:]
        if len(rest) == size and all(number < 256 for number in rest):
            yield (port, remote), naming.address_of(bytes(rest))


def cdp_neighbours(columns: Sequence[Column], ports: OwnPorts) -> list[Neighbour]:
    """Whom CDP hears; `columns` as `CDP_CACHE`."""
    kinds, addresses, ids, port_ids, platforms = columns
    found = []
    for raw, value in ids.items():
        numbers = _numbers(raw)
        if len(numbers) != 2:
            continue
        chassis = naming.cdp_name(value)
        found.append(
            Neighbour(
                "cdp",
                ports.index_port(numbers[0]),
                chassis,
                naming.cdp_name(port_ids.get(raw)),
                name=chassis.text if chassis.kind == "name" else "",
                address=naming.address_of(addresses.get(raw)) if kinds.get(raw) == _CDP_IP else "",
                description=text_of(platforms.get(raw), NAME_MAX_CHARS),
            )
        )
    return _bounded(found)


def _bounded(found: list[Neighbour]) -> list[Neighbour]:
    """Each once, as long as it has a name at all; one more than the bound stays, to show that there were more."""
    told = (one for one in found if one.chassis.kind or one.name or one.address)
    return list(dict.fromkeys(told))[: NEIGHBOURS_MAX + 1]


@dataclass(slots=True)
class Forwarding:
    """What a bridge has learned: addresses by the name of the port behind which they are; its own apart."""

    behind: dict[str, set[str]] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)


def forwarding(port_column: Column, status_column: Column, ports: OwnPorts, into: Forwarding) -> None:
    """Take a forwarding table, of one VLAN or of all, into `into`."""
    for raw, number in port_column.items():
        mac = _mac_in(raw)
        if not mac or not isinstance(number, int):
            continue
        status = status_column.get(raw, _LEARNED)
        if status == _SELF:
            into.own.add(mac)
        elif status == _LEARNED and number > 0:
            into.behind.setdefault(ports.bridge_port(number), set()).add(mac)


def _mac_in(raw: bytes) -> str:
    numbers = _numbers(raw)[-MAC_OCTETS:]
    if len(numbers) < MAC_OCTETS or not all(number < 256 for number in numbers):
        return ""
    return naming.mac_of(bytes(numbers))


def own_names(values: Mapping[bytes, Value]) -> tuple[Name, ...]:
    """How a device calls itself to its neighbours, by LLDP and CDP."""
    names = (
        naming.chassis_name(values.get(LLDP_CHASSIS_KIND), values.get(LLDP_CHASSIS)),
        naming.cdp_name(values.get(CDP_DEVICE_ID)),
    )
    return tuple(dict.fromkeys(name for name in names if name.kind))


def _distinct(name: str, others: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(other for other in others if other and other != name))[:NAMES_PER_PORT_MAX]


def _numbers(raw: bytes) -> list[int]:
    try:
        return sub_ids(raw)
    except ProtocolError:
        return []
