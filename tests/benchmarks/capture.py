"""`capture`: CPU of recording 20 cameras, 1080p25 at 4 Mbit/s, against twenty `ffmpeg -c copy`.

Both sides record the same paced streams for 45 s; CPU of the whole process tree is taken over the last 30. Ours hashes,
commits in groups and keeps its index meanwhile, and afterwards every sent frame must be there, with its hash and row.
Beside it stands one pair with GStreamer's server as the cameras, a sender that we did not write.
"""

import contextlib
import functools
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from beket.app.wiring.recordings import look_into_recordings
from beket.media.fmp4 import reader
from beket.testing.gst_rtsp import Film, gst_rtsp_server
from beket.testing.process import free_tcp_port, output_of
from tests.benchmarks.capture_subject import COMMUNITY
from tests.benchmarks.result import Measured, Result, compare
from vms.config import RecordingsConfig
from vms.recordings.check import check
from vms.recordings.findings import Finding

CAMERAS = 20
WARM_UP_S = 15
MEASURE_S = 30
RATIO_MAX = 0.35
# What each camera sends; an encoder does not hit 4 Mbit/s exactly, but is not to make it easier.
BITRATE_BPS = range(3_800_000, 5_000_000)
CONTROL = (
    "ffmpeg -nostdin -loglevel error -rtsp_transport tcp -i {url} -c copy -an "
    "-f segment -segment_time 20 -segment_format mp4 {folder}/%03d.mp4"
)


def run(*, pairs: int) -> Result:
    """Measure both sides `pairs` times, and once with GStreamer."""
    return run_codec("h264", name="capture", pairs=pairs)


def run_codec(codec: str, *, name: str, pairs: int) -> Result:
    """The same for either codec."""
    gst_ours, gst_control = _measure_with_gstreamer(codec)
    beside = {"gstreamer_ratio": gst_ours / gst_control, "gstreamer_ours": gst_ours, "gstreamer_control": gst_control}
    ratio, ours, control, spread, checks = compare(
        functools.partial(measure_ours, codec), functools.partial(measure_control, codec), pairs=pairs
    )
    return Result(
        name=name,
        ratio=ratio,
        ours=ours,
        control=control,
        unit="% of a core per camera",
        n=pairs,
        spread=spread,
        checks=checks | {"within_bar": ratio <= RATIO_MAX},
        control_cmd=CONTROL,
        versions={"python": platform.python_version(), "ffmpeg": _ffmpeg_version()},
        beside={name: round(figure, 4) for name, figure in beside.items()},
    )


def measure_ours(codec: str) -> Measured:
    """Record with Beket, then look at every frame, hash and row."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name, cameras("--codec", codec) as (port, source):
        folder = Path(name)
        subject = start(["tests.benchmarks.capture_subject", str(port), str(CAMERAS), name])
        try:
            used_pct = _cpu_pct([subject.pid])
            sent = stop(source)
            time.sleep(1)  # what is on the wire arrives
        finally:
            subject.communicate()
        stored, faults, rows_match = examine(folder)
    return Measured(
        used_pct / CAMERAS,
        {
            "frames_stored_equal_sent": stored == sent["sent"],
            "hashes_right": not faults,
            "rows_present": rows_match,
            "sender_kept_pace": sent["late_s"] < 0.2,
            "about_4_mbit_s": sent["bitrate_bps"] in BITRATE_BPS,
        },
    )


def measure_control(codec: str) -> Measured:
    """Record with twenty ffmpeg."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name, cameras("--codec", codec) as (port, source):
        recorders = _start_control(port, Path(name))
        try:
            used_pct = _cpu_pct([recorder.pid for recorder in recorders])
            stop(source)
        finally:
            # ffmpeg waits for an answer to its TEARDOWN: the end of the stream is one.
            source.communicate()
            for recorder in recorders:
                recorder.terminate()
            for recorder in recorders:
                recorder.wait(20)
        wrote = [sum(file.stat().st_size for file in folder.iterdir()) for folder in Path(name).iterdir()]
    return Measured(used_pct / CAMERAS, {"control_recorded": min(wrote) > 10_000_000})


