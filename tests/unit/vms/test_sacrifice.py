from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from tests.recorded_hours import (
    counted_by_hour,
    forget_everything,
    held_among,
    hold,
    hour_90k,
    lay,
    stored,
    sums_by_hour,
)
from vms import metrics
from vms.recordings import index
from vms.recordings.cleaner import Cleaner
from vms.recordings.index import HOUR_90K
from vms.recordings.sacrifice import Keeping, Rank, Victim, victims
from vms.recordings.segments import key_of
from vms.recordings.store import Store

GATE, YARD, ROAD = CameraId("gate"), CameraId("yard"), CameraId("road")
CAMERAS = (GATE, YARD, ROAD)
CENTRE = Keeping(30, needs_acknowledgement=False)
TRAVELS = Keeping(30, needs_acknowledgement=True, has_copies=True)
STAYS = Keeping(30, needs_acknowledgement=False, has_copies=True)


def order(
    store: Store, keeping: Mapping[CameraId, Keeping], *, hour: float, floor_hours: int = 24
) -> list[tuple[CameraId, int]]:
    return [named(victim) for victim in ordered(store, keeping, hour=hour, floor_hours=floor_hours)]


def named(victim: Victim) -> tuple[CameraId, int]:
    first = victim.segments[0]
    return first.camera, (first.start_90k - hour_90k(0)) // HOUR_90K


def ordered(store: Store, keeping: Mapping[CameraId, Keeping], *, hour: float, floor_hours: int = 24) -> list[Victim]:
    return list(victims(store.database.read, keeping, now_90k=hour_90k(hour), floor_hours=floor_hours))


def cleaner_of(
    store: Store,
    keeping: Mapping[CameraId, Keeping],
    *,
    hour: float,
    floor_bytes: int,
    floor_hours: int = 24,
    instruments: Instruments | None = None,
) -> Cleaner:
    store.shelf.floor_bytes = floor_bytes
    wall_ns = hour_90k(hour) // TICKS_PER_S * NS_PER_S
    return Cleaner(
        store,
        lambda: keeping,
        clock=SimulatedClock(wall_ns=wall_ns, mono_ns=wall_ns),
        instruments=instruments or Instruments(site="school"),
        floor_hours=floor_hours,
    )


