"""What is signed of a camera's recordings, how often, and what a crash or a forger can do about it."""

import functools
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access.signing import SigningKey
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk, Operation, Place, after_cut_keeping, unsynced
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import index, seal_index
from vms.recordings.chain import SealLine, read_line
from vms.recordings.disk import DiskFailure
from vms.recordings.layout import SegmentKey
from vms.recordings.ledger import FOLDER, Damaged, Ledger, Ledgers
from vms.recordings.sealing import SEAL_EVERY_S, Sealer
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.tables import metadata
from vms.recordings.writer import Recorder

GATE, YARD = CameraId("gate"), CameraId("yard")
DAY_NS = DAY_90K // TICKS_PER_S * NS_PER_S
MakeStore = Callable[..., Store]


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.load_or_create(tmp_path / "site.key")


def record(store: Store, *, seed: int = 1, at_s: int = 0, seconds: int = 90, camera: CameraId = GATE) -> None:
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    start_90k = DAY_90K + at_s * TICKS_PER_S
    recorder.start_run(camera, made_up_stream(), start_90k=start_90k)
    recorder.write(camera, made_up_fragments(random.Random(seed), start_90k=start_90k, seconds=seconds))
    recorder.end_run(camera, reason=GapReason.LINK)
    assert recorder.close()


def listed(store: Store, camera: CameraId = GATE) -> list[StoredSegment]:
    with store.database.read() as connection:
        return index.page(connection, camera, after=None, limit=10_000)


def seals(disk: CrashDisk, camera: CameraId = GATE) -> list[SealLine]:
    found = list(Ledger(disk).read(camera))
    assert all(isinstance(one, SealLine) for one in found)
    return [one for one in found if isinstance(one, SealLine)]


def test_the_migrations_make_the_tables_that_the_code_knows(make_store: MakeStore) -> None:
    with make_store(CrashDisk()).database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_seal_says_what_the_index_knows_and_each_is_bound_to_the_one_before(
    make_store: MakeStore, key: SigningKey
) -> None:
    disk, clock = CrashDisk(), SimulatedClock(wall_ns=DAY_NS)
    store = make_store(disk)
    record(store)
    sealer = Sealer(store, key, clock=clock)
    assert sealer.run_once() == 0
    clock.step_wall(SEAL_EVERY_S)
    assert (sealer.run_once(), sealer.run_once()) == (1, 0)
    record(store, seed=2, at_s=200)
    record(store, seed=3, camera=YARD)
    assert (sealer.seal_all(), sealer.seal_all()) == (2, 0)
    first, second = seals(disk)
    assert first.is_genuine
    assert second.is_genuine
    assert first.public_key == second.public_key == key.public
    assert [*first.segments, *second.segments] == listed(store)
    assert (first.seal.number, first.seal.previous_seal_sha256) == (1, "")
    assert (second.seal.number, second.seal.previous_seal_sha256) == (2, first.seal_sha256)
    assert second.segments[0].previous_sha256.hex() == first.seal.head_sha256
    assert (first.seal.site, first.seal.camera, first.seal.segments) == ("school", "gate", 5)
    # The gap that was open when the first seal was made is told again when it has ended.
    assert [(gap.reason, gap.end_90k) for gap in first.gaps] == [(GapReason.LINK, None)]
    ended, going_on = second.gaps
    assert (ended.start_90k, ended.end_90k) == (first.gaps[0].start_90k, DAY_90K + 200 * TICKS_PER_S)
    assert going_on.end_90k is None
    assert Ledger(disk).cameras() == [GATE, YARD]


def test_many_segments_are_sealed_in_several_lines_and_what_was_deleted_before_is_in_them(
    make_store: MakeStore, key: SigningKey
) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"), segment_s=1)
    recorder.start_run(GATE, made_up_stream(), start_90k=DAY_90K)
    sent = made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=600, fps=1, key_every_s=2, frame_bytes=9)
    recorder.write(GATE, sent)
    recorder.end_run(GATE, reason=GapReason.LINK)
    assert recorder.close()
    before = listed(store)
    store.discard([key_of(one) for one in before[:7]])
    # As many as an hour has are due at once, whatever the clock says.
    assert Sealer(store, key, clock=SimulatedClock(wall_ns=DAY_NS)).run_once() == 2
    assert [one.seal.segments for one in seals(disk)] == [256, 44]
    assert [segment for line in seals(disk) for segment in line.segments] == before


def sealed_disk(make_store: MakeStore, key: SigningKey, *, muted: Place | None = None) -> tuple[CrashDisk, int, Path]:
    """A disk on which something was just sealed, where in its log that began, and the index as it was then."""
    disk = CrashDisk(muted=muted)
    store = make_store(disk)
    record(store)
    with store.database.read() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        begun = store.database.path.with_suffix(".begun")
        begun.write_bytes(raw.serialize())
    at = len(disk.log)
    assert Sealer(store, key, clock=SimulatedClock()).seal_all() == 1
    return disk, at, begun


