"""Owns who looks at a page: the account behind the cookie, what it may see, and the menu that follows from that.

Questions for the menu and for lists are asked of `permit` without an entry in the journal; what shows a picture or the
archive goes through `AccessStore.demand` where it is shown. Blocking.
"""

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from beket.access.permit import COMMUNITY, REASON_MIN_CHARS, Actor, camera_resource, permit, site_resource
from beket.access.roles import CEILING, Action, Role
from beket.access.sessions import Session, csrf_token
from beket.access.store import AccessStore
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Camera, Inventory, Site
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say
from dashboards.web import session as sessions

ROLE_WORDS: Mapping[Role, Text] = {
    Role.HEAD: say("голова", "head"),
    Role.DEPUTY: say("заступник голови", "deputy head"),
    Role.SECRETARY: say("секретар ради", "secretary"),
    Role.STAROSTA: say("староста", "starosta"),
    Role.INSTITUTION_HEAD: say("керівник закладу", "institution head"),
    Role.FINANCE: say("фінанси", "finance"),
    Role.IT: say("ІТ-фахівець", "IT staff"),
    Role.POLICE: say("поліція", "police"),
    Role.POLICE_WALL: say("екран поліції", "police screen"),
    Role.AUDITOR: say("перевіряльник", "auditor"),
    Role.TECHNICIAN: say("технік на день", "technician for a day"),
}
# The page that each role starts its day with; the overview where nothing is said.
FIRST_PAGES: Mapping[Role, str] = {
    Role.STAROSTA: "/wall",
    Role.INSTITUTION_HEAD: "/wall",
    Role.POLICE: "/wall",
    Role.POLICE_WALL: "/wall",
    Role.IT: "/equipment",
    Role.TECHNICIAN: "/equipment",
    Role.FINANCE: "/lists",
    Role.AUDITOR: "/journal",
}
_MENU = (
    ("/", "eye", say("Огляд", "Overview"), Action.SEE_STATUS),
    ("/wall", "camera", say("Камери", "Cameras"), Action.VIEW_LIVE),
    ("/alerts", "alert", say("Тривоги", "Alerts"), Action.SEE_STATUS),
    ("/equipment", "device", say("Обладнання", "Equipment"), Action.SEE_STATUS),
    ("/backups", "disk", say("Копії", "Backups"), Action.SEE_STATUS),
    ("/lists", "list", say("Списки", "Lists"), Action.SEE_LISTS),
    ("/journal", "book", say("Журнал", "Journal"), Action.READ_JOURNAL),
)


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A line of the menu."""

    href: str
    icon: str
    words: Text


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks now.

    Attributes:
        at: the moment that grants are judged by.
    """

    token: Secret
    session: Session
    actor: Actor
    name: str
    at: datetime.datetime

    @property
    def first_page(self) -> str:
        """Where the day begins."""
        return FIRST_PAGES.get(self.actor.role, "/")

    def needs_reason(self) -> bool:
        """Whether the person has yet to say why before the first look."""
        return not self.actor.is_police and len(self.actor.reason) < REASON_MIN_CHARS

    def menu(self) -> list[MenuItem]:
        """What there is for this person. Who starts with own pictures is not shown the rest of the house."""
        ceiling = CEILING[self.actor.role]
        starts_elsewhere = self.first_page != "/"
        hidden = {"/"} if starts_elsewhere else set()
        if self.actor.role in (Role.STAROSTA, Role.POLICE, Role.POLICE_WALL):
            hidden |= {"/equipment", "/backups"}
        return [MenuItem(h, icon, words) for h, icon, words, action in _MENU if action in ceiling and h not in hidden]

    def may(self, action: Action) -> bool:
        """Whether this may be done to the community as a whole."""
        return bool(permit(self.actor, action, COMMUNITY, self.at))

    def sees_site(self, site: Site, action: Action = Action.SEE_STATUS) -> bool:
        """Whether this may be done to one site, or to all."""
        return self.may(action) or bool(permit(self.actor, action, site_resource(site), self.at))

    def may_camera(self, action: Action, camera: Camera, site: Site) -> bool:
        """Whether this may be done to one camera now, its reason once stated; for the archive: of this moment."""
        asking = self.actor.because("дозвіл перевірено заздалегідь") if self.needs_reason() else self.actor
        return bool(permit(asking, action, camera_resource(camera, site, recorded_at=self.at), self.at))

    def page_values(self) -> dict[str, Any]:
        """What the layout says of the person."""
        who = {"name": self.name, "role": ROLE_WORDS[self.actor.role]}
        return {"who": who, "menu": self.menu(), "csrf": csrf_token(self.token)}


def person_of(access: AccessStore, request: Request) -> Person:
    """The person behind a request.

    Raises:
        Unauthenticated: no session, or one that has ended.
    """
    token = sessions.token_of(request)
    session, actor = access.enter(token)
    return Person(token, session, actor, access.users.get(session.user).name, access.time.now_at())


def sites_by_id(inventory: Inventory) -> dict[SiteId, Site]:
    """The sites, to find a camera's own."""
    return {site.id: site for site in inventory.sites}


def cameras_to_look_at(person: Person, inventory: Inventory) -> Iterator[tuple[Camera, Site]]:
    """The cameras that the person may see live, in order of place."""
    sites = sites_by_id(inventory)
    for camera in inventory.cameras:
        if person.may_camera(Action.VIEW_LIVE, camera, sites[camera.site]):
            yield camera, sites[camera.site]


def sites_to_see(person: Person, inventory: Inventory, action: Action = Action.SEE_STATUS) -> list[Site]:
    """The sites whose state or lists the person may see.

    Raises:
        Forbidden: none, and the role sees no whole community either.
    """
    seen = [site for site in inventory.sites if person.sees_site(site, action)]
    refusal = permit(person.actor, action, COMMUNITY, person.at)
    if not seen and not refusal:
        raise Forbidden(refusal.reason)
    return seen


def camera_and_site(inventory: Inventory, camera: str) -> tuple[Camera, Site]:
    """The camera with this id and where it stands.

    Raises:
        NotFound: there is none.
    """
    found = next((one for one in inventory.cameras if one.id == camera), None)
    if found is None:
        raise NotFound(say("Такої камери немає.", "There is no such camera."))
    return found, sites_by_id(inventory)[found.site]
