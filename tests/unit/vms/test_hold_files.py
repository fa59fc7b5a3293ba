"""Holds lie beside the recordings: a lost database costs none, a release is remembered, a bad disk refuses none."""

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk, Operation
from beket.testing.fragments import DAY_90K
from tests.hostile import damaged
from tests.unit.vms.conftest import ORIGIN
from vms.recordings import hold_files, rebuild_index
from vms.recordings.chain_check import trust_any
from vms.recordings.cleaner import Cleaner
from vms.recordings.disk import Disk, DiskFailure
from vms.recordings.findings import Finding
from vms.recordings.held import HeldSpan
from vms.recordings.hold_files import FOLDER, newest
from vms.recordings.holds import DAY_S, Hold, Holds, Wanted
from vms.recordings.rebuild import Rebuilt, rebuild
from vms.recordings.recovery import recover
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS

GATE, YARD = CameraId("gate"), CameraId("yard")
NOW_S = DAY_90K // TICKS_PER_S
SPAN = HeldSpan(GATE, 3, DAY_90K, DAY_90K + 100)
MakeStore = Callable[..., Store]


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(wall_ns=NOW_S * NS_PER_S)


def place(store: Store, clock: SimulatedClock, *cameras: CameraId) -> Hold:
    wanted = Wanted(cameras=cameras, start_90k=DAY_90K - 900, end_90k=DAY_90K, reason="Крадіжка на складі")
    return Holds(store, clock=clock, budget_bytes=1).place(wanted, by="olena", by_police=False)


@pytest.fixture
def anew(tmp_path: Path) -> Iterator[Callable[..., tuple[Database, Rebuilt]]]:
    """The index made anew from disks alone."""
    opened: list[Database] = []

    def make(*disks: Disk) -> tuple[Database, Rebuilt]:
        opened.append(Database(tmp_path / f"anew-{len(opened)}.db", migrations=MIGRATIONS))
        steps = list(rebuild(opened[-1], disks, origin=ORIGIN, is_edge=False, trusts=trust_any))
        assert not [step for step in steps if isinstance(step, Finding)]
        assert isinstance(steps[-1], Rebuilt)
        return opened[-1], steps[-1]

    yield make
    for database in opened:
        database.close()


def listing(database: Database, disk: Disk, clock: SimulatedClock) -> list[Hold]:
    return Holds(Store(database, disk, origin=ORIGIN), clock=clock, budget_bytes=1).listing()


def versions(disk: Disk) -> list[str]:
    return disk.names(FOLDER)


def test_a_lost_database_costs_no_hold(make_store: MakeStore, anew: Callable, clock: SimulatedClock) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    made = [place(store, clock, GATE, YARD), place(store, clock, YARD)]
    database, said = anew(disk)
    assert said.held == 3
    assert listing(database, disk, clock) == made
    assert versions(disk) == ["2.json"]
    # What is placed next neither takes an old number nor an old version.
    again = Store(database, disk, origin=ORIGIN)
    assert place(again, clock, GATE).number == 3
    assert versions(disk) == ["3.json"]


