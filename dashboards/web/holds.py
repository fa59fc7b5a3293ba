"""Owns «Не стирати»: the button beside a camera's archive, the list of what is held, its review and release.

Each is a right of its own over each camera, asked of `permit` and in the journal before it is done. What the police
hold is shown to others as a number alone: its cameras and times are for the police, and in the auditor's journal.
"""

import asyncio
import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from beket.access.journal import Event
from beket.access.permit import camera_resource
from beket.access.roles import CEILING, Action
from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.errors import Forbidden, InvalidArgument, NotFound
from beket.kernel.ids import CameraId
from beket.kernel.inventory import Camera, Site
from beket.kernel.text import Text, counted, say
from beket.kernel.units import TICKS_PER_S, spell_bytes
from dashboards.web.asked_moment import parse_moment
from dashboards.web.entry import changing
from dashboards.web.person import Person, camera_and_site, person_of
from dashboards.web.ports import HoldBook, Parts
from dashboards.web.rendering import PAGE_HEADERS, Renderer, language_of, moment_writer, with_next
from dashboards.web.strip import moment, ticks
from vms.recordings.holds import Hold, State, Wanted

AROUND_MIN = 15
AROUND_MOST_MIN = 12 * 60
STATE_WORDS: Mapping[State, Text] = {
    State.IN_FORCE: say("діє", "in force"),
    State.REVIEW_SOON: say("скоро переглянути", "review is near"),
    State.OVERDUE: say("час переглянути: чи ще потрібно?", "to be reviewed: is it still needed?"),
    State.RELEASED: say("знято, але ще добу нічого не зникне", "released; for a day nothing goes"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A hold as this person sees it.

    Attributes:
        cameras: empty where it is somebody else's business.
        unaware: how many of its sites have not confirmed it.
        days: by how many days everybody else's archive would be longer without it.
    """

    hold: Hold
    state: Text
    icon: str
    cameras: tuple[str, ...]
    start_at: datetime.datetime
    end_at: datetime.datetime
    review_at: datetime.datetime
    unaware: int
    may_change: bool
    size_words: str
    days: int


def router(parts: Parts, pages: Renderer) -> APIRouter:
    """Routes of holds."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/holds")
    async def listing(request: Request) -> Response:
        person = await asyncio.to_thread(person_of, parts.access, request)
        book = _book(parts, person)
        if person.needs_reason() and Action.HOLD in CEILING[person.actor.role]:
            return RedirectResponse(with_next("/reason", request), 303, headers=PAGE_HEADERS)
        values = await asyncio.to_thread(_listing, parts, book, person)
        values["moment"] = moment_writer(language_of(request), utc(parts.clock.wall_ns()))
        return pages.page(request, "holds.html", **person.page_values(), **values)

    @routes.post("/holds")
    async def place(request: Request) -> Response:
        person, form = await changing(parts.access, request)
        await asyncio.to_thread(_place, parts, _book(parts, person), person, form)
        return RedirectResponse("/holds", 303, headers=PAGE_HEADERS)

    @routes.post("/holds/{number}")
    async def change(request: Request, number: int) -> Response:
        person, form = await changing(parts.access, request)
        await asyncio.to_thread(_change, parts, _book(parts, person), person, number, form)
        return RedirectResponse("/holds", 303, headers=PAGE_HEADERS)

    return routes


def _book(parts: Parts, person: Person) -> HoldBook:
    if Action.HOLD not in CEILING[person.actor.role] and not person.may(Action.SEE_STATUS):
        raise Forbidden(say("Ваша роль цього не дозволяє.", "Your role does not allow this."))
    if parts.holds is None:
        raise NotFound(say("Тут немає записів.", "There are no recordings here."))
    return parts.holds


def _listing(parts: Parts, book: HoldBook, person: Person) -> dict[str, Any]:
    now_s = parts.clock.wall_ns() // NS_PER_S
    taken = book.holds.cost()
    lines = [line for hold in book.holds.listing() if (line := _line(parts, book, person, hold, now_s))]
    left_bytes = max(0, book.holds.budget_bytes - taken.total_bytes)
    return {
        "state_line": _headline(lines, now_s),
        "lines": lines,
        "taken": spell_bytes(taken.total_bytes),
        "left": spell_bytes(left_bytes),
        "budget": spell_bytes(book.holds.budget_bytes),
        "outlook": book.outlook(),
    }


def _headline(lines: list[Line], now_s: int) -> Text:
    overdue = sum(line.hold.state(now_s) is State.OVERDUE for line in lines)
    if overdue:
        return say(
            "Час переглянути {holds}. Доки ви не вирішите, нічого не зникне.",
            "{n} holds are to be reviewed. Until you decide, nothing goes.",
            holds=counted(overdue, "заборону", "заборони", "заборон"),
            n=overdue,
        )
    if not lines:
        return say("Заборон стирати немає.", "Nothing is held.")
    return say("Від вас нічого не потрібно.", "Nothing is needed from you.")


def _line(parts: Parts, book: HoldBook, person: Person, hold: Hold, now_s: int) -> Line | None:
    may = _may_change(parts, person, hold)
    if not may and not person.may(Action.SEE_STATUS):
        return None
    known = {camera.id: camera.name for camera in parts.inventory.current().cameras}
    state = hold.state(now_s)
    size_bytes = book.holds.cost_of(hold).total_bytes
    shows = may or (not hold.by_police and not person.actor.is_police)
    return Line(
        hold=hold,
        state=STATE_WORDS[state],
        icon={State.OVERDUE: "alert", State.RELEASED: "opening"}.get(state, "works"),
        cameras=tuple(known.get(camera, camera) for camera in hold.cameras) if shows else (),
        start_at=moment(hold.start_90k),
        end_at=moment(hold.end_90k),
        review_at=utc(hold.review_at_s * NS_PER_S),
        unaware=len(book.unaware(hold)),
        may_change=may,
        size_words=spell_bytes(size_bytes),
        days=-book.cost_days(-size_bytes),
    )


def _may_change(parts: Parts, person: Person, hold: Hold) -> bool:
    """Whoever may hold all its cameras; what the police placed, the police alone, and the other way round."""
    if hold.by_police is not person.actor.is_police:
        return False
    known = parts.inventory.current()
    mine = {camera.id for camera in known.cameras}
    return all(
        camera in mine and person.may_camera(Action.HOLD, *camera_and_site(known, camera)) for camera in hold.cameras
    )


def _place(parts: Parts, book: HoldBook, person: Person, form: Mapping[str, str]) -> None:
    at = parse_moment(form.get("at", ""), now_at=utc(parts.clock.wall_ns()))
    around_s = _number(form.get("minutes", str(AROUND_MIN)), most=AROUND_MOST_MIN) * 60
    start_90k = ticks(at) - around_s * TICKS_PER_S
    cameras = _cameras(parts, person, form)
    wanted = Wanted(
        cameras=tuple(CameraId(camera.id) for camera, _ in cameras),
        start_90k=max(0, start_90k),
        end_90k=ticks(at) + around_s * TICKS_PER_S,
        reason=form.get("reason", "") or person.actor.reason,
        case_number=form.get("case_number", ""),
    )
    actor = person.actor.because(wanted.reason)
    grants = {
        camera.id: parts.access.demand(actor, Action.HOLD, camera_resource(camera, site)).grant
        for camera, site in cameras
    }
    hold = book.holds.place(wanted, by=actor.login, by_police=actor.is_police)
    details = {
        "hold": hold.number,
        "from": moment(hold.start_90k).isoformat(),
        "until": moment(hold.end_90k).isoformat(),
        "case": hold.case_number,
        "review_at": utc(hold.review_at_s * NS_PER_S).isoformat(),
        "reason": hold.reason,
    }
    for camera, grant in grants.items():
        _note(parts, person, "hold-placed", camera, details, grant=grant)


def _cameras(parts: Parts, person: Person, form: Mapping[str, str]) -> list[tuple[Camera, Site]]:
    """The camera that was asked for; with `whole_site` also its neighbours that this person may hold."""
    known = parts.inventory.current()
    found, site = camera_and_site(known, form.get("camera", ""))
    if form.get("whole_site") != "yes":
        return [(found, site)]
    others = [one for one in known.cameras if one.site == site.id and one.id != found.id]
    return [(found, site), *((one, site) for one in others if person.may_camera(Action.HOLD, one, site))]


def _change(parts: Parts, book: HoldBook, person: Person, number: int, form: Mapping[str, str]) -> None:
    hold = book.holds.find(number)
    if not _may_change(parts, person, hold):
        raise Forbidden(say("Цю заборону стирати змінює той, хто її поставив.", "Whoever placed it changes it."))
    actor = person.actor.because(form.get("reason", "") or person.actor.reason)
    known = parts.inventory.current()
    release = form.get("to") == "release"
    word = "hold-released" if release else "hold-renewed"
    for camera in hold.cameras:
        decision = parts.access.demand(actor, Action.HOLD, camera_resource(*camera_and_site(known, camera)))
        details = {"hold": number, "reason": actor.reason}
        _note(parts, person, word, camera, details, grant=decision.grant)
    if release:
        book.holds.release(number, by=actor.login)
    else:
        book.holds.renew(number, days=_number(form.get("days", "30"), most=10_000))


def _note(
    parts: Parts, person: Person, action: str, camera: str, details: Mapping[str, Any], *, grant: str = ""
) -> None:
    actor = person.actor
    event = Event(
        actor=f"user:{actor.login}",
        action=action,
        subject=camera,
        grant=grant,
        about_police=actor.is_police,
        details=details,
    )
    parts.access.journal.append(event)


def _number(words: str, *, most: int) -> int:
    if words.isascii() and words.isdigit() and 0 < int(words[:9]) <= most:
        return int(words)
    raise InvalidArgument(say("Число від 1 до {most}.", "A number from 1 to {most}.", most=most), subject="number")
