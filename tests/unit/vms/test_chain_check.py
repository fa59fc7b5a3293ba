"""Whatever is done to sealed recordings, the check names what was touched, and nothing else."""

import dataclasses
import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access.signing import SigningKey
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.ids import CameraId, CommunityId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from tests.unit.vms.conftest import ORIGIN
from vms.recordings import index
from vms.recordings.chain import SealLine
from vms.recordings.check import check
from vms.recordings.container import Origin
from vms.recordings.findings import Fault, Finding, Place, Progress
from vms.recordings.ledger import FOLDER, Ledger
from vms.recordings.sealing import Sealer
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS, removed, segments, unsealed
from vms.recordings.writer import Recorder

GATE, YARD = CameraId("gate"), CameraId("yard")
LEDGER = f"{FOLDER}/gate/202311.jsonl"
# Five segments a round; three rounds are sealed, the last one waits.
ROUNDS, PER_ROUND = 4, 5
SEALED = (ROUNDS - 1) * PER_ROUND
ALL = ROUNDS * PER_ROUND

Found = list[tuple[str, Fault]]


@dataclass(slots=True)
class Scene:
    """A store with a camera's sealed recordings, and ways to harm it that are undone afterwards."""

    store: Store
    disk: CrashDisk
    key: SigningKey

    @property
    def segments(self) -> list[StoredSegment]:
        with self.store.database.read() as connection:
            return index.page(connection, GATE, after=None, limit=1000)

    def findings(self, *, rehash: bool = True, is_complete: bool = True, own_key: bool = True) -> Found:
        steps = check(
            self.store,
            rehash=rehash,
            is_complete=is_complete,
            trusts=lambda site, public_key: own_key and (site, public_key) == ("school", self.key.public),
        )
        return [(step.name, step.fault) for step in steps if isinstance(step, Finding)]

    def content(self, name: str) -> bytes:
        return self.disk.read(name, 0, 1 << 30)

    @contextmanager
    def file(self, name: str, content: bytes | None) -> Iterator[None]:
        """The file holds something else for a while, or is gone, or is new."""
        before = self.content(name) if name.rpartition("/")[2] in self.disk.names(name.rpartition("/")[0]) else None
        self._put(name, content)
        try:
            yield
        finally:
            self._put(name, before)
            self.disk.log.clear()

    @contextmanager
    def rows(self, *changes: sa.Executable) -> Iterator[None]:
        """The database says something else for a while."""
        tables = (segments, unsealed, removed)
        with self.store.database.read() as connection:
            before = [(table, connection.execute(sa.select(table)).mappings().all()) for table in tables]

        def put_back(connection: sa.Connection) -> None:
            for table, rows in before:
                connection.execute(sa.delete(table))
                if rows:
                    connection.execute(sa.insert(table), [dict(row) for row in rows])

        self.store.database.write(lambda c: [c.execute(change) for change in changes] and None)
        try:
            yield
        finally:
            self.store.database.write(put_back)

    def _put(self, name: str, content: bytes | None) -> None:
        self.disk.unlink(name)
        if content is not None:
            self.disk.create(name).append(content)


def record(store: Store, *, round_: int, camera: CameraId = GATE) -> None:
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    start_90k = DAY_90K + round_ * 200 * TICKS_PER_S
    recorder.start_run(camera, made_up_stream(), start_90k=start_90k)
    rng = random.Random(round_)
    recorder.write(camera, made_up_fragments(rng, start_90k=start_90k, seconds=90, fps=1, frame_bytes=30))
    recorder.end_run(camera, reason=GapReason.LINK)
    assert recorder.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("scene")
    key = SigningKey.load_or_create(folder / "key")
    database, disk = Database(folder / "video.db", migrations=MIGRATIONS), CrashDisk()
    store = Store(database, disk, origin=ORIGIN)
    sealer = Sealer(store, key, clock=SimulatedClock())
    for round_ in range(ROUNDS):
        record(store, round_=round_)
        if round_ < ROUNDS - 1:
            assert sealer.seal_all() == 1
    yield Scene(store, disk, key)
    database.close()


def name(segment: StoredSegment) -> str:
    return key_of(segment).file_name


def seal(number: int) -> str:
    return f"{FOLDER}/gate#{number}"


def row_of(one: StoredSegment, table: sa.Table = segments) -> sa.ColumnElement[bool]:
    return table.c.sequence == one.sequence


