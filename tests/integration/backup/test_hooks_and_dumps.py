"""What is run around a copy, and dumps of a real PostgreSQL that are whole or are not there."""

import asyncio
import os
import random
from pathlib import Path

import pytest

from backup import preparing
from backup.history import History
from backup.plans import Plan
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from backup.sources.hooks import Hook, run_hooks
from backup.sources.postgres import HEADER, PostgresDump, dump_all
from backup.sources.program import run_program
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.postgres import Cluster, running_postgres
from beket.testing.process import output_of, wait_for
from beket.testing.restic import BackupPlace, make_backup_place

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def place(tmp_path: Path) -> BackupPlace:
    return make_backup_place(tmp_path)


def _run(place: BackupPlace, **more: object) -> Outcome:
    async def whole() -> Outcome:
        clock = SystemClock()
        restic = await find_restic("restic", clock=clock)
        history = History(place.folder / "backup.db")
        repository = Repository(str(place.repository), place.password_file, host="council")
        staging = place.folder / "staging"
        tools = Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock(), staging)
        plan = Plan("documents", "Документи", SiteId("council"), (place.source,), **more)  # type: ignore[arg-type]
        try:
            return await Runner(tools).run(plan)
        finally:
            history.close()

    return asyncio.run(whole())


def _says(folder: Path, word: str) -> Hook:
    return Hook(("sh", "-c", f'echo {word} >> "$1"', "sh", str(folder / "said")))


@pytest.mark.needs("restic")
def test_hooks_are_run_around_the_copy_and_nothing_is_copied_when_a_required_one_fails(place: BackupPlace) -> None:
    before, after = _says(place.folder, "before"), _says(place.folder, "after")
    assert _run(place, before=(before,), after=(after,)).kind is OutcomeKind.OK
    failing = Hook(("sh", "-c", "echo база зайнята; exit 3"))
    outcome = _run(place, before=(before, failing, before), after=(after,))
    assert outcome.kind is OutcomeKind.FAILED
    assert "sh (code 3: база зайнята)" in outcome.reason.uk
    assert (place.folder / "said").read_text().split() == ["before", "after", "before", "after"]
    assert len(list((place.repository / "snapshots").iterdir())) == 1


@pytest.mark.needs("restic")
def test_hook_that_may_fail_and_one_that_fails_after_make_a_copy_partial(place: BackupPlace) -> None:
    spare = Hook(("false",), required=False)
    outcome = _run(place, before=(spare,))
    assert (outcome.kind, outcome.items[0].item) == (OutcomeKind.PARTIAL, "false")
    outcome = _run(place, after=(Hook(("програми-немає",)),))
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.snapshot is not None
    assert "програми-немає (code 127" in outcome.reason.uk


def test_hook_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    hook = Hook(("sh", "-c", f"sleep 600 & echo $! > {pid_file}; wait"), within_s=1.0)
    ((_, item),) = asyncio.run(run_hooks([hook]))
    assert "took over 1 s" in item.why
    wait_for(lambda: _is_gone(int(pid_file.read_text())), within_s=30, what="the end of its child")


