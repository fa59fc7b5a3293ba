from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from tests.recorded_hours import hold, hour_90k, lay
from vms import metrics
from vms.recordings import index
from vms.recordings.cleaner import Cleaner
from vms.recordings.forecast import Ahead, CameraAhead, Forecaster
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store

GATE, ROAD, GONE = CameraId("gate"), CameraId("road"), CameraId("gone")
GIB = 1 << 30


def camera(name: CameraId = GATE, *, days: int = 30, daily: int = GIB, kept: int = 0) -> CameraAhead:
    return CameraAhead(
        camera=name, promised_days=days, daily_bytes=daily, by_day=(daily,) * kept, oldest_90k=hour_90k(0)
    )


def test_where_there_is_room_for_the_term_nothing_is_ever_full() -> None:
    ahead = Ahead((camera(kept=3), camera(ROAD, days=7)), room_bytes=37 * GIB, held_bytes=0)
    assert (ahead.share(), ahead.full_in_days(), ahead.holds_sentence()) == (1, None, None)
    assert ahead.sentence().uk == "Місця вистачає на весь строк зберігання."


def test_what_is_promised_and_what_there_is_room_for_are_told_in_days() -> None:
    ahead = Ahead((camera(kept=20),), room_bytes=23 * GIB, held_bytes=0)
    assert ahead.full_in_days() == 4
    assert ahead.sentence().uk == (
        "За теперішнього запису місця вистачить на 23 дні замість 30. Диск заповниться за 4 дні."
    )
    full = Ahead((camera(kept=24),), room_bytes=23 * GIB, held_bytes=0)
    assert "Далі раніше строку стиратиметься найстаріше." in full.sentence().uk


def test_cameras_of_different_terms_lose_the_same_share() -> None:
    ahead = Ahead((camera(daily=2 * GIB), camera(ROAD, days=10, daily=GIB)), room_bytes=35 * GIB, held_bytes=0)
    assert ahead.share() == 0.5