def test_sealed_recordings_have_no_findings(scene: Scene) -> None:
    assert len(scene.segments) == ALL
    assert scene.findings() == scene.findings(rehash=False) == []


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, ALL - 1), offset=st.integers(0, 1 << 30), bit=st.integers(0, 7))
def test_any_flipped_bit_names_its_file_alone(scene: Scene, at: int, offset: int, bit: int) -> None:
    one = scene.segments[at]
    changed = bytearray(scene.content(name(one)))
    changed[offset % len(changed)] ^= 1 << bit
    with scene.file(name(one), bytes(changed)):
        assert scene.findings() == [(name(one), Fault.HASH)]


@pytest.mark.parametrize("at", range(ALL))
def test_a_file_cut_short_lengthened_or_taken_away_is_named(scene: Scene, at: int) -> None:
    one = scene.segments[at]
    whole = scene.content(name(one))
    for content, fault in ((whole[:-1], Fault.SIZE), (whole + b"\0", Fault.SIZE), (None, Fault.MISSING)):
        with scene.file(name(one), content):
            assert scene.findings(rehash=False) == [(name(one), fault)]


@settings(max_examples=30, deadline=None)
@given(pair=st.lists(st.integers(0, ALL - 1), min_size=2, max_size=2, unique=True))
def test_two_files_that_changed_places_are_both_named(scene: Scene, pair: list[int]) -> None:
    one, other = (scene.segments[at] for at in sorted(pair))
    mine, theirs = scene.content(name(one)), scene.content(name(other))
    with scene.file(name(one), theirs), scene.file(name(other), mine):
        assert [found for found, _ in scene.findings()] == [name(one), name(other)]
        # And who changes the index as well, so that size and hash agree, is told by what the files say of themselves.
        exchanged = [
            sa.update(segments).where(row_of(a)).values(sha256=b.sha256, size_bytes=b.size_bytes)
            for a, b in ((one, other), (other, one))
        ]
        with scene.rows(*exchanged):
            assert scene.findings(rehash=False) == [(name(one), Fault.IDENTITY), (name(other), Fault.IDENTITY)]


@pytest.mark.parametrize("at", range(ALL))
def test_a_recording_that_vanishes_with_its_row_is_named(scene: Scene, at: int) -> None:
    one = scene.segments[at]
    with scene.file(name(one), None), scene.rows(sa.delete(segments).where(row_of(one))):
        assert scene.findings(rehash=False) == [(name(one), Fault.LOST)]


@pytest.mark.parametrize("at", range(SEALED, ALL - 1))
def test_what_vanishes_before_it_is_sealed_leaves_a_hole_before_the_next(scene: Scene, at: int) -> None:
    one, then = scene.segments[at : at + 2]
    with (
        scene.file(name(one), None),
        scene.rows(sa.delete(segments).where(row_of(one)), sa.delete(unsealed).where(row_of(one, unsealed))),
    ):
        assert scene.findings(rehash=False) == [(name(then), Fault.HOLE)]


@pytest.mark.parametrize("at", range(ALL))
def test_a_recording_made_anew_together_with_its_row_is_named(scene: Scene, at: int) -> None:
    one = scene.segments[at]
    forged = scene.content(name(one))[:-1] + b"\x81"
    digest = sa.update(segments).where(row_of(one)).values(sha256=_sha256(forged))
    with scene.file(name(one), forged), scene.rows(digest):
        assert scene.findings() == [(name(one), Fault.ALTERED)]
    # Not sealed yet, and the note of it changed as well: the next recording still names the true one.
    if SEALED <= at < ALL - 1:
        noted = sa.update(unsealed).where(row_of(one, unsealed)).values(sha256=_sha256(forged))
        with scene.file(name(one), forged), scene.rows(digest, noted):
            assert scene.findings() == [(name(one), Fault.REPLACED)]


def test_a_foreign_recording_slipped_in_is_named(scene: Scene, tmp_path: Path) -> None:
    for community, fault in (("elsewhere", Fault.IDENTITY), ("dobrianka", Fault.UNSIGNED)):
        other_disk = CrashDisk()
        database = Database(tmp_path / f"{community}.db", migrations=MIGRATIONS)
        other = Store(database, other_disk, origin=_origin(community))
        record(other, round_=1)
        with database.read() as connection:
            strange = index.page(connection, GATE, after=None, limit=1)[0]
            row = connection.execute(sa.select(segments).where(row_of(strange))).mappings().one()
        database.close()
        assert name(strange) not in [name(one) for one in scene.segments]
        with (
            scene.file(name(strange), other_disk.read(name(strange), 0, 1 << 30)),
            scene.rows(sa.insert(segments).values(**row)),
        ):
            assert scene.findings() == [(name(strange), fault)]


