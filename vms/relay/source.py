"""Owns one camera as the relay offers it: a hub's watcher that takes fragments apart and feeds an RTSP mount.

A camera that is away leaves its readers connected and silent; when it is back they go on at the next key frame, with
new parameter sets if it has some. Note: vms/design/0008-live.md "Relay".
"""

import asyncio

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import TimedOut
from beket.kernel.ids import CameraId
from beket.kernel.text import Text, say
from beket.kernel.units import ticks_to_ns
from beket.media.fmp4.fragments import FRAGMENT_HEAD
from beket.media.rtsp.mount import Mount
from vms.live.protocol import Batch, Mode, Stream

# How long a reader may wait in silence; longer ones are let go, for their software shows a frozen picture meanwhile.
AWAY_MAX_S = 45
_MDAT = slice(FRAGMENT_HEAD.size - 4, FRAGMENT_HEAD.size)


class Source:
    """See `vms.live.channel.Watcher`.

    Attributes:
        visits: connections that were let in and are not over.
    """

    def __init__(self, camera: CameraId, *, clock: Clock) -> None:
        self.camera = camera
        self.visits = 0
        self._clock = clock
        self._mount: Mount | None = None
        self._shows = asyncio.Event()
        self._away_ns: int | None = None

    @property
    def mode(self) -> Mode:
        """See `Watcher.mode`."""
        return "large"

    def start(self, stream: Stream) -> None:
        """See `Watcher.start`."""
        if self._mount is not None and self._mount.format.codec == stream.format.codec:
            self._mount.format = stream.format
        else:
            if self._mount is not None:
                self._mount.close_readers()  # what they were told in the SDP is no longer true
            self._mount = Mount(f"/{self.camera}", stream.format, clock=self._clock)
        self._away_ns = None
        self._shows.set()

    def take(self, batch: Batch) -> None:
        """See `Watcher.take`."""
        fragment = batch.fragments
        if self._mount is None or fragment[_MDAT] != b"mdat":
            return
        wall_ns = ticks_to_ns(batch.start_90k)
        self._mount.send(fragment[FRAGMENT_HEAD.size :], batch.start_90k, batch.is_key, wall_ns=wall_ns)

    def away(self, why: Text) -> None:
        """See `Watcher.away`."""
        self._shows.clear()
        if self._away_ns is None:
            self._away_ns = self._clock.mono_ns()

    async def mount(self, *, within_s: float) -> Mount:
        """What an RTSP client may be described; waits for the camera.

        Raises:
            TimedOut: it shows nothing in time.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._shows.wait()
        except TimeoutError:
            raise TimedOut(
                say("Камера зараз не дає картинки.", "The camera gives no picture now."), subject=self.camera
            ) from None
        assert self._mount is not None
        return self._mount

    def let_go_of_the_silent(self) -> None:
        """Cut readers that have waited in silence for too long."""
        if self._mount is None or self._away_ns is None:
            return
        if self._clock.mono_ns() - self._away_ns > AWAY_MAX_S * NS_PER_S:
            self._mount.close_readers()