def test_a_hold_is_told_in_days_of_everybody_elses_archive() -> None:
    ahead = Ahead((camera(kept=26),), room_bytes=26 * GIB, held_bytes=4 * GIB)
    assert ahead.holds_sentence() is not None
    assert "архів решти камер — 26 днів замість 30" in str(ahead.holds_sentence().uk)  # type: ignore[union-attr]
    assert ahead.days_lost(6 * GIB) == 6
    assert ahead.days_lost(GIB // 2) == 1  # a day that is no longer whole


def test_a_store_that_has_recorded_nothing_says_so() -> None:
    assert Ahead((), 0, 0).sentence().uk == "Ще нічого не записано."
    assert Ahead((camera(daily=0),), 0, 0).share() == 1


def forecaster(
    store: Store, *, hour: float, floor_bytes: int = 0, instruments: Instruments | None = None
) -> Forecaster:
    keeping = {GATE: Keeping(10, needs_acknowledgement=False), ROAD: Keeping(5, needs_acknowledgement=False)}
    store.shelf.floor_bytes = floor_bytes
    return Forecaster(
        store,
        lambda: keeping,
        clock=SimulatedClock(wall_ns=hour_90k(hour) // TICKS_PER_S * NS_PER_S),
        instruments=instruments,
    )


def test_rates_room_and_ages_come_from_the_store(make_store: Callable[..., Store]) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    for hour in range(-96, 0):
        lay(store, GATE, hour, 60, 40)
    lay(store, GATE, -24 * 9, 1000)
    lay(store, ROAD, -2, 50)
    lay(store, GONE, -2, 5000)
    hold(store, GATE, hour_90k(-96), hour_90k(-95))
    disk.capacity_bytes = disk.used_bytes() + 700
    instruments = Instruments(site="centre")
    ahead = forecaster(store, hour=0, floor_bytes=300, instruments=instruments).run_once()
    gate, road = ahead.cameras
    assert (gate.daily_bytes, road.daily_bytes) == (100 * 24, 50 * 12)  # of 72 hours, and of the two that it lives
    assert (gate.by_day[:5], sum(gate.by_day)) == ((2400, 2400, 2400, 2400, 0), 10_600)
    assert (ahead.held_bytes, ahead.room_bytes) == (100, 400 + 10_600 + 50 - 100)
    told = {point.name: point.value for point in instruments.read(0) if dict(point.labels).get("camera") != ROAD}
    assert told[metrics.KEPT_RATIO.name] == pytest.approx(10_950 / (24_000 + 3000))
    assert told[metrics.OLDEST_AGE.name] == 9 * 24 * 3600
    assert told[metrics.HELD_BYTES.name] == 100
    assert told[metrics.FULL_IN.name] == ahead.full_in_days() * 86_400  # type: ignore[operator]


@pytest.mark.parametrize("capacities", [(30_000,), (22_000, 11_000), (12_000, 12_000, 12_000)])
def test_what_is_forecast_is_what_the_cleaner_then_keeps_on_any_disks(
    make_store: Callable[..., Store], capacities: tuple[int, ...]
) -> None:
    disks = [CrashDisk(device=f"disk-{number}") for number in range(len(capacities))]
    store = make_store(*disks)
    for disk, capacity_bytes in zip(disks, capacities, strict=True):
        disk.capacity_bytes = capacity_bytes
    said: list[float] = []
    for hour in range(24 * 12):
        lay(store, GATE, hour, 100)
        lay(store, ROAD, hour, 100)
        looking = forecaster(store, hour=hour + 1, floor_bytes=3000)
        keeping = looking._keeping()
        wall_ns = hour_90k(hour + 1) // TICKS_PER_S * NS_PER_S
        clock = SimulatedClock(wall_ns=wall_ns, mono_ns=wall_ns)
        instruments = Instruments(site="centre")
        Cleaner(store, lambda k=keeping: k, clock=clock, instruments=instruments).run_once()
        if hour in (24 * 4, 24 * 12 - 1):
            said.append(looking.run_once().share())
    # The floors left free, 27,000 bytes for 2,400 a day of ten and of five days: three quarters of each term.
    assert said == [pytest.approx(0.75, abs=0.02)] * 2
    ages = {one.camera: (hour_90k(24 * 12) - one.oldest_90k) / hour_90k(24) for one in looking.run_once().cameras}
    kept = {one.camera: len([day for day in one.by_day if day]) for one in looking.run_once().cameras}
    assert kept == {GATE: 8, ROAD: 4}, ages


@given(
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 10**10), st.integers(0, 60)), min_size=1, max_size=6),
    st.integers(0, 10**12),
    st.integers(0, 10**11),
)
def test_the_share_is_never_more_than_all_nor_does_a_hold_make_it_more(
    raw: list[tuple[int, int, int]], room_bytes: int, more_bytes: int
) -> None:
    cameras = tuple(
        camera(CameraId(f"c{n}"), days=days, daily=daily, kept=min(kept, days))
        for n, (days, daily, kept) in enumerate(raw)
    )
    ahead = Ahead(cameras, room_bytes, 0)
    assert 0 <= ahead.share(more_held_bytes=more_bytes) <= ahead.share() <= 1
    wanted = sum(one.daily_bytes * one.promised_days for one in cameras)
    assert ahead.share() * wanted <= room_bytes * (1 + 1e-9)
    full_in = ahead.full_in_days()
    assert (full_in is None) or ahead.share() < 1
    assert full_in is None or full_in <= 61
    assert ahead.days_lost(more_bytes) >= 0
    assert ahead.sentence().uk


def test_what_lies_on_a_disk_that_is_away_is_no_room(make_store: Callable[..., Store]) -> None:
    disks = [CrashDisk(device="a"), CrashDisk(device="b")]
    store = make_store(*disks)
    for hour in range(-40, 0):
        lay(store, GATE, hour, 100)
    for disk in disks:
        disk.capacity_bytes = disk.used_bytes() + 500
    before = forecaster(store, hour=0).run_once()
    with store.database.read() as connection:
        lying = {number: size_bytes for number, (_, size_bytes) in index.held_by_disk(connection).items()}
    ill = store.shelf.volumes[0].id
    store.shelf.note_failure(ill)
    assert forecaster(store, hour=0).run_once().room_bytes == before.room_bytes - 500 - lying[ill]
