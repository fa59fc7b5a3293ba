"""Owns the pages with pictures: the wall, and one camera with its day and its archive.

They hold addresses of pictures, never pictures: the live door and the archive door ask `permit` themselves and keep the
journal. Showing a camera's day is a look at its archive and is in the journal too.
"""

import asyncio
import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from beket.access.permit import camera_resource
from beket.access.roles import CAMERA_ACTIONS, CEILING, Action
from beket.kernel.clock import utc, wall_ns_of
from beket.kernel.errors import Forbidden, InvalidArgument
from beket.kernel.inventory import Camera, Site
from beket.kernel.text import say
from dashboards.web import kyiv_time, states
from dashboards.web.asked_moment import WORDS_MAX_CHARS, parse_moment
from dashboards.web.person import Person, camera_and_site, cameras_to_look_at, person_of
from dashboards.web.ports import Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer, with_next
from dashboards.web.strip import KIND_WORDS, DayStrip, day_strip, span_of

# One person misses little on 4 pictures and half of everything on 9.
TILES = (1, 4, 9)
TILES_DEFAULT = 4
MINUTE_S = 60
STEPS = (
    (-60, say("−1 хв", "−1 min")),
    (-10, say("−10 с", "−10 s")),
    (10, say("+10 с", "+10 s")),
    (60, say("+1 хв", "+1 min")),
)


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of the pages with pictures."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/wall")
    async def wall(request: Request, page: int = 1, tiles: int = TILES_DEFAULT) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        if Action.VIEW_LIVE not in CEILING[person.actor.role]:
            raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
        if person.needs_reason():
            return RedirectResponse(with_next("/reason", request), 303, headers=PAGE_HEADERS)
        values = await asyncio.to_thread(_wall, parts, person, page=page, tiles=tiles)
        return pages.page(request, "wall.html", **person.page_values(), **values)

    @routes.get("/cameras/{camera}")
    async def camera_page(request: Request, camera: str, at: str = "", day: str = "") -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        values = await asyncio.to_thread(_may_open, parts, person, camera)
        if person.needs_reason():
            return RedirectResponse(with_next("/reason", request), 303, headers=PAGE_HEADERS)
        values |= await asyncio.to_thread(_camera, parts, person, values, at=at, day=day)
        values["moment"] = moment_writer(language_of(request), _now_at(parts))
        values["date_words"] = _date_writer(request, parts)
        return pages.page(request, "camera.html", **person.page_values(), **values)

    return routes


