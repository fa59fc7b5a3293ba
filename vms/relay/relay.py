"""Owns the relay to the police: RTSP clients are let in by password and grant, each camera is packetised once for all.

Who may look is decided by the `Door` that wiring gives; the look is in the journal before the upstream is opened, and
its end afterwards. Lives on the hub's loop. Note: vms/design/0008-live.md "Relay".
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Protocol

from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, NotFound
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.text import say
from beket.media.rtsp.digest import Ha1
from beket.media.rtsp.mount import Mount
from beket.media.rtsp.server import Asked, RtspServer
from vms.live.hub import Hub
from vms.live.look import CHECK_EVERY_S, Look
from vms.relay.source import Source

log = logging.getLogger(__name__)

# RTSP clients give up on a DESCRIBE after 5 to 10 s.
PICTURE_WITHIN_S = 4.0
WAYS = ("SHA-256", "MD5")


class Door(Protocol):
    """Who may look through the relay."""

    def password_of(self, login: str) -> Ha1 | None:
        """What this person's relay password hashes to; None for a stranger. Does not block."""

    def enter(self, login: str, camera: CameraId) -> Look:
        """This person's look, already in the journal. Blocking.

        Raises:
            Forbidden, Unauthenticated, NotFound: no.
        """


@dataclass(eq=False, slots=True)
class _Visit:
    """See `beket.media.rtsp.server.Visit`."""

    relay: "Relay"
    asked: Asked
    look: Look
    source: Source
    mount: Mount

    def end(self) -> None:
        self.relay.leave(self)


class Relay:
    """Serves `rtsp://host:port/<camera>`."""

    def __init__(
        self,
        hub: Hub,
        door: Door,
        *,
        host: str,
        port: int,
        clock: Clock,
        check_every_s: float = CHECK_EVERY_S,
        picture_within_s: float = PICTURE_WITHIN_S,
    ) -> None:
        self._hub = hub
        self._door = door
        self._clock = clock
        self._check_every_s = check_every_s
        self._picture_within_s = picture_within_s
        self._server = RtspServer(host, port, check=door.password_of, ways=WAYS, admit=self._admit, clock=clock)
        self._sources: dict[CameraId, Source] = {}
        self._visits: set[_Visit] = set()
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        return self._server.port

    async def run(self) -> None:
        """Serve until cancelled; by then every look's end is in the journal.

        Raises:
            Busy: the port is taken.
            Unreachable: the address is not one of this machine.
        """
        await self._server.start()
        log.info("the relay listens on %s:%d", self._server.host, self.port)
        try:
            while True:
                await self._clock.sleep(self._check_every_s)
                await self._check()
        finally:
            await self._server.close()
            for visit in tuple(self._visits):  # whose connections have no loop left to say so
                self.leave(visit)
            await asyncio.gather(*self._endings, return_exceptions=True)

    def leave(self, visit: _Visit) -> None:
        """A connection is over."""
        if visit not in self._visits:
            return
        self._visits.remove(visit)
        self._release(visit.source)
        self._write_end(visit.look)

    async def _admit(self, asked: Asked) -> _Visit:
        camera = CameraId(asked.path.strip("/"))
        if not is_slug(camera):
            raise NotFound(say("Такої камери немає.", "There is no such camera."), subject=camera[:80])
        look = await asyncio.to_thread(self._door.enter, asked.user, camera)
        source = self._source(camera)
        with contextlib.ExitStack() as undo:
            undo.callback(self._write_end, look)
            undo.callback(self._release, source)
            mount = await source.mount(within_s=self._picture_within_s)
            undo.pop_all()
        visit = _Visit(self, asked, look, source, mount)
        self._visits.add(visit)
        return visit

    def _source(self, camera: CameraId) -> Source:
        source = self._sources.get(camera)
        if source is None:
            source = Source(camera, clock=self._clock)
            self._hub.watch(camera, source)
            self._sources[camera] = source
        source.visits += 1
        return source

    def _release(self, source: Source) -> None:
        source.visits -= 1
        if not source.visits:
            del self._sources[source.camera]
            self._hub.leave(source.camera, source)

    def _write_end(self, look: Look) -> None:
        ending = asyncio.get_running_loop().create_task(asyncio.to_thread(look.end))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    async def _check(self) -> None:
        for source in tuple(self._sources.values()):
            source.let_go_of_the_silent()
        for visit in tuple(self._visits):
            try:
                await asyncio.to_thread(visit.look.check)
            except BeketError as error:
                log.info("a look at %s ends: %s", visit.source.camera, error.sentence().en)
                visit.asked.cut()