def test_what_the_centre_has_too_goes_before_anything_that_only_the_edge_has(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    lay(store, YARD, -100, 10, acknowledged=False)
    lay(store, GATE, -2, 10)
    lay(store, YARD, -1, 10)
    assert order(store, {GATE: TRAVELS, YARD: STAYS}, hour=0.5) == [(GATE, -2), (YARD, -1), (YARD, -100)]


def test_what_has_still_to_travel_never_goes(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    lay(store, GATE, -100, 10, acknowledged=False)
    assert order(store, {GATE: TRAVELS}, hour=0) == []


def test_cameras_of_different_terms_lose_the_same_part_of_what_was_promised(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    week, month = Keeping(7, needs_acknowledgement=False), Keeping(30, needs_acknowledgement=False)
    for day in range(2, 7):
        lay(store, GATE, -24 * day, 10)  # has lived day/7 of its term
    for day in range(5, 30, 6):
        lay(store, ROAD, -24 * day, 10)  # day/30
    days = [(camera, -hour // 24) for camera, hour in order(store, {GATE: week, ROAD: month}, hour=0)]
    assert days == [
        (ROAD, 29), (GATE, 6), (ROAD, 23), (GATE, 5), (GATE, 4), (ROAD, 17), (GATE, 3), (ROAD, 11), (GATE, 2),
        (ROAD, 5),
    ]  # fmt: skip


def test_within_the_floor_the_greediest_camera_gives_its_hours_first(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    keeping = dict.fromkeys((GATE, ROAD), CENTRE)
    for hour in range(-4, 0):
        lay(store, ROAD, hour, 800)
        lay(store, GATE, hour, 100)
    assert order(store, keeping, hour=0.5) == [
        (ROAD, -4), (ROAD, -3), (ROAD, -2), (ROAD, -1), (GATE, -4), (GATE, -3), (GATE, -2), (GATE, -1),
    ]  # fmt: skip


def test_a_camera_older_than_the_floor_gives_before_the_greedy_one_gives_of_its_last_day(
    make_store: Callable[..., Store],
) -> None:
    store = make_store(CrashDisk())
    lay(store, ROAD, -3, 80_000)
    lay(store, GATE, -26, 10)
    assert order(store, dict.fromkeys((GATE, ROAD), CENTRE), hour=0.5) == [(GATE, -26), (ROAD, -3)]


def test_the_hour_being_recorded_goes_last_and_segment_by_segment(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    lay(store, GATE, 0, 10, 10, 10)
    lay(store, GATE, -1, 10, 10)
    found = ordered(store, {GATE: CENTRE}, hour=0.5)
    assert [(victim.rank, len(victim.segments)) for victim in found] == [
        (Rank.WITHIN_FLOOR, 2), *[(Rank.BEING_RECORDED, 1)] * 3,
    ]  # fmt: skip


def test_what_is_held_stays_through_age_and_space_and_the_rest_of_its_hour_goes(
    make_store: Callable[..., Store],
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    laid = lay(store, GATE, -800, *[100] * 10)
    lay(store, GATE, -1, 100)
    hold(store, GATE, laid[4].start_90k + 1, laid[6].start_90k)
    disk.capacity_bytes = disk.used_bytes()
    cleaned = cleaner_of(store, {GATE: CENTRE}, hour=0, floor_bytes=10_000).run_once()
    assert stored(store, GATE) == laid[4:6]
    assert (cleaned.by_age, cleaned.for_space, cleaned.short_bytes) == (8, 1, 10_000 - 900)


def test_an_arrival_that_is_held_is_awaited_and_the_gaps_beside_it_are_remembered(
    make_store: Callable[..., Store],
) -> None:
    store = make_store(CrashDisk())
    old = lay(store, GATE, -900, 10, 10)
    store.discard([key_of(one) for one in old])
    store.collect_garbage()
    store.database.write(lambda c: [index.announce_incoming(c, one.disk, one) for one in old])
    hold(store, GATE, old[1].start_90k, old[1].end_90k)
    for start_90k in (old[1].end_90k, old[1].end_90k + 9 * HOUR_90K):
        gap = GapInfo(GATE, start_90k, start_90k + HOUR_90K, GapReason.POWER)
        store.database.write(lambda c, gap=gap: index.put_gap(c, gap, acknowledged=True))
    cleaner_of(store, {GATE: CENTRE}, hour=0, floor_bytes=0).run_once()
    with store.database.read() as connection:
        assert [key.start_90k for key in index.incoming_keys(connection, GATE)] == [old[1].start_90k]
        left = index.gaps_between(connection, GATE, 0, hour_90k(0))
    assert [gap.start_90k for gap in left] == [old[1].end_90k]


def test_what_is_missing_when_nothing_more_may_go_is_a_number_for_everybody(make_store: Callable[..., Store]) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    lay(store, GATE, -1, 500, acknowledged=False)
    disk.capacity_bytes = disk.used_bytes() + 100
    instruments = Instruments(site="school")
    cleaner_of(store, {GATE: TRAVELS}, hour=0, floor_bytes=1000, instruments=instruments).run_once()
    assert [p.value for p in instruments.read(0) if p.name == metrics.SHORT_BYTES.name] == [900]


@pytest.fixture
def shelf(make_store: Callable[..., Store]) -> Store:
    """One store for all examples of a property; each empties it first."""
    return make_store(CrashDisk())


CAMERA = st.sampled_from(CAMERAS)
LAID = st.lists(
    st.tuples(CAMERA, st.integers(-45 * 24, 0), st.lists(st.integers(1, 900), min_size=1, max_size=4), st.booleans()),
    max_size=12,
    unique_by=lambda one: one[:2],
)
HELD = st.dictionaries(CAMERA, st.tuples(st.floats(-45 * 24, 1), st.floats(0, 24)), max_size=2)
KEPT = st.fixed_dictionaries(
    {camera: st.builds(Keeping, st.sampled_from([0, 1, 7, 30]), st.booleans(), st.booleans()) for camera in CAMERAS}
)


@given(LAID, HELD, KEPT, st.integers(0, 6000), st.integers(0, 48))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_round_ends_keeps_what_is_held_and_takes_in_order(
    shelf: Store,
    laid: list[tuple[CameraId, int, list[int], bool]],
    spans: dict[CameraId, tuple[float, float]],
    keeping: dict[CameraId, Keeping],
    floor_bytes: int,
    floor_hours: int,
) -> None:
    store, disk = shelf, shelf.shelf.volumes[0].disk
    assert isinstance(disk, CrashDisk)
    disk.capacity_bytes = 1 << 30
    forget_everything(store)
    for camera, hour, sizes, acknowledged in laid:
        lay(store, camera, hour, *sizes, acknowledged=acknowledged)
    for camera, (hour, length) in spans.items():
        hold(store, camera, hour_90k(hour), hour_90k(hour + length))
    disk.capacity_bytes = disk.used_bytes()
    before = stored(store, *CAMERAS)
    protected = held_among(before, {c: (hour_90k(h), hour_90k(h + n)) for c, (h, n) in spans.items()})
    with store.database.read() as connection:
        unsent = [one for one in index.pending(connection, CAMERAS, 1000) if keeping[one.camera].needs_acknowledgement]

    cleaned = cleaner_of(store, keeping, hour=0.5, floor_bytes=floor_bytes, floor_hours=floor_hours).run_once()

    left = stored(store, *CAMERAS)
    assert set(protected) <= set(left)
    assert set(unsent) <= set(left)
    assert {one.start_90k for one in left} <= {one.start_90k for one in before}
    assert cleaned.short_bytes == max(0, floor_bytes - disk.free_bytes())
    if cleaned.short_bytes:
        assert set(left) == {*protected, *unsent}
    assert sums_by_hour(store) == counted_by_hour(store)
    # What is left to go comes after all that went, by the classes of the order.
    following = ordered(store, keeping, hour=0.5, floor_hours=floor_hours)
    assert [victim.rank for victim in following] == sorted(victim.rank for victim in following)
    assert not following or not cleaned.short_bytes


@given(LAID, KEPT)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_within_one_camera_the_newest_is_always_the_last_to_go(
    shelf: Store,
    laid: list[tuple[CameraId, int, list[int], bool]],
    keeping: dict[CameraId, Keeping],
) -> None:
    store = shelf
    forget_everything(store)
    for camera, hour, sizes, acknowledged in laid:
        lay(store, camera, hour, *sizes, acknowledged=acknowledged)
    for camera in CAMERAS:
        for copied in (True, False):
            mine = [
                victim.segments[0].start_90k
                for victim in ordered(store, {camera: keeping[camera]}, hour=0.5)
                if (victim.rank is Rank.COPIED) is copied
            ]
            assert mine == sorted(mine)


def test_a_full_disk_never_costs_the_minutes_that_were_just_recorded(make_store: Callable[..., Store]) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    disk.capacity_bytes = 40_000
    keeping = dict.fromkeys(CAMERAS, CENTRE)
    for hour in range(60):
        for camera, size_bytes in zip(CAMERAS, (100, 200, 1600), strict=True):
            lay(store, camera, hour, *[size_bytes] * 4)
        cleaned = cleaner_of(store, keeping, hour=hour + 0.9, floor_bytes=8000, floor_hours=6).run_once()
        assert cleaned.short_bytes == 0
        assert {one.camera for one in stored(store, *CAMERAS) if one.start_90k >= hour_90k(hour)} == set(CAMERAS)
    # 32 kB of room, 7.6 kB an hour, floor of six hours: the modest cameras keep theirs, the greedy one gives.
    kept = {camera: len({one.start_90k // HOUR_90K for one in stored(store, camera)}) for camera in CAMERAS}
    assert kept[GATE] >= 6
    assert kept[YARD] >= 6
    assert 1 <= kept[ROAD] < 6