def _wall(parts: Parts, person: Person, *, page: int, tiles: int) -> dict[str, Any]:
    every = list(cameras_to_look_at(person, parts.inventory.current()))
    tiles = tiles if tiles in TILES else TILES_DEFAULT
    page_count = max(1, -(-len(every) // tiles))
    page = min(max(1, page), page_count)
    known = camera_states(parts)
    shown = [
        {
            "camera": camera,
            "site": site,
            "known": states.known(known, camera.id),
            "archive": person.may_camera(Action.VIEW_ARCHIVE, camera, site),
        }
        for camera, site in every
    ]
    return {
        "cameras": shown,
        "tiles": shown[(page - 1) * tiles : page * tiles],
        "tile_count": tiles,
        "tile_choices": TILES,
        "page_number": page,
        "page_count": page_count,
        "state_words": states.STATE_WORDS,
        "now_ms": parts.clock.wall_ns() // 1_000_000,
    }


def _may_open(parts: Parts, person: Person, camera: str) -> dict[str, Any]:
    if not CAMERA_ACTIONS & CEILING[person.actor.role].keys() & {Action.VIEW_LIVE, Action.VIEW_ARCHIVE}:
        raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    found, site = camera_and_site(parts.inventory.current(), camera)
    live = person.may_camera(Action.VIEW_LIVE, found, site)
    archive = person.may_camera(Action.VIEW_ARCHIVE, found, site)
    if not live and not archive:
        raise Forbidden(say("На цю камеру у вас немає дозволу.", "You hold no grant for this camera."))
    may_hold = parts.holds is not None and person.may_camera(Action.HOLD, found, site)
    opened = {"camera": found, "site": site, "live": live, "archive": archive}
    kept_days = parts.holds.kept_days(found.retention_days) if parts.holds is not None else None
    return opened | {"may_hold": may_hold, "hold_reason": person.actor.reason, "kept_days": kept_days}


def _camera(parts: Parts, person: Person, opened: dict[str, Any], *, at: str, day: str) -> dict[str, Any]:
    now_at = _now_at(parts)
    problem: InvalidArgument | None = None
    asked_at = None
    if at:
        try:
            asked_at = parse_moment(at, now_at=now_at)
        except InvalidArgument as error:
            problem = error
    shown_day = kyiv_time.day_of(asked_at or now_at) if not day else _day(day, now_at)
    strip = None
    if opened["archive"]:
        strip = _strip(parts, person, opened["camera"], opened["site"], shown_day)
    is_double = asked_at is not None and kyiv_time.is_doubled(asked_at)
    return {
        "strip": strip,
        "asked": at[:WORDS_MAX_CHARS],
        "asked_at": asked_at,
        "double_at": kyiv_time.its_double(asked_at) if asked_at and is_double else None,
        "problem": problem,
        "steps": [(step_s, words, _stepped(asked_at or now_at, step_s, now_at)) for step_s, words in STEPS],
        "minute_s": MINUTE_S,
        "kind_words": KIND_WORDS,
        "known": states.known(camera_states(parts), opened["camera"].id),
        "state_words": states.STATE_WORDS,
        "day_before": shown_day - datetime.timedelta(days=1),
        "day_after": _next_day(shown_day, now_at),
        "now_at": now_at,
        "now_ms": parts.clock.wall_ns() // 1_000_000,
        "iso": _iso,
    }


def _strip(parts: Parts, person: Person, camera: Camera, site: Site, day: datetime.date) -> DayStrip | None:
    now_at = _now_at(parts)
    span = span_of(day, now_at=now_at)
    if span is None:
        return None
    # The oldest moment shown is what a grant's horizon is measured by; the day that it reaches into is shown whole.
    oldest_at = max(
        kyiv_time.day_bounds(day)[0], min(now_at, kyiv_time.day_bounds(day)[1] - datetime.timedelta(seconds=1))
    )
    parts.access.demand(person.actor, Action.VIEW_ARCHIVE, camera_resource(camera, site, recorded_at=oldest_at))
    timeline = parts.archive.timeline(camera.id, from_90k=span[0], until_90k=span[1])
    return day_strip(timeline, day, now_at=now_at)


def camera_states(parts: Parts) -> dict[str, states.Known]:
    """The state of each camera now. Blocking."""
    return _states(parts, metric=parts.camera_up, label="camera")


def device_states(parts: Parts) -> dict[str, states.Known]:
    """The state of each device now. Blocking."""
    return _states(parts, metric=parts.device_up, label="device")


def _states(parts: Parts, *, metric: str, label: str) -> dict[str, states.Known]:
    now_ns = parts.clock.wall_ns()
    points = parts.samples.latest(now_ns - 3600 * 1_000_000_000)
    return states.states_of(points, metric=metric, label=label, now_ns=now_ns, stale_after_s=parts.stale_after_s)


def _now_at(parts: Parts) -> datetime.datetime:
    return utc(parts.clock.wall_ns())


def _day(given: str, now_at: datetime.datetime) -> datetime.date:
    try:
        day = datetime.date.fromisoformat(given)
    except ValueError as error:
        raise InvalidArgument(say("День пишуть так: 2026-11-23.", "Write a day like this: 2026-11-23.")) from error
    today = kyiv_time.day_of(now_at)
    return min(max(day, today - datetime.timedelta(days=3650)), today)


def _next_day(day: datetime.date, now_at: datetime.datetime) -> datetime.date | None:
    return day + datetime.timedelta(days=1) if day < kyiv_time.day_of(now_at) else None


def _stepped(at: datetime.datetime, step_s: int, now_at: datetime.datetime) -> datetime.datetime:
    return min(at + datetime.timedelta(seconds=step_s), now_at)


def _iso(at: datetime.datetime) -> str:
    # To the millisecond: what a link says, the time field and the archive door both read.
    return utc(wall_ns_of(at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _date_writer(request: Request, parts: Parts) -> Any:
    language, this_year = language_of(request), kyiv_time.day_of(_now_at(parts)).year
    return lambda day: kyiv_time.date_words(day, language, this_year=this_year)
