"""Owns the video room's doors over HTTP: sites bring segments and gaps, people list and copy what is here.

Who may enter is decided by the dependencies that wiring gives: `authenticate` for agents, `authorize` for people, who
get nothing without it. Wiring maps `BeketError` to statuses. Blocking work is done on worker threads, never on the
loop. Note: vms/design/0002-recording-store.md "Wire".
"""

import asyncio
import datetime
import re
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, utc, wall_ns_of
from beket.kernel.errors import InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import AgentId, CameraId, SiteId
from beket.kernel.text import say
from beket.kernel.units import KIB, TICKS_PER_S, ns_to_90k, ticks_to_ns
from beket.media.fmp4.join import JoinedPart
from vms.hold_news import HoldNews
from vms.ingest import Ingest
from vms.messages import GapReports, Listed, SegmentOffer, SegmentState
from vms.recordings.chain import LINE_MAX_BYTES
from vms.recordings.layout import parse_key
from vms.recordings.playback import Missing, Playback, Recorded, Timeline
from vms.seal_ingest import SealIngest

PUT_MAX_BYTES = 4 * 1024 * KIB
PIECE_BYTES = 64 * KIB
GAPS_MAX_BYTES = 256 * KIB
OFFER_HEADER = "Beket-Segment"
# Milliseconds since 1970 as the centre has proved them.
TIME_HEADER = "Beket-Time"
COPY_MAX_S = 600

_RANGE = re.compile(r"bytes (?:(\d{1,12})-(\d{1,12})|\*)/(\d{1,12})", re.ASCII)
_JSON = "application/json"


class AgentPrincipal(Protocol):
    """What this room needs of a proven agent."""

    @property
    def site(self) -> SiteId:
        """The site it is enrolled for."""

    @property
    def agent(self) -> AgentId:
        """Which agent it is."""


def seals_router(seals: SealIngest, *, authenticate: Callable[..., Any], key_of: Callable[[AgentId], str]) -> APIRouter:
    """Where sites bring their seals; `key_of` gives the public key (hex) of a proven agent."""
    routes = APIRouter(prefix="/agent/v1")
    agent = Annotated[AgentPrincipal, Depends(authenticate)]

    @routes.post("/seals/{camera}", status_code=204)
    async def take(camera: str, request: Request, principal: agent) -> None:
        body = b"".join([piece async for piece in _pieces(request, LINE_MAX_BYTES)])
        public_key = await asyncio.to_thread(key_of, principal.agent)
        await asyncio.to_thread(seals.take, principal.site, public_key, CameraId(camera), body)

    return routes


def agent_router(ingest: Ingest, *, authenticate: Callable[..., Any]) -> APIRouter:
    """Where sites send; `authenticate` is a FastAPI dependency that returns an `AgentPrincipal` or raises."""
    routes = APIRouter(prefix="/agent/v1")
    agent = Annotated[AgentPrincipal, Depends(authenticate)]

    @routes.head("/segments/{camera}/{name}")
    async def ask(camera: str, name: str, principal: agent) -> Response:
        key = parse_key(camera, name)
        return _state_response(await asyncio.to_thread(ingest.state, principal.site, key), status=200)

    @routes.put("/segments/{camera}/{name}")
    async def put(camera: str, name: str, request: Request, principal: agent) -> Response:
        key = parse_key(camera, name)
        offset_bytes, length_bytes, total_bytes = _range_of(request)
        offer = wire.decode(request.headers.get(OFFER_HEADER, "").encode(), SegmentOffer, max_bytes=4 * KIB)
        arrival = await asyncio.to_thread(
            ingest.open, principal.site, key, offer, offset_bytes=offset_bytes, total_bytes=total_bytes
        )
        try:
            async for piece in _pieces(request, length_bytes):
                await asyncio.to_thread(arrival.append, piece)
            state = await asyncio.to_thread(arrival.finish)
        except ClientDisconnect:
            # Nobody reads this answer; what arrived is kept, and the agent asks how much that is.
            return Response(status_code=400)
        finally:
            await asyncio.to_thread(arrival.close)
        return _state_response(state, status=201 if state.sha256 else 202)

    @routes.post("/gaps", status_code=204)
    async def gaps(request: Request, principal: agent) -> None:
        body = b"".join([piece async for piece in _pieces(request, GAPS_MAX_BYTES)])
        reports = wire.decode(body, GapReports, max_bytes=GAPS_MAX_BYTES)
        await asyncio.to_thread(ingest.take_gaps, principal.site, reports)

    return routes


