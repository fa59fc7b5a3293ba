"""Owns what real disks do wrong, small for `make test`, long for `make torture`; note vms/design/0024-several-disks.md.

A recorder of real files on real ext4 disks, fed in real time's order; while it records a fault comes, and when it is
over `Site.judge` holds the store against what had been answered for: every listed segment plays and has its hash,
nothing that a sync vouched for is gone, and every hole has the disk as its reason.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.file_systems import Ext4, ext4_disks
from beket.testing.fragments import DAY_90K
from tests.killed_recorder import FPS, film, fragment_at
from tests.playing import play
from vms.recordings import index
from vms.recordings.check import Progress, check
from vms.recordings.cleaner import Cleaner, Keeping
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.recovery import recover
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import RETRY_S, Recorder

CAMERAS = tuple(CameraId(name) for name in ("gate", "yard", "hall"))
ORIGIN = Origin(
    community=CommunityId("dobrianka"), site=SiteId("school"), boot_id="b1", software="0.1.0", clock_is_set=lambda: True
)
STEP = 2 * FPS  # frames between two syncs
KEY_S = 2  # at most from one key frame to the next


class Site:
    """A recorder over the folders of real disks."""

    def __init__(self, folder: Path, disks: Sequence[Ext4], *, seed: int) -> None:
        self.disks = disks
        self.clock = SimulatedClock(wall_ns=DAY_90K * NS_PER_S // TICKS_PER_S)
        self.stream, frames = film()
        self.sent = [fragment_at(at, frames, DAY_90K) for at in range(200 * FPS)]
        self._database = folder / "video.db"
        self._at = 0
        self._durable: dict[CameraId, dict[int, int]] = {camera: {} for camera in CAMERAS}
        self.start()

    def start(self) -> None:
        """A new process; the cameras begin anew."""
        self.database = Database(self._database, migrations=MIGRATIONS)
        self.store = Store(
            self.database, *(PosixDisk(disk.folder) for disk in self.disks), origin=ORIGIN, free_floor_bytes=1 << 20
        )
        recover(self.store, reason=GapReason.DISK)
        self.recorder = Recorder(self.store, clock=self.clock, instruments=Instruments(site="school"), segment_s=8)
        while not self.sent[self._at].is_key:
            self._at += 1
        for camera in CAMERAS:
            self.recorder.start_run(camera, self.stream, start_90k=self.sent[self._at].start_90k)

    def stop(self) -> None:
        """The process ends."""
        self.recorder.close(reason=GapReason.DISK)
        self.database.close()

    def record(self, seconds: int) -> None:
        """Record so much, with a sync each RPO, whose answer is remembered."""
        for _ in range(seconds * FPS // STEP):
            frames = self.sent[self._at : self._at + STEP]
            for camera in CAMERAS:
                for frame in frames:
                    with contextlib.suppress(BeketError):  # said once; recording goes on by itself
                        self.recorder.write(camera, [frame])
            self._at += STEP
            self.clock.pass_time(STEP / FPS)
            assert self.recorder.flush(60)
            self._remember()

    def clean(self) -> None:
        """The minute's round: retention, and a look at the disks."""
        keeping = {camera: Keeping(0, needs_acknowledgement=False) for camera in CAMERAS}
        Cleaner(self.store, lambda: keeping, clock=self.clock, instruments=Instruments(site="school")).run_once()

    def stored(self, camera: CameraId) -> list[StoredSegment]:
        """What the index lists of the camera."""
        with self.database.read() as connection:
            return list(index.segments_between(connection, camera, 0, 1 << 60))

    def judge(self, *, lost_s: float) -> None:
        """Hold the store against what was answered for; a camera may miss so much between its first and last frame."""
        found = [str(one) for one in check(self.store) if not isinstance(one, Progress)]
        assert not found, found
        for camera in CAMERAS:
            stored = self.stored(camera)
            spans = [(one.start_90k, one.end_90k) for one in stored]
            assert play(*map(self._file_of, stored)) == sum(one.duration_90k for one in stored) * FPS // TICKS_PER_S
            for start_90k, end_90k in self._durable[camera].items():
                for frame in self._between(start_90k, end_90k):
                    assert any(s <= frame.start_90k < e for s, e in spans), f"{camera}: {frame.start_90k} is lost"
            with self.database.read() as connection:
                gaps = index.gaps_between(connection, camera, spans[0][0], spans[-1][1])
            missing_90k = sum(max(0, after[0] - before[1]) for before, after in itertools.pairwise(spans))
            assert missing_90k <= lost_s * TICKS_PER_S, f"{camera}: {missing_90k / TICKS_PER_S} s are missing"
            assert {gap.reason for gap in gaps} <= {GapReason.DISK}
            assert missing_90k <= sum((gap.end_90k or 0) - gap.start_90k for gap in gaps)

    def _remember(self) -> None:
        for camera in CAMERAS:
            state = self.recorder._cameras.get(camera)
            durable = state.segment.durable() if state is not None and state.segment is not None else None
            for segment in [*self.stored(camera)[-1:], *([durable] if durable else [])]:
                self._durable[camera][segment.start_90k] = segment.end_90k

    def _file_of(self, segment: StoredSegment) -> Path:
        name = key_of(segment).file_name
        return next(file for disk in self.disks if (file := disk.folder / name).exists())

    def _between(self, start_90k: int, end_90k: int) -> Iterator[Fragment]:
        return (frame for frame in self.sent if start_90k <= frame.start_90k < end_90k)


