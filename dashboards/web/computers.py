"""Owns the pages of computers: how many are fit, what is not well with each, what changed, and the lists as files.

Whoever may see lists sees the computers of the sites that his lists show. Blocking questions go to worker threads.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from beket.access.roles import Action
from beket.kernel.clock import utc
from beket.kernel.errors import NotFound
from beket.kernel.ids import SiteId
from beket.kernel.text import Text, say
from beket.kernel.units import spell_bytes
from collector.assets.lists import FATE_WORDS, LIST_WORDS, Judged, ListKind
from collector.assets.view import FORMATS, ComputersView, Sees
from dashboards.web.person import Person, person_of, sites_to_see
from dashboards.web.ports import Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer

EVENTS_SHOWN = 30
COMPUTERS_SHOWN = 300
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the pages of computers."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/lists/computers")
    async def computers(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_overview, parts, person)
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, "computers.html", **person.page_values(), **values, moment=moment, utc=utc)

    @routes.get("/lists/computers/{kind}")
    async def one_list(request: Request, kind: str) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_one_list, parts, person, kind)
        return pages.page(request, "computer_list.html", **person.page_values(), **values)

    @routes.get("/lists/computers/{kind}/file")
    async def download(request: Request, kind: str, file_format: str = "xlsx") -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        data = await asyncio.to_thread(_file, parts, person, kind, file_format)
        disposition = f'attachment; filename="computers-{ListKind(kind)}.{file_format}"'
        headers = {**PAGE_HEADERS, "Content-Disposition": disposition}
        return Response(data, media_type=TYPES[file_format], headers=headers)

    return routes


def headline(judged: list[Judged]) -> Text:
    """The one sentence over the page."""
    if not judged:
        return say("Ще жоден комп’ютер не розповів про себе.", "No computer has told of itself yet.")
    urgent = sum(one.is_urgent for one in judged)
    modern = sum(one.is_modern for one in judged)
    if urgent:
        return say(
            "Годяться для роботи {modern} із {all}; негайної уваги потребують {urgent}.",
            "Fit for work: {modern} of {all}; {urgent} need attention now.",
            modern=modern, all=len(judged), urgent=urgent,
        )  # fmt: skip
    return say(
        "Годяться для роботи {modern} із {all}.", "Fit for work: {modern} of {all}.", modern=modern, all=len(judged)
    )


def _overview(parts: Parts, person: Person) -> dict[str, Any]:
    sees, view = _sees(parts, person), parts.computers
    judged = view.judged(sees) if view else []
    return {
        "state_line": headline(judged),
        "judged": judged[:COMPUTERS_SHOWN],
        "total": len(judged),
        "modern_percent": round(100 * sum(one.is_modern for one in judged) / len(judged)) if judged else 0,
        "lists": [(kind, words, len(view.rows(kind, judged)) - 1 if view else 0) for kind, words in LIST_WORDS.items()],
        "events": view.events(sees, limit=EVENTS_SHOWN) if view else [],
        "fate_words": FATE_WORDS,
        "size": spell_bytes,
    }


def _one_list(parts: Parts, person: Person, kind: str) -> dict[str, Any]:
    sees = _sees(parts, person)
    known, view = _known(kind), parts.computers
    header, *rows = view.rows(known, view.judged(sees)) if view else [[]]
    return {"kind": known, "title": LIST_WORDS[known], "header": header, "rows": rows}


def _file(parts: Parts, person: Person, kind: str, file_format: str) -> bytes:
    sees = _sees(parts, person)
    known = _known(kind)
    if file_format not in FORMATS or parts.computers is None:
        raise NotFound(say("Такого файлу немає.", "There is no such file."))
    view: ComputersView = parts.computers
    return view.file(known, file_format, sees)


def _known(kind: str) -> ListKind:
    if kind not in set(ListKind):
        raise NotFound(say("Такого списку немає.", "There is no such list."))
    return ListKind(kind)


def _sees(parts: Parts, person: Person) -> Sees:
    """Which sites' computers the person's lists show.

    Raises:
        Forbidden: none.
    """
    seen: set[SiteId] = {site.id for site in sites_to_see(person, parts.inventory.current(), Action.SEE_LISTS)}
    sees_all = person.may(Action.SEE_LISTS)
    return lambda site: sees_all or site in seen
