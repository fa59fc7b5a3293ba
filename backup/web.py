"""Owns the doors of backups over HTTP: agents ask for their repository, say how plans stand, and hear what to put back.

Who may enter is decided by the dependency that wiring gives.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from backup.acts.record import SCHEMA, KeyUsed, Record
from backup.messages import (
    PIECES_MAX,
    PLANS_MAX,
    REPORT_MAX_BYTES,
    WORDS_MAX_CHARS,
    ActReport,
    BackupReport,
    PlanReport,
    ReportAnswer,
    RepositoryRequest,
    RepositoryStored,
    RestoreResult,
    Running,
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
        orders = await asyncio.to_thread(ledger.orders.give, principal.agent, wall_ns=wall_ns)
        return _json(wire.encode(ReportAnswer(orders=tuple(orders))))

    @routes.post("/backup-restored")
    async def restored(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        result = wire.decode(await request.body(), RestoreResult, max_bytes=REPORT_MAX_BYTES)
        await asyncio.to_thread(ledger.orders.end, principal.agent, result, wall_ns=clock.wall_ns())
        return _json(b"{}")

    @routes.post("/backup-acts")
    async def acts(request: Request, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> Response:
        report = wire.decode(await request.body(), ActReport, max_bytes=REPORT_MAX_BYTES)
        record = record_of(report, hosts=(principal.agent, principal.site), wall_ns=clock.wall_ns())
        await asyncio.to_thread(ledger.acts.keep, record)
        return _json(b"{}")

    return routes


def record_of(report: ActReport, *, hosts: Sequence[str], wall_ns: int) -> Record:
    """The record with moments by our clock, if the one who sends it may have made it.

    Raises:
        ProtocolError: it is of another host, or no record that anybody could have made.
    """
    record = report.record
    texts = (record.plan_name, record.reason_uk, record.reason_en, record.by, record.restic, record.snapshot)
    long = any(len(text) > WORDS_MAX_CHARS for text in texts) or len(record.pieces) > PIECES_MAX
    is_known = record.schema == SCHEMA and record.key is KeyUsed.HOST and record.number > 0
    if record.host not in hosts or long or not is_known or not is_slug(record.plan):
        raise ProtocolError(say("Акт перевірки незрозумілий.", "The act of a drill is not understood."))
    ahead_ns = report.wall_ns - wall_ns

    def ours(moment_ns: int) -> int:
        return max(0, min(moment_ns - ahead_ns, wall_ns))

    return msgspec.structs.replace(
        record,
        site=hosts[-1],
        snapshot_ns=ours(record.snapshot_ns),
        began_ns=ours(record.began_ns),
        ended_ns=ours(record.ended_ns),
    )


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
            running=_running(plan.running, ours(plan.running.began_ns) or 0) if plan.running else None,
        )
        for plan in report.plans
    ]


def _running(told: Running, began_ns: int) -> Running:
    """What is told of a run, within what can be true."""
    stored_bytes, stored_ratio = told.stored_bytes, told.stored_ratio
    return Running(
        began_ns=began_ns,
        read_ratio=_ratio(told.read_ratio),
        stored_bytes=None if stored_bytes is None else max(0, stored_bytes),
        stored_ratio=None if stored_ratio is None else _ratio(stored_ratio),
    )


def _ratio(told: float) -> float:
    return min(1.0, max(0.0, told))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
