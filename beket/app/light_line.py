"""Owns the line by which the centre of a training community asks its simulated places about the light, and switches it.

One JSON line there, one back, over a Unix socket that only this user can open. A real centre has no such line.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from beket.kernel import wire
from beket.kernel.errors import BeketError, Unreachable
from beket.kernel.ids import SiteId
from beket.kernel.text import say

LINE_MAX_BYTES = 64 * 1024
TIMEOUT_S = 2.0

Switch = Callable[[SiteId, bool], None]
Lights = Callable[[], Mapping[SiteId, bool]]


class LightRequest(msgspec.Struct, frozen=True):
    """What to change first: for each site named, whether there shall be light."""

    to: dict[SiteId, bool] = {}


class LightState(msgspec.Struct, frozen=True):
    """Where there is light now."""

    sites: dict[SiteId, bool]


class LightLine:
    """The asking end; a `dashboards.web.ports.PowerSwitch`. Blocking."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sites(self) -> Mapping[SiteId, bool]:
        """See `PowerSwitch.sites`; nothing can be switched while the other end is away."""
        try:
            return self._ask(LightRequest())
        except Unreachable:
            return {}

    def switch_off(self, site: SiteId) -> None:
        """Take the light away.

        Raises:
            Unreachable: nobody is at the other end.
        """
        self._ask(LightRequest({site: False}))

    def switch_on(self, site: SiteId) -> None:
        """Give it back.

        Raises:
            Unreachable: nobody is at the other end.
        """
        self._ask(LightRequest({site: True}))

    def _ask(self, request: LightRequest) -> Mapping[SiteId, bool]:
        try:
            with socket.socket(socket.AF_UNIX) as line, line.makefile("rb") as answers:
                line.settimeout(TIMEOUT_S)
                line.connect(os.fspath(self._path))
                line.sendall(wire.encode(request) + b"\n")
                answer = answers.readline(LINE_MAX_BYTES)
        except OSError as error:
            raise Unreachable(say("Навчальна громада не відповідає.", "The training community is silent.")) from error
        return wire.decode(answer, LightState).sites


@asynccontextmanager
async def serve_light(path: Path, *, lights: Lights, switch: Switch) -> AsyncIterator[None]:
    """Be the other end on this loop, inside the block. Sites that `lights` does not name are left alone."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, ValueError, BeketError):
            request = wire.decode(await reader.readline(), LightRequest, max_bytes=LINE_MAX_BYTES)
            for site, is_on in request.to.items():
                if site in lights():
                    switch(site, is_on)
            writer.write(wire.encode(LightState(dict(lights()))) + b"\n")
            await writer.drain()

    server = await asyncio.start_unix_server(answer, os.fspath(path), limit=LINE_MAX_BYTES)
    path.chmod(0o600)
    async with server:
        yield
