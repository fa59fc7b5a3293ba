import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from beket.kernel.secrets import Secret
from beket.media.rtsp.server import RtspServer
from beket.testing.access_units import TakenApart, take_apart
from beket.testing.footage import real_films, rendered
from beket.testing.process import output_of
from beket.testing.programs import SYSTEM_PYTHON

# GStreamer's bindings exist only beside Debian's interpreter; prints how the pipeline ended.
GSTREAMER_CLIENT = """
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst
Gst.init(None)
pipeline = Gst.parse_launch(sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
ends = Gst.MessageType.EOS | Gst.MessageType.ERROR
message = pipeline.get_bus().timed_pop_filtered(20 * Gst.SECOND, ends)
print(message.parse_error() if message and message.type == Gst.MessageType.ERROR else "EOS" if message else "silence")
pipeline.set_state(Gst.State.NULL)
"""
FPS = 50  # faster than life, so that a second of test sees many frames


@asynccontextmanager
async def playing(film: TakenApart, server: RtspServer) -> AsyncIterator[RtspServer]:
    mount = server.add_mount("/cam/realmonitor?channel=1&subtype=0", film.format)
    await server.start()

    async def send() -> None:
        frame = 0
        while True:
            data, is_key = film.units[frame % len(film.units)]
            mount.send(data, frame * 90_000 // FPS, is_key)
            frame += 1
            await asyncio.sleep(1 / FPS)

    sender = asyncio.create_task(send())
    try:
        yield server
    finally:
        sender.cancel()
        await server.close()


def url_of(server: RtspServer, login: str = "") -> str:
    return f"rtsp://{login}127.0.0.1:{server.port}/cam/realmonitor?channel=1&subtype=0"


async def ffprobe(url: str) -> dict[str, object]:
    entries = "stream=codec_name,width,height,nb_read_frames"
    argv = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-analyzeduration", "1000000", "-read_intervals",
            "%+#40", "-count_frames", "-show_entries", entries, "-of", "json", url]  # fmt: skip
    answer = await asyncio.to_thread(output_of, *argv)
    stream: dict[str, object] = json.loads(answer)["streams"][0]
    return stream


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> TakenApart:
    folder = tmp_path_factory.mktemp("film")
    return take_apart(rendered(folder).file, folder)


def h265(folder: Path) -> TakenApart:
    film = folder / "h265.mp4"
    output_of(
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=2", "-pix_fmt", "yuv420p",
        "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=10:log-level=none", film,
    )  # fmt: skip
    return take_apart(film, folder)


@pytest.mark.parametrize("file", [None, *real_films()], ids=lambda file: file.name if file else "rendered")
def test_ffmpeg_plays_and_decodes_what_the_server_sends(film: TakenApart, tmp_path: Path, file: Path | None) -> None:
    sent = take_apart(file, tmp_path) if file else film

    async def story() -> None:
        async with playing(sent, RtspServer("127.0.0.1", 0)) as server:
            stream = await ffprobe(url_of(server))
            assert (stream["codec_name"], stream["width"], stream["height"]) == (
                sent.format.codec,
                sent.format.width,
                sent.format.height,
            )
            assert int(str(stream["nb_read_frames"])) >= 30

    asyncio.run(story())


def test_ffmpeg_plays_h265(tmp_path: Path) -> None:
    async def story() -> None:
        async with playing(h265(tmp_path), RtspServer("127.0.0.1", 0)) as server:
            stream = await ffprobe(url_of(server))
            assert (stream["codec_name"], stream["width"], stream["height"]) == ("hevc", 320, 240)
            assert int(str(stream["nb_read_frames"])) >= 30

    asyncio.run(story())


@pytest.mark.parametrize("ways", [("MD5",), ("Basic",), ("SHA-256", "MD5")])
def test_ffmpeg_logs_in_whatever_the_server_asks(film: TakenApart, ways: tuple[str, ...]) -> None:
    async def story() -> None:
        server = RtspServer("127.0.0.1", 0, check={"admin": Secret("sesam")}.get, ways=ways)
        async with playing(film, server):
            assert (await ffprobe(url_of(server, "admin:sesam@")))["codec_name"] == "h264"

    asyncio.run(story())


def test_gstreamer_asks_for_udp_first_and_then_plays_what_the_server_sends(film: TakenApart) -> None:
    async def story() -> None:
        async with playing(film, RtspServer("127.0.0.1", 0)) as server:
            pipeline = f'rtspsrc location="{url_of(server)}" ! rtph264depay ! h264parse ! fakesink num-buffers=20'
            said = await asyncio.to_thread(output_of, SYSTEM_PYTHON, "-c", GSTREAMER_CLIENT, pipeline)
            assert "EOS" in said

    asyncio.run(story())


def test_two_readers_get_the_same_stream_and_leave_nothing_behind(film: TakenApart) -> None:
    async def story() -> None:
        async with playing(film, RtspServer("127.0.0.1", 0)) as server:
            both = await asyncio.gather(ffprobe(url_of(server)), ffprobe(url_of(server)))
            assert [stream["codec_name"] for stream in both] == ["h264", "h264"]

    asyncio.run(story())
