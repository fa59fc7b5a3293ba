"""Drills against the real restic and PostgreSQL: what is whole is proven, what is damaged is found, every time."""

import asyncio
import dataclasses
import itertools
import random
import shutil
from pathlib import Path

import pytest

from backup import canary
from backup.acts.record import Record, Verdict, Why
from backup.drills import databases, sandbox
from backup.drills.drill import Terms, drill
from backup.history import History, Run
from backup.restic.outcome import OutcomeKind
from backup.runner import Runner, Tools
from backup.sources.postgres import PostgresDump
from beket.kernel.units import MIB
from beket.testing.postgres import running_postgres
from beket.testing.restic import BackupPlace, make_backup_place, plain_repository_server
from beket.testing.tcp_proxy import tcp_proxy
from tests.drill_flips import copy, drill_of, first_copy_in, flip_and_drill, plan_of, twin_of, with_tools

pytestmark = pytest.mark.timeout(300)
FLIPS = 5


@pytest.fixture(scope="module")
def first_copy(tmp_path_factory: pytest.TempPathFactory) -> BackupPlace:
    return first_copy_in(tmp_path_factory.mktemp("first"))


@pytest.mark.needs("restic")
def test_drill_restores_canary_largest_database_and_sample_and_leaves_an_act(first_copy: BackupPlace) -> None:
    record = drill_of(first_copy, terms=Terms(by="machine:оля", every_days=7))
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
    small = drill_of(first_copy, terms=Terms(most_bytes=100_000))
    assert small.verdict is Verdict.PROVEN
    assert small.number == 2
    assert small.restored_bytes <= 100_000 + canary.SIZE_BYTES


@pytest.mark.needs("restic")
@pytest.mark.parametrize("seed", range(FLIPS))
def test_drill_and_a_whole_restore_agree_about_a_repository_with_a_flipped_byte(
    first_copy: BackupPlace, tmp_path: Path, seed: int
) -> None:
    """A flip in what only `prune` reads harms no file; in whatever a restore needs it must be found."""
    flip_and_drill(first_copy, tmp_path / "twin", seed)


@pytest.mark.needs("restic")
def test_lost_snapshot_and_changed_canary_are_said_in_words(first_copy: BackupPlace, tmp_path: Path) -> None:
    twin = twin_of(first_copy, tmp_path / "twin")
    for file in (twin.repository / "snapshots").iterdir():
        file.unlink()
    record = drill_of(twin, first_copy)
    assert record.verdict is Verdict.WRONG
    assert "вже немає" in record.reason_uk
    place = make_backup_place(tmp_path / "changed")
    at = plan_of(place).canary
    assert at is not None
    at.parent.mkdir(parents=True)
    at.write_bytes(b"encrypted by somebody")
    copy(place)
    changed = drill_of(place)
    assert changed.verdict is Verdict.WRONG
    assert changed.wrong == (str(at),)
    assert "Канарку змінено на самому комп'ютері" in changed.reason_uk


@pytest.mark.needs("restic")
def test_drill_that_takes_too_long_says_nothing_of_the_copy(first_copy: BackupPlace, tmp_path: Path) -> None:
    record = drill_of(twin_of(first_copy, tmp_path / "twin"), first_copy, Terms(most_s=0))
    assert record.verdict is Verdict.COULD_NOT_RUN
    assert "не вклалася в час" in record.reason_uk


@pytest.mark.needs("restic", "rclone")
def test_drills_over_a_slow_line_grow_smaller_until_one_proves_the_copy(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path)
    rng = random.Random(3)
    for number in range(6):
        (place.source / f"{number}.bin").write_bytes(rng.randbytes(4 * MIB))
    copy(place)
    tried: list[int] = []

    async def drills(tools: Tools) -> Record:
        with plain_repository_server(place.repository) as port, tcp_proxy(port) as proxy:
            proxy.line.bytes_per_s = 1 * MIB
            over = dataclasses.replace(tools.repository, location=f"rest:http://127.0.0.1:{proxy.port}/")
            slow = dataclasses.replace(tools, repository=over)
            run = tools.history.last_run("documents")
            assert run is not None
            while True:
                record = await drill(slow, plan_of(place), run, tmp_path / "sandbox", terms=Terms(most_s=10))
                tried.append(sum(piece.size_bytes for piece in record.pieces))
                if record.verdict is not Verdict.COULD_NOT_RUN or len(tried) > 8:
                    return record

    record = with_tools(place, drills)
    assert record.verdict is Verdict.PROVEN, record
    assert len(tried) > 1
    assert all(after <= before // 2 + canary.SIZE_BYTES for before, after in itertools.pairwise(tried))


@pytest.mark.needs("restic")
def test_disk_without_room_is_a_drill_that_could_not_run_and_is_remembered(
    first_copy: BackupPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = twin_of(first_copy, tmp_path / "twin")
    monkeypatch.setattr(sandbox, "SPARE_BYTES", 1 << 60)
    record = drill_of(twin, first_copy)
    assert record.verdict is Verdict.COULD_NOT_RUN
    assert "Бракує місця" in record.reason_uk
    assert not (twin.folder / "sandbox").exists()
    history = History(twin.folder / "backup.db")
    last = history.last_drill("documents")
    history.close()
    assert last is not None
    assert last.verdict is Verdict.COULD_NOT_RUN


@pytest.mark.needs("postgresql")
def test_dump_of_postgresql_is_restored_into_a_scratch_cluster_and_half_of_it_is_not(tmp_path: Path) -> None:
    dump = tmp_path / "реєстр.dump"
    with running_postgres() as cluster:
        cluster.query("CREATE DATABASE registry")
        cluster.query("CREATE TABLE people AS SELECT n FROM generate_series(1, 3000) n", database="registry")
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


@pytest.mark.needs("restic", "postgresql")
def test_database_of_a_plan_is_dumped_copied_and_opened_from_the_copy_alone(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path)
    with running_postgres() as cluster:
        cluster.query("CREATE DATABASE accounting")
        cluster.query("CREATE TABLE bills AS SELECT n FROM generate_series(1, 500) n", database="accounting")
        dump = PostgresDump("accounting", f"host={cluster.socket} user=postgres dbname=accounting")
        plan = dataclasses.replace(plan_of(place), dumps=(dump,))

        async def copy_it(tools: Tools) -> Run:
            outcome = await Runner(dataclasses.replace(tools, staging=tmp_path / "staging")).run(plan)
            assert outcome.kind is OutcomeKind.OK, outcome
            run = tools.history.last_run("documents")
            assert run is not None
            return run

        run = with_tools(place, copy_it)
    # The server is gone, and so are its dumps: what is opened comes from the repository.
    shutil.rmtree(tmp_path / "staging")
    record = with_tools(place, lambda tools: drill(tools, plan, run, tmp_path / "sandbox"))
    assert record.verdict is Verdict.PROVEN, record
    (loaded,) = record.databases
    assert (loaded.kind, loaded.is_whole, loaded.tables, loaded.rows) == ("postgresql", True, 1, 500)