def holds_router(
    news: HoldNews, *, authenticate: Callable[..., Any], proved_ns: Callable[[], int | None] = lambda: None
) -> APIRouter:
    """Where sites ask what is held of their cameras; 304 when `have` names what it is now.

    Each answer says what time it is, as far as that is proved here: a site trusts it more than its own battery.
    """
    routes = APIRouter(prefix="/agent/v1")
    agent = Annotated[AgentPrincipal, Depends(authenticate)]

    @routes.get("/holds")
    async def holds(principal: agent, have: str = "") -> Response:
        times = await asyncio.to_thread(news.for_site, principal.site, have[:64])
        headers = {"Cache-Control": "no-store"}
        if (now_ns := await asyncio.to_thread(proved_ns)) is not None:
            headers[TIME_HEADER] = str(now_ns // (NS_PER_S // 1000))
        if times is None:
            return Response(status_code=304, headers=headers)
        return Response(wire.encode(times), media_type=_JSON, headers=headers)

    return routes


def people_router(playback: Playback, *, authorize: Callable[..., Any]) -> APIRouter:
    """What people see; `authorize` is a FastAPI dependency over the path's `camera` that raises for whoever may not."""
    routes = APIRouter(prefix="/cameras/{camera}", dependencies=[Depends(authorize)])

    @routes.get("/recordings")
    async def recordings(camera: str, start_at: datetime.datetime, end_at: datetime.datetime) -> Response:
        timeline = await asyncio.to_thread(
            playback.timeline, CameraId(camera), from_90k=_ticks(start_at), until_90k=_ticks(end_at)
        )
        return Response(wire.encode(listed(timeline)), media_type=_JSON)

    @routes.get("/minute.mp4")
    async def minute(camera: str, at: datetime.datetime, seconds: int = 60, part: int = 0) -> Response:
        if not 0 < seconds <= COPY_MAX_S:
            raise InvalidArgument(
                say("Можна взяти від 1 до {most} секунд.", "From 1 to {most} seconds can be taken.", most=COPY_MAX_S)
            )
        from_90k = _ticks(at)
        export = await asyncio.to_thread(
            playback.export, CameraId(camera), from_90k=from_90k, until_90k=from_90k + seconds * TICKS_PER_S
        )
        if not 0 <= part < len(export.parts):
            raise NotFound(say("Стільки частин немає.", "There are not that many parts."), subject=camera)
        chosen = export.parts[part]
        headers = {
            "Content-Disposition": f'attachment; filename="{_file_name(camera, chosen)}"',
            "Cache-Control": "no-store",
            "Beket-Start-90k": str(chosen.start_90k),
            "Beket-Parts": str(len(export.parts)),
            "Beket-Missing": ", ".join(_spell(missing) for missing in export.missing[:20]),
        }
        return StreamingResponse(chosen.chunks(), media_type="video/mp4", headers=headers)

    return routes


def listed(timeline: Timeline) -> Listed:
    """A timeline as it travels."""

    def stretch(span: Recorded) -> tuple[int, int, int, int]:
        return span.start_90k, span.end_90k, span.run, span.size_bytes

    def hole(missing: Missing) -> tuple[int, int, str | None]:
        return missing.start_90k, missing.end_90k, missing.reason

    return Listed(recorded=tuple(map(stretch, timeline.recorded)), missing=tuple(map(hole, timeline.missing)))


def _state_response(state: SegmentState, *, status: int) -> Response:
    """The state as body, and as headers for an answer to HEAD, which has none."""
    headers = {"Beket-Offset": str(state.offset_bytes), "Beket-Sha256": state.sha256, "Cache-Control": "no-store"}
    return Response(wire.encode(state), status_code=status, media_type=_JSON, headers=headers)


def _range_of(request: Request) -> tuple[int, int, int]:
    """Offset, length and total of `Content-Range` (RFC 9110 §14.4); `bytes */N` sends nothing and asks to finish."""
    match = _RANGE.fullmatch(request.headers.get("content-range", ""))
    if match is None:
        raise InvalidArgument("Content-Range must be bytes FIRST-LAST/TOTAL")
    total_bytes = int(match[3])
    if match[1] is None:
        return total_bytes, 0, total_bytes
    first, last = int(match[1]), int(match[2])
    if not first <= last < total_bytes or last - first >= PUT_MAX_BYTES:
        raise InvalidArgument("Content-Range is out of bounds")
    return first, last - first + 1, total_bytes


async def _pieces(request: Request, max_bytes: int) -> AsyncIterator[bytes]:
    """The body in pieces of about 64 KiB.

    Raises:
        ProtocolError: it is longer than `max_bytes`.
    """
    gathered = bytearray()
    taken_bytes = 0
    try:
        async for part in request.stream():
            taken_bytes += len(part)
            if taken_bytes > max_bytes:
                raise ProtocolError("the body is longer than it said")
            gathered += part
            if len(gathered) >= PIECE_BYTES:
                yield bytes(gathered)
                gathered.clear()
    except ClientDisconnect:
        if gathered:
            yield bytes(gathered)
        raise
    if gathered:
        yield bytes(gathered)


def _ticks(at: datetime.datetime) -> int:
    try:
        return ns_to_90k(wall_ns_of(at))
    except ValueError as error:
        raise InvalidArgument(say("Час має бути з часовим поясом.", "The time must carry its time zone.")) from error


def _spell(missing: Missing) -> str:
    reason = missing.reason or "unknown"
    return f"{_moment(missing.start_90k)}/{_moment(missing.end_90k)} {reason}"


def _moment(ticks_90k: int) -> str:
    return utc(ticks_to_ns(ticks_90k)).strftime("%Y%m%dT%H%M%SZ")


def _file_name(camera: str, part: JoinedPart) -> str:
    return f"{camera}-{_moment(part.start_90k)}.mp4"