def test_a_release_is_not_forgotten_with_the_database(
    make_store: MakeStore, anew: Callable, clock: SimulatedClock
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    holds = Holds(store, clock=clock, budget_bytes=1)
    number = place(store, clock, GATE).number
    released = holds.release(number, by="olena")
    assert released.until_s is not None
    assert listing(anew(disk)[0], disk, clock) == [released]
    holds.renew(number, days=5)
    assert listing(anew(disk)[0], disk, clock)[0].until_s is None
    holds.release(number, by="olena")
    clock.pass_time(2 * DAY_S)
    Cleaner(store, dict, clock=clock, instruments=Instruments(site="centre")).run_once()
    database, said = anew(disk)
    assert (said.held, listing(database, disk, clock)) == (0, [])


def test_what_a_site_was_told_comes_back_too(make_store: MakeStore, anew: Callable) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    store.hold_exactly([SPAN])
    assert [kept.camera for kept in newest([disk]).held] == [GATE]  # type: ignore[union-attr]
    assert anew(disk)[1].held == 1
    store.hold_exactly([])
    assert anew(disk)[1].held == 0


def test_each_disk_has_its_copy_and_the_newest_of_all_counts(make_store: MakeStore, anew: Callable) -> None:
    whole = CrashDisk()
    first, second = whole.part("first"), whole.part("second")
    store = make_store(first, second)
    store.hold_exactly([SPAN])
    assert versions(first) == versions(second) == ["1.json"]
    first.is_away = True
    store.shelf.free_bytes()  # somebody notices
    store.hold_exactly([])
    assert versions(second) == ["2.json"]
    first.is_away = False
    assert versions(first) == ["1.json"]
    assert anew(first, second)[1].held == 0
    store.shelf.look_again()
    store.settle_holds()
    assert versions(first) == versions(second) == ["2.json"]


@pytest.mark.parametrize("kind", ["create", "sync", "sync_folder", "write"])
def test_a_disk_that_refuses_does_not_refuse_the_hold_and_gets_it_later(make_store: MakeStore, kind: str) -> None:
    broken = True

    def fail(operation: Operation) -> None:
        if broken and operation.kind == kind and FOLDER in operation.name:
            raise DiskFailure("an I/O error")

    disk = CrashDisk(fail=fail)
    store = make_store(disk)
    store.hold_exactly([SPAN])
    with store.database.read() as connection:
        assert len(hold_files.read(connection).held) == 1
    broken = False
    store.settle_holds()
    assert newest([disk]) is not None
    assert versions(disk) == ["1.json"]


def test_a_full_disk_gets_its_copy_when_there_is_room(make_store: MakeStore, clock: SimulatedClock) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    disk.capacity_bytes = disk.used_bytes() + 10
    place(store, clock, GATE)
    assert newest([disk]) is None
    disk.capacity_bytes = 1 << 40
    Cleaner(store, dict, clock=clock, instruments=Instruments(site="centre")).run_once()
    assert newest([disk]) is not None


def test_holds_of_a_release_that_had_no_files_get_theirs_at_the_next_start(make_store: MakeStore) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    store.hold_exactly([SPAN])
    disk.unlink(f"{FOLDER}/1.json")
    store.database.write(lambda connection: connection.execute(sa.text("DELETE FROM hold_files")))
    assert newest([disk]) is None
    recover(make_store(disk))
    assert len(newest([disk]).held) == 1  # type: ignore[union-attr]


def test_a_store_without_holds_writes_nothing(make_store: MakeStore) -> None:
    disk = CrashDisk()
    recover(make_store(disk))
    assert versions(disk) == []


def test_a_version_that_was_never_committed_is_overruled_at_the_next_start(make_store: MakeStore) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    store.hold_exactly([SPAN])

    def cut_before_commit(connection: sa.Connection) -> None:
        connection.execute(sa.text("DELETE FROM held"))
        store._hold_files.note(connection)
        raise InterruptedError

    with pytest.raises(InterruptedError):
        store.database.write(cut_before_commit)
    assert versions(disk) == ["1.json", "2.json"]
    recover(make_store(disk))
    assert versions(disk) == ["3.json"]
    assert len(newest([disk]).held) == 1  # type: ignore[union-attr]


def test_the_old_database_is_believed_when_it_knows_more_than_the_files(
    make_store: MakeStore, anew: Callable, clock: SimulatedClock
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    place(store, clock, GATE)
    older = store.database.path.with_name("older.db")
    with closing(sqlite3.connect(store.database.path)) as now, closing(sqlite3.connect(older)) as copy:
        now.backup(copy)
    disk.capacity_bytes = disk.used_bytes()
    place(store, clock, YARD)  # in the database alone
    for path, held in ((store.database.path, 2), (older, 1)):
        database, said = anew(disk)
        assert said.held == 1
        assert database.write(lambda c, path=path: rebuild_index.carry_holds(c, path)) == held
    disk.capacity_bytes = 1 << 40
    store.settle_holds()
    database, _ = anew(disk)
    # A copy of yesterday's database knows less.
    assert database.write(lambda c: rebuild_index.carry_holds(c, older)) == 2
    assert database.write(lambda c: rebuild_index.carry_holds(c, older.with_name("none.db"))) == 2


@given(st.integers(0, 2**32))
def test_damaged_files_are_no_holds_and_raise_nothing(seed: int) -> None:
    rng = random.Random(seed)
    kept = hold_files.KeptHolds(version=7, held=(hold_files.KeptSpan(camera="gate", hold=1, start_90k=5, end_90k=9),))
    disk = CrashDisk()
    body = hold_files.encoded(kept)
    disk.make_folder(FOLDER)
    for name in ("7.json", "9.json", "x.json", "99999999999999999999.json"):
        file = disk.create(f"{FOLDER}/{name}")
        file.append(body if name == "7.json" else damaged(rng, [body]))
    assert newest([disk]) == kept
