"""Owns live pictures at the centre: one upstream a camera however many watch, and only while somebody does.

Sites connect and are told what is watched; watchers come by camera and stay while a camera or a site is away. One event
loop, nothing blocks. Who may watch is decided before `watch` is called. Note: vms/design/0008-live.md.
"""

import asyncio
import contextlib
import itertools
import logging
from typing import Protocol

from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound, Unreachable
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.text import say
from vms.live.channel import Channel, Watcher
from vms.live.metrics import RECEIVED_FRAMES, SITES, WATCHED, WATCHERS
from vms.live.protocol import SITE_AWAY, TEXT_MAX_BYTES, Batch, LiveAway, LiveWatch, read_site_message, why_away

log = logging.getLogger(__name__)

# A viewer who reloads the page, or looks at another camera for a moment, finds the picture still there.
LINGER_S = 10


class SiteLine(Protocol):
    """A connection from a site."""

    async def send(self, message: str) -> None:
        """Send one text message.

        Raises:
            Unreachable: the line was cut.
        """

    async def receive(self) -> str | bytes:
        """The next message.

        Raises:
            Unreachable: the line was cut.
        """


class _Site:
    """A site that is connected."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.replaced = asyncio.Event()


class Hub:
    """All live pictures of one centre."""

    def __init__(
        self, inventory: InventoryView, *, clock: Clock, instruments: Instruments, linger_s: float = LINGER_S
    ) -> None:
        self._inventory = inventory
        self._clock = clock
        self._instruments = instruments
        self._linger_s = linger_s
        self._sites: dict[SiteId, _Site] = {}
        self._channels: dict[CameraId, Channel] = {}
        self._by_index: dict[int, Channel] = {}
        self._indexes = itertools.count()
        self._lingering: dict[CameraId, asyncio.Task[None]] = {}

    def watch(self, camera: CameraId, watcher: Watcher) -> None:
        """Show `watcher` this camera until `leave`; what there is comes before this returns.

        Raises:
            NotFound: there is no such camera.
        """
        channel = self._channels.get(camera) or self._open(camera)
        if lingering := self._lingering.pop(camera, None):
            lingering.cancel()
        channel.join(watcher)
        self._count()

    def leave(self, camera: CameraId, watcher: Watcher) -> None:
        """Show it nothing more; the camera's stream ends some seconds after its last watcher left."""
        channel = self._channels.get(camera)
        if channel is None:
            return
        channel.leave(watcher)
        self._count()
        if not channel.watchers and camera not in self._lingering:
            self._lingering[camera] = asyncio.create_task(self._close_later(channel), name=f"live {camera} lingers")

    async def serve_site(self, site: SiteId, line: SiteLine) -> None:
        """Take what a proven agent of `site` sends, until its line is cut or a newer one takes its place.

        Raises:
            ProtocolError: it sends something outside the protocol, or speaks a version that is not served.
        """
        hello = wire.decode(_bytes(await line.receive()), wire.Hello, max_bytes=TEXT_MAX_BYTES)
        wire.check_version(hello)
        if before := self._sites.get(site):
            before.replaced.set()
        here = self._sites[site] = _Site()
        here.changed.set()
        self._count()
        log.info("%s is on the live line (%s)", site, hello.software[:40])
        tasks = {
            asyncio.create_task(self._tell_for_ever(site, here, line)),
            asyncio.create_task(self._take_for_ever(site, line)),
            asyncio.create_task(here.replaced.wait()),
        }
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with contextlib.suppress(Unreachable):
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._site_left(site, here)

    async def close(self) -> None:
        """Let go of what lingers; for the end of the process."""
        lingering, self._lingering = tuple(self._lingering.values()), {}
        for task in lingering:
            task.cancel()
        await asyncio.gather(*lingering, return_exceptions=True)

    # Sites ------------------------------------------------------------------------------------------------------------

    async def _tell_for_ever(self, site: SiteId, here: _Site, line: SiteLine) -> None:
        while True:
            await here.changed.wait()
            here.changed.clear()
            cameras = {str(c.camera): c.index for c in self._channels.values() if c.site == site}
            await line.send(wire.encode(LiveWatch(cameras=cameras)).decode())

    async def _take_for_ever(self, site: SiteId, line: SiteLine) -> None:
        while True:
            message = await line.receive()
            if isinstance(message, str):
                away = wire.decode(message.encode(), LiveAway, max_bytes=TEXT_MAX_BYTES)
                channel = self._channels.get(CameraId(away.camera))
                if channel is not None and channel.site == site:
                    channel.away(why_away(away.reason))
                continue
            index, what = read_site_message(message)
            channel = self._by_index.get(index)
            if channel is None or channel.site != site:
                continue  # it was let go while this was on its way
            if isinstance(what, Batch):
                channel.take(what)
                self._instruments.add(RECEIVED_FRAMES, camera=channel.camera)
            else:
                channel.start(what)

    def _site_left(self, site: SiteId, here: _Site) -> None:
        if self._sites.get(site) is not here:
            return
        del self._sites[site]
        log.info("%s left the live line", site)
        for channel in self._channels.values():
            if channel.site == site:
                channel.away(SITE_AWAY)
        self._count()

    # Channels ---------------------------------------------------------------------------------------------------------

    def _open(self, camera: CameraId) -> Channel:
        found = next((one for one in self._inventory.current().cameras if one.id == camera), None)
        if found is None:
            raise NotFound(say("Такої камери немає.", "There is no such camera."), subject=camera[:80])
        channel = Channel(camera, found.site, next(self._indexes) & 0xFFFF)
        self._channels[camera] = self._by_index[channel.index] = channel
        if site := self._sites.get(found.site):
            site.changed.set()
        else:
            channel.away(SITE_AWAY)
        return channel

    async def _close_later(self, channel: Channel) -> None:
        await self._clock.sleep(self._linger_s)
        del self._lingering[channel.camera]
        del self._channels[channel.camera]
        del self._by_index[channel.index]
        if site := self._sites.get(channel.site):
            site.changed.set()
        self._count()

    def _count(self) -> None:
        self._instruments.set(SITES, len(self._sites))
        self._instruments.set(WATCHED, len(self._channels))
        self._instruments.set(WATCHERS, sum(channel.watchers for channel in self._channels.values()))


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message
