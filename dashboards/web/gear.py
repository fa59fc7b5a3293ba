"""Owns the pages of gear configurations: one sentence a device, and for the IT staff what changed and what came of it.

Shown texts hold no secrets, but they show how the network is built: only who looks after it reads them, and each look
is in the journal.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from backup.configs.view import DeviceView
from beket.access.journal import Event
from beket.access.roles import Action
from beket.kernel.clock import utc
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.text import Text, say
from dashboards.web.person import Person, person_of, sites_to_see
from dashboards.web.ports import Parts
from dashboards.web.rendering import Renderer, language_of, moment_writer

SEE_CONFIGURATION = "see-gear-configuration"


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the pages of configurations."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/gear")
    async def overview(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_overview, parts, person)
        return _page(request, "gear.html", person, values)

    @routes.get("/gear/{site}/{device}")
    async def changes(request: Request, site: str, device: str) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_changes, parts, person, site, device)
        return _page(request, "gear_changes.html", person, values)

    def _page(request: Request, template: str, person: Person, values: dict[str, Any]) -> Response:
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, template, **person.page_values(), **values, moment=moment, utc=utc)

    return routes


def may_read(person: Person) -> bool:
    """Whether this person looks after the network."""
    return person.may(Action.EDIT_INVENTORY)


def headline(views: list[DeviceView]) -> Text:
    """The one sentence over the page."""
    if not views:
        return say("Налаштування пристроїв ще не копіюються.", "Configurations of gear are not copied yet.")
    unwell = sum(not view.is_well for view in views)
    if unwell:
        return say(
            "Потребують уваги пристрої: {n} із {all}.",
            "Devices that need attention: {n} of {all}.",
            n=unwell,
            all=len(views),
        )
    return say(
        "Налаштування всіх пристроїв скопійовано. Від вас нічого не потрібно.",
        "The configuration of every device is copied. Nothing is needed from you.",
    )


def _overview(parts: Parts, person: Person) -> dict[str, Any]:
    inventory = parts.inventory.current()
    seen = {site.id for site in sites_to_see(person, inventory)}
    sees_all = person.may(Action.SEE_STATUS)
    views = [view for view in parts.backups.gear.views() if view.site in seen or sees_all]
    places = {str(site.id): f"{site.name}, {site.village}" for site in inventory.sites}
    names = {str(device.id): device.name for device in inventory.devices}
    return {
        "state_line": headline(views),
        "views": sorted(views, key=lambda view: (view.is_well, view.site, view.device)),
        "place": places,
        "name": names,
        "may_read": may_read(person),
    }


def _changes(parts: Parts, person: Person, site: str, device: str) -> dict[str, Any]:
    if not may_read(person):
        raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    view = next((one for one in parts.backups.gear.views() if (one.site, one.device) == (site, device)), None)
    if view is None:
        raise NotFound(say("Про налаштування цього пристрою нічого не відомо.", "Nothing is known of this device."))
    event = Event(actor=f"user:{person.actor.login}", action=SEE_CONFIGURATION, subject=device)
    parts.access.journal.append(event)
    names = {str(one.id): one.name for one in parts.inventory.current().devices}
    return {
        "view": view,
        "device_name": names.get(device, device),
        "changes": parts.backups.gear.changes(site, device),
    }
