"""Owns which hardware address stands at a network address, as this machine's own kernel has heard it.

Only on the agent's own segment, which is where the gear and the cameras of a small site are. Other systems have no such
file, and then cameras are simply not found behind ports.
"""

import ipaddress
from pathlib import Path

from agents.network.neighbours.naming import mac_of

ARP_FILE = Path("/proc/net/arp")
_FILE_MAX_BYTES = 1024 * 1024
_COMPLETE = 0x2


def read_arp(path: Path = ARP_FILE) -> dict[str, str]:
    """Hardware address by IPv4 address; empty where the system tells none. Blocking."""
    try:
        with path.open("rb") as file:
            return parse_arp(file.read(_FILE_MAX_BYTES))
    except OSError:
        return {}


def parse_arp(data: bytes) -> dict[str, str]:
    """The rows of `/proc/net/arp` that were answered."""
    found = {}
    for line in data.decode("latin-1").splitlines()[1:]:
        parts = line.split()
        try:
            address, flags = str(ipaddress.IPv4Address(parts[0])), int(parts[2], 16)
            mac = mac_of(parts[3].encode("latin-1"))
        except (IndexError, ValueError):
            continue
        if flags & _COMPLETE and mac:
            found[address] = mac
    return found
