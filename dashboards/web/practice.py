"""Owns the page by which people begin to practise; the rest of the way is the real pages, over their own sandbox."""

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from backup.training import HOST as TRAINING
from backup.training import LOST, Training
from beket.kernel.errors import Forbidden, NotFound
from beket.kernel.text import say
from dashboards.web.entry import changing
from dashboards.web.person import Person, person_of
from dashboards.web.ports import Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of beginning."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/backups/training/begin")
    async def introduce(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        training_of(parts, person)
        return pages.page(request, "backup_training.html", **person.page_values(), lost=LOST)

    @routes.post("/backups/training/begin")
    async def begin(request: Request) -> Response:
        person, _ = await changing(parts.access, request)
        await training_of(parts, person).begin(person.actor.login)
        return RedirectResponse(f"/backups/{TRAINING}", 303, headers=PAGE_HEADERS)

    return routes


def training_of(parts: Parts, person: Person) -> Training:
    """Where this person practises.

    Raises:
        Forbidden: a screen, which is nobody.
        NotFound: there is no program for it here.
    """
    if person.actor.is_police:
        raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    if parts.backups.training is None:
        raise NotFound(say("Тут немає де потренуватися.", "There is no place to practise here."))
    return parts.backups.training
