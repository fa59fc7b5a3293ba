import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.cameras.capture import Capture, Pace
from agents.cameras.status import CameraState, CameraStatus
from beket.kernel.clock import SystemClock
from beket.kernel.errors import NoSpace, NotFound
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.ports import Fragment, GapReason, RunClocks, StreamFormat
from beket.kernel.secrets import Secret
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtsp.mount import Mount
from beket.media.rtsp.server import RtspServer
from beket.testing.access_units import take_apart
from beket.testing.footage import look_at, real_films, rendered
from beket.testing.gst_rtsp import Film, LiveScene, gst_rtsp_server
from beket.testing.process import free_tcp_port, silent_tcp_port
from beket.testing.tcp_proxy import tcp_proxy

CLOCK = SystemClock()
PACE = Pace(tick_s=0.02, idle_tick_s=0.02, rpo_s=0.2)
FPS = 50
KEY_EVERY = 10
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")  # 1280×720
OTHER_SPS = bytes.fromhex("6742c00dd9014141fb0110000003001000000303c8f14264")  # another picture size
PPS = bytes.fromhex("68ce3c80")
FORMAT = VideoFormat("h264", 1280, 720, (SPS, PPS))


@dataclass
class Run:
    stream: StreamFormat
    start_90k: int
    fragments: list[Fragment] = field(default_factory=list)
    end: GapReason | None = None

    def film(self) -> bytes:
        return self.stream.init + b"".join(fragment.data for fragment in self.fragments)


class MemorySink:
    """A SegmentSink that keeps runs in memory and can be told to fail."""

    def __init__(self) -> None:
        self.runs: dict[str, list[Run]] = {}
        self.syncs = 0
        self.is_full = False
        self.absent: list[tuple[str, GapReason]] = []

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        self.runs.setdefault(camera, []).append(Run(stream, start_90k))

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        if self.is_full:
            self.end_run(camera, reason=GapReason.DISK)
            raise NoSpace("full")
        run = self.runs[camera][-1]
        assert run.end is None
        assert run.fragments or fragments[0].is_key
        run.fragments.extend(fragments)

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        if self.runs.get(camera) and self.runs[camera][-1].end is None:
            self.runs[camera][-1].end = reason

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        assert abs(start_90k - time.time() * 90_000) < 60 * 90_000
        self.absent.append((camera, reason))

    def sync(self) -> None:
        self.syncs += 1

    def frames(self, camera: str = "gate") -> int:
        return sum(len(run.fragments) for run in self.runs.get(camera, []))


