"""Owns what one look at a device brings, as values; `telling` turns them into facts for the centre.

Addresses that belong to nothing in the inventory (telephones, people's computers) are counted here and never named.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Name:
    """How somebody is called on the wire; `kind` is "mac" (`aa:bb:cc:00:11:22`), "ip", "name", or "" for no name."""

    kind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A port of the device itself.

    Attributes:
        name: as in the labels of its metrics.
        names: what else it is called: ifDescr, ifAlias, LLDP's id and description, its number.
        aggregate: name of the bundle (LAG) that it belongs to.
    """

    name: str
    names: tuple[str, ...] = ()
    mac: str = ""
    aggregate: str = ""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Whom the device hears on a port.

    Attributes:
        protocol: "lldp" or "cdp".
        port: name of the device's own port, as in `Port`.
        remote_port: how the neighbour calls its end.
        remote_words: what is written on that end.
    """

    protocol: str
    port: str
    chassis: Name
    remote_port: Name
    remote_words: str = ""
    name: str = ""
    address: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind a port, near or far: things of the inventory by id, and how many other addresses."""

    port: str
    devices: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """One look at one device.

    Attributes:
        name: sysName.
        chassis: how it calls itself to its neighbours.
        macs: its hardware addresses that belong to no port.
        missing: of tables ("ports", "lldp", "cdp", "fdb") that were not read to their end, what cut them.
    """

    name: str = ""
    chassis: tuple[Name, ...] = ()
    macs: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    behind: tuple[Behind, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
