"""The index made anew from the disks is the one that was lost, and nothing on the disks is harmed by making it."""

import datetime
import os
import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access.signing import SigningKey
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import Busy, InvalidConfig
from beket.kernel.ids import CameraId, CommunityId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from tests.unit.vms.conftest import ORIGIN
from vms.recordings import rebuild_index
from vms.recordings.chain_check import trust_any
from vms.recordings.check import check
from vms.recordings.disk import Disk, PosixDisk, prove_identity
from vms.recordings.findings import Fault, Finding, Progress
from vms.recordings.layout import SegmentKey
from vms.recordings.rebuild import Rebuilt, rebuild
from vms.recordings.recovery import Recovered, recover
from vms.recordings.sealing import Sealer
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS, cameras, gaps, growing, metadata, runs, sealed, segments, unsealed
from vms.recordings.writer import Recorder

GATE, YARD = CameraId("gate"), CameraId("yard")
STREAM = made_up_stream()
MakeStore = Callable[..., Store]
# What files and seals know; `removed` and `growing` say the same in other words.
TOLD = (cameras, segments, runs, gaps, unsealed, sealed)


def record(
    store: Store,
    *,
    at_s: int = 0,
    seconds: int = 90,
    camera: CameraId = GATE,
    reason: GapReason = GapReason.LINK,
) -> None:
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    start_90k = DAY_90K + at_s * TICKS_PER_S
    recorder.start_run(camera, STREAM, start_90k=start_90k)
    rng = random.Random(at_s)
    recorder.write(camera, made_up_fragments(rng, start_90k=start_90k, seconds=seconds, fps=1, frame_bytes=30))
    recorder.end_run(camera, reason=reason)
    assert recorder.close()


