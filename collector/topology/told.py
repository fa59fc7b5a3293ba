"""Owns what a device told of its neighbours, as values out of the facts that its agent brought.

The agent writes the facts by its own `agents.network.neighbours.telling`; both share
tests/fixtures/wire/<version>/neighbour-facts.json. What cannot be understood counts for nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from beket.kernel.ids import DeviceId
from collector.devices.known import KnownFact

PORTS, LLDP, CDP, FDB = "ports", "lldp", "cdp", "fdb"
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Name:
    """How somebody is called on the wire; `kind` is "mac", "ip", "name", or "" for no name."""

    kind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the device itself; `names` are its other names, `aggregate` the bundle that it belongs to."""

    name: str
    names: tuple[str, ...] = ()
    mac: str = ""
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Whom the device hears on a port, by "lldp" or "cdp", and when that was so last by our clock."""

    protocol: str
    port: str
    chassis: Name = Name()
    remote_port: Name = Name()
    remote_words: str = ""
    name: str = ""
    address: str = ""
    description: str = ""
    seen_wall_ns: int = 0


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a port, near or far: things of the inventory by id; `others`: 0, 1, or 2 for more."""

    port: str
    devices: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    others: int = 0
    seen_wall_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What one device tells.

    Attributes:
        whole: the sources that were read to their end, so that what is not in them is not there.
    """

    device: DeviceId
    name: str = ""
    chassis: tuple[Name, ...] = ()
    macs: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    behind: tuple[Behind, ...] = ()
    whole: frozenset[str] = field(default_factory=frozenset)

    def speaks(self, protocol: str) -> bool:
        """Whether it hears others by this protocol, and tells all of them."""
        return protocol in self.whole and any(one.protocol == protocol for one in self.neighbours)


def neighbourhoods(facts: Iterable[KnownFact]) -> dict[DeviceId, Neighbourhood]:
    """What each device tells; facts of other sources are none of ours."""
    by_device: dict[DeviceId, list[KnownFact]] = defaultdict(list)
    for fact in facts:
        if fact.source in (PORTS, LLDP, CDP, FDB):
            by_device[fact.device].append(fact)
    return {device: _neighbourhood(device, mine) for device, mine in by_device.items()}


def _neighbourhood(device: DeviceId, facts: list[KnownFact]) -> Neighbourhood:
    itself: Mapping[str, str] = {}
    ports, neighbours, behind, whole = [], [], [], set()
    for fact in sorted(facts, key=lambda fact: (fact.source, fact.key)):
        what = fact.key.partition("/")[0]
        fields = fact.fields
        if what == "table" and fact.value == WHOLE:
            whole.add(fact.source)
        elif what == "self" and fact.source == PORTS:
            itself = fields
        elif what == "port" and fact.source == PORTS and fields.get("port"):
            ports.append(_port(fields))
        elif what == "neighbour" and fact.source in (LLDP, CDP) and fields.get("port"):
            neighbours.append(_neighbour(fact, fields))
        elif what == "behind" and fact.source == FDB and fields.get("port"):
            behind.append(_behind(fact, fields))
    return Neighbourhood(
        device=device,
        name=itself.get("name", ""),
        chassis=tuple(_name(text) for key, text in sorted(itself.items()) if key.startswith("chassis-")),
        macs=tuple(itself.get("macs", "").split()),
        ports=tuple(ports),
        neighbours=tuple(neighbours),
        behind=tuple(behind),
        whole=frozenset(whole),
    )


def _port(fields: Mapping[str, str]) -> Port:
    names = tuple(text for key, text in sorted(fields.items()) if key.startswith("name-"))
    return Port(fields["port"], names, fields.get("mac", ""), fields.get("bundle", ""))


def _neighbour(fact: KnownFact, fields: Mapping[str, str]) -> Neighbour:
    return Neighbour(
        fact.source,
        fields["port"],
        _name(fields.get("chassis", "")),
        _name(fields.get("remote-port", "")),
        fields.get("remote-words", ""),
        fields.get("name", ""),
        fields.get("address", ""),
        fields.get("description", ""),
        fact.seen_wall_ns,
    )


def _behind(fact: KnownFact, fields: Mapping[str, str]) -> Behind:
    things = [text.partition(" ") for key, text in sorted(fields.items()) if key.startswith("thing-")]
    return Behind(
        fields["port"],
        tuple(id_ for kind, _, id_ in things if kind == "device"),
        tuple(id_ for kind, _, id_ in things if kind == "camera"),
        int(fields.get("others", "")[:1]) if fields.get("others", "").isdecimal() else 0,
        fact.seen_wall_ns,
    )


def _name(spelled: str) -> Name:
    kind, _, text = spelled.partition(" ")
    return Name(kind, text) if kind in ("mac", "ip", "name") and text else Name()
