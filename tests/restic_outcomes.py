"""Owns the cases in which a restic must come to the right one of nine outcomes, with whichever release and server."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backup import runner
from backup.history import History
from backup.plans import Plan
from backup.restic import commands, upkeep_commands
from backup.restic.commands import Repository
from backup.restic.events import parse_snapshots
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Patience, Restic, find_restic
from backup.runner import Runner, Tools
from backup.sources.postgres import PostgresDump
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.process import free_tcp_port, wait_for
from beket.testing.restic import BackupPlace, make_backup_place, plain_repository_server

# A regular file that nobody can read, root included: reading address 0 of a process fails with EIO.
UNREADABLE = Path("/proc/self/mem")
TAG = "plan:documents"


@dataclass(frozen=True, slots=True)
class Setting:
    """One case's own place, with one good copy in it, and the programs that are tried."""

    place: BackupPlace
    restic: Restic
    program: str
    server: str

    @property
    def repository(self) -> Repository:
        """On the disk."""
        return Repository(str(self.place.repository), self.place.password_file, host="council")

    async def copy(self, *more: Path, repository: Repository | None = None) -> Outcome:
        """One copy, judged with its proof, as the runner judges it."""
        where, paths = repository or self.repository, (self.place.source, *more)
        ended = await self.restic.run(commands.backup(where, paths, tags=[TAG]))
        snapshot = None
        if ended.summary and ended.summary.snapshot_id:
            asked = await self.restic.run(commands.snapshots(where, ids=[ended.summary.snapshot_id]))
            (snapshot,) = parse_snapshots(asked.output)
        return classify(ended, asked=paths, snapshot=snapshot)

    async def check(self, *, read_data: bool) -> Outcome:
        """What `restic check` finds."""
        return classify(await self.restic.run(commands.check(self.repository, read_data=read_data)))


async def healthy(setting: Setting) -> Outcome:
    """Nothing is wrong."""
    return await setting.copy()


async def missing_path(setting: Setting) -> Outcome:
    """One of two paths goes between the look and the copy."""
    return await setting.copy(setting.place.folder / "зник")


async def unreadable_file(setting: Setting) -> Outcome:
    """A file that is there and cannot be read."""
    return await setting.copy(UNREADABLE)


async def wrong_password(setting: Setting) -> Outcome:
    """The password file holds another password."""
    setting.place.password_file.write_text("не той\n")
    return await setting.copy()


async def foreign_repository(setting: Setting) -> Outcome:
    """Another host's repository lies there: our key opens it not."""
    other = BackupPlace(setting.place.folder / "other")
    other.password_file.parent.mkdir(parents=True)
    other.password_file.write_text("чужий\n")
    await setting.restic.run(commands.init(Repository(str(other.repository), other.password_file, host="other")))
    shutil.rmtree(setting.place.repository)
    other.repository.rename(setting.place.repository)
    return await setting.copy()


async def no_repository(setting: Setting) -> Outcome:
    """Files lie there, but no repository."""
    shutil.rmtree(setting.place.repository)
    setting.place.repository.mkdir()
    (setting.place.repository / "фото.jpg").write_bytes(b"x")
    return await setting.copy()


async def locked(setting: Setting) -> Outcome:
    """Another process has the repository for itself, and lives."""
    with _held_exclusively(setting):
        return await setting.copy()


async def server_down(setting: Setting) -> Outcome:
    """Nobody listens there."""
    away = Repository(f"rest:http://127.0.0.1:{free_tcp_port()}/", setting.place.password_file, host="council")
    quick = await find_restic(
        setting.program, clock=SystemClock(), patience=Patience(silence_s=5, interrupt_s=5, terminate_s=5)
    )
    return classify(await quick.run(commands.backup(away, [setting.place.source])), asked=[setting.place.source])


async def append_only(setting: Setting) -> Outcome:
    """A snapshot is to be forgotten through a server that lets nobody remove anything."""
    (name,) = [path.name for path in (setting.place.repository / "snapshots").iterdir()]
    with plain_repository_server(setting.place.repository, program=setting.server) as port:
        remote = Repository(f"rest:http://127.0.0.1:{port}/", setting.place.password_file, host="council")
        assert (await setting.copy(repository=remote)).kind is OutcomeKind.OK
        outcome = classify(await setting.restic.run(upkeep_commands.forget(remote, [name])))
        assert (setting.place.repository / "snapshots" / name).exists()
        # It leaves nobody locked out: the next copy comes through at once.
        await setting.restic.run(commands.unlock(remote))
        assert (await setting.copy(repository=remote)).kind is OutcomeKind.OK
    return outcome