def tables(database: Database, told: Sequence[sa.Table] = TOLD) -> dict[str, list[dict[str, Any]]]:
    """All rows, with the camera's name for its number."""
    found = {}
    with database.read() as connection:
        names = {row.id: row.slug for row in connection.execute(sa.select(cameras.c.id, cameras.c.slug))}
        for table in told:
            rows = [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for row in rows:
                row["camera" if "camera" in row else "id"] = names.get(row.get("camera", row.get("id")))
            found[table.name] = sorted(rows, key=repr)
    return found


def disk_of(store: Store) -> Disk:
    return store.shelf.volumes[0].disk


class Anew:
    """Rebuilds into a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.opened = ExitStack()
        self.number = 0
        self.findings: list[tuple[str, Fault]] = []

    def database(self) -> Database:
        self.number += 1
        database = Database(self.folder / f"anew-{self.number}.db", migrations=MIGRATIONS)
        self.opened.callback(database.close)
        return database

    def rebuild(self, *disks: Disk, into: Database | None = None, is_edge: bool = True) -> tuple[Database, Rebuilt]:
        database = into or self.database()
        steps = list(rebuild(database, disks, origin=ORIGIN, is_edge=is_edge, trusts=trust_any))
        self.findings = [(step.name, step.fault) for step in steps if isinstance(step, Finding)]
        last = steps[-1]
        assert isinstance(last, Rebuilt)
        return database, last


@pytest.fixture
def anew(tmp_path: Path) -> Iterator[Anew]:
    anew = Anew(tmp_path)
    with anew.opened:
        yield anew


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.load_or_create(tmp_path / "key")


def sound(store: Store) -> bool:
    return all(isinstance(step, Progress) for step in check(store))


def test_the_index_made_anew_is_the_one_that_was_lost(make_store: MakeStore, anew: Anew, key: SigningKey) -> None:
    """On a real disk: sealed, not sealed yet, several cameras, holes with reasons, what retention took."""
    store = make_store()
    sealer = Sealer(store, key, clock=SimulatedClock())
    for round_, reason in enumerate((GapReason.LINK, GapReason.POWER, GapReason.CAMERA)):
        record(store, at_s=200 * round_, reason=reason)
        record(store, at_s=200 * round_ + 7, camera=YARD, reason=reason)
        if round_ < 2:
            sealer.seal_all()
    before = tables(store.database)
    database, made = anew.rebuild(disk_of(store))
    assert anew.findings == []
    # The last gap began after the last seal: that there is one is plain, why it is not.
    assert {row["camera"] for row in before["gaps"]} == {"gate", "yard"}
    for row in before["gaps"]:
        if row["end_90k"] is None:
            row["reason"] = "restart"
    assert tables(database) == {**before, "gaps": sorted(before["gaps"], key=repr)}
    assert (made.signed, made.read, made.absent, made.leftovers) == (20, 10, 0, 0)


def test_after_an_orderly_end_every_reason_is_known_again_and_retention_is_no_loss(
    make_store: MakeStore, anew: Anew, key: SigningKey
) -> None:
    store = make_store()
    for round_, reason in enumerate((GapReason.LINK, GapReason.POWER, GapReason.CLOCK)):
        record(store, at_s=200 * round_, reason=reason)
    Sealer(store, key, clock=SimulatedClock()).seal_all()
    with store.database.read() as connection:
        rows = connection.execute(sa.select(segments.c.start_90k, segments.c.sequence)).all()
    keys = sorted(SegmentKey(GATE, *row) for row in rows)
    store.discard([*keys[:3], keys[7]])
    store.collect_garbage()
    before = tables(store.database)
    database, made = anew.rebuild(disk_of(store))
    assert tables(database) == before
    assert (made.signed, made.absent) == (11, 4)
    assert sound(Store(database, disk_of(store), origin=ORIGIN))


def test_without_any_seal_the_files_alone_tell_all_but_the_reasons(make_store: MakeStore, anew: Anew) -> None:
    store = make_store()
    for round_ in range(3):
        record(store, at_s=200 * round_, reason=GapReason.POWER)
    with store.database.read() as connection:
        rows = connection.execute(sa.select(segments.c.start_90k, segments.c.sequence)).all()
    keys = sorted(SegmentKey(GATE, *row) for row in rows)
    before = tables(store.database)
    database, _ = anew.rebuild(disk_of(store))
    for row in before["gaps"]:
        row["reason"] = "restart"
    assert tables(database) == before
    # What was deleted from the middle is not taken for a time in which nothing was recorded.
    store.discard(keys[4:6])
    store.collect_garbage()
    database, _ = anew.rebuild(disk_of(store))
    assert len(tables(database)["gaps"]) == len(before["gaps"]) - 1
    assert sound(Store(database, disk_of(store), origin=ORIGIN))


def test_several_disks_give_one_index_and_what_is_on_two_is_told(make_store: MakeStore, anew: Anew) -> None:
    disks = [CrashDisk(), CrashDisk()]
    store = make_store(disks[0])
    record(store)
    names = sorted(name for name in disks[0]._tree.names if name.startswith("gate/"))
    prove_identity(disks[1], CommunityId("dobrianka"), known=(), may_begin=True)
    for folder in ("gate", "gate/20261125", "gate/20261125/00"):
        disks[1].make_folder(folder)
    for name in names[2:]:
        disks[1].create(name).append(disks[0].read(name, 0, 1 << 30))
    for name in names[3:]:
        disks[0].unlink(name)
    before = tables(store.database, [segments])
    database, _ = anew.rebuild(*disks)
    after = tables(database, [segments])
    assert [row.pop("disk") for row in sorted(after["segments"], key=lambda r: r["sequence"])] == [1, 1, 1, 2, 2]
    assert [row.pop("disk") for row in before["segments"]] == [1] * 5
    assert sorted(after["segments"], key=repr) == sorted(before["segments"], key=repr)
    assert anew.findings == [(names[2], Fault.DOUBLE)]


def test_what_a_crash_cut_short_is_made_whole_by_the_next_start(make_store: MakeStore, anew: Anew) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    record(store)
    announced = store.announce(GATE, STREAM, start_90k=DAY_90K + 900 * TICKS_PER_S, unexplained=GapReason.CLOCK)
    segment = store.open(announced, STREAM)
    sent = made_up_fragments(random.Random(5), start_90k=announced.key.start_90k, seconds=3)
    segment.append(b"".join(one.data for one in sent), end_90k=0)
    segment.file.append(b"\0" * 99)
    before = disk.size_bytes(announced.key.file_name)
    database, made = anew.rebuild(disk)
    assert (made.leftovers, anew.findings) == (1, [])
    assert disk.size_bytes(announced.key.file_name) == before
    again = Store(database, disk, origin=ORIGIN)
    assert recover(again) == Recovered(segments=1, dropped=0)
    assert sound(again)
    found = again.find(announced.key)
    assert found is not None
    assert found.duration_90k == 3 * TICKS_PER_S
    # And the next recording takes the next number, and is chained to it.
    record(again, at_s=2000)
    assert tables(again.database)["cameras"][0]["next_sequence"] == announced.key.sequence + 6
    assert sound(again)


def test_zeros_that_a_power_cut_left_in_the_newest_file_are_cut_by_the_next_start(
    make_store: MakeStore, anew: Anew
) -> None:
    """The heads are whole, the frame is not: only its newest file is doubted, and recovery cuts it."""
    disk = CrashDisk()
    store = make_store(disk)
    record(store)
    before = tables(store.database, [segments])["segments"]
    name = sorted(one for one in disk._tree.names if one.startswith("gate/"))[-1]
    whole = disk.read(name, 0, 1 << 30)
    disk.unlink(name)
    disk.create(name).append(whole[:-20] + bytes(20))
    database, made = anew.rebuild(disk)
    assert (made.leftovers, len(tables(database)["segments"]), len(tables(database)["unsealed"])) == (1, 4, 4)
    again = Store(database, disk, origin=ORIGIN)
    assert recover(again) == Recovered(segments=1, dropped=0)
    after = tables(database, [segments])["segments"]
    assert [row["sequence"] for row in after] == [row["sequence"] for row in before]
    assert after[-1]["duration_90k"] == before[-1]["duration_90k"] - TICKS_PER_S
    assert sound(again)


def test_at_the_centre_half_an_upload_waits_to_be_sent_anew(make_store: MakeStore, anew: Anew) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    record(store)
    name = sorted(one for one in disk._tree.names if one.startswith("gate/"))[-1]
    half = disk.read(name, 0, disk.size_bytes(name) // 2)
    disk.unlink(name)
    disk.create(name).append(half)
    database, made = anew.rebuild(disk, is_edge=False)
    assert made.leftovers == 1
    (row,) = tables(database, [growing])["growing"]
    assert row["sha256"] == rebuild_index.UNKNOWN_SHA256
    assert all(row["acknowledged"] for row in tables(database)["segments"])
    assert tables(database)["unsealed"] == []
    # Recovery of the centre leaves it alone; only the site's next offer makes room for itself.
    assert recover(Store(database, disk, origin=ORIGIN)) == Recovered(segments=0, dropped=0)
    assert disk.size_bytes(name) == len(half)


def test_broken_off_at_any_step_and_begun_again_it_comes_to_the_same(
    make_store: MakeStore, anew: Anew, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vms.recordings.rebuild.BATCH", 2)
    disk = CrashDisk()
    store = make_store(disk)
    for round_ in range(2):
        record(store, at_s=200 * round_)
        record(store, at_s=200 * round_, camera=YARD)
        if not round_:
            Sealer(store, key, clock=SimulatedClock()).seal_all()
    whole, _ = anew.rebuild(disk)
    database = anew.database()
    at = 0
    while True:
        steps = rebuild(database, [disk], origin=ORIGIN, is_edge=True, trusts=trust_any)
        taken = sum(1 for _ in zip(range(at), steps, strict=False))
        steps.close()  # type: ignore[attr-defined]
        if taken < at:
            break
        at += 1
    assert at > 5
    assert tables(database) == tables(whole)


def test_a_folder_that_is_no_recording_disk_is_refused(anew: Anew, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidConfig):
        anew.rebuild(PosixDisk(tmp_path / "empty"))
    assert list((tmp_path / "empty").iterdir()) == []
    foreign = CrashDisk()
    prove_identity(foreign, CommunityId("elsewhere"), known=(), may_begin=True)
    with pytest.raises(InvalidConfig):
        anew.rebuild(foreign)


# Hostile folders ------------------------------------------------------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from(
        [
            "gate", "yard", "20261125", "00", "x", "..mp4", "beket.ledger", "202311.jsonl",
            f"{DAY_90K}-1.mp4", f"{DAY_90K}-99.mp4", "\x1b[31mred", "9" * 40 + "-1.mp4", "\udcff",
        ]
    ),
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20),
)  # fmt: skip
PATHS = st.lists(NAMES, min_size=1, max_size=5)


@pytest.fixture(scope="module")
def a_segment(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    database = Database(tmp_path_factory.mktemp("one") / "video.db", migrations=MIGRATIONS)
    disk = CrashDisk()
    record(Store(database, disk, origin=ORIGIN))
    database.close()
    return disk.read(min(name for name in disk._tree.names if name.startswith("gate/")), 0, 1 << 20)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_hostile_folders_are_survived_and_left_as_they_are(
    a_segment: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    disk = PosixDisk(folder)
    prove_identity(disk, CommunityId("dobrianka"), known=(), may_begin=True)
    for parts in data.draw(st.lists(PATHS, max_size=12)):
        path = folder.joinpath(*[part for part in parts if part not in (".", "..")])
        content = data.draw(
            st.one_of(
                st.binary(max_size=60),
                st.integers(0, len(a_segment)).map(lambda size: a_segment[:size]),
                st.integers(0, len(a_segment) - 1).map(
                    lambda at: a_segment[:at] + bytes([a_segment[at] ^ 5]) + a_segment[at + 1 :]
                ),
            )
        )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError:
            continue
    before = {path: path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))}
    with Anew(folder.parent / f"{folder.name}-db").opened as opened:
        anew = Anew(folder.parent / f"{folder.name}-db")
        opened.callback(anew.opened.close)
        for is_edge in (True, False):
            database, _ = anew.rebuild(disk, is_edge=is_edge)
            store = Store(database, disk, origin=ORIGIN)
            faults = {step.fault for step in check(store) if isinstance(step, Finding)}
            # What was taken is as the index says; all else is a stray.
            assert faults <= {Fault.STRAY}
        assert {path: path.is_file() and path.read_bytes() for path in sorted(folder.rglob("*"))} == before


def test_a_pipe_under_a_segments_name_hangs_nobody(make_store: MakeStore, anew: Anew) -> None:
    store = make_store()
    record(store)
    disk = disk_of(store)
    assert isinstance(disk, PosixDisk)
    with store.database.read() as connection:
        one = connection.execute(sa.select(segments.c.start_90k, segments.c.sequence)).first()
    assert one is not None
    name = SegmentKey(GATE, *one).file_name
    (disk.root / name).unlink()
    os.mkfifo(disk.root / name)
    database, _ = anew.rebuild(disk)
    assert len(tables(database)["segments"]) == 4


# The database that was before -----------------------------------------------------------------------------------------


def test_a_database_that_somebody_uses_is_not_replaced(make_store: MakeStore) -> None:
    store = make_store(CrashDisk())
    path = store.database.path
    with pytest.raises(Busy):
        rebuild_index.stand_alone(path)
    store.database.close()
    rebuild_index.stand_alone(path)
    path.write_bytes(b"this is no database" * 100)
    rebuild_index.stand_alone(path)


def test_holds_are_carried_over_and_the_old_database_is_kept(make_store: MakeStore, anew: Anew, tmp_path: Path) -> None:
    store = make_store(CrashDisk())
    record(store)
    path = store.database.path
    with sqlite3.connect(path) as old:
        old.execute("INSERT INTO holds VALUES (7, 1, 2, 'crash', 'no 5', 'olena', 0, 1, 2, NULL, '')")
        old.execute("INSERT INTO held VALUES (1, 7, 1, 2, NULL)")
    old.close()
    database, _ = anew.rebuild(disk_of(store))
    assert database.write(lambda c: rebuild_index.carry_holds(c, path)) == 1
    assert database.write(lambda c: rebuild_index.carry_holds(c, path)) == 1
    told = tables(database, [metadata.tables["held"], metadata.tables["holds"]])
    assert [row["camera"] for row in told["held"]] == ["gate"]
    assert len(told["holds"]) == 1
    assert database.write(lambda c: rebuild_index.carry_holds(c, tmp_path / "no.db")) is None
    before, fresh = path.read_bytes(), tmp_path / "fresh"
    fresh.write_bytes(b"new")
    kept = rebuild_index.put_in_place(fresh, path, now_at=datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC))
    assert kept is not None
    assert kept.name == "video.db.lost-20261129-000000"
    assert (kept.read_bytes(), path.read_bytes()) == (before, b"new")
