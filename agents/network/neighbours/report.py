"""Owns what an agent tells the centre of one device's neighbours; the centre reads it by `collector.topology.messages`.

Addresses that belong to nothing in the inventory (telephones, people's computers) are counted here and never named.
Shared with the reader are only tests/fixtures/wire/<version>/neighbour*.json.
"""

import msgspec

REPORT_PATH = "/agent/v1/neighbours"


class Name(msgspec.Struct, frozen=True):
    """How somebody is called on the wire; `kind` is "mac" (`aa:bb:cc:00:11:22`), "ip", "name", or "" for no name."""

    kind: str = ""
    text: str = ""


class Port(msgspec.Struct, frozen=True):
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


class Neighbour(msgspec.Struct, frozen=True):
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


class Behind(msgspec.Struct, frozen=True):
    """What stands behind a port, near or far: things of the inventory by id, and how many other addresses."""

    port: str
    devices: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    others: int = 0


class Missing(msgspec.Struct, frozen=True):
    """A table ("ports", "lldp", "cdp", "fdb") that was not read to its end, and the kind of error that cut it."""

    table: str
    reason: str


class Neighbourhood(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one device.

    Attributes:
        looked_wall_ns: when, by the agent's clock.
        name: sysName.
        chassis: how it calls itself to its neighbours.
        macs: its hardware addresses that belong to no port.
        tables: which tables brought anything: "lldp", "cdp", "fdb".
    """

    device: str
    looked_wall_ns: int
    name: str = ""
    chassis: tuple[Name, ...] = ()
    macs: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    behind: tuple[Behind, ...] = ()
    tables: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()


class NeighboursReceipt(msgspec.Struct, frozen=True):
    """The centre has it. `taken`: False for a device that its inventory does not have any more."""

    taken: bool = True
