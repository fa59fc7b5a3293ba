"""A full disk, a clock that is a day off, a password that nobody remembers: what is said, and what comes after."""

import asyncio
import contextlib
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup.history import History
from backup.messages import BackupReport, PlanReport
from backup.plans import Plan, is_due
from backup.repository.freshness import look_into
from backup.repository.ledger import Told
from backup.repository.standing import Standing, claim_of, judge
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Ended, find_restic
from backup.runner import Runner, Tools
from backup.sentence import facts_of
from backup.web import in_our_time
from beket.app.wiring.centre_repository import plan_report
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.ids import SiteId
from beket.testing.restic import BackupPlace, make_backup_place, plain_repository_server

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(240)]

DAY_NS = 86_400 * NS_PER_S


class WrongClock(SystemClock):
    """A clock whose wall time is off by so much."""

    def __init__(self, off_ns: int) -> None:
        self._off_ns = off_ns

    def wall_ns(self) -> int:
        """The wrong time."""
        return super().wall_ns() + self._off_ns


def _run(place: BackupPlace, *, off_ns: int = 0) -> tuple[Outcome, bool]:
    """One run, and whether the next is due by a right clock."""

    async def whole() -> tuple[Outcome, bool]:
        clock = WrongClock(off_ns)
        history = History(place.folder / "backup.db")
        repository = Repository(str(place.repository), place.password_file, host="council")
        restic = await find_restic("restic", clock=clock)
        plan = Plan("documents", "Документи", SiteId("council"), (place.source,))
        tools = Tools(restic, repository, history, clock, random.Random(1), "boot", asyncio.Lock())
        try:
            outcome = await Runner(tools).run(plan)
            now_ns = SystemClock().wall_ns()
            return outcome, is_due(plan, history.standing(plan.id, wall_ns=now_ns), wall_ns=now_ns)
        finally:
            history.close()

    return asyncio.run(whole())


@contextlib.contextmanager
def _small_disk(folder: Path, mib: int) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def test_full_disk_is_said_and_once_there_is_room_the_copy_is_made_and_whole(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path)
    with _small_disk(place.repository, 24):
        assert _run(place)[0].kind is OutcomeKind.OK
        ballast = place.repository / "ballast"
        (place.source / "відео.bin").write_bytes(random.Random(2).randbytes(12_000_000))
        ballast.write_bytes(bytes(20 * 1024 * 1024))
        outcome, _ = _run(place)
        assert outcome.kind is OutcomeKind.FAILED
        assert outcome.reason.uk == "У сховищі копій скінчилося місце. Звільніть місце на диску."
        ballast.unlink()
        assert _run(place)[0].kind is OutcomeKind.OK
        assert "no errors were found" in place.bare("check", "--read-data", within_s=120)


@pytest.mark.needs("rclone")
def test_full_disk_of_a_server_ends_the_run_at_once_instead_of_asking_on_for_a_quarter_of_an_hour(
    tmp_path: Path,
) -> None:
    place = make_backup_place(tmp_path)
    with _small_disk(place.repository, 24):
        assert _run(place)[0].kind is OutcomeKind.OK
        ballast = place.repository / "ballast"
        (place.source / "відео.bin").write_bytes(random.Random(2).randbytes(12_000_000))
        ballast.write_bytes(bytes(20 * 1024 * 1024))
        with plain_repository_server(place.repository) as port:
            outcome = classify(asyncio.run(_copied_over(place, port)), asked=[place.source])
            assert outcome.kind is OutcomeKind.DEFERRED
            assert "на його диску немає місця" in outcome.reason.uk
            ballast.unlink()
            ended = asyncio.run(_copied_over(place, port))
            assert ended.exit_code == 0, ended.words
            assert ended.summary is not None
            assert ended.summary.snapshot_id
            assert ended.summary.files == len([path for path in place.source.rglob("*") if path.is_file()])
        assert not place.locks()


async def _copied_over(place: BackupPlace, port: int) -> Ended:
    restic = await find_restic("restic", clock=SystemClock())
    repository = Repository(f"rest:http://127.0.0.1:{port}/", place.password_file, host="council")
    return await restic.run(commands.backup(repository, [place.source]))


@pytest.mark.parametrize("days", [-1, 1])
def test_clock_that_was_a_day_off_costs_one_copy_too_many_at_most(tmp_path: Path, days: int) -> None:
    place = make_backup_place(tmp_path)
    outcome, is_due_again = _run(place, off_ns=days * DAY_NS)
    assert outcome.kind is OutcomeKind.OK
    # A copy from the future proves nothing, one a day old is due: the right clock makes its own, once.
    assert is_due_again
    # Meanwhile nobody is called a liar: the host says less than lies in place.
    assert _seen_by_the_centre(place)[0] in (Standing.EMPTY, Standing.FRESH)
    password = place.password_file.read_text()
    place.password_file.write_text("забули\n")
    assert _run(place)[0].kind is OutcomeKind.AUTH
    standing, told = _seen_by_the_centre(place)
    assert standing in (Standing.EMPTY, Standing.FRESH)
    assert told.outcome == "auth"  # what failed since is not hidden by a copy from the future
    place.password_file.write_text(password)
    outcome, is_due_again = _run(place)
    assert outcome.kind is OutcomeKind.OK
    assert not is_due_again
    assert _seen_by_the_centre(place)[0] is Standing.FRESH
    assert "no errors were found" in place.bare("check", "--read-data", within_s=120)


def _seen_by_the_centre(place: BackupPlace) -> tuple[Standing, PlanReport]:
    """What a centre makes of the host's report and of the repository, both clocks being right now."""
    wall_ns = SystemClock().wall_ns()
    plan = Plan("documents", "Документи", SiteId("council"), (place.source,))
    history = History(place.folder / "backup.db")
    try:
        told = plan_report(plan, facts_of(history, plan, wall_ns=wall_ns), drill_every_days=30)
    finally:
        history.close()
    (heard,) = in_our_time(BackupReport(wall_ns=wall_ns, plans=(told,)), wall_ns=wall_ns)
    content = look_into(place.repository, wall_ns=wall_ns)
    return judge(content, claim_of([Told("council", wall_ns, heard)]), wall_ns=wall_ns), heard


def test_forgotten_password_is_one_clear_sentence(tmp_path: Path) -> None:
    place = make_backup_place(tmp_path)
    assert _run(place)[0].kind is OutcomeKind.OK
    place.password_file.write_text("забули\n")
    outcome, _ = _run(place)
    assert outcome.kind is OutcomeKind.AUTH
    assert outcome.reason.uk == "Пароль сховища не підходить. Візьміть файл пароля з паперового конверта."
    place.password_file.unlink()
    outcome, _ = _run(place)
    assert outcome.reason.uk.endswith("Відновіть його з паперового конверта.")
    assert not place.password_file.exists()
