"""What the real restic does, and what we make of it: each case of the outcome table."""

import asyncio
import os
import random
import shutil
import signal
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from backup import runner
from backup.acts.record import Record, Verdict
from backup.drills.drill import drill
from backup.history import History
from backup.plans import Plan
from backup.progress import Advance
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Patience, ResticMissing, find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.process import wait_for
from beket.testing.restic import FIRST_FILE, BackupPlace, make_backup_place

T = TypeVar("T")
pytestmark = pytest.mark.needs("restic")

# A regular file that nobody can read, root included: reading address 0 of a process fails with EIO.
UNREADABLE = Path("/proc/self/mem")


@pytest.fixture(scope="module")
def first_copy(tmp_path_factory: pytest.TempPathFactory) -> BackupPlace:
    """A place with one good copy; each test that wants one works on its own duplicate (a restic costs 0.7 s)."""
    place = make_backup_place(tmp_path_factory.mktemp("first"))
    assert _run(place).kind is OutcomeKind.OK
    return place


@pytest.fixture
def copied(first_copy: BackupPlace, tmp_path: Path) -> BackupPlace:
    shutil.copytree(first_copy.folder, tmp_path, dirs_exist_ok=True)
    return BackupPlace(tmp_path)


@pytest.fixture
def large(copied: BackupPlace) -> BackupPlace:
    """One more file, which takes restic a while."""
    (copied.source / "відео.bin").write_bytes(random.Random(2).randbytes(40_000_000))
    return copied


@pytest.fixture
def place(tmp_path: Path) -> BackupPlace:
    return make_backup_place(tmp_path)


def _plan(place: BackupPlace, *more: Path, excludes: tuple[str, ...] = ()) -> Plan:
    return Plan("documents", "Документи бухгалтерії", SiteId("council"), (place.source, *more), excludes)


def _with_tools(place: BackupPlace, work: Callable[[Tools], Coroutine[None, None, T]], *, boot: str = "boot") -> T:
    async def whole() -> T:
        clock = SystemClock()
        restic = await find_restic("restic", clock=clock, patience=Patience(interrupt_s=10, terminate_s=2))
        history = History(place.folder / "backup.db")
        try:
            repository = Repository(str(place.repository), place.password_file, host="council")
            return await work(Tools(restic, repository, history, clock, random.Random(1), boot, asyncio.Lock()))
        finally:
            history.close()

    return asyncio.run(whole())


def _run(place: BackupPlace, plan: Plan | None = None) -> Outcome:
    return _with_tools(place, lambda tools: Runner(tools).run(plan or _plan(place)))


def _check(place: BackupPlace, *, read_data: bool) -> Outcome:
    return _with_tools(place, lambda tools: runner.check(tools, read_data=read_data))


@contextmanager
def _held_exclusively(place: BackupPlace):
    """A `restic check` that stands still with its exclusive lock."""
    argv = ["restic", "--no-cache", "--repo", str(place.repository), "--password-file", str(place.password_file)]
    pid = os.posix_spawnp(
        "restic",
        [*argv, "check", "--read-data"],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, n, "/dev/null", os.O_RDWR, 0) for n in (1, 2)],
    )
    try:
        wait_for(lambda: bool(place.locks()), what="the lock")
        os.kill(pid, signal.SIGSTOP)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_first_use_makes_repository_and_private_password_and_the_copy_is_proven(place: BackupPlace) -> None:
    outcome = _run(place)
    assert outcome.kind is OutcomeKind.OK
    assert outcome.snapshot is not None
    assert outcome.snapshot.paths == (str(place.source),)
    assert outcome.snapshot.tags == ("plan:documents",)
    assert len(outcome.snapshot.id) == 64
    assert place.password_file.stat().st_mode & 0o777 == 0o600
    assert _check(place, read_data=True).kind is OutcomeKind.OK


def test_missing_path_is_partial_though_restic_0_14_ends_with_code_0(place: BackupPlace) -> None:
    outcome = _run(place, _plan(place, place.folder / "зник"))
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.snapshot is not None
    assert [item.item for item in outcome.items] == [str(place.folder / "зник")]
    assert "цього немає" in outcome.reason.uk
    assert str(place.folder / "зник") in outcome.reason.uk


