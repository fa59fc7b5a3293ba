import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError, InvalidConfig
from beket.kernel.ids import CameraId, CommunityId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk, Operation, after_cut_keeping
from beket.testing.fragments import DAY_90K
from tests.unit.vms.test_writer import GATE, YARD, findings, gaps, noise, record, stored
from vms.recordings.check import Fault, Finding, check
from vms.recordings.cleaner import Cleaner, Keeping
from vms.recordings.disk import IDENTITY_NAME, DiskFailure
from vms.recordings.playback import Playback
from vms.recordings.recovery import recover
from vms.recordings.shelf import DiskAway, Shelf
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder

COMMUNITY = CommunityId("dobrianka")
GIB = 1 << 30


class SizedDisk(CrashDisk):
    """A disk that is as full as it is said to be."""

    free = 0

    def free_bytes(self) -> int:
        return self.free


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Database]:
    database = Database(folder / "video.db", migrations=MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(tmp_path) as database:
        yield database


def shelf_of(database: Database, *free_gib: float, floor_gib: float = 0) -> tuple[Shelf, list[SizedDisk]]:
    disks = [SizedDisk(device=f"8:{at}") for at in range(len(free_gib))]
    for disk, free in zip(disks, free_gib, strict=True):
        disk.free = round(free * GIB)
    return Shelf(database, disks, community=COMMUNITY, floor_bytes=round(floor_gib * GIB)), disks


def test_disks_fill_in_proportion_to_their_room(database: Database) -> None:
    shelf, disks = shelf_of(database, 420, 120, floor_gib=20)
    placed = [disks.index(shelf.place()[0].disk) for _ in range(500)]  # type: ignore[arg-type]
    assert (placed.count(0), placed.count(1)) == (400, 100)
    assert max(sum(placed[at : at + 25]) for at in range(475)) <= 6  # well mixed, not one disk after the other


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=4), st.integers(0, 200), st.integers(0, 150))
def test_disks_of_any_sizes_reach_their_floor_together(free_gib: list[int], floor_gib: int, segments: int) -> None:
    rooms = [max(0, free - floor_gib) for free in free_gib]
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as database:
        shelf, disks = shelf_of(database, *free_gib, floor_gib=floor_gib)
        for _ in range(segments):
            best = shelf.place()[0].disk
            assert isinstance(best, SizedDisk)
            if any(disk.free > floor_gib * GIB for disk in disks):
                assert best.free > floor_gib * GIB
            else:
                assert best.free == max(disk.free for disk in disks)
            best.free = max(0, best.free - GIB)
        if sum(rooms) > segments:
            for disk, free, room in zip(disks, free_gib, rooms, strict=True):
                assert abs((free * GIB - disk.free) / GIB - segments * room / sum(rooms)) <= len(disks)


def test_a_disk_that_fails_is_left_alone_until_it_makes_a_file_durable_again(database: Database) -> None:
    shelf, (first, second) = shelf_of(database, 400, 100)
    refused = {"sync"}

    def fail(operation: Operation) -> None:
        if operation.kind in refused:
            raise DiskFailure("an I/O error")

    first.fail = fail
    shelf.note_failure(shelf.volumes[0].id)
    assert (shelf.look_again(), shelf.count_troubled()) == ([], 1)
    assert [volume.disk for volume in shelf.place()] == [second, first]
    assert (shelf.free_bytes(), shelf.room_bytes()) == (100 * GIB, 100 * GIB)
    refused.clear()
    assert (shelf.look_again(), shelf.count_troubled()) == ([], 0)
    assert shelf.place()[0].disk is first
    assert first.names("") == [IDENTITY_NAME]


def test_when_no_disk_is_sound_nothing_is_short_so_that_nothing_is_deleted_in_vain(database: Database) -> None:
    shelf, _ = shelf_of(database, 1, floor_gib=20)
    assert shelf.room_bytes() == -19 * GIB
    shelf.note_failure(shelf.volumes[0].id)
    assert (shelf.room_bytes(), shelf.free_bytes(), shelf.has_room()) == (0, None, False)
    assert len(shelf.place()) == 1  # it may be all there is


def test_what_lies_below_a_mount_point_is_never_recorded_on(database: Database) -> None:
    shelf, (disk,) = shelf_of(database, 400)
    disk.device = ""
    assert (shelf.has_room(), shelf.count_troubled()) == (False, 1)
    with pytest.raises(DiskAway, match="not attached"):
        shelf.place()
    disk.device = "8:99"  # mounted again, elsewhere
    assert shelf.look_again() == []
    assert shelf.place()[0].disk is disk


