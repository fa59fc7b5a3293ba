"""Owns the doors of the pages: log in, state a reason, leave, and the one-time link of the centre's own machine.

Plain forms that work without a script; programs use the JSON doors of the app. Who may is `beket.access`'s to say.
"""

import asyncio
import urllib.parse

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from beket.access.permit import REASON_MIN_CHARS
from beket.access.sessions import REASON_MAX_CHARS, check_csrf
from beket.access.store import AccessStore
from beket.access.users import Throttled
from beket.kernel.errors import Forbidden, InvalidArgument, NotFound, Unauthenticated
from beket.kernel.ids import UserId
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say
from dashboards.web import session as sessions
from dashboards.web.person import ROLE_WORDS, Person, person_of
from dashboards.web.rendering import PAGE_HEADERS, Renderer, form_of, local_next

ENTER_PATH = "/enter"
ONE_CLICK_PATH = "/as"
READY_REASONS = (
    say("Щоденний огляд громади", "Daily look over the community"),
    say("Звернення мешканця", "A resident asked"),
    say("Перевірка роботи камер", "Checking that the cameras work"),
)


def router(access: AccessStore, pages: Renderer, one_click_logins: tuple[str, ...] = ()) -> APIRouter:
    """Routes of entering and leaving; from the centre's own machine `one_click_logins` need no password."""
    routes = APIRouter(route_class=pages.route_class())

    @routes.get("/login")
    async def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name people see in the address
        ready = await asyncio.to_thread(_one_click_people, access, one_click_logins, request)
        return pages.page(request, "login.html", next=local_next(next), login="", error=None, ready=ready)

    @routes.post("/login/form")
    async def log_in(request: Request) -> Response:
        sessions.check_origin(request)
        form = await form_of(request)
        onward, login = local_next(form.get("next", "/")), form.get("login", "")
        try:
            user = await asyncio.to_thread(access.users.log_in, login, Secret(form.get("password", "")))
        except (Unauthenticated, Throttled) as error:
            status = 429 if isinstance(error, Throttled) else error.handling.http_status
            shown = {"next": onward, "login": login[:80], "error": error, "ready": ()}
            return pages.page(request, "login.html", status=status, **shown)
        user_agent = request.headers.get("user-agent", "")
        token, _ = await asyncio.to_thread(access.sessions.open, user.id, user_agent=user_agent)
        return _go_in(request, token, onward)

    @routes.get(ENTER_PATH)
    async def enter(request: Request, token: str = "", next: str = "/") -> Response:  # noqa: A002
        sessions.check_is_this_machine(request)
        user_agent = request.headers.get("user-agent", "")
        redeem = access.sessions.redeem_one_time_login
        try:
            opened, _ = await asyncio.to_thread(redeem, Secret(token), user_agent=user_agent)
        except Unauthenticated as error:
            return pages.problem(request, error)
        return _go_in(request, opened, local_next(next))

    @routes.get(ONE_CLICK_PATH + "/{login}")
    async def enter_as(request: Request, login: str) -> Response:
        sessions.check_is_this_machine(request)
        if login not in one_click_logins:
            raise NotFound(say("Такого входу немає.", "There is no such entry."))
        user_agent = request.headers.get("user-agent", "")
        return _go_in(request, await asyncio.to_thread(_open_as, access, login, user_agent), "/")

    @routes.get("/reason")
    async def reason_page(request: Request, next: str = "/") -> Response:  # noqa: A002
        person = await asyncio.to_thread(person_of, access, request)
        return _ask_reason(pages, request, person, local_next(next))

    @routes.post("/reason/form")
    async def state_reason(request: Request) -> Response:
        person, form = await changing(access, request)
        reason = (form.get("ready") or form.get("reason", "")).strip()
        onward = local_next(form.get("next", "/"))
        if not REASON_MIN_CHARS <= len(reason) <= REASON_MAX_CHARS:
            error = InvalidArgument(say("Скажіть кількома словами.", "Say it in a few words."))
            return _ask_reason(pages, request, person, onward, error=error)
        await asyncio.to_thread(access.sessions.state_reason, person.session.id, reason)
        return RedirectResponse(onward, 303, headers=PAGE_HEADERS)

    @routes.post("/logout/form")
    async def log_out(request: Request) -> Response:
        person, _ = await changing(access, request)
        await asyncio.to_thread(access.sessions.revoke, person.session.id, reason="logged out")
        response = RedirectResponse("/login", 303, headers=PAGE_HEADERS)
        sessions.take_cookie_away(response)
        return response

    return routes


async def changing(access: AccessStore, request: Request) -> tuple[Person, dict[str, str]]:
    """The person and the form of a request that changes something.

    Raises:
        Unauthenticated: no session.
        Forbidden: the form is not of our own page.
    """
    sessions.check_origin(request)
    person = await asyncio.to_thread(person_of, access, request)
    form = await form_of(request)
    check_csrf(person.token, form.get("csrf", ""))
    return person, form


def entry_url(access: AccessStore, user: UserId, *, pages_url: str, onward: str = "/") -> str:
    """An address that logs `user` in once within ten minutes, for a browser on the centre's own machine. Blocking."""
    token = access.sessions.issue_one_time_login(user)
    query = urllib.parse.urlencode({"token": token.reveal(), "next": onward})
    return f"{pages_url.rstrip('/')}{ENTER_PATH}?{query}"


def one_click_url(pages_url: str, login: str) -> str:
    """The address that enters as `login`, where `one_click_logins` name it."""
    return f"{pages_url.rstrip('/')}{ONE_CLICK_PATH}/{login}"


def _open_as(access: AccessStore, login: str, user_agent: str) -> Secret:
    link = access.sessions.issue_one_time_login(access.users.find(login).id)
    return access.sessions.redeem_one_time_login(link, user_agent=user_agent)[0]


def _one_click_people(access: AccessStore, logins: tuple[str, ...], request: Request) -> list[tuple[str, str, Text]]:
    """Path, name and role of each account that may be entered with one click, for this browser."""
    try:
        sessions.check_is_this_machine(request)
    except Forbidden:
        return []
    people = [access.users.find(login) for login in logins]
    return [(f"{ONE_CLICK_PATH}/{user.login}", user.name, ROLE_WORDS[user.role]) for user in people]


def _go_in(request: Request, token: Secret, onward: str) -> Response:
    response = RedirectResponse(onward, 303, headers=PAGE_HEADERS)
    sessions.give_cookie(response, token, request)
    return response


def _ask_reason(
    pages: Renderer, request: Request, person: Person, onward: str, *, error: InvalidArgument | None = None
) -> Response:
    shown = {"next": onward, "ready": READY_REASONS, "error": error, "max_chars": REASON_MAX_CHARS}
    return pages.page(request, "reason.html", status=400 if error else 200, **person.page_values(), **shown)