def test_path_that_goes_between_the_look_and_the_copy_is_partial_too(place: BackupPlace) -> None:
    gone = place.folder / "зник"
    _run(place)

    async def work(tools: Tools) -> Outcome:
        paths = (place.source, gone)
        ended = await tools.restic.run(commands.backup(tools.repository, paths))
        assert ended.exit_code in (0, 3)
        assert ended.summary is not None
        (snapshot,) = await runner.named_snapshots(tools, ended.summary.snapshot_id)
        return classify(ended, asked=paths, snapshot=snapshot)

    outcome = _with_tools(place, work)
    assert outcome.kind is OutcomeKind.PARTIAL
    assert [item.item for item in outcome.items] == [str(gone)]


def test_nothing_to_save_fails_and_says_what_is_missing(place: BackupPlace) -> None:
    outcome = _run(place, Plan("documents", "Документи", SiteId("council"), (place.folder / "зник",)))
    assert outcome.kind is OutcomeKind.FAILED
    assert "зник: цього немає" in outcome.reason.uk
    assert not place.repository.exists()


def test_unreadable_file_is_partial_and_named(place: BackupPlace) -> None:
    outcome = _run(place, _plan(place, UNREADABLE))
    assert outcome.kind is OutcomeKind.PARTIAL
    assert outcome.snapshot is not None
    assert [item.item for item in outcome.items] == [str(UNREADABLE)]
    assert "Не вдалося прочитати 1 файл: /proc/self/mem" in outcome.reason.uk


def test_wrong_password_is_auth(copied: BackupPlace) -> None:
    copied.password_file.write_text("не той\n")
    outcome = _run(copied)
    assert outcome.kind is OutcomeKind.AUTH
    assert "конверта" in outcome.reason.uk


def test_lost_password_file_is_auth_and_never_a_new_password(copied: BackupPlace) -> None:
    copied.password_file.unlink()
    assert _run(copied).kind is OutcomeKind.AUTH
    assert not copied.password_file.exists()


def test_repository_that_went_away_is_missing_and_not_made_anew(copied: BackupPlace) -> None:
    copied.repository.rename(copied.folder / "disk-away")
    outcome = _run(copied)
    assert outcome.kind is OutcomeKind.MISSING
    assert "під'єднано диск" in outcome.reason.uk
    assert not copied.repository.exists()


def test_restic_itself_says_missing_where_there_is_no_repository(copied: BackupPlace) -> None:

    async def work(tools: Tools) -> Outcome:
        nowhere = Repository(str(copied.folder / "nowhere"), copied.password_file, host="council")
        return classify(await tools.restic.run(commands.backup(nowhere, [copied.source])), asked=[copied.source])

    assert _with_tools(copied, work).kind is OutcomeKind.MISSING


def test_server_that_is_down_is_deferred_not_missing(copied: BackupPlace) -> None:

    async def work(tools: Tools) -> Outcome:
        away = Repository("rest:http://127.0.0.1:9/", copied.password_file, host="council")
        return classify(await tools.restic.run(commands.backup(away, [copied.source])), asked=[copied.source])

    outcome = _with_tools(copied, work)
    assert outcome.kind is OutcomeKind.DEFERRED
    assert "Немає зв'язку" in outcome.reason.uk


def test_repository_in_use_is_locked_and_its_lock_stays(copied: BackupPlace) -> None:
    with _held_exclusively(copied):
        outcome = _run(copied)
        assert len(copied.locks()) == 1
    assert outcome.kind is OutcomeKind.LOCKED
    assert "зайняте" in outcome.reason.uk


def test_lock_of_a_dead_process_is_removed_and_the_run_tried_once_again(copied: BackupPlace) -> None:
    with _held_exclusively(copied):
        pass
    assert copied.locks()
    assert _run(copied).kind is OutcomeKind.OK
    assert not copied.locks()


