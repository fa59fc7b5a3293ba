"""Owns links out of bridges' tables (FDB), which say only that an address is somewhere behind a port. Pure.

A port that leads to another bridge sees everything behind that one; so the deepest port counts: a place is given up
when something behind it sees the same thing further away. What is left is shown, in as many places as are left.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from beket.kernel.ids import DeviceId
from collector.topology.hearing import link_of
from collector.topology.links import Doubt, End, Evidence, Kind, Link, Party, Protocol, camera, device
from collector.topology.told import Neighbourhood


@dataclass(slots=True)
class Sightings:
    """Who is behind which port of whom.

    Attributes:
        ports: of a bridge and a party, the ports behind which it is seen.
        others: of an end, how many addresses of nobody known are behind it.
        bundles: of a port, the bundle that it belongs to.
    """

    ports: dict[tuple[Party, Party], set[str]] = field(default_factory=lambda: defaultdict(set))
    others: dict[End, int] = field(default_factory=dict)
    bundles: dict[End, str] = field(default_factory=dict)
    wall_ns: dict[End, int] = field(default_factory=dict)
    seen: set[Party] = field(default_factory=set)

    def evidence(self, bridge: Party, port: str) -> Evidence:
        """That something is behind that port."""
        others = self.others.get(End(bridge, port), 0)
        return Evidence(Protocol.FDB, DeviceId(bridge.id), self.wall_ns.get(End(bridge, port), 0), others)

    def sees(self, bridge: Party, port: str, party: Party) -> str:
        """The port, or its bundle, behind which `bridge` sees `party`; "" when behind neither."""
        ports = self.ports.get((bridge, party), set())
        return next((one for one in (port, self.bundles.get(End(bridge, port), "")) if one in ports), "")


def sightings(known: Iterable[Party], heard: Mapping[DeviceId, Neighbourhood]) -> Sightings:
    """What bridges see of the things that are known; nobody is behind a port of his own."""
    all_known, found = set(known), Sightings()
    for id_ in sorted(heard):
        told, bridge = heard[id_], device(id_)
        found.bundles |= {End(bridge, port.name): port.aggregate for port in told.ports if port.aggregate}
        for behind in told.behind:
            end = End(bridge, behind.port)
            found.others[end] = max(behind.others, found.others.get(end, 0))
            found.wall_ns[end] = max(behind.seen_wall_ns, found.wall_ns.get(end, 0))
            things = {*map(device, behind.devices), *map(camera, behind.cameras)} & all_known - {bridge}
            for thing in things:
                found.ports[bridge, thing].add(behind.port)
                found.seen.add(thing)
    return found


def confirmed(links: Iterable[Link], seen: Sightings) -> list[Link]:
    """The links that are heard, with what bridges see of them: it agrees, or the address is behind another port."""
    all_links = list(links)
    ports: dict[tuple[Party, Party], set[str]] = defaultdict(set)
    for link in all_links:
        for near, far in (link.ends, link.ends[::-1]):
            ports[near.party, far.party].add(near.port)
    return [_confirmed(link, ports, seen) for link in all_links]


def _confirmed(link: Link, ports: Mapping[tuple[Party, Party], set[str]], seen: Sightings) -> Link:
    evidence, doubts = set(link.evidence), set(link.doubts)
    for near, far in (link.ends, link.ends[::-1]):
        places = seen.ports.get((near.party, far.party), set())
        if port := seen.sees(near.party, near.port, far.party):
            evidence.add(seen.evidence(near.party, port))
        elif places and not any(seen.sees(near.party, one, far.party) for one in ports[near.party, far.party]):
            doubts.add(Doubt.SEEN_ELSEWHERE)
    return replace(link, evidence=tuple(sorted(evidence)), doubts=tuple(sorted(doubts)))


def seen_links(heard: Iterable[Link], seen: Sightings) -> list[Link]:
    """Links to things that no device hears: where somebody hears a thing, there it is, and `confirmed` weighed it."""
    toward = {pair: set(ports) for pair, ports in seen.ports.items()}
    is_heard: set[Party] = set()
    for link in heard:
        for near, far in (link.ends, link.ends[::-1]):
            if near.port:
                toward.setdefault((near.party, far.party), set()).add(near.port)
            if near.party.kind is Kind.DEVICE:
                is_heard.add(far.party)
    seers: dict[Party, list[Party]] = defaultdict(list)
    for bridge, thing in sorted(toward):
        seers[thing].append(bridge)
    places = {
        thing: [
            end
            for bridge in seers[thing]
            for end in (End(bridge, port) for port in sorted(seen.ports.get((bridge, thing), ())))
            if not _is_above(end, thing, seers[thing], toward)
        ]
        for thing in sorted(seen.seen)
    }
    return _links_of(places, is_heard, seen, toward)


def _is_above(end: End, thing: Party, seers: Iterable[Party], toward: Mapping[tuple[Party, Party], set[str]]) -> bool:
    """Whether something behind `end` sees `thing` further away from there."""
    return any(
        other != end.party
        and end.port in toward.get((end.party, other), ())
        and not toward[other, thing] & toward.get((other, end.party), set())
        for other in seers
    )


def _links_of(
    places: Mapping[Party, list[End]],
    is_heard: set[Party],
    seen: Sightings,
    toward: Mapping[tuple[Party, Party], set[str]],
) -> list[Link]:
    links = set()
    for thing in places.keys() - is_heard:
        alone = [end for end in places[thing] if not _sees_back(end, thing, places)]
        doubts = _doubts(alone, toward)
        for end in places[thing]:
            evidence = [seen.evidence(end.party, end.port)]
            back = _sees_back(end, thing, places)
            if end in alone or len(back) > 1:
                links.add(link_of((end, End(thing)), evidence, doubts))
            else:
                # Each is the nearest that the other sees: the same line, seen from both sides.
                evidence.append(seen.evidence(thing, back[0].port))
                links.add(link_of((end, back[0]), evidence, ()))
    return sorted(links)


def _sees_back(end: End, thing: Party, places: Mapping[Party, list[End]]) -> list[End]:
    return [other for other in places.get(end.party, ()) if other.party == thing]


def _doubts(places: list[End], toward: Mapping[tuple[Party, Party], set[str]]) -> tuple[Doubt, ...]:
    """Bridges that see one another behind those very ports share a line; otherwise a thing has one place."""
    if len(places) <= 1:
        return ()
    share = all(
        one.port in toward.get((one.party, other.party), ()) for one in places for other in places if one is not other
    )
    return (Doubt.SEVERAL_ON_PORT,) if share else (Doubt.SEVERAL_PLACES,)