def test_two_folders_on_one_disk_count_it_once(database: Database) -> None:
    disks = [CrashDisk(device="8:1"), CrashDisk(device="8:1")]
    shelf = Shelf(database, disks, community=COMMUNITY)
    assert [volume.disk for volume in shelf.volumes] == disks[:1]
    assert shelf.count_troubled() == 1


def test_a_new_disk_joins_but_an_empty_folder_of_the_system_does_not(database: Database) -> None:
    first, second = CrashDisk(device="8:1"), CrashDisk(device="")
    Shelf(database, [first], community=COMMUNITY)
    shelf = Shelf(database, [first, second], community=COMMUNITY)
    assert (len(shelf.volumes), second.names("")) == (1, [])
    second.device = "8:2"
    (joined,) = shelf.look_again()
    assert joined.disk is second
    assert second.names("") == [IDENTITY_NAME]
    assert {volume.id for volume in shelf.volumes} == {1, 2}


def test_without_any_disk_a_store_does_not_start_and_says_why(database: Database) -> None:
    Shelf(database, [CrashDisk()], community=COMMUNITY)
    with pytest.raises(InvalidConfig, match="not there"):
        Shelf(database, [CrashDisk()], community=COMMUNITY)


# A recorder with several disks ----------------------------------------------------------------------------------------