def test_one_flipped_bit_is_seen_only_when_data_is_read(copied: BackupPlace) -> None:
    pack = copied.packs()[0]
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.write_bytes(content)
    assert _check(copied, read_data=False).kind is OutcomeKind.OK
    outcome = _check(copied, read_data=True)
    assert outcome.kind is OutcomeKind.DAMAGED
    assert "пошкоджене" in outcome.reason.uk
    result = _with_tools(copied, lambda tools: _drill(tools, copied))
    assert result.verdict is Verdict.WRONG
    assert [Path(path).name for path in result.wrong] == ["звіт.ods"]


def test_truncated_pack_is_damage_without_reading_data(copied: BackupPlace) -> None:
    os.truncate(copied.packs()[0], 1000)
    assert _check(copied, read_data=False).kind is OutcomeKind.DAMAGED


def test_lost_index_is_no_success(copied: BackupPlace) -> None:
    for index in (copied.repository / "index").iterdir():
        index.unlink()
    assert _check(copied, read_data=False).kind is OutcomeKind.DAMAGED


def test_sigterm_from_outside_is_cancelled_and_the_next_run_completes(large: BackupPlace) -> None:

    async def work(tools: Tools) -> Outcome:
        running = asyncio.create_task(
            tools.restic.run(commands.backup(tools.repository, [large.source], tags=["plan:documents"]))
        )
        pid = await asyncio.to_thread(_pid_once_locked, large)
        os.kill(pid, signal.SIGTERM)
        ended = await running
        assert ended.lock_may_stay
        return classify(ended, asked=[large.source])

    assert _with_tools(large, work).kind is OutcomeKind.CANCELLED
    assert _run(large).kind is OutcomeKind.OK
    assert _check(large, read_data=True).kind is OutcomeKind.OK


def test_stop_ends_restic_in_order_and_leaves_no_lock(large: BackupPlace) -> None:
    async def work(tools: Tools) -> Outcome:
        stop = asyncio.Event()
        seen: list[Advance] = []
        running = asyncio.create_task(Runner(tools).run(_plan(large), stop=stop, on_advance=seen.append))
        # In the instant in which it makes its lock, 0.14 would leave it behind.
        await asyncio.to_thread(wait_for, lambda: bool(seen), what="progress")
        stop.set()
        return await running

    outcome = _with_tools(large, work)
    assert outcome.kind is OutcomeKind.CANCELLED
    assert not large.locks()


def test_cancelled_task_leaves_no_restic_behind(large: BackupPlace) -> None:

    async def work(tools: Tools) -> int:
        running = asyncio.create_task(Runner(tools).run(_plan(large)))
        pid = await asyncio.to_thread(_pid_once_locked, large)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    pid = _with_tools(large, work)
    assert not Path(f"/proc/{pid}").exists()

    async def after(tools: Tools) -> list[str]:
        return tools.history.close_interrupted(boot=tools.boot, wall_ns=tools.clock.wall_ns())

    assert _with_tools(large, after) == ["documents"]


def test_stalled_run_is_ended(large: BackupPlace) -> None:

    async def work(tools: Tools) -> Outcome:
        restic = await find_restic(
            "restic", clock=tools.clock, patience=Patience(silence_s=0.8, interrupt_s=0.2, terminate_s=0.2)
        )
        running = asyncio.create_task(restic.run(commands.backup(tools.repository, [large.source])))
        pid = await asyncio.to_thread(_pid_of_restic, large)
        os.kill(pid, signal.SIGSTOP)
        ended = await running
        assert ended.stalled
        return classify(ended, asked=[large.source])

    outcome = _with_tools(large, work)
    assert outcome.kind is OutcomeKind.FAILED
    assert "не рухався" in outcome.reason.uk


