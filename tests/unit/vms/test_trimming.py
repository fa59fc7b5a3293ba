"""The ledger is shortened only by what was deleted on purpose, only by the site, and the chain stays checkable."""

import inspect
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from beket.access.signing import SigningKey
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import ProtocolError
from beket.testing.crash_disk import CrashDisk, Place, after_cut_keeping, unsynced
from tests.hostile import damaged
from tests.unit.vms.conftest import ORIGIN
from tests.unit.vms.test_sealing import DAY_NS, GATE, listed, record
from vms.recordings import seal_index
from vms.recordings.chain import Anchor, anchor_line, read_anchor
from vms.recordings.chain_check import ChainCheck, trust_any
from vms.recordings.findings import Fault
from vms.recordings.ledger import FOLDER, Ledger
from vms.recordings.rebuild import rebuild
from vms.recordings.sacrifice import DAY_90K, Keeping
from vms.recordings.sealing import Sealer
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.trimming import LATE_DAYS, CentreTrimmer, Trimmer

MONTH_NS = 31 * 86_400 * NS_PER_S
MONTHS = 4
MakeStore = Callable[..., Store]


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.load_or_create(tmp_path / "site.key")


def months_of_seals(
    make_store: MakeStore, key: SigningKey, disk: CrashDisk, name: str = "video"
) -> tuple[Store, list[list[StoredSegment]]]:
    """A store with two seals in each of four months, all sent, and what each month's name."""
    store = make_store(disk, name=name)
    rounds: list[list[StoredSegment]] = []
    for number in range(2 * MONTHS):
        before = len(listed(store))
        record(store, seed=number, at_s=100 * number, seconds=45)
        Sealer(store, key, clock=SimulatedClock(wall_ns=DAY_NS + number // 2 * MONTH_NS)).seal_all()
        rounds.append(listed(store)[before:])
    sent(store)
    return store, [one + two for one, two in zip(rounds[::2], rounds[1::2], strict=True)]


def sent(store: Store) -> None:
    """The centre has all seals."""
    with store.database.read() as connection:
        unsent = seal_index.unsent(connection, [GATE], 100)
    for one in unsent:
        store.database.write(lambda c, one=one: seal_index.forget_sent(c, one.camera, one.number))


def delete(store: Store, segments: list[StoredSegment]) -> None:
    store.discard([key_of(one) for one in segments])
    store.collect_garbage()


def trim(store: Store, key: SigningKey) -> int:
    return Trimmer(store, key, clock=SimulatedClock(wall_ns=DAY_NS + MONTHS * MONTH_NS)).run_once()


def faults(store: Store, key: SigningKey) -> list[tuple[str, Fault]]:
    chain = ChainCheck(store, GATE, lambda *its: its == ("school", key.public), is_complete=True)
    for segment in listed(store):
        chain.take(segment)
    return [(found.name, found.fault) for found in chain.findings()]


def test_what_was_deleted_leaves_the_ledger_month_by_month_and_the_chain_stays_whole(
    make_store: MakeStore, key: SigningKey, tmp_path: Path
) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    assert len(Ledger(disk).months(GATE)) == MONTHS
    assert trim(store, key) == 0
    for left in (3, 2):
        delete(store, months[MONTHS - 1 - left])
        assert (trim(store, key), trim(store, key)) == (1, 0)
        assert len(Ledger(disk).months(GATE)) == left
        assert faults(store, key) == []
    # Recording and signing go on, and the index can be made anew.
    record(store, seed=99, at_s=2000)
    Sealer(store, key, clock=SimulatedClock(wall_ns=DAY_NS + MONTHS * MONTH_NS)).seal_all()
    assert faults(store, key) == []
    with ExitStack() as stack:
        database = Database(tmp_path / "anew.db", migrations=MIGRATIONS)
        stack.callback(database.close)
        list(rebuild(database, [disk], origin=ORIGIN, is_edge=True, trusts=trust_any))
        again = Store(database, disk, origin=ORIGIN)
        assert listed(again) == listed(store)
        assert faults(again, key) == []


def test_the_newest_seal_stays_though_everything_was_deleted(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, [one for month in months for one in month])
    assert trim(store, key) == MONTHS - 1
    assert faults(store, key) == []


def test_a_recording_that_is_kept_keeps_its_month(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, months[0][1:] + months[1])
    assert trim(store, key) == 1
    assert len(Ledger(disk).months(GATE)) == MONTHS - 1
    assert faults(store, key) == []


def test_a_seal_that_has_still_to_travel_keeps_its_month(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, months[0])
    (name, *_) = Ledger(disk).months(GATE)
    waiting = seal_index.UnsentSeal(GATE, 1, store.shelf.volumes[0].id, name, 0, 10)
    store.database.write(lambda c: seal_index.await_sending(c, waiting))
    assert trim(store, key) == 0
    sent(store)
    assert trim(store, key) == 1


def test_what_vanished_without_a_reason_keeps_its_month(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, months[0][1:])
    victim = months[0][0]
    store.database.write(lambda c: c.exec_driver_sql("DELETE FROM segments WHERE sequence = ?", (victim.sequence,)))
    assert trim(store, key) == 0
    assert faults(store, key) == [(key_of(victim).file_name, Fault.LOST)]


@pytest.mark.parametrize("anchor_by", [None, "stranger", "another camera"])
def test_nobody_else_can_shorten_the_ledger(
    make_store: MakeStore, key: SigningKey, tmp_path: Path, anchor_by: str | None
) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, months[0])
    ledger = Ledger(disk)
    last = list(ledger.read(GATE))[1]
    anchor = Anchor(
        community="dobrianka", site="school", camera="yard" if anchor_by == "another camera" else "gate", number=2,
        seal_sha256=last.seal_sha256, last_sequence=1, trimmed_at_ns=1,  # type: ignore[union-attr]
    )  # fmt: skip
    signer = SigningKey.load_or_create(tmp_path / "stranger.key") if anchor_by == "stranger" else key
    if anchor_by is None:
        disk.unlink(ledger.months(GATE)[0])
    else:
        ledger.take_out(GATE, ledger.months(GATE)[0], anchor_line(anchor, signer))
    assert faults(store, key) == [(f"{FOLDER}/gate#{number}", Fault.LOST_SEAL) for number in (1, 2)]


def test_the_seal_after_an_anchor_must_name_its_hash(make_store: MakeStore, key: SigningKey) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    delete(store, months[0])
    anchor = Anchor(
        community="dobrianka", site="school", camera="gate", number=2, seal_sha256="0" * 64, last_sequence=1,
        trimmed_at_ns=1,
    )  # fmt: skip
    ledger = Ledger(disk)
    ledger.take_out(GATE, ledger.months(GATE)[0], anchor_line(anchor, key))
    assert faults(store, key) == [(f"{FOLDER}/gate#3", Fault.MOVED_SEAL)]


def trimmed_log(make_store: MakeStore, key: SigningKey, muted: Place | None = None) -> tuple[Store, CrashDisk, int]:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk, name=f"muted-{hash(muted)}")
    delete(store, months[0] + months[1])
    begun = len(disk.log)
    disk.syncs.clear()
    disk.muted = muted
    assert trim(store, key) == 2
    return store, disk, begun


