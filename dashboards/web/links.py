"""Owns what pages say of what is plugged into what: a site as a tree, and the neighbours of one device by its ports.

Whoever sees the site's state sees how its own things are joined. How neighbours outside the inventory call themselves
is for those who look after the network. Names come from outside: they are shown as text.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from beket.access.roles import CEILING, Action
from beket.kernel.clock import utc
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Device, Inventory, Site
from beket.kernel.text import Text, plain, say
from collector.topology.derive import Topology
from collector.topology.links import End, Kind, Link, Party, Stranger, camera, device
from collector.topology.tree import Branch, Tree, site_tree
from dashboards.web.gear import may_read
from dashboards.web.link_words import DOUBT_WORDS, evidence_sentence
from dashboards.web.person import Person, person_of
from dashboards.web.ports import Parts
from dashboards.web.rendering import Renderer, language_of, moment_writer
from dashboards.web.wording import DEVICE_WORDS

UNKNOWN = say("невідомий пристрій", "an unknown device")
ELSEWHERE = say("пристрій іншого об’єкта", "a device of another site")
DEPTH_SHOWN_MAX = 8


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A link as a page shows it, from the side of `near_port`.

    Attributes:
        href: the page of who is at the far end; "" for what has none.
        about: what a stranger says of itself; "" when there is nothing to show.
    """

    near_port: str
    name: Text
    icon: str
    href: str
    about: str
    far_port: str
    sentence: Text
    doubts: tuple[Text, ...]
    seen_wall_ns: int


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A line of the tree: who it is, how deep, and the link that leads there (`link` None for a root)."""

    depth: int
    name: Text
    icon: str
    href: str
    what: Text
    link: LinkLine | None


class LinkPages:
    """The links of one centre in words, for one person."""

    def __init__(
        self, inventory: Inventory, topology: Topology, *, sees: Callable[[SiteId], bool], sees_strangers: bool
    ) -> None:
        """`sees` says of which sites this person may see anything."""
        self._topology = topology
        self._sees_strangers = sees_strangers
        self._devices = {device(one.id): one for one in inventory.devices if sees(one.site)}
        self._names: dict[Party, str] = {party: one.name for party, one in self._devices.items()}
        self._names |= {camera(one.id): one.name for one in inventory.cameras if sees(one.site)}
        self._inventory = inventory

    def of_device(self, of: Device) -> list[LinkLine]:
        """The neighbours of one device, by its ports."""
        party = device(of.id)
        return [self.line(link, party) for link in self._topology.of(party)]

    def tree(self, site: Site) -> Tree:
        """The tree of one site."""
        parties = {device(one.id) for one in self._inventory.devices if one.site == site.id}
        parties |= {camera(one.id) for one in self._inventory.cameras if one.site == site.id}
        kinds = {party: one.kind for party, one in self._devices.items()}
        return site_tree(parties, self._topology.links, kinds)

    def lines(self, tree: Tree) -> list[TreeLine]:
        """The branches of a tree as lines."""
        return [self._tree_line(branch) for branch in tree.branches]

    def line(self, link: Link, party: Party) -> LinkLine:
        """A link as `party` has it."""
        near, far = link.near_end(party), link.far_end(party)
        return LinkLine(
            near.port,
            self.name(far.party),
            _icon(far.party),
            self._href(far.party),
            self._about(far.party),
            self._far_port(far),
            evidence_sentence(link, self.name),
            tuple(DOUBT_WORDS[doubt] for doubt in link.doubts),
            link.seen_wall_ns,
        )

    def name(self, party: Party) -> Text:
        """How people call a party."""
        if party in self._names:
            return plain(self._names[party])
        if party.kind is not Kind.STRANGER:
            return ELSEWHERE
        stranger = self._topology.strangers.get(party)
        if stranger is None or not self._sees_strangers:
            return UNKNOWN
        known = stranger.name or stranger.address or stranger.mac
        return say("невідомий пристрій «{name}»", "an unknown device “{name}”", name=known) if known else UNKNOWN

    def _tree_line(self, branch: Branch) -> TreeLine:
        party = branch.party
        line = None
        if branch.link is not None:
            line = self.line(branch.link, branch.link.far_end(party).party)
        depth = min(branch.depth, DEPTH_SHOWN_MAX)
        return TreeLine(depth, self.name(party), _icon(party), self._href(party), self._what(party), line)

    def _what(self, party: Party) -> Text:
        if party in self._devices:
            return DEVICE_WORDS[self._devices[party].kind]
        return say("камера", "camera") if party.kind is Kind.CAMERA else say("немає у списку", "not in the list")

    def _href(self, party: Party) -> str:
        known = self._devices.get(party)
        return f"/equipment/{known.id}" if known is not None else ""

    def _about(self, party: Party) -> str:
        stranger = self._topology.strangers.get(party)
        if stranger is None or not self._sees_strangers:
            return ""
        return _described(stranger)

    def _far_port(self, far: End) -> str:
        return far.port if far.party in self._names or self._sees_strangers else ""


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """The route of a site's links."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/links/{site}")
    async def of_site(request: Request, site: str) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        return _page(request, "links.html", person, await asyncio.to_thread(_site, parts, person, site))

    def _page(request: Request, template: str, person: Person, values: dict[str, Any]) -> Response:
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, template, **person.page_values(), **values, moment=moment, utc=utc)

    return routes