def test_after_kill_9_at_any_moment_the_next_run_completes_and_all_data_is_whole(large: BackupPlace) -> None:
    rng = random.Random(7)
    for _ in range(4):
        (large.source / "бухгалтерія" / "звіт.ods").write_bytes(rng.randbytes(40_000_000))

        async def killed(tools: Tools) -> Outcome:
            running = asyncio.create_task(Runner(tools).run(_plan(large)))
            pid = await asyncio.to_thread(_pid_once_locked, large)
            await asyncio.sleep(rng.random() * 0.15)
            os.kill(pid, signal.SIGKILL)
            return await running

        assert _with_tools(large, killed).kind is OutcomeKind.FAILED
        assert large.locks()
        assert _with_tools(large, _last_lock_may_stay)
        assert _run(large).kind is OutcomeKind.OK
        assert not large.locks()
        assert not _with_tools(large, _last_lock_may_stay)
    assert "no errors were found" in large.bare("check", within_s=120)  # whoever looks by hand is not locked out
    assert _check(large, read_data=True).kind is OutcomeKind.OK


def test_secrets_stand_neither_in_arguments_nor_in_the_environment(
    place: BackupPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTIC_PASSWORD", "з чужої оболонки")
    _run(place)
    password = place.password_file.read_text().strip().encode()

    async def work(tools: Tools) -> tuple[bytes, bytes]:
        running = asyncio.create_task(tools.restic.run(commands.check(tools.repository, read_data=True)))
        pid = await asyncio.to_thread(_pid_of_restic, place)
        seen = Path(f"/proc/{pid}/cmdline").read_bytes(), Path(f"/proc/{pid}/environ").read_bytes()
        await running
        return seen

    cmdline, environ = _with_tools(place, work)
    assert b"--password-file" in cmdline
    assert password not in cmdline + environ
    assert b"RESTIC_PASSWORD" not in environ


def test_drill_proves_what_came_back_the_same(place: BackupPlace) -> None:
    _run(place, _plan(place, excludes=("*.txt",)))
    partly = _with_tools(place, lambda tools: _drill(tools, place))
    assert (partly.verdict, len(partly.pieces)) == (Verdict.PROVEN, 1)
    _run(place)
    result = _with_tools(place, lambda tools: _drill(tools, place))
    assert (result.verdict, len(result.pieces), result.wrong) == (Verdict.PROVEN, 7, ())
    assert not (place.folder / "sandbox").exists()
    assert (place.source / FIRST_FILE).exists()


def test_power_cut_in_the_middle_is_deferred_and_due_at_once(place: BackupPlace) -> None:
    async def cut(tools: Tools) -> None:
        tools.history.begin("documents", wall_ns=tools.clock.wall_ns(), boot=tools.boot)

    async def back(tools: Tools) -> OutcomeKind | None:
        tools.history.close_interrupted(boot=tools.boot, wall_ns=tools.clock.wall_ns())
        standing = tools.history.standing("documents")
        assert standing.failures == 0
        return standing.last

    _with_tools(place, cut, boot="before")
    assert _with_tools(place, back, boot="after") is OutcomeKind.DEFERRED


def test_missing_binary_is_one_sentence_with_the_package() -> None:
    with pytest.raises(ResticMissing, match="restic is missing") as caught:
        asyncio.run(find_restic("restic-that-nobody-has", clock=SystemClock()))
    assert "sudo apt install restic" in caught.value.sentence().uk


async def _drill(tools: Tools, place: BackupPlace) -> Record:
    run = tools.history.last_run("documents")
    assert run is not None
    return await drill(tools, _plan(place), run, place.folder / "sandbox")


async def _last_lock_may_stay(tools: Tools) -> bool:
    run = tools.history.last_run("documents")
    assert run is not None
    return run.lock_may_stay


def _pid_of_restic(place: BackupPlace) -> int:
    """The restic that works on this test's repository."""
    found: list[int] = []

    def look() -> bool:
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if words[0].endswith(b"restic") and str(place.repository).encode() in words:
                    found[:] = [int(entry.name)]
        return bool(found)

    wait_for(look, what="restic")
    return found[0]


def _pid_once_locked(place: BackupPlace) -> int:
    """The same, once it has the key and begins to work."""
    wait_for(lambda: bool(place.locks()), what="its lock")
    return _pid_of_restic(place)