def cut_scenes(disk: CrashDisk, begun: int) -> Iterator[CrashDisk]:
    for cut in range(begun, len(disk.log) + 1):
        before = disk.log[:cut]
        pending = unsynced(before)
        rng = random.Random(cut)
        some = [frozenset(one for one in pending if rng.random() < 0.5) for _ in range(3)]
        removals = frozenset(one for one in pending if before[one].kind == "unlink")
        for kept in {frozenset[int](), frozenset(pending), removals, *some}:
            yield after_cut_keeping(before, kept)


def holds(store: Store, scene: CrashDisk, key: SigningKey) -> bool:
    """Whether the check finds nothing on what the cut left; the index was not touched by the trimming."""
    (volume,) = store.shelf.volumes
    whole, volume.disk = volume.disk, scene
    try:
        return faults(store, key) == []
    finally:
        volume.disk = whole


def test_a_cut_at_any_place_leaves_the_seals_or_the_anchor(make_store: MakeStore, key: SigningKey) -> None:
    store, disk, begun = trimmed_log(make_store, key)
    assert all(holds(store, scene, key) for scene in cut_scenes(disk, begun))


def test_no_sync_of_an_anchor_could_be_left_out(make_store: MakeStore, key: SigningKey) -> None:
    _, disk, _ = trimmed_log(make_store, key)
    # The folders are durable since the first seal; test_sealing.py needs their syncs.
    lines, start = inspect.getsourcelines(Ledger._make_folder)
    asked = {place for place in disk.syncs if not start <= place[0][1] < start + len(lines)}
    assert len(asked) == 2
    for muted in asked:
        store, harmed, begun = trimmed_log(make_store, key, muted)
        assert not all(holds(store, scene, key) for scene in cut_scenes(harmed, begun)), muted


def test_hostile_anchors_raise_the_declared_error_or_are_not_genuine(key: SigningKey) -> None:
    anchor = Anchor(
        community="c", site="s", camera="gate", number=2, seal_sha256="0" * 64, last_sequence=1, trimmed_at_ns=1
    )
    line = anchor_line(anchor, key).rstrip(b"\n")
    assert read_anchor(line).is_genuine
    for seed in range(300):
        data = damaged(random.Random(seed), [line])
        try:
            read = read_anchor(data)
        except ProtocolError:
            continue
        assert read.anchor == anchor or not read.is_genuine


# The centre's ------------------------------------------------------------------------------------------------------


def centre_faults(store: Store, key: SigningKey) -> list[tuple[str, Fault]]:
    chain = ChainCheck(store, GATE, lambda *its: its == ("school", key.public), is_complete=False)
    for segment in listed(store):
        chain.take(segment)
    return [(found.name, found.fault) for found in chain.findings()]


def test_the_centre_lets_the_oldest_months_go_when_nothing_that_they_name_could_still_come(
    make_store: MakeStore, key: SigningKey
) -> None:
    disk = CrashDisk()
    store, months = months_of_seals(make_store, key, disk)
    keeping = {GATE: Keeping(30, needs_acknowledgement=False)}
    trimmer = CentreTrimmer(store, lambda: keeping)
    delete(store, months[0] + months[1][1:] + months[2])
    soon, late = (months[0][0].start_90k + (30 + LATE_DAYS + days) * DAY_90K for days in (-1, 1))
    assert trimmer.run_once(soon) == 0
    # One recording of the second month is still here: so it stays, and so does what comes after it.
    assert (trimmer.run_once(late), trimmer.run_once(late)) == (1, 0)
    assert centre_faults(store, key) == []
    delete(store, months[1][:1] + months[3])
    assert trimmer.run_once(late) == 2
    assert len(Ledger(disk).months(GATE)) == 1
    assert centre_faults(store, key) == []
    keeping.clear()
    assert trimmer.run_once(late) == 0