class Passwords:
    """A SecretStore of a dict."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def get(self, name: str) -> Secret:
        if name not in self.values:
            raise NotFound("no such secret")
        return Secret(self.values[name])


class SimpleCamera:
    """A camera of our own server on a fixed port that sends numbered frames; can go away, come back, hang, change."""

    def __init__(self, port: int = 0, password: str | None = None) -> None:
        check = {"admin": Secret(password)}.get if password else None
        self.server = RtspServer("127.0.0.1", port, check=check)
        self.mount: Mount = self.server.add_mount("/1", FORMAT)
        self.is_hanging = False
        self.number = 0

    def camera(self, camera_id: str = "gate", **changes: object) -> Camera:
        return a_camera(camera_id, f"rtsp://127.0.0.1:{self.server.port}/1", **changes)

    async def send_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1 / FPS)
            if not self.is_hanging:
                is_key = self.number % KEY_EVERY == 0
                nal = (b"\x65\x88" if is_key else b"\x41\x9a") + self.number.to_bytes(4, "big") * 500 + b"\x80"
                data = len(nal).to_bytes(4, "big") + nal
                self.mount.send(data, self.number * 90_000 // FPS, is_key)
                self.number += 1


def a_camera(camera_id: str, url: str, **changes: object) -> Camera:
    fields: dict[str, object] = {
        "id": CameraId(camera_id), "site": SiteId("council"), "name": "Ворота", "url": url, "purpose": "охорона",
        "basis": "№ 1", "retention_days": 30, "access": AccessClass.STREET,
    }  # fmt: skip
    return Camera(**{**fields, **changes})  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def capturing(
    sink: MemorySink, *cameras: Camera, secrets: Passwords | None = None, pace: Pace = PACE
) -> AsyncIterator[Capture]:
    capture = Capture(sink=sink, secrets=secrets or Passwords(), clock=CLOCK, rng=random.Random(1), pace=pace)
    capture.apply(cameras)
    running = asyncio.create_task(capture.run())
    try:
        yield capture
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


@contextlib.asynccontextmanager
async def sending(camera: SimpleCamera) -> AsyncIterator[SimpleCamera]:
    await camera.server.start()
    sender = asyncio.create_task(camera.send_for_ever())
    try:
        yield camera
    finally:
        sender.cancel()
        await camera.server.close()


async def until(condition: Callable[[], bool], *, within_s: float = 15) -> float:
    """Wait for `condition`; how many seconds it took."""
    begin_s = time.monotonic()
    while not condition():
        assert time.monotonic() - begin_s < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - begin_s


def status_of(capture: Capture) -> CameraStatus:
    (status,) = capture.statuses()
    return status


def assert_seamless(run: Run) -> None:
    for before, after in zip(run.fragments, run.fragments[1:], strict=False):
        assert before.start_90k + before.duration_90k == after.start_90k


def test_capture_writes_every_frame_in_seamless_runs_and_closes_them_at_the_end() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera()) as capture:
            await until(lambda: sink.frames() >= 60)
            status = status_of(capture)
            assert (status.state, status.error, status.lost_packets) == (CameraState.RECORDING, None, 0)
            assert status.frames >= 60
            assert status.received_bytes > 60 * 2000
            assert status.last_frame_age_s is not None
            assert status.last_frame_age_s < 1
            assert status.clock_offset_s is not None
            assert abs(status.clock_offset_s) < 0.5
        return sink

    sink = asyncio.run(story())
    (run,) = sink.runs["gate"]
    assert run.end is GapReason.RESTART
    assert (run.stream.codec, run.stream.width, run.stream.height) == ("h264", 1280, 720)
    assert_seamless(run)
    assert abs(run.start_90k - time.time() * 90_000) < 60 * 90_000
    assert [fragment.is_key for fragment in run.fragments[:11]] == [True, *[False] * 9, True]
    numbers = [int.from_bytes(fragment.data[-5:-1], "big") for fragment in run.fragments]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sink.syncs >= 2


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_capture_of_gstreamer_gives_a_film_that_ffprobe_reads(tmp_path: Path, codec: str) -> None:
    scene = LiveScene(codec="h265" if codec == "h265" else "h264", fps=20)
    sink = MemorySink()
    with gst_rtsp_server(scene, login=("admin", "sesam")) as server:

        async def story() -> None:
            camera = a_camera("gate", server.url(scene.path), secret="gate")
            async with capturing(sink, camera, secrets=Passwords(gate="admin:sesam")):
                await until(lambda: sink.frames() >= 40)

        asyncio.run(story())
    (run,) = sink.runs["gate"]
    film = tmp_path / "run.mp4"
    film.write_bytes(run.film())
    facts = look_at(film)
    assert (facts.codec, facts.width, facts.height) == ("hevc" if codec == "h265" else codec, 640, 360)
    assert facts.frames == len(run.fragments)
    assert_seamless(run)


@pytest.mark.parametrize("film", [None, *real_films()], ids=lambda film: film.name if film else "rendered")
def test_captured_bytes_are_the_films_own(tmp_path: Path, film: Path | None) -> None:
    file = film or rendered(tmp_path).file
    frames = {data for data, _ in take_apart(file, tmp_path).units}
    sink = MemorySink()
    with gst_rtsp_server(Film("/film", file)) as server:

        async def story() -> None:
            async with capturing(sink, a_camera("gate", server.url("/film"))):
                await until(lambda: sink.frames() >= 20)

        asyncio.run(story())
    written = [fragment.data[108:] for run in sink.runs["gate"] for fragment in run.fragments]
    assert len(written) >= 20
    assert sum(data in frames for data in written) >= len(written) - 1  # x264's own message travels with the first


def test_camera_that_goes_away_and_comes_back_records_again_within_two_seconds() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera()) as capture:
            await until(lambda: sink.frames() >= 20)
            await camera.server.close()
            await until(lambda: status_of(capture).state is CameraState.FAILED)
            status = status_of(capture)
            assert status.reason is GapReason.LINK
            assert status.error is not None
            assert "камер" in status.error.uk.lower()
            await camera.server.start()
            assert await until(lambda: len(sink.runs["gate"]) > 1 and len(sink.runs["gate"][1].fragments) > 0) < 2
            assert status_of(capture).connects == 2
        return sink

    first, second = asyncio.run(story()).runs["gate"]
    assert first.end is GapReason.LINK
    assert first.fragments[-1].start_90k + first.fragments[-1].duration_90k <= second.start_90k
    assert second.fragments[0].is_key


def test_camera_that_is_not_there_at_the_start_is_recorded_once_it_comes() -> None:
    async def story() -> None:
        sink, port = MemorySink(), free_tcp_port()
        camera = SimpleCamera(port)
        async with capturing(sink, camera.camera()) as capture:
            await until(lambda: status_of(capture).state is CameraState.FAILED)
            await asyncio.sleep(1.5)  # it is called again, and that is the same absence
            assert sink.absent == [("gate", GapReason.LINK)]
            async with sending(camera):
                await until(lambda: sink.frames() > 0, within_s=30)

    asyncio.run(story())


def test_camera_without_power_is_recorded_once_it_is_switched_on() -> None:
    async def story() -> None:
        sink = MemorySink()
        with contextlib.ExitStack() as power_cut:
            port = power_cut.enter_context(silent_tcp_port())
            camera = SimpleCamera(port)
            async with capturing(sink, camera.camera()) as capture:
                await until(lambda: status_of(capture).state is CameraState.FAILED, within_s=60)
                status = status_of(capture)
                assert status.reason is GapReason.LINK
                assert status.error is not None
                assert "не відповідає" in status.error.uk
                power_cut.close()
                async with sending(camera):
                    await until(lambda: sink.frames() > 0, within_s=60)

    asyncio.run(story())


def test_wrong_password_is_said_once_and_mended_without_a_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.cameras.camera_unit.SECRET_LOOK_S", 0.1)

    async def story() -> None:
        sink, secrets = MemorySink(), Passwords(gate="admin:wrong")
        async with sending(SimpleCamera(password="sesam")) as camera:
            only = camera.camera(secret="gate")
            async with capturing(sink, only, secrets=secrets) as capture:
                await until(lambda: status_of(capture).state is CameraState.FAILED)
                status = status_of(capture)
                assert status.reason is GapReason.CAMERA
                assert status.error is not None
                assert "пароль" in status.error.uk
                assert "wrong" not in status.error.uk
                secrets.values["gate"] = "admin:sesam"
                await until(lambda: sink.frames() > 0)
                assert status_of(capture).error is None

    asyncio.run(story())


def test_stalled_camera_is_left_within_ten_seconds_with_the_reason_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beket.media.liveness.STALL_S", 0.5)

    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera()):
            await until(lambda: sink.frames() >= 20)
            camera.is_hanging = True
            await until(lambda: sink.runs["gate"][-1].end is not None)
            camera.is_hanging = False
            await until(lambda: len(sink.runs["gate"]) > 1 and sink.frames() > 40)
        return sink

    assert asyncio.run(story()).runs["gate"][0].end is GapReason.CAMERA


def test_line_cut_in_the_middle_of_a_frame_loses_nothing_before_it() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera:
            with tcp_proxy(camera.server.port) as line:
                async with capturing(sink, a_camera("gate", f"rtsp://127.0.0.1:{line.port}/1")) as capture:
                    await until(lambda: sink.frames() >= 20)
                    line.cut()
                    await until(lambda: status_of(capture).state is CameraState.FAILED)
                    line.restore()
                    await until(lambda: len(sink.runs["gate"]) > 1 and sink.frames() > 40)
        return sink

    runs = asyncio.run(story()).runs["gate"]
    assert runs[0].end is GapReason.LINK
    for run in runs:
        assert_seamless(run)


def test_new_parameter_sets_start_a_new_run_without_a_gap() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera()):
            await until(lambda: sink.frames() >= 15)
            camera.mount.format = VideoFormat("h264", 0, 0, (OTHER_SPS, PPS))
            await until(lambda: len(sink.runs["gate"]) > 1 and sink.frames() > 40)
        return sink

    first, second = asyncio.run(story()).runs["gate"]
    assert first.stream.init != second.stream.init
    assert first.fragments[-1].start_90k + first.fragments[-1].duration_90k == second.start_90k


def test_camera_without_a_purpose_is_never_called_and_says_so() -> None:
    async def story() -> None:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera(purpose="")) as capture:
            await asyncio.sleep(0.3)
            status = status_of(capture)
            assert (status.state, status.reason, status.connects) == (CameraState.NO_PURPOSE, GapReason.NO_PURPOSE, 0)
            assert status.error is not None
            assert sink.absent == [("gate", GapReason.NO_PURPOSE)]
            capture.apply([camera.camera()])
            await until(lambda: sink.frames() > 0)
            capture.apply([camera.camera(basis="")])
            await until(lambda: sink.runs["gate"][-1].end is GapReason.NO_PURPOSE)
            await until(lambda: camera.mount.readers == 0)

    asyncio.run(story())


def test_cameras_come_and_go_with_the_inventory_and_leave_the_others_alone() -> None:
    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera("gate")) as capture:
            await until(lambda: sink.frames("gate") > 0)
            capture.apply([camera.camera("gate", name="Брама"), camera.camera("yard")])
            await until(lambda: sink.frames("yard") > 0)
            assert [status.connects for status in capture.statuses()] == [1, 1]
            capture.apply([camera.camera("gate")])
            await until(lambda: sink.runs["yard"][-1].end is not None)
            await until(lambda: camera.mount.readers == 1)
        return sink

    sink = asyncio.run(story())
    assert [run.end for run in sink.runs["gate"]] == [GapReason.RESTART]
    assert [run.end for run in sink.runs["yard"]] == [GapReason.MAINTENANCE]


def test_full_disk_ends_the_run_with_its_reason_and_recording_goes_on_once_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.cameras.recorder.DISK_PAUSE_NS", 100_000_000)

    async def story() -> MemorySink:
        sink = MemorySink()
        async with sending(SimpleCamera()) as camera, capturing(sink, camera.camera()) as capture:
            await until(lambda: sink.frames() >= 20)
            sink.is_full = True
            await until(lambda: sink.runs["gate"][0].end is not None)
            await until(lambda: status_of(capture).reason is GapReason.DISK)
            sink.is_full = False
            before = sink.frames()
            await until(lambda: sink.frames() > before)
            await until(lambda: status_of(capture).error is None)
        return sink

    assert asyncio.run(story()).runs["gate"][0].end is GapReason.DISK