@contextlib.contextmanager
def cameras(*arguments: str) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """`paced_cameras` ready on a port."""
    port = free_tcp_port()
    source = start(["tests.benchmarks.paced_cameras", str(port), *arguments])
    try:
        assert source.stdout is not None
        assert json.loads(source.stdout.readline())["ready"]
        yield port, source
    finally:
        if source.poll() is None:
            source.communicate()


def start(module: list[str]) -> "subprocess.Popen[str]":
    """One of our programs; it ends when its input does."""
    command = [sys.executable, "-m", *module]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def stop(source: "subprocess.Popen[str]") -> dict[str, object]:
    """Let the cameras stop, and what they have sent."""
    assert source.stdin is not None
    assert source.stdout is not None
    source.stdin.write("stop\n")
    source.stdin.flush()
    return dict(json.loads(source.stdout.readline()))


def _start_control(port: int, folder: Path) -> list["subprocess.Popen[bytes]"]:
    recorders = []
    for number in range(CAMERAS):
        place = folder / str(number)
        place.mkdir()
        command = CONTROL.format(url=f"rtsp://127.0.0.1:{port}/cam{number}", folder=place).split()
        recorders.append(subprocess.Popen(command))
    return recorders


def _measure_with_gstreamer(codec: str) -> tuple[float, float]:
    """What a camera costs us, and ffmpeg, when GStreamer's server sends the same kind of film."""
    with tempfile.TemporaryDirectory(prefix="beket-bench-") as name:
        folder, film = Path(name), Path(name) / "film.mp4"
        output_of(
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t",
            "-t", "10", "-c:v", f"libx{codec[1:]}", "-preset", "ultrafast", "-b:v", "4M", "-maxrate", "4M",
            "-bufsize", "2M", "-bf", "0", "-g", "50", film, within_s=240,
        )  # fmt: skip
        with gst_rtsp_server(*(Film(f"/cam{number}", film, at_least_s=120) for number in range(CAMERAS))) as server:
            (folder / "ours").mkdir()
            subject = start(["tests.benchmarks.capture_subject", str(server.port), str(CAMERAS), str(folder / "ours")])
            ours_pct = _cpu_pct([subject.pid])
            subject.communicate()
            recorders = _start_control(server.port, folder)
            control_pct = _cpu_pct([recorder.pid for recorder in recorders])
            for recorder in recorders:
                recorder.kill()
                recorder.wait()
        stored, faults, rows_match = examine(folder / "ours")
    assert len(stored) == CAMERAS
    assert not faults
    assert rows_match
    return ours_pct / CAMERAS, control_pct / CAMERAS


def _cpu_pct(pids: list[int]) -> float:
    """Per cent of a core that the processes and their children use, over `MEASURE_S` after the warm-up."""
    time.sleep(WARM_UP_S)
    before_s, began_s = cpu_s(pids), time.monotonic()
    time.sleep(MEASURE_S)
    return 100 * (cpu_s(pids) - before_s) / (time.monotonic() - began_s)


def cpu_s(pids: list[int]) -> float:
    """Seconds of processor that the processes and their children have used."""
    family = [one for pid in pids for one in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True))]
    return sum(times.user + times.system for times in (one.cpu_times() for one in family))


def examine(folder: Path) -> tuple[dict[str, int], list[Finding], bool]:
    """Frames stored by camera, what the check found, and whether files and rows are the same in number."""
    stored: dict[str, int] = {}
    config = RecordingsConfig(folder=folder / "video", free_floor_gib=0)
    files = sorted(config.folder.rglob("*.mp4"))
    for path in files:
        with path.open("rb") as file:
            frames = len(reader.read_segment(file).fragments)
        camera = path.relative_to(config.folder).parts[0]
        stored[camera] = stored.get(camera, 0) + frames
    with look_into_recordings(config, database=folder / "video.db", community=COMMUNITY) as store:
        steps = list(check(store))
    faults = [step for step in steps if isinstance(step, Finding)]
    rows = max((step.segments for step in steps if not isinstance(step, Finding)), default=0)
    return dict(sorted(stored.items())), faults, rows == len(files)


def _ffmpeg_version() -> str:
    ffmpeg = shutil.which("ffmpeg") or "ffmpeg"
    shown = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=True).stdout
    return shown.split()[2]
