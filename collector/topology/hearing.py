"""Owns links out of what devices hear of one another (LLDP, CDP): what each says, and what both say together. Pure.

Two halves make one link when the ports that they name do not contradict: a side that names no port, or one that we do
not know, agrees with the only half that is left. Halves that contradict stay two links, both doubted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from beket.kernel.ids import DeviceId
from beket.kernel.inventory import Device
from collector.topology.identities import Identities, Meant, port_meant, short_name
from collector.topology.links import Doubt, End, Evidence, Kind, Link, Party, Protocol, Stranger, device
from collector.topology.told import Neighbour, Neighbourhood

PROTOCOLS = (Protocol.LLDP, Protocol.CDP)


@dataclass(frozen=True, slots=True, order=True)
class Half:
    """What one device says of a link.

    Attributes:
        far_port: the other end's port by its own name; "" when it cannot be told.
        far_said: what the teller calls that port, for people.
    """

    near: End
    far: Party
    far_port: str
    far_said: str
    evidence: tuple[Evidence, ...]
    doubts: tuple[Doubt, ...] = ()

    def link(self, *more: Doubt) -> Link:
        """The link that it alone makes."""
        ends = (self.near, End(self.far, self.far_port or self.far_said))
        return link_of(ends, self.evidence, (*self.doubts, *more))


def link_of(ends: tuple[End, End], evidence: Iterable[Evidence], doubts: Iterable[Doubt]) -> Link:
    """A link with everything in its one order."""
    first, second = sorted(ends)
    return Link((first, second), tuple(sorted(set(evidence))), tuple(sorted(set(doubts))))


def heard_links(
    devices: Iterable[Device], heard: Mapping[DeviceId, Neighbourhood], identities: Identities
) -> tuple[list[Link], dict[Party, Stranger]]:
    """Every link that somebody hears, and what is known of strangers."""
    strangers: dict[Party, Stranger] = {}
    halves: list[Half] = []
    for teller in sorted(devices, key=lambda one: one.id):
        if teller.id in heard:
            halves += _halves(teller, heard, identities, strangers)
    by_pair: dict[tuple[Party, Party], list[Half]] = defaultdict(list)
    for half in halves:
        first, second = sorted((half.near.party, half.far))
        by_pair[first, second].append(half)
    links = [link for pair in sorted(by_pair) for link in _joined(pair, by_pair[pair], heard)]
    return _with_shared_ports(links), strangers


def _halves(
    teller: Device,
    heard: Mapping[DeviceId, Neighbourhood],
    identities: Identities,
    strangers: dict[Party, Stranger],
) -> list[Half]:
    """What one device says, each link once, however many protocols say it."""
    told = heard[teller.id]
    found: dict[tuple[str, Party, str], Half] = {}
    on_port: dict[str, dict[Party, Stranger]] = defaultdict(dict)
    for neighbour in sorted(told.neighbours, key=_order):
        if neighbour.protocol not in PROTOCOLS:
            continue
        meant = identities.meant(teller, neighbour)
        if meant.stranger is not None:
            meant = _once(meant, meant.stranger, on_port[neighbour.port])
            strangers.setdefault(meant.party, on_port[neighbour.port][meant.party])
        of = heard.get(DeviceId(meant.party.id)) if meant.party.kind is Kind.DEVICE else None
        port = port_meant(neighbour, of)
        evidence = Evidence(Protocol(neighbour.protocol), teller.id, neighbour.seen_wall_ns)
        half = Half(
            End(device(teller.id), neighbour.port), meant.party, port, _port_said(neighbour), (evidence,), meant.doubts
        )
        key = (neighbour.port, meant.party, port)
        found[key] = _both(found[key], half) if key in found else half
    return _without_vague(list(found.values()))


def _without_vague(halves: list[Half]) -> list[Half]:
    """Of one port and one neighbour, a half that knows no far port adds to the one that does; several contradict."""
    groups: dict[tuple[End, Party], list[Half]] = defaultdict(list)
    for half in halves:
        groups[half.near, half.far].append(half)
    kept = []
    for group in groups.values():
        exact = [half for half in group if half.far_port]
        vague = [half for half in group if not half.far_port]
        if len(exact) == 1 and vague:
            exact = [_both(exact[0], vague[0])]
            vague = []
        if len(exact) > 1 and len({one.protocol for half in exact for one in half.evidence}) > 1:
            exact = [replace(half, doubts=(*half.doubts, Doubt.PORTS_DIFFER)) for half in exact]
        kept += exact + vague
    return kept


def _both(first: Half, second: Half) -> Half:
    evidence = tuple(sorted({*first.evidence, *second.evidence}))
    doubts = tuple(sorted({*first.doubts, *second.doubts}))
    return replace(first, evidence=evidence, doubts=doubts, far_said=first.far_said or second.far_said)


def _joined(pair: tuple[Party, Party], halves: list[Half], heard: Mapping[DeviceId, Neighbourhood]) -> list[Link]:
    """The links between two parties, out of what either says."""
    if pair[0] == pair[1]:
        return sorted({half.link() for half in halves})
    ours = sorted(half for half in halves if half.near.party == pair[0])
    theirs = sorted(half for half in halves if half.near.party == pair[1])
    links = []
    for agree in (_agree_exactly, _agree_loosely):
        for half in list(ours):
            matches = [other for other in theirs if agree(half, other)]
            rivals = [other for other in ours if matches and agree(other, matches[0])]
            if len(matches) == 1 and len(rivals) == 1:
                ours.remove(half)
                theirs.remove(matches[0])
                links.append(_link_of_both(half, matches[0]))
    if ours and theirs:
        return links + [half.link(Doubt.PORTS_DIFFER) for half in (*ours, *theirs)]
    return links + [half.link(*_not_named_back(half, heard)) for half in (*ours, *theirs)]


def _agree_exactly(half: Half, other: Half) -> bool:
    return half.far_port == other.near.port and other.far_port == half.near.port


def _agree_loosely(half: Half, other: Half) -> bool:
    return half.far_port in ("", other.near.port) and other.far_port in ("", half.near.port)


def _link_of_both(half: Half, other: Half) -> Link:
    return link_of((half.near, other.near), (*half.evidence, *other.evidence), (*half.doubts, *other.doubts))


def _not_named_back(half: Half, heard: Mapping[DeviceId, Neighbourhood]) -> tuple[Doubt, ...]:
    """A silence that means something: of one who was read whole and hears others by the same protocol."""
    told = heard.get(DeviceId(half.far.id)) if half.far.kind is Kind.DEVICE else None
    if told is None:
        return ()
    return (Doubt.NOT_NAMED_BACK,) if any(told.speaks(one.protocol) for one in half.evidence) else ()


def _with_shared_ports(links: list[Link]) -> list[Link]:
    """Say of every port with several neighbours that it has them."""
    on_port: dict[End, set[Party]] = defaultdict(set)
    for link in links:
        for end, other in (link.ends, link.ends[::-1]):
            if end.port and end.party.kind is Kind.DEVICE:
                on_port[end].add(other.party)
    return [
        replace(link, doubts=tuple(sorted({*link.doubts, Doubt.SEVERAL_ON_PORT})))
        if any(len(on_port.get(end, ())) > 1 for end in link.ends)
        else link
        for link in links
    ]


def _port_said(neighbour: Neighbour) -> str:
    if neighbour.remote_port.kind == "name":
        return neighbour.remote_port.text
    return neighbour.remote_words


def _once(meant: Meant, stranger: Stranger, on_port: dict[Party, Stranger]) -> Meant:
    """The stranger as another protocol told of it on the same port already: LLDP gives a MAC where CDP gives a name."""
    for party, known in on_port.items():
        same_name = stranger.name and short_name(stranger.name) == short_name(known.name)
        if same_name or (stranger.address and stranger.address == known.address):
            return replace(meant, party=party, stranger=known)
    on_port[meant.party] = stranger
    return meant


def _order(neighbour: Neighbour) -> tuple[bool, str]:
    """Those with a hardware address first; then any order that is always the same."""
    return neighbour.chassis.kind != "mac", repr(neighbour)