def site_headline(tree: Tree) -> Text:
    """The one sentence over the page of a site."""
    known = sum(branch.party.kind is not Kind.STRANGER for branch in tree.branches)
    if not known:
        return say(
            "Що з чим з'єднано, ще не відомо: пристрої про сусідів нічого не сказали.",
            "What is joined to what is not known yet: the devices have told nothing of neighbours.",
        )
    return say(
        "Пристрої й камери, про які відомо, з чим вони з'єднані: {n} із {all}.",
        "Devices and cameras of which it is known what they are joined to: {n} of {all}.",
        n=known,
        all=known + len(tree.apart),
    )


def _site(parts: Parts, person: Person, asked: str) -> dict[str, Any]:
    inventory = parts.inventory.current()
    site = _may_see(inventory, person, asked)
    words = _words(parts, inventory, person)
    tree = words.tree(site)
    return {
        "site": site,
        "state_line": site_headline(tree),
        "lines": words.lines(tree),
        "besides": [(words.name(link.ends[0].party), words.line(link, link.ends[0].party)) for link in tree.besides],
        "apart": [words.name(party) for party in tree.apart],
    }


def neighbours_of(parts: Parts, person: Person, of: Device) -> list[LinkLine]:
    """The neighbours of a device for the person that looks at its page."""
    return _words(parts, parts.inventory.current(), person).of_device(of)


def _words(parts: Parts, inventory: Inventory, person: Person) -> LinkPages:
    seen = {site.id for site in inventory.sites if person.sees_site(site)}
    return LinkPages(inventory, parts.topology(), sees=seen.__contains__, sees_strangers=may_read(person))


def _may_see(inventory: Inventory, person: Person, asked: str) -> Site:
    """The site.

    Raises:
        Forbidden: the person sees no equipment, or not that of this site.
        NotFound: there is no such site.
    """
    refusal = Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    if Action.SEE_STATUS not in CEILING[person.actor.role]:
        raise refusal
    site = next((one for one in inventory.sites if one.id == asked), None)
    if site is None:
        raise NotFound(say("Такого об’єкта немає.", "There is no such site."))
    if not person.sees_site(site):
        raise refusal
    return site


_ICONS: Mapping[Kind, str] = {Kind.DEVICE: "device", Kind.CAMERA: "camera", Kind.STRANGER: "unknown"}


def _icon(party: Party) -> str:
    return _ICONS[party.kind]


def _described(stranger: Stranger) -> str:
    return ", ".join(part for part in (stranger.address, stranger.mac, stranger.description) if part)
