"""Owns the pages of backups: one sentence a plan, how each host stands, and the way from a lost file to its copy.

Looking into a copy shows other people's documents: it needs a right of its own and a reason, and each step stands in
the journal before it is taken.
"""

import asyncio
import urllib.parse
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from backup.canary import is_canary
from backup.repository.browsing import Browser, checked_path
from backup.repository.overview import HostView, recovery_words
from backup.repository.standing import Standing
from backup.training import HOST as TRAINING
from beket.access.journal import Event
from beket.access.permit import COMMUNITY, Resource, site_resource
from beket.access.roles import CEILING, Action
from beket.kernel.clock import utc
from beket.kernel.errors import NotFound
from beket.kernel.inventory import Site
from beket.kernel.text import Text, say
from beket.kernel.units import spell_bytes
from dashboards.web.person import Person, person_of, sites_to_see
from dashboards.web.ports import Parts
from dashboards.web.practice import training_of
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer, with_next

SNAPSHOTS_SHOWN = 60
NODES_SHOWN = 2000


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the pages of backups."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/backups")
    async def overview(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_overview, parts, person)
        return _page(request, "backups.html", person, values)

    @routes.get("/backups/{host}")
    async def snapshots(request: Request, host: str) -> Response:
        person, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        found = await browser.snapshots(host)
        values = {
            "host": host,
            "snapshots": found[:SNAPSHOTS_SHOWN],
            "total": len(found),
            "start": _start,
            "is_training": host == TRAINING,
            "theirs": _theirs,
        }
        return _page(request, "backup_snapshots.html", person, values)

    @routes.get("/backups/{host}/{snapshot}")
    async def folder(request: Request, host: str, snapshot: str, path: str = "/") -> Response:
        person, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        nodes = await browser.folder(host, snapshot, checked_path(path))
        values = {"host": host, "snapshot": snapshot, "path": path, "nodes": nodes[:NODES_SHOWN], "total": len(nodes)}
        shown = {
            "may_order": parts.backups.orders is not None,
            "is_training": host == TRAINING,
            "crumbs": _crumbs(path),
            "size": spell_bytes,
            "quote": urllib.parse.quote,
        }
        return _page(request, "backup_folder.html", person, values | shown)

    @routes.get("/backups/{host}/{snapshot}/file")
    async def download(request: Request, host: str, snapshot: str, path: str, folder: bool = False) -> Response:
        person, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        details = {"path": checked_path(path), "snapshot": snapshot, "reason": person.actor.reason}
        actor = f"user:{person.actor.login}"
        event = Event(actor=actor, action=Action.RESTORE_BACKUP, subject=host, details=details)
        if host != TRAINING:
            await asyncio.to_thread(parts.access.journal.append, event)
        content = browser.read(host, snapshot, path)
        first = await anext(content, b"")  # what cannot be read at all is a page, not a broken file
        name = (PurePosixPath(path).name or "copy") + (".zip" if folder else "")
        disposition = f"attachment; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"
        headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
        kind = "application/zip" if folder else "application/octet-stream"
        return StreamingResponse(_after(first, content), media_type=kind, headers=headers)

    def _page(request: Request, template: str, person: Person, values: dict[str, Any]) -> Response:
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, template, **person.page_values(), **values, moment=moment, utc=utc)

    return routes


async def enter(parts: Parts, request: Request, host: str) -> tuple[Person, Browser, Response | None]:
    """Who looks into the copies of `host`, with what, and where to go first when a reason is still to be stated.

    Raises:
        Unauthenticated, Forbidden: no session, or no right to it; the question is in the journal.
        NotFound: nobody can look into copies here.
    """
    person = await asyncio.to_thread(person_of, parts.access, request)
    if host == TRAINING:
        return person, await asyncio.to_thread(training_of(parts, person).browser, person.actor.login), None
    resource = await asyncio.to_thread(_resource_of, parts, host)
    if Action.RESTORE_BACKUP not in CEILING[person.actor.role]:
        await asyncio.to_thread(parts.access.demand, person.actor, Action.RESTORE_BACKUP, resource)  # never a yes
    browser = parts.backups.browser
    if browser is None:
        raise NotFound(
            say("Цей центр не приймає копій з об'єктів.", "This centre takes no backups from sites."),
            hint=say("Відновіть на самому комп'ютері: beket backup restore.", "Restore at the host itself."),
        )
    if person.needs_reason():
        return person, browser, RedirectResponse(with_next("/reason", request), 303, headers=PAGE_HEADERS)
    await asyncio.to_thread(parts.access.demand, person.actor, Action.RESTORE_BACKUP, resource)
    return person, browser, None


