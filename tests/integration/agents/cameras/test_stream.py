"""Cameras that our own RTSP client does not speak, from servers that we did not write, recorded through FFmpeg."""

import asyncio
import contextlib
import itertools
import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agents.cameras.stream import Stream, open_stream
from beket.kernel.clock import SystemClock
from beket.kernel.errors import NotFound, ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.secrets import Secret
from beket.media.av.stream import GateStream
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtsp.digest import Credentials
from beket.media.rtsp.session import PlayingSession, make_scratch
from beket.testing.footage import look_at
from beket.testing.gst_rtsp import LiveScene, gst_rtsp_server
from beket.testing.process import free_tcp_port, wait_for

CLOCK = SystemClock()
LOGIN = Credentials("admin", Secret("se:s/am@"))


async def watch(stream: Stream, frames: int) -> list[AccessUnit]:
    units: list[AccessUnit] = []
    async with asyncio.timeout(15):
        while len(units) < frames:
            units += stream.drain(make_scratch(), mono_ns=CLOCK.mono_ns())
            await asyncio.sleep(0.02)
    return units


def watched(url: str, frames: int, *, credentials: Credentials | None = None) -> tuple[Stream, list[AccessUnit]]:
    async def story() -> tuple[Stream, list[AccessUnit]]:
        stream = await open_stream(url, credentials=credentials, clock=CLOCK)
        try:
            return stream, await watch(stream, frames)
        finally:
            stream.close()

    return asyncio.run(story())


def check_plays(units: list[AccessUnit], file: Path, *, codec: str, size: tuple[int, int]) -> None:
    """The units as a recorder writes them are a film that ffprobe reads to its last frame."""
    assert units[0].format is not None
    assert units[0].is_key
    data = init_segment(units[0].format)
    for number, unit in enumerate(units):
        since_90k = (unit.timestamp - units[0].timestamp) & 0xFFFFFFFF
        data += fragment(unit, sequence=number + 1, decode_time_90k=since_90k, duration_90k=9000)
    file.write_bytes(data)
    facts = look_at(file)
    assert (facts.codec, (facts.width, facts.height), facts.frames) == (codec, size, len(units))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_camera_that_speaks_only_udp_is_recorded_byte_for_byte_as_it_encoded(tmp_path: Path, codec: str) -> None:
    scene = LiveScene(codec="h265" if codec == "h265" else "h264")
    with gst_rtsp_server(scene, login=("admin", "se:s/am@"), udp_only=True) as server:
        stream, units = watched(server.url(scene.path), 25, credentials=LOGIN)
    assert isinstance(stream, GateStream)
    assert stream.transcoded_from == ""
    assert stream.received_bytes >= sum(len(unit.data) for unit in units)
    # GStreamer puts the parameter sets before each slice of a key frame; it is one picture all the same.
    assert [unit.is_key for unit in units[:11]] == [True, *[False] * 9, True]
    assert all(after.timestamp > before.timestamp for before, after in itertools.pairwise(units))
    check_plays(units, tmp_path / "film.mp4", codec="hevc" if codec == "h265" else codec, size=(640, 360))


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_line_that_loses_packets_over_udp_ends_nothing_and_nobody_counts_them(codec: str) -> None:
    scene = LiveScene(codec="h265" if codec == "h265" else "h264", bitrate_bps=2_000_000, loss=0.1)
    with gst_rtsp_server(scene, udp_only=True) as server:
        stream, units = watched(server.url(scene.path), 40)
    assert isinstance(stream, GateStream)
    assert units[0].is_key
    assert units[0].format is not None
    times = [unit.timestamp for unit in units]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 2 * 90_000
    # FFmpeg does not tell; the day it does, the note (0020) has to say something else.
    assert sum(unit.lost_packets for unit in units) + stream.late_packets == 0


