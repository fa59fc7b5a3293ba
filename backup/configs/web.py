"""Owns the doors of configurations over HTTP: sites ask for the key, bring copies and say how they looked.

Who may enter is decided by the dependency that wiring gives.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Request, Response

from backup.configs.exchange import copy_of, looks_of
from backup.configs.messages import COPY_MAX_BYTES, LOOKS_MAX_BYTES, GearCopy, GearKey, GearLooks
from backup.configs.sealing import OpeningKey
from backup.configs.store import ConfigStore
from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.ids import SiteId


class AgentPrincipal(Protocol):
    """What this room needs of a proven agent."""

    @property
    def site(self) -> SiteId:
        """The site it is enrolled for."""


def agent_router(store: ConfigStore, key: OpeningKey, *, clock: Clock, authenticate: Callable[..., Any]) -> APIRouter:
    """Routes for agents."""
    routes = APIRouter(prefix="/agent/v1")

    @routes.get("/gear-key", dependencies=[Depends(authenticate)])
    async def gear_key() -> Response:
        return _json(wire.encode(GearKey(public=key.public)))

    @routes.post("/gear-copy")
    async def gear_copy(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        message = wire.decode(await request.body(), GearCopy, max_bytes=COPY_MAX_BYTES)
        copy = copy_of(message, site=principal.site, wall_ns=clock.wall_ns())
        await asyncio.to_thread(store.keep_copy, copy, sent=True)
        return _json(b"{}")

    @routes.post("/gear-looks")
    async def gear_looks(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        message = wire.decode(await request.body(), GearLooks, max_bytes=LOOKS_MAX_BYTES)
        looks = looks_of(message, site=principal.site, wall_ns=clock.wall_ns())
        await asyncio.to_thread(store.keep_looks, principal.site, looks)
        return _json(b"{}")

    return routes


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
