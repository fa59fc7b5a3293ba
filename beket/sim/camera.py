"""Owns simulated cameras: each draws its scene, encodes it live and serves it from an RTSP address of its own.

Frames are paced by the true clock; a machine that is too slow loses frames, as a camera would, and never shows an old
one with a new time. Sockets belong to the event loop; drawing and encoding to one worker thread, whichever number of
cameras there are. A camera without power closes its port; when it comes back, it is on the same one.
"""

import asyncio
import concurrent.futures
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.secrets import Secret
from beket.kernel.units import ns_to_90k
from beket.media.av.encoder import H264Encoder
from beket.media.rtsp.server import RtspServer
from beket.sim.scene import Scene
from beket.sim.street import HEIGHT, WIDTH

FRAMES_PER_S = 10
KEY_EVERY_FRAMES = 10
BITRATE_BPS = 500_000
PATH = "/stream"
LOOK_AT_SWITCH_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Login:
    """Who may look at a camera; the way is Digest."""

    user: str
    password: Secret


class SimulatedCamera:
    """One camera at `rtsp://host:port/stream`.

    Args:
        port: 0 takes a free one at the first start and keeps it.
        is_powered: False while its house has no light.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        login: Login | None = None,
        is_powered: Callable[[], bool] = lambda: True,
    ) -> None:
        self.scene = scene
        self._clock = clock
        self._login = login
        self._is_powered = is_powered
        self._is_switched_on = True
        self._serves = asyncio.Event()
        self._server = RtspServer(host, port, check=self._password_of if login else None, clock=clock)
        self._encoder = H264Encoder(
            WIDTH, HEIGHT, fps=FRAMES_PER_S, bitrate_bps=BITRATE_BPS, gop_frames=KEY_EVERY_FRAMES
        )
        self._mount = self._server.add_mount(PATH, self._encoder.format)

    @property
    def url(self) -> str:
        """Where it is seen, without login."""
        return f"rtsp://{self._server.host}:{self._server.port}{PATH}"

    @property
    def is_on(self) -> bool:
        """Whether it is switched on and has power."""
        return self._is_switched_on and self._is_powered()

    @property
    def is_serving(self) -> bool:
        """Whether it answers now; follows `is_on` with a short delay, as a camera that boots."""
        return self._serves.is_set()

    def switch_off(self) -> None:
        """Pull its plug; it is gone within `LOOK_AT_SWITCH_EVERY_S`."""
        self._is_switched_on = False

    def switch_on(self) -> None:
        """Plug it in again."""
        self._is_switched_on = True

    async def serving(self) -> None:
        """Wait until it answers."""
        await self._serves.wait()

    async def run(self, worker: concurrent.futures.Executor) -> None:
        """Be a camera until cancelled; `worker` must have one thread.

        Raises:
            Busy: the port is taken.
            Unreachable: the address is not one of this machine.
        """
        while True:
            if self.is_on:
                await self._stream(worker)
            await self._clock.sleep(LOOK_AT_SWITCH_EVERY_S)

    async def _stream(self, worker: concurrent.futures.Executor) -> None:
        loop = asyncio.get_running_loop()
        # The first picture draws the whole street; nobody should wait for that in front of an open port.
        await loop.run_in_executor(worker, self.scene.picture, self._clock.wall_ns() // 1_000_000)
        await self._server.start()
        self._serves.set()
        period_ns = NS_PER_S // FRAMES_PER_S
        due_ns = self._clock.mono_ns()
        try:
            while self.is_on:
                taken_ns = self._clock.mono_ns()
                unit, is_key = await loop.run_in_executor(worker, self._take, self._clock.wall_ns() // 1_000_000)
                self._mount.send(unit, ns_to_90k(taken_ns), is_key)
                # The next beat that is still to come: a late frame is followed by a gap, never by a rush.
                due_ns += period_ns * ((self._clock.mono_ns() - due_ns) // period_ns + 1)
                await self._clock.sleep((due_ns - self._clock.mono_ns()) / NS_PER_S)
        finally:
            self._serves.clear()
            await self._server.close()

    def _take(self, wall_ms: int) -> tuple[bytearray, bool]:
        return self._encoder.encode(self.scene.picture(wall_ms))

    def _password_of(self, user: str) -> Secret | None:
        return self._login.password if self._login and user == self._login.user else None


class SimulatedCameras:
    """Several cameras in one process, with the worker thread that they share."""

    def __init__(self, cameras: Sequence[SimulatedCamera]) -> None:
        self._cameras = tuple(cameras)

    async def run(self) -> None:
        """Run all of them until cancelled; the first failure ends the others.

        Raises:
            ExceptionGroup: of `Busy` or `Unreachable`, when an address cannot be had.
        """
        with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="cameras") as worker:
            async with asyncio.TaskGroup() as group:
                for camera in self._cameras:
                    group.create_task(camera.run(worker))

    async def serving(self) -> None:
        """Wait until all of them answer."""
        for camera in self._cameras:
            await camera.serving()
