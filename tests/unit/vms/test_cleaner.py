import random
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk, Operation
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms import metrics
from vms.recordings import index
from vms.recordings.cleaner import Cleaned, Cleaner, expiry_90k
from vms.recordings.disk import DiskFailure
from vms.recordings.index import HOUR_90K
from vms.recordings.sacrifice import Keeping
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE, YARD = CameraId("gate"), CameraId("yard")
DAY_S = 24 * 3600


def record_hours(store: Store, camera: CameraId, hours: range) -> None:
    """Three segments of one second and a bit in each of the day's hours."""
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    for hour in hours:
        for minute in (0, 20, 59):
            start_90k = DAY_90K + hour * HOUR_90K + minute * 60 * TICKS_PER_S
            recorder.start_run(camera, made_up_stream(), start_90k=start_90k)
            recorder.write(camera, made_up_fragments(random.Random(hour), start_90k=start_90k, seconds=1))
            recorder.end_run(camera, reason=GapReason.LINK)
    assert recorder.close()


def stored(store: Store, camera: CameraId) -> list[StoredSegment]:
    with store.database.read() as connection:
        return index.page(connection, camera, after=None, limit=1000)


def hours_of(store: Store, camera: CameraId) -> list[int]:
    return sorted({(segment.start_90k - DAY_90K) // HOUR_90K for segment in stored(store, camera)})


def acknowledge_all(store: Store, camera: CameraId) -> None:
    for segment in stored(store, camera):
        key = key_of(segment)
        store.database.write(lambda c, key=key, sha=segment.sha256: index.acknowledge(c, key, sha))


def cleaner_of(store: Store, keeping: Mapping[CameraId, Keeping], *, hour: float, instruments: Instruments) -> Cleaner:
    wall_ns = round(DAY_90K / TICKS_PER_S + hour * 3600) * NS_PER_S
    clock = SimulatedClock(wall_ns=wall_ns)
    return Cleaner(store, lambda: keeping, clock=clock, instruments=instruments)


@pytest.fixture
def instruments() -> Instruments:
    return Instruments(site="school")


def test_age_deletes_whole_hours_with_their_files_and_folders(
    make_store: Callable[..., Store], instruments: Instruments
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    record_hours(store, GATE, range(4))
    record_hours(store, YARD, range(4))
    keeping = {GATE: Keeping(1, needs_acknowledgement=False), YARD: Keeping(2, needs_acknowledgement=False)}
    cleaned = cleaner_of(store, keeping, hour=24 + 2.9, instruments=instruments).run_once()
    assert (cleaned.by_age, cleaned.for_space, cleaned.failed) == (6, 0, 0)
    assert hours_of(store, GATE) == [2, 3]
    assert hours_of(store, YARD) == [0, 1, 2, 3]
    assert disk.names("gate/20261125") == ["02", "03"]
    assert disk.used_bytes() >= sum(s.size_bytes for s in stored(store, GATE) + stored(store, YARD))


def test_what_the_centre_has_not_acknowledged_is_never_deleted(
    make_store: Callable[..., Store], instruments: Instruments
) -> None:
    disk = CrashDisk()
    store = make_store(disk, floor_bytes=1 << 20)
    record_hours(store, GATE, range(3))
    keeping = {GATE: Keeping(1, needs_acknowledgement=True)}
    disk.capacity_bytes = disk.used_bytes() + 1000
    cleaner = cleaner_of(store, keeping, hour=1000, instruments=instruments)
    cleaned = cleaner.run_once()
    assert (cleaned.by_age, cleaned.for_space) == (0, 0)
    assert cleaned.short_bytes == (1 << 20) - 1000
    acknowledge_all(store, GATE)
    assert cleaner.run_once().by_age == 9
    assert stored(store, GATE) == []


def test_space_takes_whole_hours_and_no_more_of_them_than_needed(
    make_store: Callable[..., Store], instruments: Instruments
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    record_hours(store, GATE, range(0, 6, 2))
    record_hours(store, YARD, range(1, 6, 2))
    disk.capacity_bytes = disk.used_bytes()
    keeping = {camera: Keeping(0, needs_acknowledgement=False) for camera in (GATE, YARD)}
    oldest = sorted(stored(store, GATE) + stored(store, YARD), key=lambda s: s.start_90k)[:6]
    store = make_store(disk, floor_bytes=sum(segment.size_bytes for segment in oldest[:4]))
    cleaned = cleaner_of(store, keeping, hour=48, instruments=instruments).run_once()
    assert (cleaned.for_space, cleaned.deleted_bytes) == (6, sum(segment.size_bytes for segment in oldest))
    assert cleaned.short_bytes == 0
    assert (hours_of(store, GATE), hours_of(store, YARD)) == ([2, 4], [3, 5])


def test_files_that_age_has_already_let_go_are_removed_before_others_are_deleted_for_space(
    make_store: Callable[..., Store], instruments: Instruments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.recordings.store.GARBAGE_BATCH", 2)
    disk = CrashDisk()
    store = make_store(disk)
    record_hours(store, GATE, range(6))
    disk.capacity_bytes = disk.used_bytes()
    too_old = stored(store, GATE)[:9]
    store = make_store(disk, floor_bytes=sum(segment.size_bytes for segment in too_old))
    keeping = {GATE: Keeping(1, needs_acknowledgement=False)}
    cleaned = cleaner_of(store, keeping, hour=24 + 3, instruments=instruments).run_once()
    assert (cleaned.by_age, cleaned.for_space, cleaned.short_bytes) == (9, 0, 0)


def test_a_file_that_cannot_be_removed_is_counted_and_tried_again(
    make_store: Callable[..., Store], instruments: Instruments
) -> None:
    broken = True

    def fail(operation: Operation) -> None:
        if broken and operation.kind == "unlink" and "/00/" in operation.name:
            raise DiskFailure("an I/O error")

    disk = CrashDisk(fail=fail)
    store = make_store(disk)
    record_hours(store, GATE, range(2))
    cleaner = cleaner_of(store, {GATE: Keeping(1, needs_acknowledgement=False)}, hour=50, instruments=instruments)
    assert cleaner.run_once().failed == 3
    assert sum(p.value for p in instruments.read(0) if p.name == metrics.DELETE_ERRORS.name) == 3
    assert stored(store, GATE) == []
    assert disk.names("gate/20261125") == ["00"]
    broken = False
    assert cleaner.run_once() == Cleaned()
    assert disk.names("gate/20261125") == []


@given(st.integers(0, 60 * DAY_S), st.integers(1, 30))
def test_nothing_younger_than_its_retention_expires_and_nothing_is_kept_an_hour_longer(now_s: int, days: int) -> None:
    now_90k = DAY_90K + now_s * TICKS_PER_S
    expiry = expiry_90k(now_90k, days)
    assert expiry % HOUR_90K == 0
    exact_90k = now_90k - days * DAY_S * TICKS_PER_S
    assert exact_90k - HOUR_90K < expiry <= exact_90k
