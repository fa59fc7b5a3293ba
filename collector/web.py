"""Owns the collector's doors over HTTP: agents bring points, Prometheus takes the newest samples, pages ask for alerts.

Who may enter is decided by the dependencies that wiring gives; the rest of the centre maps `BeketError` to statuses.
Blocking work is done on worker threads, never on the loop.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from beket.kernel.errors import ProtocolError
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.text import say
from beket.kernel.wire import MESSAGE_MAX_BYTES
from collector.alerts_view import AlertsView, Sees
from collector.ingest import Ingest, Sender
from collector.sinks.exposition import CONTENT_TYPE, Exposition


class AgentPrincipal(Protocol):
    """What this room needs of a proven agent."""

    @property
    def site(self) -> SiteId:
        """The site it is enrolled for."""

    @property
    def agent(self) -> AgentId:
        """Its id."""


def agent_router(ingest: Ingest, *, authenticate: Callable[..., Any]) -> APIRouter:
    """Where agents bring points; `authenticate` is a FastAPI dependency: an `AgentPrincipal`, or it raises."""
    routes = APIRouter()

    @routes.post("/agent/v1/points")
    async def take_points(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        body = await _read_body(request)
        sender = Sender(principal.site, principal.agent)
        receipt = await asyncio.to_thread(ingest.take, sender, body)
        return Response(receipt, media_type="application/json")

    return routes


def computers_router(take: Callable[[SiteId, AgentId, bytes], bytes], *, authenticate: Callable[..., Any]) -> APIRouter:
    """Where computers bring what they tell of themselves; `take` blocks and returns the receipt."""
    routes = APIRouter()

    @routes.post("/agent/v1/computer")
    async def take_report(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        body = await _read_body(request)
        receipt = await asyncio.to_thread(take, principal.site, principal.agent, body)
        return Response(receipt, media_type="application/json")

    return routes


def facts_router(take: Callable[[SiteId, AgentId, bytes], bytes], *, authenticate: Callable[..., Any]) -> APIRouter:
    """Where agents bring facts of devices; `take` blocks and returns the receipt."""
    routes = APIRouter()

    @routes.post("/agent/v1/facts")
    async def take_facts(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        body = await _read_body(request)
        receipt = await asyncio.to_thread(take, principal.site, principal.agent, body)
        return Response(receipt, media_type="application/json")

    return routes


def metrics_router(exposition: Exposition, *, guard: Callable[..., Any]) -> APIRouter:
    """Where Prometheus reads; `guard` is a FastAPI dependency that raises for whoever may not."""
    routes = APIRouter()

    @routes.get("/metrics", dependencies=[Depends(guard)])
    async def metrics() -> Response:
        return Response(await asyncio.to_thread(exposition.render), media_type=CONTENT_TYPE)

    return routes


def alerts_router(view: AlertsView, *, authorize: Callable[..., Any]) -> APIRouter:
    """What pages ask about alerts; `authorize` is a dependency: which sites the person may see, or it raises."""
    routes = APIRouter()

    @routes.get("/alerts.json")
    async def alerts(sees: Annotated[Sees, Depends(authorize)]) -> Response:
        return _json(await asyncio.to_thread(view.listing, sees))

    @routes.get("/alerts/history.json")
    async def history(alert: str, sees: Annotated[Sees, Depends(authorize)]) -> Response:
        return _json(await asyncio.to_thread(view.history, alert, sees))

    return routes


def dead_letters_router(view: AlertsView, *, guard: Callable[..., Any]) -> APIRouter:
    """Letters that could not be delivered, with addresses; `guard` is a FastAPI dependency that raises."""
    routes = APIRouter()

    @routes.get("/alerts/dead-letters.json", dependencies=[Depends(guard)])
    async def dead_letters() -> Response:
        return _json(await asyncio.to_thread(view.dead_letters))

    return routes


def _json(body: object) -> Response:
    content = msgspec.json.encode(body)
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _read_body(request: Request) -> bytes:
    """The request's body.

    Raises:
        ProtocolError: it is longer than any message; the rest is not read.
    """
    parts: list[bytes] = []
    size_bytes = 0
    async for part in request.stream():
        size_bytes += len(part)
        if size_bytes > MESSAGE_MAX_BYTES:
            raise ProtocolError(say("Повідомлення завелике.", "The message is too large."))
        parts.append(part)
    return b"".join(parts)