def headline(views: Sequence[HostView]) -> Text:
    """The one sentence over the page."""
    if not views:
        return say("Сюди ще не прийшло жодної копії.", "No copy has come here yet.")
    unwell = sum(not is_well(view) for view in views)
    if unwell:
        return say(
            "Потребують уваги копії: {n} із {all}.",
            "Copies that need attention: {n} of {all}.",
            n=unwell,
            all=len(views),
        )
    return say("Усі копії свіжі. Від вас нічого не потрібно.", "All copies are fresh. Nothing is needed from you.")


def is_well(view: HostView) -> bool:
    """Whether nobody has to do anything about this host's copies."""
    in_order = view.standing in (Standing.FRESH, Standing.ELSEWHERE)
    return in_order and not view.damaged and not view.troubles and all(plan.is_well for plan in view.plans)


def _overview(parts: Parts, person: Person) -> dict[str, Any]:
    inventory = parts.inventory.current()
    seen = {site.id for site in sites_to_see(person, inventory)}
    names = {str(site.id): f"{site.name}, {site.village}" for site in inventory.sites}
    sees_all = person.may(Action.SEE_STATUS)
    views = [view for view in parts.backups.views() if view.site in seen or sees_all]
    now_at = utc(parts.clock.wall_ns())
    with_acts = parts.backups.acts.hosts() if parts.backups.acts else set()
    return {
        "state_line": headline(views),
        "views": views,
        "place": {view.host: names.get(view.site, view.host) for view in views},
        "is_well": is_well,
        "recovery": {view.host: recovery_words(view.recovery, now_at) for view in views},
        "outlook": parts.backups.outlook(views) if views and sees_all else None,
        "size": spell_bytes,
        "acts": {view.host for view in views if may_read_acts(person, _site_of(parts, view.site))} & with_acts,
        "may_practise": parts.backups.training is not None and not person.actor.is_police,
        "may_restore": Action.RESTORE_BACKUP in CEILING[person.actor.role] and parts.backups.browser is not None,
    }


def may_read_acts(person: Person, site: Site | None) -> bool:
    """Whether the acts of drills, which name files, are for this person: who restores or checks at that site."""
    restores = Action.RESTORE_BACKUP in CEILING[person.actor.role]
    sees = person.may(Action.SEE_STATUS) or (site is not None and person.sees_site(site))
    return person.may(Action.READ_JOURNAL) or (restores and sees)


def site_of_host(parts: Parts, host: str) -> Site | None:
    """Where a host stands, as the inventory knows it. Blocking."""
    site = next((view.site for view in parts.backups.views() if view.host == host), None)
    return _site_of(parts, site)


def _site_of(parts: Parts, site: str | None) -> Site | None:
    return next((one for one in parts.inventory.current().sites if one.id == site), None)


def _resource_of(parts: Parts, host: str) -> Resource:
    known = site_of_host(parts, host)
    return site_resource(known) if known else COMMUNITY


def _start(paths: Sequence[str]) -> str:
    """Where to begin looking: the one folder that was saved, else the root."""
    theirs = _theirs(paths)
    return str(PurePosixPath(theirs[0])) if len(theirs) == 1 else "/"


def _theirs(paths: Sequence[str]) -> list[str]:
    """What people have asked to save, without what was put beside it."""
    return [path for path in paths if not is_canary(path)]


def _crumbs(path: str) -> list[tuple[str, str]]:
    parents = [PurePosixPath(path), *PurePosixPath(path).parents]
    return [(parent.name or "/", str(parent)) for parent in reversed(parents)]


async def _after(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk
