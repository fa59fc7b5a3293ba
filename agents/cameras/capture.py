"""Owns the capture of all cameras of a site: one tick that reads, one supervised unit a camera.

Sockets are read on the event loop, on a tick, all in a row: waking per packet is what costs, and a tick of twenty
cameras takes about a millisecond, so the loop stays free for handshakes and for neighbours. Nothing is decoded. Frames
go to the `SegmentSink`, which waits for no disk: one that hangs for seconds delays no socket, and one that hangs longer
costs frames (reason `disk`), not memory.
Note: agents/cameras/design/0014-capture-on-a-tick.md.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agents.cameras.camera_unit import BACKOFF, CameraUnit
from agents.cameras.status import CameraStatus
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import Internal
from beket.kernel.ids import CameraId
from beket.kernel.inventory import Camera
from beket.kernel.ports import GapReason, LiveTap, SegmentSink
from beket.kernel.secrets import SecretStore
from beket.kernel.supervise import Backoff, keep_running
from beket.media.rtsp.session import make_scratch

# A tick or a sync that fails is a bug of ours; the socket buffers hold a second of video meanwhile.
LOOP_BACKOFF = Backoff(steps_s=(0.1, 0.5, 1))


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things happen: sockets read, disks made durable (the RPO).

    Attributes:
        tick_s: for a camera that somebody watches; `idle_tick_s` for one that is only recorded.
    """

    tick_s: float = 0.04
    idle_tick_s: float = 0.1
    rpo_s: float = 2.0


class Capture:
    """Records the cameras that it was last told of. All methods are called on one event loop."""

    def __init__(
        self,
        *,
        sink: SegmentSink,
        secrets: SecretStore,
        clock: Clock,
        rng: random.Random,
        pace: Pace | None = None,
        tap: LiveTap | None = None,
    ) -> None:
        """`tap` is shown each frame when it is finished, before the disk has it."""
        self._tap = tap
        self._secrets = secrets
        self._clock = clock
        self._rng = rng
        self._pace = pace or Pace()
        self._sink = sink
        self._units: dict[CameraId, CameraUnit] = {}
        self._tasks: dict[CameraId, asyncio.Task[None]] = {}
        self._scratch = make_scratch()
        self._is_running = False
        self._draining: CameraUnit | None = None

    def apply(self, cameras: Sequence[Camera]) -> None:
        """Record exactly these cameras from now on; those whose stream did not change are not disturbed."""
        wanted = {camera.id: camera for camera in cameras}
        for camera_id in [known for known in self._units if known not in wanted]:
            self._stop(camera_id, GapReason.MAINTENANCE)
            del self._units[camera_id]
        for camera in cameras:
            known = self._units.get(camera.id)
            if known is not None and _stream_of(known.camera) == _stream_of(camera):
                known.camera = camera
                continue
            self._stop(camera.id, GapReason.MAINTENANCE if camera.may_record() else GapReason.NO_PURPOSE)
            self._units[camera.id] = CameraUnit(
                camera, sink=self._sink, secrets=self._secrets, clock=self._clock, tap=self._tap
            )
            if self._is_running:
                self._start(camera.id)

    async def run(self) -> None:
        """Capture until cancelled; then every run is closed with the reason `restart`."""
        self._is_running = True
        for camera_id in self._units:
            self._start(camera_id)
        try:
            async with asyncio.TaskGroup() as group:
                for name, loop in (("capture tick", self._tick_for_ever), ("capture sync", self._sync_for_ever)):
                    group.create_task(
                        keep_running(name, loop, clock=self._clock, rng=self._rng, backoff=LOOP_BACKOFF), name=name
                    )
        finally:
            self._is_running = False
            tasks = tuple(self._tasks.values())
            for camera_id in tuple(self._tasks):
                self._stop(camera_id, GapReason.RESTART)
            await asyncio.gather(*tasks, return_exceptions=True)
            self._sink.sync()

    def statuses(self) -> list[CameraStatus]:
        """How each camera stands, in the order they were given."""
        return [unit.status() for unit in self._units.values()]

    def _start(self, camera_id: CameraId) -> None:
        unit = self._units[camera_id]
        if not unit.camera.may_record():
            unit.note_absence(GapReason.NO_PURPOSE)
        else:
            name = f"camera {camera_id}"
            work = keep_running(
                name, unit.run_once, clock=self._clock, rng=self._rng, backoff=BACKOFF, has_recovered=unit.has_played
            )
            self._tasks[camera_id] = asyncio.get_running_loop().create_task(work, name=name)

    def _stop(self, camera_id: CameraId, reason: GapReason) -> None:
        task = self._tasks.pop(camera_id, None)
        if task is not None:
            self._units[camera_id].recorder.end(reason)
            task.cancel()

    # The tick ---------------------------------------------------------------------------------------------------------

    async def _tick_for_ever(self) -> None:
        if self._draining is not None:  # this camera's stream hit a bug of ours; it begins anew, the others go on
            self._draining.fail(Internal("a bug while reading", subject=self._draining.camera.id))
        tick_ns, idle_ns = round(self._pace.tick_s * NS_PER_S), round(self._pace.idle_tick_s * NS_PER_S)
        due_ns = idle_due_ns = self._clock.mono_ns()
        while True:
            watched = self._tap.watched() if self._tap is not None else ()
            now_ns = self._clock.mono_ns()
            due_ns = max(min(due_ns + tick_ns, idle_due_ns) if watched else idle_due_ns, now_ns)
            await self._clock.sleep((due_ns - now_ns) / NS_PER_S)
            if due_ns >= idle_due_ns:
                idle_due_ns = due_ns + idle_ns
                self._tick(self._units.values())
            else:
                self._tick([self._units[camera] for camera in watched if camera in self._units])

    def _tick(self, units: Iterable[CameraUnit]) -> None:
        mono_ns, wall_ns = self._clock.mono_ns(), self._clock.wall_ns()
        for unit in units:
            self._draining = unit
            unit.drain(self._scratch, mono_ns=mono_ns, wall_ns=wall_ns)
        self._draining = None

    async def _sync_for_ever(self) -> None:
        while True:
            await self._clock.sleep(self._pace.rpo_s)
            self._sink.sync()


def _stream_of(camera: Camera) -> tuple[str, str, bool]:
    return camera.url, camera.secret, camera.may_record()