@pytest.mark.parametrize("udp_only", [False, True])
def test_old_codec_is_encoded_anew_and_the_log_says_so_and_what_to_do(
    tmp_path: Path, udp_only: bool, caplog: pytest.LogCaptureFixture
) -> None:
    scene = LiveScene(codec="mjpeg", width=320, height=240)
    with gst_rtsp_server(scene, udp_only=udp_only) as server, caplog.at_level(logging.WARNING):
        stream, units = watched(server.url(scene.path), 25)
    assert isinstance(stream, GateStream)
    assert stream.transcoded_from == "mjpeg"
    assert "sends mjpeg" in caplog.text
    check_plays(units, tmp_path / "film.mp4", codec="h264", size=(320, 240))


def test_camera_that_we_speak_never_goes_through_ffmpeg() -> None:
    with gst_rtsp_server(LiveScene()) as server:
        stream, _ = watched(server.url("/scene"), 5)
    assert isinstance(stream, PlayingSession)


@contextlib.contextmanager
def http_camera(folder: Path, codec: str, container: str) -> Iterator[str]:
    """ffmpeg as a camera that answers a GET with a film that never ends, as the cheapest ones do."""
    port = free_tcp_port()
    url = f"http://127.0.0.1:{port}/video"
    argv = [
        "ffmpeg", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=10", "-c:v", codec,
        "-f", container, "-listen", "1", url,
    ]  # fmt: skip
    with (folder / "log").open("wb") as output, subprocess.Popen(argv, stderr=output) as camera:
        try:
            wait_for(lambda: _listens(camera.pid, port), within_s=60)
            yield url
        finally:
            camera.kill()


def _listens(pid: int, port: int) -> bool:
    """Seen from outside: ffmpeg takes one caller, and it must not be this question."""
    lines = psutil.Process(pid).net_connections("tcp")
    return any(line.laddr.port == port and line.status == "LISTEN" for line in lines)


@pytest.mark.needs("ffmpeg")
@pytest.mark.parametrize(("codec", "container"), [("mjpeg", "mpjpeg"), ("mpeg4", "mpegts")])
def test_old_codec_over_http_is_recorded(tmp_path: Path, codec: str, container: str) -> None:
    with http_camera(tmp_path, codec, container) as url:
        stream, units = watched(url, 15)
    assert isinstance(stream, GateStream)
    check_plays(units, tmp_path / "film.mp4", codec="h264", size=(320, 240))


def test_wrong_login_and_a_stream_that_is_not_there_say_so_without_the_password() -> None:
    wrong = Credentials("admin", Secret("hunter2"))
    with gst_rtsp_server(LiveScene(), login=("admin", "sesam"), udp_only=True) as server:
        for path, credentials, kind in (("/scene", wrong, Unauthenticated), ("/none", LOGIN, NotFound)):
            with pytest.raises(kind) as caught:
                watched(server.url(path), 1, credentials=credentials)
            assert "hunter2" not in str(caught.value) + repr(caught.value.__context__) + caught.value.sentence().uk


def test_nobody_at_the_other_end_of_an_http_address_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        watched(f"http://127.0.0.1:{free_tcp_port()}/video", 1)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    writer.close()


def test_a_playlist_that_names_files_of_ours_is_not_followed() -> None:
    async def story() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            await open_stream(f"http://127.0.0.1:{port}/video", credentials=None, clock=CLOCK)

    with pytest.raises((ProtocolError, Unreachable)):
        asyncio.run(story())


def test_camera_that_freezes_is_left_as_silent() -> None:
    with gst_rtsp_server(LiveScene(), udp_only=True) as server:

        async def story() -> None:
            stream = await open_stream(server.url("/scene"), credentials=None, clock=CLOCK)
            await watch(stream, 3)
            server.freeze()
            try:
                await asyncio.sleep(0.5)
                stream.drain(make_scratch(), mono_ns=CLOCK.mono_ns())
                stream.drain(make_scratch(), mono_ns=CLOCK.mono_ns() + 9_000_000_000)
            finally:
                server.thaw()
                stream.close()

        with pytest.raises(TimedOut):
            asyncio.run(story())
