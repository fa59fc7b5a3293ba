"""The recorder as the capture benchmarks measure it, as a program: capture, store, hash, group commit and index.

Wired as for a site, without the uplink. Records until its input ends, then closes every segment.
"""

import argparse
import asyncio
import random
import sys
from pathlib import Path

from agents.cameras.capture import Capture
from agents.cameras.memory import keep_freed_memory
from beket.app.process import run
from beket.app.wiring.recordings import open_recordings
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import SecretFolder
from vms.config import RecordingsConfig
from vms.recordings.writer import Recorder

SITE = SiteId("bench")
COMMUNITY = CommunityId("bench")


async def record(port: int, cameras: int, folder: Path) -> None:
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
        capture = Capture(sink=recorder, secrets=SecretFolder(folder), clock=clock, rng=random.Random(1))
        capture.apply(wanted)
        working = asyncio.create_task(capture.run())
        await asyncio.to_thread(sys.stdin.read)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        recorder.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("cameras", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    run(record(arguments.port, arguments.cameras, arguments.folder))
