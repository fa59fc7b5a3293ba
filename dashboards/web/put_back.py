"""Owns the pages by which a file goes from a copy back to its place: the question before, and what came of it.

The page asks once, in words, and offers first what cannot harm. The host that owns the place does the work when it next
reports; the page that follows tells how far it is.
"""

import asyncio
import urllib.parse
from pathlib import PurePosixPath
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from backup.messages import RestoreOrder
from backup.repository.browsing import checked_path
from backup.repository.orders import Ordered, Orders, State
from backup.training import HOST as TRAINING
from beket.access.journal import Event
from beket.access.roles import Action
from beket.kernel.clock import utc
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.text import say
from beket.kernel.units import spell_bytes
from dashboards.web.backups import enter
from dashboards.web.entry import changing
from dashboards.web.person import Person
from dashboards.web.ports import Parts
from dashboards.web.practice import training_of
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer

BESIDE, REPLACE = "beside", "replace"
SIZE_MAX_DIGITS = 18


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of putting back."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/backups/{host}/{snapshot}/back")
    async def ask(request: Request, host: str, snapshot: str, path: str, size_bytes: str = "0") -> Response:
        person, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        at = checked_path(path)
        parent = str(PurePosixPath(at).parent)
        made = next((one for one in await browser.snapshots(host) if one.id == snapshot), None)
        if made is None:
            raise NotFound(say("Такої копії немає.", "There is no such copy."), subject=snapshot[:80])
        values = {
            "host": host,
            "snapshot": snapshot,
            "path": at,
            "name": PurePosixPath(at).name,
            "parent": parent,
            "size": _size(size_bytes),
            "spell": spell_bytes,
            "made": made.made_at(),
            "is_training": host == TRAINING,
            "beside": BESIDE,
            "replace": REPLACE,
        }
        return _page(request, "backup_back.html", person, values)

    @routes.post("/backups/{host}/{snapshot}/back")
    async def order(request: Request, host: str, snapshot: str) -> Response:
        person, form = await changing(parts.access, request)
        _, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        path, how = checked_path(form.get("path", "")), form.get("how", "")
        if how not in (BESIDE, REPLACE):
            raise InvalidArgument(say("Виберіть, як повернути.", "Choose how to put it back."))
        if snapshot not in {one.id for one in await browser.snapshots(host)}:
            raise NotFound(say("Такої копії немає.", "There is no such copy."), subject=snapshot[:80])
        wanted = RestoreOrder(
            id="", snapshot=snapshot, path=path, replace=how == REPLACE, size_bytes=_size(form.get("size", ""))
        )
        if host == TRAINING:
            taken = await training_of(parts, person).put_back(person.actor.login, wanted)
        else:
            taken = await asyncio.to_thread(_take_down, parts, person, host, wanted)
        return RedirectResponse(f"/backups/{host}/orders/{taken}", 303, headers=PAGE_HEADERS)

    @routes.get("/backups/{host}/orders/{order}")
    async def progress(request: Request, host: str, order: str) -> Response:
        person, _, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        found = await asyncio.to_thread(_order, parts, person, host, order)
        values = {
            "host": host,
            "order": found,
            "states": State,
            "name": PurePosixPath(found.path).name,
            "parent": str(PurePosixPath(found.path).parent),
            "who_asked": await asyncio.to_thread(_name_of, parts, found.by),
            "is_training": host == TRAINING,
            "is_solved": host == TRAINING and training_of(parts, person).is_solved(person.actor.login),
        }
        return _page(request, "backup_order.html", person, values)

    def _page(request: Request, template: str, person: Person, values: dict[str, Any]) -> Response:
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        quote = urllib.parse.quote
        return pages.page(request, template, **person.page_values(), **values, moment=moment, utc=utc, quote=quote)

    return routes


def _take_down(parts: Parts, person: Person, host: str, order: RestoreOrder) -> str:
    """Write the order down, after the journal."""
    orders = _orders(parts)
    details = {
        "path": order.path,
        "snapshot": order.snapshot,
        "reason": person.actor.reason,
        "place": REPLACE if order.replace else BESIDE,
    }
    actor = f"user:{person.actor.login}"
    parts.access.journal.append(Event(actor=actor, action=Action.RESTORE_BACKUP, subject=host, details=details))
    return orders.add(host, order, by=person.actor.login, wall_ns=parts.clock.wall_ns())


def _order(parts: Parts, person: Person, host: str, order: str) -> Ordered:
    if host == TRAINING:
        found = training_of(parts, person).order(person.actor.login, order)
    else:
        found = _orders(parts).one(host, order, wall_ns=parts.clock.wall_ns())
    if found is None:
        raise NotFound(say("Такого замовлення немає.", "There is no such order."), subject=order[:80])
    return found


def _name_of(parts: Parts, login: str) -> str:
    """Who it is, in words; the login of an account that is no more."""
    try:
        return parts.access.users.find(login).name
    except NotFound:
        return login


def _orders(parts: Parts) -> Orders:
    if parts.backups.orders is None:
        raise NotFound(say("Цей центр на місце не повертає.", "This centre puts nothing back."))
    return parts.backups.orders


def _size(words: str) -> int:
    return int(words) if words.isascii() and words.isdigit() and len(words) <= SIZE_MAX_DIGITS else 0
