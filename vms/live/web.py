"""Owns the two WebSocket doors of live pictures: sites bring them, people watch them.

Who may enter is decided by the dependencies that wiring gives: `authenticate` for agents, `authorize` for people, who
get nothing without it and whose look is in the journal first. Note: vms/design/0008-live.md.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Annotated, Any, Protocol

import msgspec
from fastapi import APIRouter, Depends, WebSocket
from starlette.websockets import WebSocketDisconnect

from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, ProtocolError, Unreachable
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.text import Text
from vms.live.hub import Hub
from vms.live.look import CHECK_EVERY_S, Look
from vms.live.protocol import LIVE_PATH, TEXT_MAX_BYTES, Away, ChooseMode, Mode
from vms.live.viewer import Viewer

log = logging.getLogger(__name__)

# RFC 6455 §7.4.1.
_PROTOCOL_ERROR, _POLICY_VIOLATION = 1002, 1008


class AgentPrincipal(Protocol):
    """What this door needs of a proven agent."""

    @property
    def site(self) -> SiteId:
        """The site it is enrolled for."""


class Line:
    """A `SiteLine` over a WebSocket that the server has accepted."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def send(self, message: str) -> None:
        """See `SiteLine.send`."""
        try:
            await self._socket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as error:  # starlette's word for a socket closed meanwhile
            raise _cut() from error

    async def receive(self) -> str | bytes:
        """See `SiteLine.receive`."""
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            raise _cut()
        data: str | bytes = message["bytes"] if message.get("bytes") is not None else message["text"]
        return data


def agent_router(hub: Hub, *, authenticate: Callable[..., Any]) -> APIRouter:
    """Where sites connect; `authenticate` is a FastAPI dependency that returns an `AgentPrincipal` or raises."""
    routes = APIRouter()

    @routes.websocket(LIVE_PATH)
    async def site(socket: WebSocket, principal: Annotated[AgentPrincipal, Depends(authenticate)]) -> None:
        await socket.accept()
        code = 1000
        try:
            await hub.serve_site(principal.site, Line(socket))
        except ProtocolError as error:
            log.warning("live line of %s: %s", principal.site, error.sentence().en)
            code = _PROTOCOL_ERROR
        except Unreachable:
            return
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(code)

    return routes


def people_router(
    hub: Hub,
    *,
    authorize: Callable[..., Any],
    clock: Clock,
    instruments: Instruments,
    check_every_s: float = CHECK_EVERY_S,
) -> APIRouter:
    """Where people watch; `authorize` is a FastAPI dependency over the path's `camera` that returns a `Look`."""
    routes = APIRouter()

    @routes.websocket("/live/{camera}")
    async def live(
        socket: WebSocket, camera: str, look: Annotated[Look, Depends(authorize)], mode: Mode = "large"
    ) -> None:
        viewer = Viewer(mode, camera=camera, instruments=instruments)
        try:
            await socket.accept()
            hub.watch(CameraId(camera), viewer)
            await _show(socket, viewer, look, clock, check_every_s)
        finally:
            hub.leave(CameraId(camera), viewer)
            await asyncio.shield(asyncio.to_thread(look.end))

    return routes


async def _show(socket: WebSocket, viewer: Viewer, look: Look, clock: Clock, check_every_s: float) -> None:
    """Be a viewer's connection until either side ends it, or the look is no longer allowed."""
    tasks = {
        asyncio.create_task(_send_for_ever(socket, viewer)),
        asyncio.create_task(_listen_for_ever(socket, viewer)),
        asyncio.create_task(_check_for_ever(look, clock, check_every_s)),
    }
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for error in (task.exception() for task in done):
        if isinstance(error, BeketError) and not isinstance(error, Unreachable):
            await _dismiss(socket, error.sentence())
        elif error is not None and not isinstance(error, Unreachable | WebSocketDisconnect | RuntimeError):
            raise error


async def _send_for_ever(socket: WebSocket, viewer: Viewer) -> None:
    while True:
        message = await viewer.next()
        if isinstance(message, str):
            await socket.send_text(message)
        else:
            await socket.send_bytes(message)


async def _listen_for_ever(socket: WebSocket, viewer: Viewer) -> None:
    line = Line(socket)
    while True:
        message = await line.receive()
        data = message.encode() if isinstance(message, str) else message
        viewer.mode = wire.decode(data, ChooseMode, max_bytes=TEXT_MAX_BYTES).mode


async def _check_for_ever(look: Look, clock: Clock, every_s: float) -> None:
    while True:
        await clock.sleep(every_s)
        await asyncio.to_thread(look.check)


async def _dismiss(socket: WebSocket, why: Text) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(msgspec.json.encode(Away(uk=why.uk, en=why.en)).decode())
        await socket.close(_POLICY_VIOLATION)


def _cut() -> Unreachable:
    return Unreachable("the WebSocket was closed")
