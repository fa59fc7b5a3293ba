"""Cameras that misbehave, each in its own way, recorded by the whole plane: RTSP client, capture, store, disk.

Shared by the short run of `make test` and the long one of `make torture`. Each camera sends a film that decodes, and
from time to time does what it is named after. After that the store is looked at as an auditor would.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from agents.cameras.capture import Capture
from agents.cameras.status import CameraStatus
from beket.app.wiring.recordings import open_recordings
from beket.kernel.clock import SystemClock
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.secrets import SecretFolder
from beket.kernel.units import TICKS_PER_S, ns_to_90k
from beket.media.av.encoder import H264Encoder
from beket.media.av.units import append_sized, sized_units
from beket.media.rtsp.mount import Reader
from beket.media.rtsp.server import RtspServer
from tests.playing import play
from vms.config import RecordingsConfig
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.findings import Progress
from vms.recordings.playback import Missing, Playback, Timeline
from vms.recordings.recovery import is_sound
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

CLOCK = SystemClock()
COMMUNITY, SITE = CommunityId("faults"), SiteId("school")
FPS, KEY_EVERY, SEGMENT_S = 20, 10, 4
STEP_90K = 90_000 // FPS
SIZES = ((160, 96), (320, 192))


def film(width: int, height: int) -> tuple[H264Encoder, list[tuple[bytes, bool]]]:
    """A group of pictures that decodes."""
    encoder = H264Encoder(width, height, fps=FPS, bitrate_bps=200_000, gop_frames=KEY_EVERY)
    frames = [encoder.encode(bytes((at * 20,)) * (width * height * 3 // 2)) for at in range(KEY_EVERY)]
    return encoder, [(bytes(data), is_key) for data, is_key in frames]


class FaultyCamera:
    """Sends its film; `misbehave` is called every `every_s` and may return for how long nothing is sent."""

    def __init__(self, fault: "Fault") -> None:
        self.fault = fault
        self.films = [film(*size) for size in SIZES]
        self.server = RtspServer("127.0.0.1", 0)
        self.mount = self.server.add_mount("/1", self.films[0][0].format)
        self.chosen = 0
        self.zeros = b""  # that stay behind each NAL unit
        self.timestamp_90k = 0xFFFFFFFF - 5 * 90_000  # RTP time wraps while we look
        self.rng = random.Random(fault.name)

    def send_raw(self, data: bytes) -> None:
        """Bytes as they are, into each connection."""
        for reader in self._readers():
            reader.offer(data, is_key=False, mono_ns=CLOCK.mono_ns())

    def skip_packets(self, count: int) -> None:
        """As if so many packets had been lost on the way."""
        self.mount._sequence = (self.mount._sequence + count) & 0xFFFF

    def change_size(self) -> None:
        self.chosen = 1 - self.chosen
        self.mount.format = self.films[self.chosen][0].format

    def leave_zeros(self, count: int) -> None:
        """Cut the stream at start codes as some encoders do, with zero bytes left after each NAL unit."""
        self.zeros = bytes(count)

    async def send_for_ever(self) -> None:
        loop = asyncio.get_running_loop()
        due_s, fault_s, number = loop.time(), loop.time() + self.fault.every_s, 0
        while True:
            due_s += 1 / FPS
            await asyncio.sleep(max(0, due_s - loop.time()))
            is_at_key = number % KEY_EVERY == 0
            if loop.time() >= fault_s and is_at_key:
                silent_s = self.fault.misbehave(self) or 0
                fault_s = loop.time() + silent_s + self.fault.every_s
                await asyncio.sleep(silent_s)
                due_s = loop.time()
            data, is_key = self.films[self.chosen][1][number % KEY_EVERY]
            self.mount.send(self._with_zeros(data) if self.zeros else data, self.timestamp_90k, is_key)
            self.timestamp_90k = (self.timestamp_90k + STEP_90K) & 0xFFFFFFFF
            number += 1

    def _with_zeros(self, data: bytes) -> bytearray:
        padded = bytearray()
        for unit in sized_units(data, 4):
            append_sized(padded, unit + self.zeros)
        return padded

    def _readers(self) -> tuple[Reader, ...]:
        return tuple(self.mount._readers)


def _freeze(camera: FaultyCamera) -> float:
    return camera.fault.silent_s


def _garbage(camera: FaultyCamera) -> None:
    camera.send_raw(camera.rng.randbytes(3000))


def _resize(camera: FaultyCamera) -> None:
    camera.change_size()


def _loop_clock(camera: FaultyCamera) -> None:
    camera.timestamp_90k = (camera.timestamp_90k - 3 * 90_000) & 0xFFFFFFFF


def _drop(camera: FaultyCamera) -> None:
    camera.mount.close_readers()


def _lose(camera: FaultyCamera) -> None:
    camera.skip_packets(camera.rng.randrange(1, 40))


def _repeat(camera: FaultyCamera) -> None:
    """A packet that came long ago comes once more."""
    header = bytes((0x80, 96)) + ((camera.mount._sequence - 9) & 0xFFFF).to_bytes(2, "big") + bytes(8)
    camera.send_raw(b"$\0" + (len(header) + 3).to_bytes(2, "big") + header + b"\x41\x9a\x80")


def _leave_zeros(camera: FaultyCamera) -> None:
    camera.leave_zeros(camera.rng.randrange(1, 4))


def _not_rtp(camera: FaultyCamera) -> None:
    camera.send_raw(b"$\0\0\x04\x12\x34\x56\x78")


def _behave(camera: FaultyCamera) -> None:
    del camera


@dataclass(frozen=True, slots=True)
class Fault:
    """What a camera does, and what the recording must show for it.

    Attributes:
        reason: of every gap; None when there must be none.
        shows: whether the fault happened, by the camera's status and the number of its runs.
        gap_max_s: how long the longest gap may be.
        silent_s: of a camera that freezes.
    """

    name: str
    misbehave: Callable[[FaultyCamera], float | None]
    reason: GapReason | None
    shows: Callable[[CameraStatus, int], bool]
    gap_max_s: float = 0
    every_s: float = 3
    silent_s: float = 0


def _once(status: CameraStatus, runs: int) -> bool:
    return status.connects == runs == 1


def _called_again(status: CameraStatus, runs: int) -> bool:
    return status.connects > 1 and runs > 1


def _split(status: CameraStatus, runs: int) -> bool:
    return status.connects == 1 and runs > 1


def _counted(status: CameraStatus, runs: int) -> bool:
    return status.connects == runs == 1 and status.lost_packets > 0


def _counted_late(status: CameraStatus, runs: int) -> bool:
    return status.connects == runs == 1 and (status.lost_packets, status.late_packets > 0) == (0, True)


def faults(*, stall_s: float) -> list[Fault]:
    """All of them; a stall is seen after `stall_s`."""
    frozen_s = stall_s + 2
    return [
        Fault("behaves", _behave, None, _once),
        Fault("freezes", _freeze, GapReason.CAMERA, _called_again, silent_s=frozen_s, gap_max_s=frozen_s + 5),
        Fault("sends-garbage", _garbage, GapReason.CAMERA, _called_again, gap_max_s=3),
        Fault("sends-no-rtp", _not_rtp, GapReason.CAMERA, _called_again, gap_max_s=3),
        Fault("changes-size", _resize, None, _split),
        Fault("loops-its-clock", _loop_clock, GapReason.CAMERA, _split, gap_max_s=0.5),
        Fault("drops", _drop, GapReason.LINK, _called_again, gap_max_s=3),
        Fault("loses-packets", _lose, None, _counted),
        Fault("repeats-packets", _repeat, None, _counted_late),
        Fault("leaves-zeros", _leave_zeros, None, _once),
    ]


async def record(folder: Path, wanted: list[Fault], *, seconds: float) -> list[CameraStatus]:
    """Record cameras with these faults; how each stood at the end."""
    sources = [FaultyCamera(fault) for fault in wanted]
    for source in sources:
        await source.server.start()
    cameras = [
        Camera(
            id=CameraId(source.fault.name), site=SITE, name=source.fault.name, purpose="проба", basis="№ 1",
            url=f"rtsp://127.0.0.1:{source.server.port}/1", retention_days=1, access=AccessClass.STREET,
        )
        for source in sources
    ]  # fmt: skip
    with opened(folder) as store:
        recorder = Recorder(store, clock=CLOCK, instruments=Instruments(site=SITE), segment_s=SEGMENT_S)
        capture = Capture(sink=recorder, secrets=SecretFolder(folder), clock=CLOCK, rng=random.Random(1))
        capture.apply(cameras)
        senders = [asyncio.create_task(source.send_for_ever()) for source in sources]
        running = asyncio.create_task(capture.run())
        await asyncio.sleep(seconds)
        statuses = capture.statuses()
        for task in (running, *senders):
            task.cancel()
        await asyncio.gather(running, *senders, return_exceptions=True)
        assert recorder.close()
        for source in sources:
            await source.server.close()
    return statuses


def look(folder: Path, wanted: list[Fault], statuses: list[CameraStatus], *, since_90k: int) -> Iterator[str]:
    """One line a camera for the table; fails where the recording is not what it must be."""
    until_90k = ns_to_90k(CLOCK.wall_ns())
    with opened(folder) as store:
        assert [found for found in check(store) if not isinstance(found, Progress)] == []
        for fault, status in zip(wanted, statuses, strict=True):
            camera = CameraId(fault.name)
            gaps = _gaps(Playback(store).timeline(camera, from_90k=since_90k, until_90k=until_90k))
            with store.database.read() as connection:
                segments = index.page(connection, camera, after=None, limit=100_000)
            _assert_chained(segments)
            # After a power cut recovery would have cut none of it away.
            assert all(is_sound(store.shelf.volume(segment.disk).disk, key_of(segment)) for segment in segments)
            runs = len({segment.run for segment in segments})
            frames = sum(play(folder / "video" / key_of(segment).file_name) for segment in segments)
            longest_s = max(((gap.end_90k - gap.start_90k) / TICKS_PER_S for gap in gaps), default=0)
            assert fault.shows(status, runs), (fault.name, status, runs)
            assert {gap.reason for gap in gaps} <= {fault.reason}, (fault.name, gaps)
            assert longest_s <= fault.gap_max_s, fault.name
            yield (
                f"{fault.name}: {frames} frames, {len(segments)} segments, {runs} runs, {len(gaps)} gaps, the longest "
                f"{longest_s:.1f} s; {status.connects} connects, {status.lost_packets} packets lost"
            )


def opened(folder: Path) -> AbstractContextManager[Store]:
    """The store in `folder`."""
    config = RecordingsConfig(folder=folder / "video", free_floor_gib=0)
    return open_recordings(config, database=folder / "video.db", community=COMMUNITY, site=SITE)


def _gaps(timeline: Timeline) -> list[Missing]:
    """What is missing after the first frame and before the last."""
    begin, end = timeline.recorded[0].start_90k, timeline.recorded[-1].end_90k
    return [gap for gap in timeline.missing if begin <= gap.start_90k < end]


def _assert_chained(segments: list[StoredSegment]) -> None:
    for before, after in itertools.pairwise(segments):
        assert before.end_90k <= after.start_90k
        assert after.previous_sha256 == before.sha256
