"""Owns how a person is known to the pages: logging in and out, the session cookie, and the question before each look.

The rules are `beket.access`'s, the cookie is `dashboards.web.session`'s; here are bodies and worker threads. The
reason for a look is stated once with PUT /reason and then stands in the journal with every look of the next hours.
Note: beket/access/design/0006-access-and-trust.md.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection

from beket.access.permit import Actor, camera_resource
from beket.access.roles import Action
from beket.access.sessions import check_csrf, csrf_token
from beket.access.store import AccessStore
from beket.app.looks import LiveLook
from beket.kernel import wire
from beket.kernel.errors import NotFound
from beket.kernel.ids import UserId
from beket.kernel.ports import InventoryView
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from dashboards.web.session import check_origin, give_cookie, take_cookie_away, token_of

BODY_MAX_BYTES = 16 * 1024


class LoginRequest(msgspec.Struct, frozen=True):
    """What a person types."""

    login: str
    password: Secret


class LoggedIn(msgspec.Struct, frozen=True):
    """Who came in; `csrf` goes back with each changing request, in the header X-CSRF-Token."""

    login: str
    role: str
    csrf: str


class ReasonRequest(msgspec.Struct, frozen=True):
    """Why the person looks."""

    reason: str


def router(access: AccessStore) -> APIRouter:
    """Routes of the session."""
    routes = APIRouter()

    @routes.post("/login")
    async def log_in(request: Request) -> Response:
        check_origin(request)
        message = wire.decode(await request.body(), LoginRequest, max_bytes=BODY_MAX_BYTES)
        user = await asyncio.to_thread(access.users.log_in, message.login, message.password)
        return await _enter(user.id, request)

    @routes.post("/logout")
    async def log_out(request: Request) -> Response:
        session, token = await _session_of(access, request)
        check_csrf(token, request.headers.get("x-csrf-token", ""))
        await asyncio.to_thread(access.sessions.revoke, session, reason="logged out")
        response = Response(status_code=204)
        take_cookie_away(response)
        return response

    @routes.put("/reason")
    async def state_reason(request: Request) -> Response:
        session, token = await _session_of(access, request)
        check_csrf(token, request.headers.get("x-csrf-token", ""))
        message = wire.decode(await request.body(), ReasonRequest, max_bytes=BODY_MAX_BYTES)
        await asyncio.to_thread(access.sessions.state_reason, session, message.reason)
        return Response(status_code=204)

    async def _enter(user: UserId, request: Request) -> Response:
        user_agent = request.headers.get("user-agent", "")
        token, _ = await asyncio.to_thread(access.sessions.open, user, user_agent=user_agent)
        account = await asyncio.to_thread(access.users.get, user)
        body = LoggedIn(account.login, account.role.value, csrf_token(token))
        response = Response(wire.encode(body), media_type="application/json", headers={"Cache-Control": "no-store"})
        give_cookie(response, token, request)
        return response

    return routes


def archive_guard(access: AccessStore, inventory: InventoryView) -> Callable[..., Awaitable[None]]:
    """A FastAPI dependency over `camera` and the oldest moment asked for: passes when the person may see that archive.

    The look is in the journal before this returns.
    """

    async def authorize(
        request: Request,
        camera: str,
        at: datetime.datetime | None = None,
        start_at: datetime.datetime | None = None,
    ) -> None:
        actor = await actor_of(access, request)
        known = inventory.current()
        found = next((one for one in known.cameras if one.id == camera), None)
        if found is None:
            raise NotFound(say("Такої камери немає.", "There is no such camera."), subject=camera[:80])
        site = next(one for one in known.sites if one.id == found.site)
        resource = camera_resource(found, site, recorded_at=_aware(at or start_at))
        await asyncio.to_thread(access.demand, actor, Action.VIEW_ARCHIVE, resource)

    return authorize


def live_guard(access: AccessStore, inventory: InventoryView) -> Callable[..., Awaitable[LiveLook]]:
    """A FastAPI dependency over `camera` of a WebSocket: the person's look, already in the journal."""

    async def authorize(connection: HTTPConnection, camera: str) -> LiveLook:
        check_origin(connection)
        token = token_of(connection)

        def actor() -> Actor:
            return access.enter(token)[1]

        return await asyncio.to_thread(LiveLook, access, inventory, camera=camera, actor=actor, via="page")

    return authorize


async def actor_of(access: AccessStore, request: Request) -> Actor:
    """The person behind a request, with the grants and the stated reason of this moment.

    Raises:
        Unauthenticated: no session, or one that has ended.
    """
    token = token_of(request)
    session = await asyncio.to_thread(access.sessions.find, token)
    return await asyncio.to_thread(access.users.actor, session.user, reason=session.reason)


async def _session_of(access: AccessStore, request: Request) -> tuple[str, Secret]:
    check_origin(request)
    token = token_of(request)
    session = await asyncio.to_thread(access.sessions.find, token)
    return session.id, token


def _aware(moment: datetime.datetime | None) -> datetime.datetime | None:
    return moment.replace(tzinfo=datetime.UTC) if moment and moment.tzinfo is None else moment