def test_a_cut_at_any_place_leaves_either_the_seal_or_what_waits_for_it(make_store: MakeStore, key: SigningKey) -> None:
    disk, at, begun = sealed_disk(make_store, key)
    assert len(seals(after_cut_keeping(disk.log, frozenset()))) == 1
    number = itertools.count()
    for cut in range(at, len(disk.log) + 1):
        before = disk.log[:cut]
        pending = unsynced(before)
        writes = [one for one in pending if before[one].kind == "write"]
        for kept in (frozenset[int](), frozenset(pending), frozenset(writes)):
            for part in (2, 1):
                left = after_cut_keeping(before, kept, torn={one: len(before[one].data) // part for one in writes})
                name = f"again-{next(number)}"
                (begun.parent / f"{name}.db").write_bytes(begun.read_bytes())
                again = make_store(left, name=name)
                assert Sealer(again, key, clock=SimulatedClock()).seal_all() == 1
                (line,) = [one for one in Ledger(left).read(GATE) if isinstance(one, SealLine)]
                assert list(line.segments) == listed(again)


def test_no_sync_of_the_ledger_could_be_left_out(make_store: MakeStore, key: SigningKey) -> None:
    disk, _, _ = sealed_disk(make_store, key)
    places = [place for place in disk.syncs if any(file.endswith("ledger.py") for file, _ in place)]
    assert len(places) == 4
    for number, place in enumerate(places):
        cut, _, _ = sealed_disk(functools.partial(make_store, name=f"muted-{number}"), key, muted=place)
        assert seals(after_cut_keeping(cut.log, frozenset())) == []


def test_a_disk_that_fails_delays_the_seal_and_takes_none_away(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    record(store)

    def fail(operation: Operation) -> None:
        if operation.kind == "sync":
            raise DiskFailure("the disk is ill")

    disk.fail = fail
    sealer = Sealer(store, key, clock=SimulatedClock())
    assert sealer.seal_all() == 0
    disk.fail = lambda _operation: None
    assert sealer.seal_all() == 1
    # The line that nobody counts on lies there too, under the same number.
    (line,) = seals(disk)
    assert list(line.segments) == listed(store)


@settings(deadline=None)
@given(flip=st.integers(0, 1 << 30), bit=st.integers(0, 7))
def test_no_flipped_bit_of_a_line_passes_as_genuine(a_line: bytes, flip: int, bit: int) -> None:
    changed = bytearray(a_line)
    changed[flip % len(changed)] ^= 1 << bit
    try:
        found = read_line(bytes(changed))
    except ProtocolError:
        return
    assert not found.is_genuine or found == read_line(a_line)


@settings(deadline=None)
@given(data=st.binary(max_size=2000))
def test_hostile_lines_raise_the_declared_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_line(data)


@pytest.fixture(scope="module")
def a_line(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    from beket.kernel.database import Database
    from tests.unit.vms.conftest import ORIGIN
    from vms.recordings.tables import MIGRATIONS

    folder = tmp_path_factory.mktemp("line")
    disk, database = CrashDisk(), Database(folder / "video.db", migrations=MIGRATIONS)
    store = Store(database, disk, origin=ORIGIN)
    record(store)
    Sealer(store, SigningKey.load_or_create(folder / "key"), clock=SimulatedClock()).seal_all()
    database.close()
    name = f"{FOLDER}/{GATE}/202311.jsonl"
    return disk.read(name, 0, 1 << 20).rstrip(b"\n")


def test_the_ledger_reads_past_torn_and_overlong_lines(a_line: bytes) -> None:
    disk = CrashDisk()
    ledger = Ledger(disk)
    ledger.append(GATE, a_line[: len(a_line) // 2], wall_ns=0)
    ledger.append(GATE, b"x" * (1 << 20) + b"\n", wall_ns=0)
    ledger.append(GATE, a_line + b"\n", wall_ns=0)
    name = f"{FOLDER}/gate/197001.jsonl"
    found = list(ledger.read(GATE))
    assert found[:2] == [Damaged(name, 1), Damaged(name, 2)]
    assert found[2:] == [read_line(a_line)]


def test_a_ledger_goes_on_beside_when_its_disk_fails_and_is_read_as_one(make_store: MakeStore, key: SigningKey) -> None:
    first, second = CrashDisk(device="8:1"), CrashDisk(device="8:2")
    store = make_store(first, second)
    sealer = Sealer(store, key, clock=SimulatedClock())
    record(store)
    assert sealer.seal_all() == 1
    store.shelf.note_failure(store.shelf.volumes[0].id)
    record(store, at_s=3600)
    assert sealer.seal_all() == 1
    assert store.shelf.look_again() == []
    record(store, at_s=7200)
    assert sealer.seal_all() == 1
    assert [line.seal.number for line in seals(first)] == [1, 3]
    found = [one for one in Ledgers(store.shelf).read(GATE) if isinstance(one, SealLine)]
    assert [line.seal.number for line in found] == [1, 2, 3]
    assert [one.sequence for line in found for one in line.segments] == [one.sequence for one in listed(store)]


@settings(deadline=None)
@given(batches=st.lists(st.sets(st.integers(0, 60), min_size=1), max_size=8))
def test_deleted_numbers_are_kept_as_few_stretches(batches: list[set[int]]) -> None:
    import sqlalchemy as sa

    engine = sa.create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for batch in batches:
            seal_index.note_removed(connection, [SegmentKey(GATE, number * 1000, number) for number in batch])
        ranges = seal_index.removed_ranges(connection, GATE)
    engine.dispose()
    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(set[int]().union(*batches))
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(ranges))