class Site:
    """A recorder over two disks."""

    def __init__(self, make_store: Callable[..., Store]) -> None:
        self.refused: set[str] = set()
        self.ill = ("first",)
        self._make_store = make_store
        self.start(CrashDisk())

    def start(self, whole: CrashDisk, *, is_first_away: bool = False) -> None:
        """A new process, on a machine with two disks."""
        self.whole = whole
        self.first, second = whole.part("first"), whole.part("second")
        self.first.is_away = is_first_away
        whole.fail = self._fail
        self.store = self._make_store(self.first, second)
        recover(self.store)
        self.clock = SimulatedClock()
        self.recorder = Recorder(self.store, clock=self.clock, instruments=Instruments(site="school"))

    def clean(self) -> None:
        """The minute's round."""
        keeping = {GATE: Keeping(30, needs_acknowledgement=False), YARD: Keeping(30, needs_acknowledgement=False)}
        clock = SimulatedClock(wall_ns=DAY_90K * NS_PER_S // TICKS_PER_S)
        Cleaner(self.store, lambda: keeping, clock=clock, instruments=Instruments(site="school")).run_once()

    def disks_of(self, camera: CameraId) -> list[int]:
        return [segment.disk for segment in stored(self.store, camera)]

    def _fail(self, operation: Operation) -> None:
        if operation.kind in self.refused and operation.name.startswith(self.ill):
            raise DiskFailure("an I/O error")


@pytest.fixture
def site(make_store: Callable[..., Store]) -> Iterator[Site]:
    one = Site(make_store)
    yield one
    one.recorder.close()


def test_segments_go_to_both_disks_and_come_back_from_both(site: Site) -> None:
    record(site.recorder, noise(100))
    record(site.recorder, noise(100), YARD)
    assert site.recorder.close()
    assert sorted(site.disks_of(GATE) + site.disks_of(YARD)) == [1] * 5 + [2] * 5
    for camera in (GATE, YARD):
        (part,) = Playback(site.store).export(camera, from_90k=DAY_90K, until_90k=DAY_90K + 100 * TICKS_PER_S).parts
        assert part.duration_90k == 100 * TICKS_PER_S
    assert findings(site.store) == []


@pytest.mark.parametrize("kind", ["create", "sync_folder", "write", "sync"])
def test_when_one_disk_fails_recording_goes_on_at_the_next_key_frame_on_the_other(site: Site, kind: str) -> None:
    sent = noise(120)
    record(site.recorder, sent[:100])
    record(site.recorder, sent[:100], YARD)
    assert site.recorder.flush(10)
    site.refused = {kind}
    for at in range(100, 600, 5):
        for camera in (GATE, YARD):
            with contextlib.suppress(BeketError):
                site.recorder.write(camera, sent[at : at + 5])
        if at % 10 == 0:
            assert site.recorder.flush(10)
    assert site.recorder.close()
    lost_s = [
        sum((gap.end_90k or 0) - gap.start_90k for gap in gaps(site.store, camera)) / TICKS_PER_S
        for camera in (GATE, YARD)
    ]
    assert max(lost_s) <= 2 + 2  # what no sync had covered, and the way to the next key frame
    assert {gap.reason for camera in (GATE, YARD) for gap in gaps(site.store, camera) if gap.end_90k} <= {
        GapReason.DISK
    }
    assert {disk for camera in (GATE, YARD) for disk in site.disks_of(camera)[-3:]} == {2}
    site.refused = set()
    site.clean()
    assert findings(site.store) == []


@pytest.mark.parametrize("kind", ["create", "sync_folder", "sync"])
def test_when_every_disk_refuses_there_is_one_gap_and_nothing_that_was_durable_is_lost(site: Site, kind: str) -> None:
    sent = noise(90)
    record(site.recorder, sent[:100])
    assert site.recorder.flush(10)
    site.refused, site.ill = {kind}, ("first", "second")
    for at in range(100, 250, 5):
        with contextlib.suppress(BeketError):
            site.recorder.write(GATE, sent[at : at + 5])
        assert site.recorder.flush(10)
        site.clock.pass_time(1)
    site.refused = set()
    site.clean()
    site.clock.pass_time(11)
    site.recorder.write(GATE, sent[250:])
    assert site.recorder.close()
    (gap, _restart) = gaps(site.store)
    assert (gap.start_90k, gap.reason) == (DAY_90K + 20 * TICKS_PER_S, GapReason.DISK)
    assert sum(one.duration_90k for one in stored(site.store)) >= (20 + 40 - 2) * TICKS_PER_S
    assert findings(site.store) == []
    site.start(site.whole)
    assert gaps(site.store) == [gap, _restart]


def test_a_disk_that_comes_back_brings_its_recordings_and_what_a_crash_left_there(site: Site) -> None:
    record(site.recorder, noise(50))
    record(site.recorder, noise(50), YARD)
    assert site.recorder.flush(10)
    before = {camera: site.disks_of(camera) for camera in (GATE, YARD)}
    site.start(after_cut_keeping(site.whole.log, ()), is_first_away=True)  # power fails; one disk is late
    assert {finding.fault for finding in check(site.store) if isinstance(finding, Finding)} == {Fault.AWAY}
    later_90k = DAY_90K + 60 * TICKS_PER_S
    record(site.recorder, noise(10, start_90k=later_90k))
    record(site.recorder, noise(10, start_90k=later_90k), YARD)
    assert site.recorder.flush(10)
    site.first.is_away = False
    site.clean()
    assert site.recorder.close()
    assert findings(site.store) == []
    for camera in (GATE, YARD):
        assert len(site.disks_of(camera)) == len(before[camera]) + 2
        timeline = Playback(site.store).timeline(camera, from_90k=DAY_90K, until_90k=later_90k + 10 * TICKS_PER_S)
        assert [missing.reason for missing in timeline.missing] == [GapReason.RESTART]


def test_each_disk_says_how_it_stands_also_one_that_is_away(site: Site) -> None:
    record(site.recorder, noise(60))
    assert site.recorder.close()
    by_disk = {number: [one for one in stored(site.store) if one.disk == number] for number in (1, 2)}
    site.start(site.whole, is_first_away=True)
    (away, here, refused) = site.store.shelf.standing()
    assert (away.free_bytes, away.segments, away.refusal) == (None, len(by_disk[1]), None)
    assert refused.name == "first"
    assert isinstance(refused.refusal, InvalidConfig)
    assert (here.name, here.size_bytes) == ("second", sum(one.size_bytes for one in by_disk[2]))
    assert here.free_bytes


def test_when_all_is_full_the_oldest_goes_wherever_it_lies(make_store: Callable[..., Store]) -> None:
    disks = [CrashDisk(device="8:1"), CrashDisk(device="8:2")]
    store = make_store(*disks)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    record(recorder, noise(200))
    assert recorder.close()
    before = stored(store)
    for disk in disks:
        disk.capacity_bytes = disk.used_bytes()
    store = make_store(*disks, floor_bytes=before[0].size_bytes + before[1].size_bytes)
    clock = SimulatedClock(wall_ns=DAY_90K * NS_PER_S // TICKS_PER_S)
    keeping = {GATE: Keeping(0, needs_acknowledgement=False)}
    cleaned = Cleaner(store, lambda: keeping, clock=clock, instruments=Instruments(site="school")).run_once()
    assert (cleaned.short_bytes, cleaned.failed) == (0, 0)
    assert cleaned.for_space in (2, 3)
    assert stored(store) == before[cleaned.for_space :]
    assert findings(store) == []
