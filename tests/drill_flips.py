"""Owns the proof that a drill finds each damage that a restore would suffer from; short in tests, long in torture."""

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TypeVar

from backup import canary
from backup.acts.record import Record, Verdict
from backup.drills.drill import Terms, drill
from backup.history import History
from backup.plans import Plan
from backup.restic.commands import Repository
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId
from beket.testing.process import ProgramFailed
from beket.testing.restic import BackupPlace, make_backup_place

T = TypeVar("T")


def plan_of(place: BackupPlace) -> Plan:
    """A plan over the place's sources, with its canary."""
    at = canary.place_of(place.folder / "agent", "documents")
    return Plan("documents", "Документи", SiteId("council"), (place.source,), excludes=("*.tmp",), canary=at)


def with_tools(place: BackupPlace, work: Callable[[Tools], Coroutine[None, None, T]]) -> T:
    """Do `work` with what the place's host has."""

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


def copy(place: BackupPlace) -> None:
    """Make a copy, which is good."""

    async def work(tools: Tools) -> None:
        assert (await Runner(tools).run(plan_of(place))).snapshot

    with_tools(place, work)


def drill_of(place: BackupPlace, origin: BackupPlace | None = None, terms: Terms | None = None) -> Record:
    """A drill at the place, of the plan whose sources are at `origin`."""

    async def work(tools: Tools) -> Record:
        run = tools.history.last_run("documents")
        assert run is not None
        return await drill(tools, plan_of(origin or place), run, place.folder / "sandbox", terms=terms)

    return with_tools(place, work)


def first_copy_in(folder: Path) -> BackupPlace:
    """A place with a good copy of a few files and a database."""
    place = make_backup_place(folder, size_bytes=2_000_000)
    with contextlib.closing(sqlite3.connect(place.source / "облік.sqlite")) as connection:
        connection.execute("CREATE TABLE entries (words TEXT)")
        connection.executemany("INSERT INTO entries VALUES (?)", [("запис " * 20,)] * 500)
        connection.commit()
    copy(place)
    return place


def twin_of(origin: BackupPlace, folder: Path) -> BackupPlace:
    """The same copy again. Its sources stay where they were: a snapshot names them by their whole paths."""
    shutil.copytree(origin.folder / "repository", folder / "repository")
    shutil.copytree(origin.folder / "secrets", folder / "secrets")
    shutil.copy(origin.folder / "backup.db", folder / "backup.db")
    return BackupPlace(folder)


def flip_and_drill(origin: BackupPlace, folder: Path, seed: int) -> bool:
    """Flip one byte of a twin's packs: the drill must prove just what a whole restore shows. Whether it did harm."""
    twin, rng = twin_of(origin, folder), random.Random(seed)
    packs = twin.packs()
    pack = rng.choices(packs, [path.stat().st_size for path in packs])[0]
    content = bytearray(pack.read_bytes())
    content[rng.randrange(len(content))] ^= rng.randint(1, 255)
    pack.write_bytes(content)
    comes_back = False
    with contextlib.suppress(ProgramFailed):
        twin.bare("restore", "latest", "--target", twin.folder / "back")
        comes_back = files_in(origin.source) == files_in(twin.folder / "back" / str(origin.source).lstrip("/"))
    record = drill_of(twin, origin)
    assert (record.verdict is Verdict.PROVEN) == comes_back, f"seed {seed}: {record}"
    assert bool(record.reason_uk) != comes_back
    shutil.rmtree(folder)
    return not comes_back


def files_in(root: Path) -> dict[str, bytes]:
    """Everything below `root`, by its name there."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}
