"""Owns who is meant: what a neighbour calls itself against the inventory and against what devices say of themselves.

A hardware address weighs most, then a network address within the site (other sites may use the same one), then a name.
What fits several things is no one of them. Pure.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Camera, Device
from collector.topology.links import Doubt, Kind, Party, Stranger, camera, device
from collector.topology.told import Neighbour, Neighbourhood, Port


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a neighbour's words mean."""

    party: Party
    doubts: tuple[Doubt, ...] = ()
    stranger: Stranger | None = None


class Identities:
    """Everything by which things can be known."""

    def __init__(
        self, devices: Iterable[Device], cameras: Iterable[Camera], heard: Mapping[DeviceId, Neighbourhood]
    ) -> None:
        self._site: dict[Party, SiteId] = {}
        self._by_mac: dict[str, set[Party]] = defaultdict(set)
        self._by_host: dict[str, set[Party]] = defaultdict(set)
        self._by_name: dict[str, set[Party]] = defaultdict(set)
        self._by_short_name: dict[str, set[Party]] = defaultdict(set)
        for one in devices:
            self._learn(device(one.id), one.site, host_of(one.address))
            if told := heard.get(one.id):
                self._learn_told(device(one.id), told)
        for each in cameras:
            self._learn(camera(each.id), each.site, host_in_url(each.url))

    def meant(self, teller: Device, neighbour: Neighbour) -> Meant:
        """Whom `teller` means."""
        names = (neighbour.chassis, neighbour.remote_port)
        by_mac = self._near(teller.site, (self._by_mac[n.text] for n in names if n.kind == "mac"))
        said = {neighbour.address} | {n.text for n in names if n.kind == "ip"}
        by_address = self._here(teller.site, (self._by_host[host] for host in said if host))
        found = [parties for parties in (by_mac, by_address, self._named(teller.site, neighbour)) if parties]
        if not found:
            return _stranger(neighbour, ())
        best, *weaker = found
        for parties in weaker:
            best = best & parties or best if len(best) > 1 else best
        if len(best) > 1:
            return _stranger(neighbour, (Doubt.AMBIGUOUS,))
        (party,) = best
        doubts = []
        if by_mac and by_address and not by_mac & by_address:
            doubts.append(Doubt.NAMES_DISAGREE)
        if party == device(teller.id):
            doubts.append(Doubt.LOOP)
        return Meant(party, tuple(doubts))

    def _named(self, site: SiteId, neighbour: Neighbour) -> set[Party]:
        """Those of the site whose name it is; without domain and serial number only when nobody has the whole name."""
        chassis = neighbour.chassis
        words = {chassis.text.casefold() if chassis.kind == "name" else "", neighbour.name.casefold()} - {""}
        whole = self._here(site, (self._by_name[word] for word in words))
        return whole or self._here(site, (self._by_short_name[short_name(word)] for word in words))

    def _here(self, site: SiteId, sets: Iterable[set[Party]]) -> set[Party]:
        """Those of the site: names and addresses repeat from site to site and mean others there."""
        return {party for parties in sets for party in parties if self._site[party] == site}

    def _near(self, site: SiteId, sets: Iterable[set[Party]]) -> set[Party]:
        """All of them, or only those of the same site when there are any: two boxes may have been made with one MAC."""
        all_ = {party for parties in sets for party in parties}
        here = {party for party in all_ if self._site[party] == site}
        return here or all_

    def _learn(self, party: Party, site: SiteId, host: str) -> None:
        self._site[party] = site
        if host:
            self._by_host[host].add(party)
            self._call(party, host)

    def _learn_told(self, party: Party, told: Neighbourhood) -> None:
        for mac in {*told.macs, *(port.mac for port in told.ports)} - {""}:
            self._by_mac[mac].add(party)
        for name in told.chassis:
            if name.kind == "mac":
                self._by_mac[name.text].add(party)
            elif name.kind == "name":
                self._call(party, name.text)
        if told.name:
            self._call(party, told.name)

    def _call(self, party: Party, name: str) -> None:
        self._by_name[name.casefold()].add(party)
        if not _is_address(name):
            self._by_short_name[short_name(name)].add(party)


def port_meant(neighbour: Neighbour, of: Neighbourhood | None) -> str:
    """The port of the neighbour that is meant, by the name that the neighbour's own metrics have; "" if unknown.

    Its id is believed before its words: some devices cut ids short, and none has a port of such a name then.
    """
    if of is None:
        return ""
    wanted = neighbour.remote_port
    if wanted.kind == "mac":
        return _only(port for port in of.ports if port.mac == wanted.text)
    words = [word.casefold() for word in (wanted.text, neighbour.remote_words) if word]
    for word in words:
        if name := _only(port for port in of.ports if port.name.casefold() == word):
            return name
    for word in words:
        if name := _only(port for port in of.ports if word in {other.casefold() for other in port.names}):
            return name
    return ""


def short_name(name: str) -> str:
    """A name without its domain and without the serial number that Nexus adds.

    Example:
        >>> short_name("SW1.rada.local"), short_name("core-2(SSI1837)")
        ('sw1', 'core-2')
    """
    return name.casefold().partition("(")[0].partition(".")[0].strip()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def host_of(address: str) -> str:
    """The host of an inventory address, an IP in its one spelling.

    Example:
        >>> host_of("10.0.0.2:1161"), host_of("[FD00::1]:161"), host_of("sw1"), host_of("fd00::1")
        ('10.0.0.2', 'fd00::1', 'sw1', 'fd00::1')
    """
    host = address.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def host_in_url(url: str) -> str:
    """The host of a camera's URL, an IP in its one spelling; "" when there is none.

    Example:
        >>> host_in_url("rtsp://10.0.0.9:8554/main"), host_in_url("nonsense")
        ('10.0.0.9', '')
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host_of(f"[{host}]" if ":" in host else host) if host else ""


def _only(ports: Iterable[Port]) -> str:
    names = [port.name for port in ports]
    return names[0] if len(names) == 1 else ""


def _stranger(neighbour: Neighbour, doubts: tuple[Doubt, ...]) -> Meant:
    chassis = neighbour.chassis
    mac = chassis.text if chassis.kind == "mac" else ""
    name = neighbour.name or (chassis.text if chassis.kind == "name" else "")
    address = neighbour.address or (chassis.text if chassis.kind == "ip" else "")
    described = Stranger(name, address, mac, neighbour.description)
    return Meant(Party(Kind.STRANGER, mac or name or address or "?"), doubts, described)
