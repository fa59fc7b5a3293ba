"""Owns the pages of facts: the first page, alerts, equipment, lists, the journal, and the demo's light switch."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from beket.access.journal import Filter
from beket.access.roles import Action
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory, Site
from beket.kernel.text import say
from collector.topology.links import device
from dashboards.web import states
from dashboards.web.entry import changing
from dashboards.web.gear import may_read
from dashboards.web.look import camera_states, device_states
from dashboards.web.person import Person, person_of, sites_to_see
from dashboards.web.ports import OwnTrouble, Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, local_next, moment_writer
from dashboards.web.services import SERVICE_WORDS, service_rows
from dashboards.web.wording import ACCESS_WORDS, ACTION_WORDS, DEVICE_WORDS

JOURNAL_PAGE = 50


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the pages of facts."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/")
    async def first(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        if person.first_page != "/":
            return RedirectResponse(person.first_page, 303, headers=PAGE_HEADERS)
        values = await asyncio.to_thread(_facts, parts, person)
        return _page(request, "overview.html", person, values)

    @routes.get("/alerts")
    async def alerts(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_facts, parts, person)
        return _page(request, "alerts.html", person, values)

    @routes.get("/equipment")
    async def equipment(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_facts, parts, person)
        return _page(request, "equipment.html", person, values)

    @routes.get("/lists")
    async def lists(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        return _page(request, "lists.html", person, await asyncio.to_thread(_lists, parts, person))

    @routes.get("/journal")
    async def journal(request: Request, offset: int = 0) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        return _page(request, "journal.html", person, await asyncio.to_thread(_journal, parts, person, offset))

    if parts.power is not None:

        @routes.post("/power")
        async def power(request: Request) -> Response:
            person, form = await changing(parts.access, request)
            await asyncio.to_thread(_switch, parts, person, form.get("site", ""), form.get("to", ""))
            return RedirectResponse(local_next(form.get("next", "/")), 303, headers=PAGE_HEADERS)

    def _page(request: Request, template: str, person: Person, values: dict[str, Any]) -> Response:
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, template, **person.page_values(), **values, moment=moment)

    return routes


def _facts(parts: Parts, person: Person) -> dict[str, Any]:
    inventory = parts.inventory.current()
    sites = sites_to_see(person, inventory)
    seen = {site.id for site in sites}
    cameras = [camera for camera in inventory.cameras if camera.site in seen]
    devices = [device for device in inventory.devices if device.site in seen]
    of_cameras, of_devices = camera_states(parts), device_states(parts)
    camera_list = [(camera, states.known(of_cameras, camera.id)) for camera in cameras]
    device_list = [(device, states.known(of_devices, device.id)) for device in devices]
    lines = list(parts.alerts(lambda site: site in seen or person.may(Action.SEE_STATUS))) if parts.alerts else []
    firing = [line for line in lines if line.is_firing]
    return {
        "state_line": states.one_sentence(
            [known.state for _, known in camera_list],
            [known.state for _, known in device_list],
            alerts_firing=len(firing),
        ),
        "is_calm": not firing,
        "sites": [_site_facts(site, camera_list, device_list) for site in sites],
        "cameras": camera_list,
        "devices": device_list,
        "works": states.State.WORKS,
        "state_words": states.STATE_WORDS,
        "services": service_rows(parts, inventory, seen),
        "service_words": SERVICE_WORDS,
        "providers": {site.id: inventory.provider_of(site) for site in sites},
        "device_words": DEVICE_WORDS,
        "linked": _linked(parts, inventory),
        "alerts": lines,
        "alerts_judged": parts.alerts is not None,
        "may_read_gear": may_read(person),
        "ended": [line for line in lines if line.ended_wall_ns is not None],
        "firing": firing,
        "utc": utc,
        "lights": _lights(parts, seen),
        "own_troubles": _own_troubles(parts, person, seen),
    }


def _linked(parts: Parts, inventory: Inventory) -> set[SiteId]:
    """The sites of which it is known what is joined to what."""
    ends = {end.party for link in parts.topology().links for end in link.ends}
    return {one.site for one in inventory.devices if device(one.id) in ends}


def _own_troubles(parts: Parts, person: Person, seen: set[SiteId]) -> list[OwnTrouble]:
    # The centre's own troubles are told to whoever sees the whole community.
    since_ns = parts.clock.wall_ns() - parts.stale_after_s * NS_PER_S
    sees_all = person.may(Action.SEE_STATUS)
    return [one for one in parts.own_troubles(since_ns) if sees_all or one.site in seen]


def _site_facts(site: Site, cameras: list[Any], devices: list[Any]) -> dict[str, Any]:
    mine = [(one, known) for one, known in cameras if one.site == site.id]
    gear = [(one, known) for one, known in devices if one.site == site.id]
    return {"site": site, "cameras": mine, "devices": gear}


def _lights(parts: Parts, seen: Iterable[SiteId]) -> dict[SiteId, bool]:
    switchable = parts.power.sites() if parts.power is not None else {}
    return {site: is_on for site, is_on in switchable.items() if site in set(seen)}


def _lists(parts: Parts, person: Person) -> dict[str, Any]:
    inventory: Inventory = parts.inventory.current()
    sites = sites_to_see(person, inventory, Action.SEE_LISTS)
    seen = {site.id: site for site in sites}
    devices = [device for device in inventory.devices if device.site in seen]
    cameras = [camera for camera in inventory.cameras if camera.site in seen]
    return {
        "sites": sites,
        "site_names": seen,
        "devices": devices,
        "cameras": cameras,
        "by_kind": Counter(device.kind for device in devices),
        "by_provider": Counter(site.provider for site in sites if site.provider),
        "device_words": DEVICE_WORDS,
        "access_words": ACCESS_WORDS,
        "version": inventory.version,
    }


def _journal(parts: Parts, person: Person, offset: int) -> dict[str, Any]:
    offset = max(0, min(offset, 1_000_000))
    inventory = parts.inventory.current()
    entries = parts.access.journal.read(person.actor, Filter(offset=offset, limit=JOURNAL_PAGE + 1))
    totals = parts.access.journal.police_totals(person.actor)
    return {
        "entries": entries[:JOURNAL_PAGE],
        "older": offset + JOURNAL_PAGE if len(entries) > JOURNAL_PAGE else None,
        "newer": max(0, offset - JOURNAL_PAGE) if offset else None,
        "may_ask_police": not person.may(Action.READ_POLICE_JOURNAL) and person.actor.role in ("head", "auditor"),
        "sees_police": person.may(Action.READ_POLICE_JOURNAL),
        "totals": sorted(totals.items(), key=lambda item: item[0][::-1], reverse=True),
        "action_words": ACTION_WORDS,
        "names": _names(inventory),
        "utc": utc,
    }


def _names(inventory: Inventory) -> dict[str, str]:
    names: dict[str, str] = {site.id: site.name for site in inventory.sites}
    names |= {device.id: device.name for device in inventory.devices}
    return names | {camera.id: camera.name for camera in inventory.cameras}


def _switch(parts: Parts, person: Person, site: str, to: str) -> None:
    assert parts.power is not None
    known = next((one for one in parts.inventory.current().sites if one.id == site), None)
    if known is None or known.id not in parts.power.sites():
        raise NotFound(say("Такого об’єкта немає.", "There is no such site."))
    if not person.sees_site(known):
        raise Forbidden(say("На це у вас немає дозволу.", "You hold no grant for this."))
    if to == "on":
        parts.power.switch_on(known.id)
    else:
        parts.power.switch_off(known.id)