@settings(max_examples=80, deadline=None)
@given(flip=st.integers(0, 1 << 30), bit=st.integers(0, 7))
def test_any_flipped_bit_of_the_ledger_names_the_seal(scene: Scene, flip: int, bit: int) -> None:
    whole = scene.content(LEDGER)
    changed = bytearray(whole)
    at = flip % len(changed)
    changed[at] ^= 1 << bit
    line = whole.count(b"\n", 0, at)
    lines = list(Ledger(scene.disk).read(GATE))
    with scene.file(LEDGER, bytes(changed)):
        found = scene.findings(rehash=False)
        if list(Ledger(scene.disk).read(GATE)) == lines:
            assert found == []  # a last bit of base64 that means nothing
            return
    assert seal(line + 1) in [where for where, _ in found]
    assert {fault for _, fault in found} <= {Fault.FORGED_SEAL, Fault.LOST_SEAL}


def test_seals_taken_away_moved_or_made_by_others_are_named(scene: Scene) -> None:
    first, second, third = scene.content(LEDGER).splitlines(keepends=True)
    assert all(isinstance(one, SealLine) and one.is_genuine for one in Ledger(scene.disk).read(GATE))
    with scene.file(LEDGER, first + third):
        assert scene.findings() == [(seal(2), Fault.LOST_SEAL)]
    with scene.file(LEDGER, first + second):
        assert scene.findings() == [(seal(3), Fault.LOST_SEAL)]
    with scene.file(LEDGER, None):
        assert scene.findings() == [(seal(number), Fault.LOST_SEAL) for number in (1, 2, 3)]
    with scene.file(LEDGER, second + first + third):
        assert scene.findings() == [(seal(1), Fault.MOVED_SEAL)]
    with scene.file(f"{FOLDER}/yard/202311.jsonl", None), scene.file(LEDGER, first + second + third):
        assert scene.findings(own_key=False) == [(seal(number), Fault.STRANGE_SEAL) for number in (1, 2, 3)]


def test_retention_breaks_no_proof_wherever_it_deletes(make_store: Callable[..., Store], tmp_path: Path) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    scene = Scene(store, disk, SigningKey.load_or_create(tmp_path / "key"))
    for round_ in range(ROUNDS):
        record(store, round_=round_)
        record(store, round_=round_, camera=YARD)
    Sealer(store, scene.key, clock=SimulatedClock()).seal_all()
    for part in (slice(0, 3), slice(3, 4), slice(5, 9), slice(-1, None)):
        store.discard([key_of(one) for one in scene.segments[part]])
        store.collect_garbage()
        assert scene.findings() == []
    # What goes without being deleted on purpose is still told apart.
    gone = scene.segments[4]
    with scene.file(name(gone), None), scene.rows(sa.delete(segments).where(row_of(gone), segments.c.camera == 1)):
        assert scene.findings() == [(name(gone), Fault.LOST)]
        assert scene.findings(is_complete=False) == []


def test_a_check_goes_on_where_it_was_stopped_and_looks_at_one_camera(scene: Scene) -> None:
    record(scene.store, round_=9, camera=YARD)
    middle = scene.segments[PER_ROUND]
    steps = list(check(scene.store, begin=Place(GATE, middle.start_90k)))
    assert all(isinstance(step, Progress) for step in steps)
    assert len(steps) == ALL - PER_ROUND + 5
    assert steps[0].place == Place(GATE, middle.start_90k)
    assert {step.place.camera for step in check(scene.store, only=YARD)} == {YARD}
    assert {step.place.camera for step in check(scene.store, begin=Place(YARD))} == {YARD}
    last = list(check(scene.store, rehash=False))[-1]
    assert isinstance(last, Progress)
    assert last.size_bytes == last.total_bytes
    # A file that is gone is found by whoever begins before it, and by nobody else.
    with scene.file(name(scene.segments[0]), None):
        assert [step for step in check(scene.store, begin=Place(YARD)) if isinstance(step, Finding)] == []


def _sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _origin(community: str) -> Origin:
    return dataclasses.replace(ORIGIN, community=CommunityId(community))
