"""Owns the pages of acts of restore drills: the list of a host's, one act to print, and the same as data.

An act is a page of its own, as it is printed and filed: no menu, its own style and nothing else let in.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from backup.acts.page import act_of, as_data, conclusion, render, style_hash
from backup.acts.record import Act, Record, Verdict
from beket.kernel.clock import utc
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.inventory import Site
from beket.kernel.text import Text, plain, say
from dashboards.web.backups import may_read_acts, site_of_host
from dashboards.web.person import Person, person_of
from dashboards.web.ports import Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer

ACT_HEADERS = {
    **PAGE_HEADERS,
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {style_hash()}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the acts."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/backups/acts")
    async def everybodys(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        found = await asyncio.to_thread(_acts_for, parts, person)
        return _list(request, person, found, say("Уся громада", "The whole community"))

    @routes.get("/backups/{host}/acts")
    async def acts(request: Request, host: str) -> Response:
        person, site = await asyncio.to_thread(_enter, parts, request, host)
        found = await asyncio.to_thread(_acts_of, parts, host)
        return _list(request, person, found, plain(_place(site, host)))

    @routes.get("/backups/{host}/acts/{record}")
    async def act(request: Request, host: str, record: str) -> Response:
        _, site = await asyncio.to_thread(_enter, parts, request, host)
        found = await asyncio.to_thread(_act, parts, host, record, site)
        here = f"/backups/{host}/acts"
        return HTMLResponse(render(found, back=here, data=f"{here}/{record}/data"), headers=ACT_HEADERS)

    @routes.get("/backups/{host}/acts/{record}/data")
    async def data(request: Request, host: str, record: str) -> Response:
        _, site = await asyncio.to_thread(_enter, parts, request, host)
        found = await asyncio.to_thread(_act, parts, host, record, site)
        name = f'attachment; filename="akt-{found.record.id}.json"'
        headers = {**PAGE_HEADERS, "Content-Disposition": name}
        return Response(as_data(found), media_type="application/json", headers=headers)

    def _list(request: Request, person: Person, found: list[Record], place: Text) -> Response:
        values: dict[str, Any] = {
            "place": place,
            "acts": found,
            "words": {record.id: conclusion(record) for record in found},
            "proven": Verdict.PROVEN,
        }
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, "backup_acts.html", **person.page_values(), **values, moment=moment, utc=utc)

    return routes


def _acts_for(parts: Parts, person: Person) -> list[Record]:
    """The newest acts of the sites that this person restores at or checks."""
    sites = {str(site.id): site for site in parts.inventory.current().sites}
    found = parts.backups.acts.newest() if parts.backups.acts else []
    return [record for record in found if may_read_acts(person, sites.get(record.site))]


def _enter(parts: Parts, request: Request, host: str) -> tuple[Person, Site | None]:
    person = person_of(parts.access, request)
    site = site_of_host(parts, host)
    if not may_read_acts(person, site):
        raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    return person, site


def _acts_of(parts: Parts, host: str) -> list[Record]:
    return parts.backups.acts.of(host) if parts.backups.acts else []


def _act(parts: Parts, host: str, record: str, site: Site | None) -> Act:
    found = parts.backups.acts.one(host, record) if parts.backups.acts else None
    if found is None:
        raise NotFound(say("Такого акта немає.", "There is no such act."), subject=record[:80])
    return act_of(found, community=parts.inventory.current().community.name, place=_place(site, host))


def _place(site: Site | None, host: str) -> str:
    return f"{site.name}, {site.village}" if site else host
