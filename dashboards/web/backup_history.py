"""Owns the page of a host's past: each plan's copies and drills, how its repository grew, until when that will do."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response

from backup.repository.orders import State
from backup.repository.overview import HostView, forecast
from backup.repository.past import past_of
from backup.sentence import spell_day
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.text import say
from beket.kernel.units import spell_bytes
from dashboards.web.backups import enter, site_of_host
from dashboards.web.ports import Parts
from dashboards.web.rendering import Renderer, language_of, moment_writer

DAY_NS = 86_400 * NS_PER_S
DAYS_SHOWN = 30
STATE_WORDS = {
    State.WAITING: say("чекаємо на комп'ютер", "waiting for the host"),
    State.TAKEN: say("комп'ютер повертає", "the host is at it"),
    State.DONE: say("повернуто", "it is back"),
    State.FAILED: say("не вийшло", "it did not work"),
    State.VOID: say("знято: комп'ютер не озвався", "void: the host did not call"),
}


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """The route of the past."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/backups/{host}/history")
    async def history(request: Request, host: str) -> Response:
        person, browser, asking = await enter(parts, request, host)
        if asking is not None:
            return asking
        snapshots = await browser.snapshots(host)
        values, view = await asyncio.to_thread(_values, parts, host)
        drills = await asyncio.to_thread(parts.backups.acts.of, host) if parts.backups.acts else []
        names = {plan.id: plan.name for plan in view.plans} if view else {}
        values["plans"] = past_of(snapshots, drills, names)
        moment = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, "backup_history.html", **person.page_values(), **values, moment=moment)

    return routes


def _values(parts: Parts, host: str) -> tuple[dict[str, Any], HostView | None]:
    view = next((one for one in parts.backups.views() if one.host == host), None)
    site, now_at = site_of_host(parts, host), utc(parts.clock.wall_ns())
    sizes = list(parts.backups.sizes(host))[-DAYS_SHOWN:]
    free_bytes = parts.backups.free_bytes()
    growth = forecast([view], free_bytes, now_at) if view else say("", "")
    days = [(spell_day(utc(one.day * DAY_NS + DAY_NS // 2), now_at), one) for one in reversed(sizes)]
    place = f"{site.name}, {site.village}" if site else host
    orders = parts.backups.orders.of(host, wall_ns=parts.clock.wall_ns()) if parts.backups.orders else []
    shown = {"orders": orders, "words": STATE_WORDS, "utc": utc, "host": host}
    return {"place": place, "growth": growth, "sizes": days, "spell": spell_bytes, **shown}, view
