"""Drills against the real restic and PostgreSQL: what is whole is proven, what is damaged is found, every time."""

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from backup import canary
from backup.acts.record import Record, Verdict, Why
from backup.drills import databases
from backup.drills.drill import Terms, drill
from backup.history import History
from backup.plans import Plan
from backup.restic.commands import Repository
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.postgres import running_postgres
from beket.testing.process import ProgramFailed
from beket.testing.restic import BackupPlace, make_backup_place

T = TypeVar("T")
pytestmark = pytest.mark.timeout(300)
FLIPS = 5


def _plan(place: BackupPlace) -> Plan:
    at = canary.place_of(place.folder / "agent", "documents")
    return Plan("documents", "Документи", SiteId("council"), (place.source,), excludes=("*.tmp",), canary=at)


def _with_tools(place: BackupPlace, work: Callable[[Tools], Coroutine[None, None, T]]) -> T:
    async def story() -> T:
        clock = SystemClock()
        restic = await find_restic("restic", clock=clock)
        history = History(place.folder / "backup.db")
        repository = Repository(str(place.repository), place.password_file, host="council")
        try:
            return await work(Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock()))
        finally:
            history.close()

    return asyncio.run(story())


def _copy(place: BackupPlace) -> None:
    async def work(tools: Tools) -> None:
        assert (await Runner(tools).run(_plan(place))).snapshot

    _with_tools(place, work)


def _drill(place: BackupPlace, terms: Terms | None = None) -> Record:
    async def work(tools: Tools) -> Record:
        run = tools.history.last_run("documents")
        assert run is not None
        return await drill(tools, _plan(place), run, place.folder / "sandbox", terms=terms)

    return _with_tools(place, work)


@pytest.fixture(scope="module")
def first_copy(tmp_path_factory: pytest.TempPathFactory) -> BackupPlace:
    place = make_backup_place(tmp_path_factory.mktemp("first"), size_bytes=2_000_000)
    with contextlib.closing(sqlite3.connect(place.source / "облік.sqlite")) as connection:
        connection.execute("CREATE TABLE entries (words TEXT)")
        connection.executemany("INSERT INTO entries VALUES (?)", [("запис " * 20,)] * 500)
        connection.commit()
    _copy(place)
    return place


@pytest.fixture
def copied(first_copy: BackupPlace, tmp_path: Path) -> BackupPlace:
    """The same copy again. Its sources are where they were: a snapshot names them by their whole paths."""
    shutil.copytree(first_copy.folder / "repository", tmp_path / "repository")
    shutil.copytree(first_copy.folder / "secrets", tmp_path / "secrets")
    shutil.copy(first_copy.folder / "backup.db", tmp_path / "backup.db")
    return BackupPlace(tmp_path)


@pytest.mark.needs("restic")
def test_drill_restores_canary_largest_database_and_sample_and_leaves_an_act(first_copy: BackupPlace) -> None:
    record = _drill(first_copy, Terms(by="machine:оля", every_days=7))
    assert record.verdict is Verdict.PROVEN, record
    assert [piece.why for piece in record.pieces[:3]] == [Why.CANARY, Why.LARGEST, Why.DATABASE]
    assert {piece.why for piece in record.pieces[3:]} == {Why.SAMPLE}
    (loaded,) = record.databases
    assert (loaded.kind, loaded.is_whole, loaded.tables, loaded.rows) == ("sqlite", True, 1, 500)
    assert (record.by, record.every_days, record.host, record.number) == ("machine:оля", 7, "council", 1)
    assert record.restored_bytes > 2_000_000
    assert record.whole_bytes >= record.restored_bytes
    assert record.speed
    assert record.rto_s
    assert not (first_copy.folder / "sandbox").exists()
    small = _drill(first_copy, Terms(most_bytes=100_000))
    assert small.verdict is Verdict.PROVEN
    assert small.number == 2
    assert small.restored_bytes <= 100_000 + canary.SIZE_BYTES


