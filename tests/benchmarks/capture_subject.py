"""The recorder as the capture benchmarks measure it, as a program: capture, store, hash, group commit and index.

Wired as for a site, without the uplink. Records until its input ends, then closes every segment.
"""

import argparse
import asyncio
import contextlib
import functools
import random
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from agents.cameras.capture import Capture
from agents.cameras.memory import keep_freed_memory
from agents.uplink.budget import Budget
from agents.uplink.live import LiveUplink
from agents.uplink.live_messages import LiveWatch
from beket.app.machine import hello
from beket.app.process import run
from beket.app.wiring.recordings import open_recordings
from beket.kernel import wire
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import SecretFolder
from vms.config import RecordingsConfig
from vms.recordings.writer import Recorder

SITE = SiteId("bench")
COMMUNITY = CommunityId("bench")


async def record(port: int, cameras: int, folder: Path, *, watched: bool) -> None:
    """Record `cameras` cameras of `paced_cameras` until standard input ends."""
    keep_freed_memory()
    clock = SystemClock()
    wanted = [
        Camera(
            id=CameraId(f"cam{n}"),
            site=SITE,
            name=f"cam{n}",
            url=f"rtsp://127.0.0.1:{port}/cam{n}",
            purpose="measure",
            basis="measure",
            retention_days=1,
            access=AccessClass.STREET,
        )
        for n in range(cameras)
    ]
    config = RecordingsConfig(folder=folder / "video", free_floor_gib=0)
    with open_recordings(config, database=folder / "video.db", community=COMMUNITY, site=SITE) as store:
        recorder = Recorder(store, clock=clock, instruments=Instruments(site=SITE, unit="bench"))
        instruments = Instruments(site=SITE, unit="bench")
        budget = Budget(rate_bps=10**9, burst_bytes=10**9, clock=clock)
        live = LiveUplink(
            functools.partial(_open_line, [one.id for one in wanted]),
            hello=lambda: hello(clock, community=COMMUNITY),
            budget=budget,
            instruments=instruments,
        )
        tap = live if watched else None
        capture = Capture(sink=recorder, secrets=SecretFolder(folder), clock=clock, rng=random.Random(1), tap=tap)
        capture.apply(wanted)
        work = [capture.run(), live.run_once()] if watched else [capture.run()]
        working = asyncio.gather(*work)
        await asyncio.to_thread(sys.stdin.read)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        recorder.close()


@contextlib.asynccontextmanager
async def _viewers(cameras: list[CameraId]) -> AsyncIterator["AllWatched"]:
    yield AllWatched(cameras)


async def _open_line(cameras: list[CameraId]) -> AbstractAsyncContextManager["AllWatched"]:
    return _viewers(cameras)


class AllWatched:
    """A centre where somebody looks at each camera; see `agents.uplink.live.LiveLine`."""

    def __init__(self, cameras: list[CameraId]) -> None:
        self._messages = [wire.encode(LiveWatch(cameras={camera: at for at, camera in enumerate(cameras)}))]

    async def send(self, message: bytes | str) -> None:
        """The viewers take it at once."""

    async def receive(self) -> bytes:
        """Who is watched; then nothing changes."""
        if self._messages:
            return self._messages.pop()
        await asyncio.Event().wait()
        return b""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("cameras", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--watched", action="store_true")
    arguments = parser.parse_args()
    run(record(arguments.port, arguments.cameras, arguments.folder, watched=arguments.watched))
