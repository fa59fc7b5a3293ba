"""Owns what simulated gear says of its neighbours: LLDP-MIB (IEEE 802.1AB-2005) as variables of its `Mib`.

A neighbour that lost its power stays listed: real gear forgets it after two minutes, which nobody here asks within.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from beket.sim import snmp_ber as ber
from beket.sim.snmp_agent import Value
from beket.sim.snmp_ber import Oid

LOCAL: Oid = (1, 0, 8802, 1, 1, 2, 1, 3)
REMOTE: Oid = (1, 0, 8802, 1, 1, 2, 1, 4, 1, 1)
REMOTE_ADDRESS: Oid = (1, 0, 8802, 1, 1, 2, 1, 4, 2, 1)
CHASSIS_MAC, PORT_INTERFACE_NAME, ADDRESS_IPV4, BY_IF_INDEX = 4, 5, 1, 2


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of a port, as it introduces itself.

    Attributes:
        index: number of our port, from 1.
        port: name of its own port.
        host: IPv4 address under which it is managed.
    """

    index: int
    name: str
    description: str
    port: str
    host: str


def mac_of(name: str, index: int = 0) -> bytes:
    """The hardware address of a device (0) or of one of its ports; locally administered, the same in every run."""
    return bytes((2, *zlib.crc32(name.encode()).to_bytes(4, "big"), index))


def lldp(name: str, ports: Sequence[tuple[str, str]], peers: Sequence[Peer]) -> dict[Oid, Value]:
    """Variables of a device called `name`; `ports` are names and aliases, numbered from 1."""
    values: dict[Oid, Value] = {
        (*LOCAL, 1, 0): ber.encode_int(CHASSIS_MAC),
        (*LOCAL, 2, 0): ber.wrap(ber.OCTET_STRING, mac_of(name)),
        (*LOCAL, 3, 0): _text(name),
    }
    for index, (port, alias) in enumerate(ports, start=1):
        values[(*LOCAL, 7, 1, 2, index)] = ber.encode_int(PORT_INTERFACE_NAME)
        values[(*LOCAL, 7, 1, 3, index)] = _text(port)
        values[(*LOCAL, 7, 1, 4, index)] = _text(alias)
    for peer in peers:
        values |= _remote(peer)
    return values


def _remote(peer: Peer) -> dict[Oid, Value]:
    row = (0, peer.index, 1)
    octets = tuple(map(int, peer.host.split(".")))
    columns: dict[int, Value] = {
        4: ber.encode_int(CHASSIS_MAC),
        5: ber.wrap(ber.OCTET_STRING, mac_of(peer.name)),
        6: ber.encode_int(PORT_INTERFACE_NAME),
        7: _text(peer.port),
        8: _text(""),
        9: _text(peer.name),
        10: _text(peer.description),
    }
    address = (*row, ADDRESS_IPV4, len(octets), *octets)
    return {(*REMOTE, column, *row): value for column, value in columns.items()} | {
        (*REMOTE_ADDRESS, 3, *address): ber.encode_int(BY_IF_INDEX),
        (*REMOTE_ADDRESS, 4, *address): ber.encode_int(1),
    }


def _text(words: str) -> bytes:
    return ber.wrap(ber.OCTET_STRING, words.encode())
