"""Owns how an agent joins the centre and proves itself over HTTPS, and how it fetches its part of the inventory.

The rules are `beket.access.enrolment`'s; here are only paths, bodies and worker threads. Whoever holds a session token
(`Authorization: Bearer`) is an `AgentPrincipal` to every other router. Note: beket/design/0003-wire-and-versions.md.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi import APIRouter, Request, Response
from starlette.requests import HTTPConnection

from beket.access.enrolment import AgentPrincipal, Enrolment
from beket.access.messages import ACCESS_MESSAGE_MAX_BYTES, ChallengeRequest, EnrolRequest, SessionRequest
from beket.kernel import wire
from beket.kernel.errors import Unauthenticated
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.secrets import Secret
from beket.kernel.text import say

T = TypeVar("T")

Authenticate = Callable[[HTTPConnection], Awaitable[AgentPrincipal]]
# Given a site, the version in force and its signed part; may block.
InventoryPart = Callable[[SiteId], tuple[int, bytes]]


def authenticate_with(enrolment: Enrolment) -> Authenticate:
    """A FastAPI dependency: the agent behind a request or a WebSocket.

    Raises (in the dependency):
        Unauthenticated: no token, or one that is late or revoked.
    """

    async def authenticate(connection: HTTPConnection) -> AgentPrincipal:
        scheme, _, token = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated(say("Агент не назвався.", "The agent did not say who it is."))
        return enrolment.authenticate(Secret(token.strip()))

    return authenticate


def router(enrolment: Enrolment, *, authenticate: Authenticate, inventory_part: InventoryPart) -> APIRouter:
    """Routes under /agent/v1."""
    routes = APIRouter(prefix="/agent/v1")

    @routes.post("/enrol")
    async def enrol(request: Request) -> Response:
        message = await _read(request, EnrolRequest)
        return _json(wire.encode(await asyncio.to_thread(enrolment.enrol, message)))

    @routes.post("/challenge")
    async def challenge(request: Request) -> Response:
        message = await _read(request, ChallengeRequest)
        return _json(wire.encode(enrolment.challenge(AgentId(message.agent))))

    @routes.post("/session")
    async def session(request: Request) -> Response:
        message = await _read(request, SessionRequest)
        return _json(wire.encode(await asyncio.to_thread(enrolment.open_session, message)))

    @routes.get("/inventory")
    async def inventory(request: Request, have: int = -1) -> Response:
        agent = await authenticate(request)
        version, part = await asyncio.to_thread(inventory_part, agent.site)
        return Response(status_code=304) if version == have else _json(part)

    return routes


async def _read(request: Request, message_type: type[T]) -> T:
    return wire.decode(await request.body(), message_type, max_bytes=ACCESS_MESSAGE_MAX_BYTES)


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