@pytest.mark.needs("restic")
@pytest.mark.parametrize("seed", range(FLIPS))
def test_drill_and_a_whole_restore_agree_about_a_repository_with_a_flipped_byte(
    first_copy: BackupPlace, copied: BackupPlace, seed: int
) -> None:
    """A flip in what only `prune` reads harms no file; in whatever a restore needs it must be found."""
    rng = random.Random(seed)
    packs = copied.packs()
    pack = rng.choices(packs, [path.stat().st_size for path in packs])[0]
    content = bytearray(pack.read_bytes())
    content[rng.randrange(len(content))] ^= rng.randint(1, 255)
    pack.write_bytes(content)
    comes_back = False
    with contextlib.suppress(ProgramFailed):
        copied.bare("restore", "latest", "--target", copied.folder / "back")
        comes_back = _trees_are_same(first_copy.source, copied.folder / "back" / str(first_copy.source).lstrip("/"))
    record = _drill_of(copied, first_copy)
    assert (record.verdict is Verdict.PROVEN) == comes_back, record
    assert bool(record.reason_uk) != comes_back


@pytest.mark.needs("restic")
def test_lost_snapshot_and_changed_canary_are_said_in_words(first_copy: BackupPlace, copied: BackupPlace) -> None:
    for file in (copied.repository / "snapshots").iterdir():
        file.unlink()
    record = _drill_of(copied, first_copy)
    assert record.verdict is Verdict.WRONG
    assert "вже немає" in record.reason_uk
    place = make_backup_place(copied.folder / "changed")
    at = _plan(place).canary
    assert at is not None
    at.parent.mkdir(parents=True)
    at.write_bytes(b"encrypted by somebody")
    _copy(place)
    changed = _drill(place)
    assert changed.verdict is Verdict.WRONG
    assert changed.wrong == (str(at),)
    assert "Канарку змінено на самому комп'ютері" in changed.reason_uk


@pytest.mark.needs("restic")
def test_drill_that_takes_too_long_says_nothing_of_the_copy(copied: BackupPlace, first_copy: BackupPlace) -> None:
    record = _drill_of(copied, first_copy, Terms(most_s=0))
    assert record.verdict is Verdict.COULD_NOT_RUN
    assert "не вклалася в час" in record.reason_uk


@pytest.mark.needs("postgresql")
def test_dump_of_postgresql_is_restored_into_a_scratch_cluster_and_half_of_it_is_not(tmp_path: Path) -> None:
    dump = tmp_path / "реєстр.dump"
    with running_postgres() as cluster:
        cluster.query("CREATE DATABASE registry")
        cluster.query(
            "CREATE TABLE people AS SELECT n, md5(n::text) FROM generate_series(1, 3000) n", database="registry"
        )
        cluster.query("CREATE TABLE streets (name text)", database="registry")
        cluster.query("CREATE VIEW known AS SELECT * FROM people", database="registry")
        cluster.dump("registry", dump)

    def load() -> object:
        loaded = asyncio.run(databases.load(dump, "/реєстр.dump", tmp_path, is_late=lambda: False))
        assert loaded is not None
        return (loaded.kind, loaded.is_whole, loaded.tables, loaded.rows)

    assert load() == ("postgresql", True, 2, 3000)
    content = dump.read_bytes()
    dump.write_bytes(content[: len(content) * 3 // 4])
    assert load() == ("postgresql", False, 0, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["реєстр.dump"]


def _drill_of(copied: BackupPlace, origin: BackupPlace, terms: Terms | None = None) -> Record:
    """A drill in the duplicate, of the plan whose sources are at `origin`."""

    async def work(tools: Tools) -> Record:
        run = tools.history.last_run("documents")
        assert run is not None
        return await drill(tools, _plan(origin), run, copied.folder / "sandbox", terms=terms)

    return _with_tools(copied, work)


def _trees_are_same(one: Path, other: Path) -> bool:
    def files(root: Path) -> dict[str, bytes]:
        return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    return files(one) == files(other)
