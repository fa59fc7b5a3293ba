"""Owns what agents tell of neighbours as the centre reads it; they write it by their own `agents.network.neighbours`.

Unknown fields are ignored, missing ones take their defaults; what is longer than any honest report is refused whole.
Shared with the sender are only tests/fixtures/wire/<version>/neighbour*.json.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel import wire

REPORT_MAX_BYTES = 2 * 1024 * 1024

Short = Annotated[str, Meta(max_length=200)]
Word = Annotated[str, Meta(max_length=40)]
Id = Annotated[str, Meta(max_length=63)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Name(msgspec.Struct, frozen=True):
    """How somebody is called on the wire; `kind` is "mac", "ip", "name", or "" for no name."""

    kind: Word = ""
    text: Short = ""


class Port(msgspec.Struct, frozen=True):
    """A port of the device itself; `names` are its other names, `aggregate` the bundle that it belongs to."""

    name: Short
    names: Annotated[tuple[Short, ...], Meta(max_length=16)] = ()
    mac: Word = ""
    aggregate: Short = ""


class Neighbour(msgspec.Struct, frozen=True):
    """Whom the device hears on a port, by "lldp" or "cdp"."""

    protocol: Word
    port: Short
    chassis: Name = Name()
    remote_port: Name = Name()
    remote_words: Short = ""
    name: Short = ""
    address: Short = ""
    description: Short = ""


class Behind(msgspec.Struct, frozen=True):
    """What stands behind a port, near or far: things of the inventory by id, and how many other addresses."""

    port: Short
    devices: Annotated[tuple[Id, ...], Meta(max_length=1024)] = ()
    cameras: Annotated[tuple[Id, ...], Meta(max_length=1024)] = ()
    others: Count = 0


class Missing(msgspec.Struct, frozen=True):
    """A table that was not read to its end, and the kind of error that cut it."""

    table: Word
    reason: Word


class Neighbourhood(msgspec.Struct, frozen=True, kw_only=True):
    """One look at one device; `looked_wall_ns` is when, by the agent's clock."""

    device: Id
    looked_wall_ns: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    name: Short = ""
    chassis: Annotated[tuple[Name, ...], Meta(max_length=8)] = ()
    macs: Annotated[tuple[Word, ...], Meta(max_length=1024)] = ()
    ports: Annotated[tuple[Port, ...], Meta(max_length=1024)] = ()
    neighbours: Annotated[tuple[Neighbour, ...], Meta(max_length=512)] = ()
    behind: Annotated[tuple[Behind, ...], Meta(max_length=512)] = ()
    tables: Annotated[tuple[Word, ...], Meta(max_length=8)] = ()
    missing: Annotated[tuple[Missing, ...], Meta(max_length=8)] = ()

    def is_whole(self, table: str) -> bool:
        """Whether that table was read to its end, so that what is not in it is not there."""
        return all(missing.table != table for missing in self.missing)


class NeighboursReceipt(msgspec.Struct, frozen=True):
    """The centre has it. `taken`: False for a device that its inventory does not have any more."""

    taken: bool = True


def read_neighbourhood(body: bytes) -> Neighbourhood:
    """The report in `body`.

    Raises:
        ProtocolError: not one.
    """
    return wire.decode(body, Neighbourhood, max_bytes=REPORT_MAX_BYTES)
