"""Owns the doors of backups over HTTP: agents ask for their repository and say how their plans stand.

Who may enter is decided by the dependency that wiring gives.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from backup.messages import (
    PLANS_MAX,
    REPORT_MAX_BYTES,
    WORDS_MAX_CHARS,
    BackupReport,
    PlanReport,
    RepositoryRequest,
    RepositoryStored,
)
from backup.repository.ledger import Ledger
from backup.repository.service import Service
from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound, ProtocolError
from beket.kernel.ids import AgentId, SiteId, is_slug
from beket.kernel.text import say


class AgentPrincipal(Protocol):
    """What this room needs of a proven agent."""

    @property
    def site(self) -> SiteId:
        """The site it is enrolled for."""

    @property
    def agent(self) -> AgentId:
        """Its id."""


def agent_router(
    ledger: Ledger, service: Service | None, *, clock: Clock, authenticate: Callable[..., Any]
) -> APIRouter:
    """Routes for agents; without a service nobody is let into a repository here."""
    routes = APIRouter(prefix="/agent/v1")

    @routes.post("/repository")
    async def repository(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        message = wire.decode(await request.body(), RepositoryRequest, max_bytes=REPORT_MAX_BYTES)
        if service is None:
            raise NotFound(
                say("Цей центр не приймає копій.", "This centre takes no backups."),
                hint=say(
                    "Увімкніть [repositories.service] у налаштуваннях центру.",
                    "Turn on [repositories.service] in the centre's configuration.",
                ),
            )
        access = await service.admit(principal.agent, principal.site, needs_key=message.needs_key)
        return _json(wire.encode(access))

    @routes.post("/repository/stored")
    async def stored(principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        if service is None:
            raise NotFound(say("Цей центр не приймає копій.", "This centre takes no backups."))
        size_bytes = await asyncio.to_thread(service.stored_bytes, principal.agent)
        return _json(wire.encode(RepositoryStored(size_bytes=size_bytes)))

    @routes.post("/backups")
    async def backups(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        report = wire.decode(await request.body(), BackupReport, max_bytes=REPORT_MAX_BYTES)
        wall_ns = clock.wall_ns()
        await asyncio.to_thread(ledger.add_host, principal.agent, principal.site, wall_ns=wall_ns)
        await asyncio.to_thread(ledger.hear, principal.agent, in_our_time(report, wall_ns=wall_ns), wall_ns=wall_ns)
        return _json(b"{}")

    return routes


def in_our_time(report: BackupReport, *, wall_ns: int) -> list[PlanReport]:
    """The plans with moments by our clock, whatever the agent's clock says.

    Raises:
        ProtocolError: more plans than anybody has, or one without a proper id.
    """
    if len(report.plans) > PLANS_MAX or not all(is_slug(plan.id) for plan in report.plans):
        raise ProtocolError(say("Звіт про копії незрозумілий.", "The report on backups is not understood."))
    ahead_ns = report.wall_ns - wall_ns

    def ours(moment_ns: int | None) -> int | None:
        # What the agent calls the future is at most the present.
        return None if moment_ns is None else min(moment_ns - ahead_ns, wall_ns)

    return [
        msgspec.structs.replace(
            plan,
            name=plan.name[:WORDS_MAX_CHARS],
            reason_uk=plan.reason_uk[:WORDS_MAX_CHARS],
            reason_en=plan.reason_en[:WORDS_MAX_CHARS],
            copied_ns=ours(plan.copied_ns),
            whole_ns=ours(plan.whole_ns),
            proven_ns=ours(plan.proven_ns),
            wrong_ns=ours(plan.wrong_ns),
        )
        for plan in report.plans
    ]


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