async def terminated(setting: Setting) -> Outcome:
    """SIGTERM from outside, in the middle."""
    (setting.place.source / "відео.bin").write_bytes(random.Random(2).randbytes(60_000_000))
    before = set(setting.place.packs())
    running = asyncio.create_task(setting.restic.run(commands.backup(setting.repository, [setting.place.source])))
    await asyncio.to_thread(wait_for, lambda: bool(set(setting.place.packs()) - before), within_s=60, what="a pack")
    for pid in _pids_of(setting):
        os.kill(pid, signal.SIGTERM)
    outcome = classify(await running, asked=[setting.place.source])
    assert (await setting.copy()).kind is OutcomeKind.OK
    return outcome


async def half_a_dump(setting: Setting) -> Outcome:
    """pg_dump dies half-way."""
    pg_dump = setting.place.folder / "bin" / "pg_dump"
    pg_dump.parent.mkdir()
    pg_dump.write_text('#!/bin/sh\nwhile [ "$1" != --file ]; do shift; done\nprintf PGDMPhalf > "$2"\nexit 7\n')
    pg_dump.chmod(0o755)
    history, clock = History(setting.place.folder / "backup.db"), SystemClock()
    tools = Tools(
        setting.restic, setting.repository, history, clock, random.Random(1), "boot", asyncio.Lock(),
        setting.place.folder / "staging",
    )  # fmt: skip
    dump = PostgresDump("accounting", "dbname=accounting")
    plan = Plan("documents", "Документи", SiteId("council"), (setting.place.source,), dumps=(dump,))
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{pg_dump.parent}:{path}"
    try:
        outcome = await Runner(tools).run(plan)
    finally:
        os.environ["PATH"] = path
        history.close()
    found = await runner.named_snapshots(tools, outcome.snapshot.id if outcome.snapshot else "-")
    assert len(found) == 1
    assert [item.item for item in outcome.items] == ["postgresql:accounting"]
    return outcome


async def flipped_bit(setting: Setting) -> Outcome:
    """One bit of a pack; only reading the data sees it."""
    pack = setting.place.packs()[0]
    content = bytearray(pack.read_bytes())
    content[1000] ^= 1
    pack.write_bytes(content)
    return await setting.check(read_data=True)


async def truncated_pack(setting: Setting) -> Outcome:
    """A pack that was cut short; no data need be read."""
    os.truncate(setting.place.packs()[0], 1000)
    return await setting.check(read_data=False)


Case = Callable[[Setting], Awaitable[Outcome]]
CASES: Mapping[Case, OutcomeKind] = {
    healthy: OutcomeKind.OK,
    missing_path: OutcomeKind.PARTIAL,
    unreadable_file: OutcomeKind.PARTIAL,
    half_a_dump: OutcomeKind.PARTIAL,
    server_down: OutcomeKind.DEFERRED,
    locked: OutcomeKind.LOCKED,
    wrong_password: OutcomeKind.AUTH,
    foreign_repository: OutcomeKind.AUTH,
    no_repository: OutcomeKind.MISSING,
    flipped_bit: OutcomeKind.DAMAGED,
    truncated_pack: OutcomeKind.DAMAGED,
    terminated: OutcomeKind.CANCELLED,
    append_only: OutcomeKind.FAILED,
}


def outcome_of(case: Case, folder: Path, *, program: str = "restic", server: str = "rclone") -> Outcome:
    """What comes of `case` in a fresh place."""

    async def whole() -> Outcome:
        patience = Patience(silence_s=90, interrupt_s=30, terminate_s=5)
        restic = await find_restic(program, clock=SystemClock(), patience=patience)
        place = make_backup_place(folder)
        place.password_file.parent.mkdir(parents=True)
        place.password_file.write_text("наш\n")
        place.password_file.chmod(0o600)
        setting = Setting(place, restic, program, server)
        await restic.run(commands.init(setting.repository))
        first = await setting.copy()
        assert first.kind is OutcomeKind.OK, first
        return await case(setting)

    return asyncio.run(whole())


@contextlib.contextmanager
def _held_exclusively(setting: Setting) -> Iterator[None]:
    """A `restic check` that stands still with its exclusive lock."""
    opened = (setting.program, "--no-cache", "--repo", setting.place.repository, "--password-file")
    argv = [*map(str, opened), str(setting.place.password_file), "check", "--read-data"]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: bool(setting.place.locks()), within_s=60, what="the lock")
        process.send_signal(signal.SIGSTOP)
        yield
    finally:
        process.kill()
        process.wait()


def _pids_of(setting: Setting) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if str(setting.place.repository).encode() in words and b"backup" in words:
                    found.append(int(entry.name))
    return found
