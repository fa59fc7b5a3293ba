import asyncio
import contextlib
import json
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from beket.kernel.clock import SystemClock
from beket.kernel.errors import Busy
from beket.kernel.secrets import Secret
from beket.sim.camera import Login, SimulatedCamera, SimulatedCameras
from beket.sim.clock_text import read_clock_strip
from beket.sim.scene import Scene
from beket.sim.street import COUNCIL_STREET, COUNCIL_YARD, HEIGHT, WIDTH
from beket.sim.traffic import VillageTraffic
from beket.testing.process import ProgramFailed, output_of

LOGIN = Login("viewer", Secret("s3cret"))
LISTEN = ("-v", "error", "-rtsp_transport", "tcp", "-timeout", "5000000", "-analyzeduration", "300000")


def camera(**options) -> SimulatedCamera:
    return SimulatedCamera(Scene(COUNCIL_STREET, VillageTraffic(3)), clock=SystemClock(), **options)


def run_with(cameras: list[SimulatedCamera], test: Callable[[], Awaitable[None]]) -> None:
    async def body() -> None:
        together = SimulatedCameras(cameras)
        running = asyncio.create_task(together.run())
        try:
            await asyncio.wait_for(together.serving(), 5)
            await test()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asyncio.run(body())


async def call(*argv: str | Path) -> str:
    return await asyncio.to_thread(output_of, *argv)


@pytest.mark.needs("ffprobe")
def test_ffprobe_sees_what_the_camera_promises() -> None:
    served = camera()

    async def test() -> None:
        entries = "stream=codec_name,width,height,r_frame_rate,pix_fmt"
        answer = await call("ffprobe", *LISTEN, "-show_entries", entries, "-of", "json", served.url)
        assert json.loads(answer)["streams"] == [
            {"codec_name": "h264", "width": WIDTH, "height": HEIGHT, "pix_fmt": "yuv420p", "r_frame_rate": "10/1"}
        ]

    run_with([served], test)


@pytest.mark.needs("ffmpeg")
def test_decoded_frames_tell_true_times_a_tenth_of_a_second_apart(tmp_path: Path) -> None:
    served = camera()

    async def test() -> None:
        raw = tmp_path / "gray"
        began_ms = time.time() * 1000
        await call(
            "ffmpeg",
            *LISTEN,
            "-i",
            served.url,
            "-frames:v",
            "15",
            "-vsync",
            "0",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "gray",
            raw,
        )
        ended_ms = time.time() * 1000
        moments = [read_clock_strip(p) for p in np.fromfile(raw, np.uint8).reshape(-1, HEIGHT, WIDTH)]
        assert len(moments) == 15
        assert all(m is not None and began_ms - 200 < m < ended_ms for m in moments)
        # The pace is the clock's: a frame may be late on a busy machine, the next one is not later for it.
        steps_ms = np.diff(np.array(moments, np.int64))
        assert 90 < np.median(steps_ms) < 110

    run_with([served], test)


@pytest.mark.needs("ffprobe")
def test_camera_with_a_login_shows_nothing_without_it() -> None:
    served = camera(login=LOGIN)

    async def test() -> None:
        for wrong in ("", "viewer:guess@", "stranger:s3cret@"):
            with pytest.raises(ProgramFailed, match="401"):
                await call("ffprobe", *LISTEN, served.url.replace("//", f"//{wrong}"))
        await call("ffprobe", *LISTEN, served.url.replace("//", "//viewer:s3cret@"))

    run_with([served], test)


@pytest.mark.needs("ffprobe")
def test_camera_goes_dark_and_comes_back_at_the_same_address_while_its_neighbour_stays() -> None:
    light = [True]
    dark, lit = camera(is_powered=lambda: light[0]), camera()

    async def test() -> None:
        url = dark.url
        watcher = await asyncio.create_subprocess_exec(
            "ffmpeg", *LISTEN, "-i", url, "-f", "null", "-", stderr=asyncio.subprocess.DEVNULL
        )
        await asyncio.sleep(0.5)
        assert watcher.returncode is None
        light[0] = False
        assert not dark.is_on
        # Whoever watches is cut off, and nobody new is let in.
        await asyncio.wait_for(watcher.wait(), 5)
        await asyncio.wait_for(_until_refused(url), 5)
        await call("ffprobe", *LISTEN, lit.url)
        light[0] = True
        await asyncio.wait_for(dark.serving(), 5)
        assert dark.url == url
        await call("ffprobe", *LISTEN, url)
        dark.switch_off()
        await asyncio.wait_for(_until_refused(url), 5)

    run_with([dark, lit], test)


async def _until_refused(url: str) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", int(re.findall(r":(\d+)/", url)[0]))
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            continue  # it was closing at that very moment
        writer.close()
        await asyncio.sleep(0.02)


def test_cameras_say_when_an_address_is_taken() -> None:
    first = camera()

    async def test() -> None:
        port = int(re.findall(r":(\d+)/", first.url)[0])
        with pytest.raises(ExceptionGroup) as caught:
            await SimulatedCameras([camera(port=port)]).run()
        assert caught.group_contains(Busy)

    run_with([first], test)


def test_two_cameras_cost_less_than_a_fifth_of_a_core() -> None:
    pair = [camera(), SimulatedCamera(Scene(COUNCIL_YARD, VillageTraffic(4)), clock=SystemClock())]

    async def test() -> None:
        began_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(1.5)
        assert (time.process_time() - cpu_s) / (time.monotonic() - began_s) < 0.2

    run_with(pair, test)
