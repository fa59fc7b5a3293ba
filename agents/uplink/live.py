"""Owns live pictures on the site's side: what is watched, and how finished fragments leave for the centre.

A `LiveTap` on the capture loop: taking a frame costs a few microseconds and never waits. Of each camera the newest
group of pictures is kept, so that a first viewer starts at once; nothing is sent unless the centre watches. Live counts
against the line's budget but does not wait for it: recordings do. Note: vms/design/0008-live.md.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from agents.uplink.budget import Budget
from agents.uplink.live_messages import LiveAway, LiveWatch
from agents.uplink.live_outbox import LiveOutbox
from agents.uplink.metrics import LIVE_DROPPED, LIVE_SENT
from beket.kernel import wire
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason, StreamFormat
from beket.kernel.supervise import Backoff
from beket.kernel.units import KIB, MIB
from beket.media.fmp4.gop import GopCache

BACKOFF = Backoff(steps_s=(0.5, 1, 2, 5, 10))
WATCH_MAX_BYTES = 32 * KIB
# Twenty cameras of 4 Mbit/s with a key frame every two seconds: 20 MiB at most, and only while they stream.
SITE_GOP_MAX_BYTES = MIB


class LiveLine(Protocol):
    """An open connection to the centre."""

    async def send(self, message: bytes | str) -> None:
        """Send one message; waits while the line is full.

        Raises:
            Unreachable: the line was cut.
        """

    async def receive(self) -> bytes:
        """The next text message, as bytes.

        Raises:
            Unreachable: the line was cut.
        """


class _Scene:
    """What is known of one camera's picture now."""

    def __init__(self) -> None:
        self.stream: StreamFormat | None = None
        self.reason = GapReason.CAMERA
        self.gop: GopCache[Fragment] = GopCache(max_bytes=SITE_GOP_MAX_BYTES)


class LiveUplink:
    """Shows the centre what it watches; see `LiveTap` for what capture calls. One event loop."""

    def __init__(
        self,
        open_line: Callable[[], Awaitable[AbstractAsyncContextManager[LiveLine]]],
        *,
        hello: Callable[[], wire.Hello],
        budget: Budget,
        instruments: Instruments,
    ) -> None:
        """`open_line` connects to the centre; it is called again after each failure."""
        self._open_line = open_line
        self._hello = hello
        self._budget = budget
        self._instruments = instruments
        self._scenes: defaultdict[CameraId, _Scene] = defaultdict(_Scene)
        self._watched: dict[CameraId, LiveOutbox] = {}
        self._news: list[LiveAway] = []
        self._work = asyncio.Event()

    # What capture calls -----------------------------------------------------------------------------------------------

    def watched(self) -> Collection[CameraId]:
        """See `LiveTap.watched`."""
        return self._watched.keys()

    def start_run(self, camera: CameraId, stream: StreamFormat) -> None:
        """See `LiveTap.start_run`."""
        scene = self._scenes[camera]
        scene.stream = stream
        scene.gop.clear()
        if (outbox := self._watched.get(camera)) is not None:
            self._take_back(camera)
            outbox.start_run(stream)
            self._work.set()

    def write(self, camera: CameraId, fragment: Fragment) -> None:
        """See `LiveTap.write`."""
        self._scenes[camera].gop.take(fragment)
        if (outbox := self._watched.get(camera)) is not None:
            outbox.put(fragment)
            self._work.set()

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """See `LiveTap.end_run`."""
        scene = self._scenes[camera]
        scene.stream, scene.reason = None, reason
        scene.gop.clear()
        if (outbox := self._watched.get(camera)) is not None:
            outbox.clear()
            self._say_away(camera)

    # What the centre hears --------------------------------------------------------------------------------------------

    async def run_once(self) -> None:
        """Connect and serve until the line is cut; raises why."""
        async with await self._open_line() as line:
            self._watched.clear()
            self._news.clear()
            await line.send(wire.encode(self._hello()).decode())
            sending = asyncio.create_task(self._send_for_ever(line))
            listening = asyncio.create_task(self._listen_for_ever(line))
            try:
                done, _ = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                self._watched.clear()
                sending.cancel()
                listening.cancel()
                await asyncio.gather(sending, listening, return_exceptions=True)

    async def _listen_for_ever(self, line: LiveLine) -> None:
        while True:
            watch = wire.decode(await line.receive(), LiveWatch, max_bytes=WATCH_MAX_BYTES)
            self._watch({CameraId(camera): index for camera, index in watch.cameras.items()})

    def _watch(self, wanted: dict[CameraId, int]) -> None:
        for camera in [known for known in self._watched if known not in wanted]:
            del self._watched[camera]
        for camera, index in wanted.items():
            known = self._watched.get(camera)
            if known is None or known.index != index:  # a new index asks for a new beginning
                self._begin(camera, LiveOutbox(index))

    def _begin(self, camera: CameraId, outbox: LiveOutbox) -> None:
        self._watched[camera] = outbox
        scene = self._scenes.get(camera)
        if scene is None or scene.stream is None:
            self._say_away(camera)
            return
        outbox.start_run(scene.stream)
        for frame in scene.gop:
            outbox.put(frame)
        self._work.set()

    def _say_away(self, camera: CameraId) -> None:
        self._take_back(camera)
        scene = self._scenes.get(camera)
        self._news.append(LiveAway(camera=camera, reason=scene.reason if scene else GapReason.CAMERA))
        self._work.set()

    def _take_back(self, camera: CameraId) -> None:
        self._news = [away for away in self._news if away.camera != camera]

    async def _send_for_ever(self, line: LiveLine) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._news:
                await line.send(wire.encode(self._news.pop(0)).decode())
            for camera, outbox in tuple(self._watched.items()):
                if self._watched.get(camera) is outbox and (message := outbox.take()):
                    await self._send(line, camera, outbox, *message)

    async def _send(
        self, line: LiveLine, camera: CameraId, outbox: LiveOutbox, header: bytes, payload: bytes, frames: int
    ) -> None:
        if not outbox.is_empty:
            self._work.set()  # more of this camera waits; the others have their turn first
        self._budget.spend(len(payload))
        await line.send(header + payload)
        if frames:
            self._instruments.add(LIVE_SENT, frames, camera=camera)
        if outbox.dropped:
            self._instruments.add(LIVE_DROPPED, outbox.dropped, camera=camera)
            outbox.dropped = 0