def read_only(site: Site, rng: random.Random) -> float:
    """One of two disks goes read-only under the recorder, and is mounted again a while later."""
    ill = rng.choice(site.disks)
    ill.fall_ill()
    site.record(rng.randrange(12, 20))
    ill.detach()
    ill.attach()
    site.clean()
    return 2 * KEY_S + STEP / FPS


def the_only_disk_read_only(site: Site, rng: random.Random) -> float:
    """Both disks go read-only: nothing can be recorded, nothing is forgotten; then both serve again."""
    for disk in site.disks:
        disk.fall_ill()
    seconds = rng.randrange(12, 20)
    site.record(seconds)
    for disk in site.disks:
        disk.detach()
        disk.attach()
    site.clean()
    return seconds + RETRY_S + 2 * KEY_S + STEP / FPS


def errors_on_sync(site: Site, rng: random.Random) -> float:
    """The device under one disk takes no more blocks: a write that was taken fails when it is synced."""
    ill = rng.choice(site.disks)
    with ill.starved():
        site.record(rng.randrange(12, 20))
        assert any(volume.is_failing for volume in site.store.shelf.volumes)
    ill.detach()
    ill.attach()
    site.clean()
    return 2 * KEY_S + STEP / FPS


def full(site: Site, rng: random.Random) -> float:
    """Somebody else fills one disk, then both; then there is room again."""
    first, second = rng.sample(list(site.disks), 2)
    others = [first.fill(rng.randrange(200_000))]
    site.record(12)
    others.append(second.fill(rng.randrange(200_000)))
    site.record(12)
    for other in others:
        other.unlink()
    return 12 + RETRY_S + 4 * KEY_S + STEP / FPS


def taken_away(site: Site, rng: random.Random) -> float:
    """A disk is pulled from under the recorder and comes back at another moment."""
    gone = rng.choice(site.disks)
    gone.detach()
    site.record(rng.randrange(12, 20))
    site.clean()
    assert [entry.name for entry in gone.folder.iterdir()] == []  # nothing was written below the mount point
    gone.attach()
    site.clean()
    return 2 * KEY_S + STEP / FPS


def missing_at_start(site: Site, rng: random.Random) -> float:
    """A disk is late when the machine starts."""
    late = rng.choice(site.disks)
    site.stop()
    late.detach()
    site.start()
    site.record(rng.randrange(12, 20))
    assert [entry.name for entry in late.folder.iterdir()] == []
    late.attach()
    site.clean()
    return 2 * KEY_S + STEP / FPS


FAULTS: Sequence[Callable[[Site, random.Random], float]] = (
    read_only,
    the_only_disk_read_only,
    errors_on_sync,
    full,
    taken_away,
    missing_at_start,
)


def tell(folder: Path, fault: Callable[[Site, random.Random], float], *, seed: int) -> None:
    """Record, let the fault come and go, record on, and judge."""
    rng = random.Random(seed)
    with ext4_disks(folder, "disk-a", "disk-b") as disks:
        site = Site(folder, disks, seed=seed)
        site.record(rng.randrange(12, 30))
        lost_s = fault(site, rng)
        site.record(30)
        site.clean()
        site.recorder.close(reason=GapReason.DISK)
        site.judge(lost_s=lost_s)
        site.stop()
        site.start()
        site.judge(lost_s=lost_s)
        site.stop()