def test_good_hook_leaves_no_process_behind_and_is_not_waited_for_by_its_child(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    ended = asyncio.run(run_program(("sh", "-c", f"sleep 600 > /dev/null 2>&1 & echo $! > {pid_file}"), within_s=60))
    assert ended.is_good
    wait_for(lambda: _is_gone(int(pid_file.read_text())), within_s=30, what="the end of its child")


def test_stop_ends_a_hook_that_runs_before(place: BackupPlace) -> None:
    plan = Plan("documents", "Документи", SiteId("council"), (place.source,), before=(Hook(("sleep", "600")),))

    async def story() -> preparing.Prepared:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        return await preparing.prepare(plan, plan.paths, None, stop)

    hindrance = asyncio.run(story()).hindrance
    assert hindrance is not None
    assert hindrance.kind is OutcomeKind.CANCELLED


def _dump_of(cluster: Cluster, name: str = "accounting", *, within_s: float = 120) -> PostgresDump:
    return PostgresDump(name, f"host={cluster.socket} user=postgres dbname=accounting", within_s=within_s)


def _fill(cluster: Cluster) -> None:
    cluster.query("CREATE DATABASE accounting")
    cluster.query(
        "CREATE TABLE bills AS SELECT n, repeat('рахунок ', 20) AS what FROM generate_series(1, 5000) n",
        database="accounting",
    )


@pytest.mark.needs("restic", "postgresql")
def test_dump_is_in_the_copy_and_comes_back_as_a_database(place: BackupPlace) -> None:
    with running_postgres() as cluster:
        _fill(cluster)
        outcome = _run(place, dumps=(_dump_of(cluster),))
        assert outcome.kind is OutcomeKind.OK, outcome
        back = place.folder / "back"
        place.bare("restore", "latest", "--target", back)
        (dump,) = back.rglob("accounting.dump")
        cluster.query("CREATE DATABASE again")
        output_of("pg_restore", "-h", cluster.socket, "-U", "postgres", "-d", "again", dump, within_s=60)
        assert cluster.query("SELECT count(*) FROM bills", database="again").strip() == "5000"


@pytest.mark.needs("restic", "postgresql")
def test_half_a_dump_is_never_copied_and_the_copy_says_what_it_lacks(
    place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_postgres() as cluster:
        _fill(cluster)
        assert _run(place, dumps=(_dump_of(cluster),)).kind is OutcomeKind.OK
        # A pg_dump that dies half-way: the first bytes are a real dump's.
        broken = place.folder / "bin" / "pg_dump"
        broken.parent.mkdir()
        broken.write_text(
            '#!/bin/sh\nfor last; do :; done\nout=$(echo "$@" | sed "s/.*--file \\([^ ]*\\) .*/\\1/")\n'
            '/usr/bin/pg_dump -Fc -d "$last" | head -c 1000 > "$out"\nexit 7\n'
        )
        broken.chmod(0o755)
        monkeypatch.setenv("PATH", f"{broken.parent}:{os.environ['PATH']}")
        outcome = _run(place, dumps=(_dump_of(cluster),))
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.items[0].item == "postgresql:accounting"
    assert "code 7" in outcome.items[0].why
    assert list((place.folder / "staging" / "documents.dumps").iterdir()) == []


@pytest.mark.needs("postgresql")
def test_dump_that_waits_for_a_lock_too_long_is_given_up_and_a_stopped_server_is_said(tmp_path: Path) -> None:
    with running_postgres() as cluster:
        _fill(cluster)
        holding = "BEGIN; LOCK TABLE bills; SELECT pg_sleep(30)"

        async def story() -> tuple[str, ...]:
            locker = asyncio.create_task(asyncio.to_thread(_query_in_vain, cluster, holding))
            locked = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted"
            while (await asyncio.to_thread(cluster.query, locked)).strip() == "0":
                await asyncio.sleep(0.1)
            dumped = await dump_all([_dump_of(cluster, within_s=1.0)], tmp_path / "dumps")
            await asyncio.to_thread(
                cluster.query,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE query LIKE 'BEGIN; LOCK%' AND pid <> pg_backend_pid()",
            )
            await locker
            return tuple(item.why for item in dumped.failed)

        (why,) = asyncio.run(story())
        assert "took over 1 s" in why
        dump = _dump_of(cluster)
        assert asyncio.run(dump_all([dump], tmp_path / "dumps")).failed == ()
        assert (tmp_path / "dumps" / "accounting.dump").read_bytes().startswith(HEADER)
    (item,) = asyncio.run(dump_all([dump], tmp_path / "dumps")).failed
    assert "code 1" in item.why
    assert list((tmp_path / "dumps").iterdir()) == []


def _query_in_vain(cluster: Cluster, words: str) -> None:
    try:
        cluster.query(words, database="accounting")
    except AssertionError:
        return


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
