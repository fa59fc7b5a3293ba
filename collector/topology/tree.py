"""Owns the tree of a site's links, for people: from the router down, by the best evidence that there is. Pure.

A tree is a way of reading, not a finding: links that it does not need (rings, second cables, contradictions) are given
besides it, and what no link reaches is given apart.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from beket.kernel.inventory import DeviceKind
from collector.topology.links import Doubt, Kind, Link, Party


@dataclass(frozen=True, slots=True)
class Branch:
    """A party in the tree; `link` leads to the one above it, None for a root."""

    party: Party
    depth: int
    link: Link | None = None


@dataclass(frozen=True, slots=True)
class Tree:
    """Branches in reading order, links besides, and who is linked to nobody."""

    branches: tuple[Branch, ...]
    besides: tuple[Link, ...]
    apart: tuple[Party, ...]


def site_tree(parties: Collection[Party], links: Sequence[Link], kinds: Mapping[Party, DeviceKind]) -> Tree:
    """The tree of `parties` (of one site) by the `links` among them; strangers are leaves of who hears them."""
    known = set(parties)
    ours = [link for link in links if {end.party for end in link.ends} & known and _is_inside(link, known)]
    of: dict[Party, list[Link]] = defaultdict(list)
    for link in ours:
        for end in link.ends:
            of[end.party].append(link)
    above: dict[Party, Link | None] = {}
    for root in sorted(known & of.keys(), key=lambda party: _root_rank(party, kinds, of)):
        if root not in above:
            _grow(root, of, above)
    used = {link for link in above.values() if link is not None}
    branches = tuple(_read(above))
    besides = tuple(link for link in sorted(ours) if link not in used)
    return Tree(branches, besides, tuple(sorted(known - above.keys())))


def _is_inside(link: Link, known: set[Party]) -> bool:
    return all(end.party in known or end.party.kind is Kind.STRANGER for end in link.ends)


def _root_rank(
    party: Party, kinds: Mapping[Party, DeviceKind], of: Mapping[Party, Sequence[Link]]
) -> tuple[bool, bool, int, Party]:
    kind = kinds.get(party)
    return kind is not DeviceKind.ROUTER, kind is not DeviceKind.SWITCH, -len(of[party]), party


def _grow(root: Party, of: Mapping[Party, Sequence[Link]], above: dict[Party, Link | None]) -> None:
    """Everything that links lead to from `root`, the surest link first."""
    above[root] = None
    waiting = [(_rank(link), link, root) for link in of[root]]
    heapq.heapify(waiting)
    while waiting:
        _, link, near = heapq.heappop(waiting)
        far = link.far_end(near).party
        if far in above:
            continue
        above[far] = link
        if far.kind is not Kind.STRANGER:
            for next_ in of[far]:
                heapq.heappush(waiting, (_rank(next_), next_, far))


def _rank(link: Link) -> tuple[bool, bool, bool, int]:
    return Doubt.SEVERAL_PLACES in link.doubts, not link.is_heard, not link.is_mutual, len(link.doubts)


def _read(above: Mapping[Party, Link | None]) -> Iterator[Branch]:
    """Each party before those below it, in the order of the ports that lead down."""
    below: dict[Party, list[tuple[str, Party, Link]]] = defaultdict(list)
    roots = []
    for party, link in above.items():
        if link is None:
            roots.append(party)
        else:
            near = link.far_end(party)
            below[near.party].append((near.port, party, link))
    waiting = [Branch(root, 0) for root in reversed(roots)]
    while waiting:
        branch = waiting.pop()
        yield branch
        waiting += [
            Branch(party, branch.depth + 1, link)
            for _, party, link in sorted(
                below[branch.party], key=lambda one: (_by_number(one[0]), one[1]), reverse=True
            )
        ]


def _by_number(port: str) -> tuple[int, str]:
    """Ports in the order that people count them: ge2 before ge10."""
    digits = port[len(port.rstrip("0123456789")) :][:9]
    return int(digits or 0), port
