"""A plan that saves Beket's own databases while they are in use: copied, proven, restored, whole."""

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from backup.acts.record import Verdict
from backup.drills.drill import drill
from backup.history import History
from backup.plans import Plan
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind
from backup.restic.run import find_restic
from backup.runner import Runner, Tools
from beket.kernel.clock import SystemClock
from beket.kernel.ids import SiteId


@pytest.mark.needs("restic")
def test_databases_in_use_are_copied_proven_and_restored_whole(tmp_path: Path) -> None:
    data = tmp_path / "centre"
    data.mkdir()
    (data / "centre.toml").write_text("[community]\n")
    live = sqlite3.connect(data / "access.db")
    live.execute("PRAGMA journal_mode=WAL")
    live.execute("CREATE TABLE users (name TEXT)")
    live.execute("INSERT INTO users VALUES ('Олена')")
    live.commit()  # in the WAL alone, and open

    async def story() -> Path:
        clock = SystemClock()
        restic = await find_restic("restic", clock=clock)
        history = History(tmp_path / "backup.db")
        repository = Repository(str(tmp_path / "repository"), tmp_path / "password", host="centre")
        rng = random.Random(1)
        tools = Tools(restic, repository, history, clock, rng, "boot", asyncio.Lock(), tmp_path / "staging")
        plan = Plan("beket", "Бекет", SiteId("centre"), (data,), databases=True)
        outcome = await Runner(tools).run(plan)
        assert outcome.kind is OutcomeKind.OK, outcome
        run = history.last_run("beket")
        assert run is not None
        assert [Path(entry.path).name for entry in run.manifest] == ["centre.toml", "access.db"]
        assert (await drill(tools, plan, run, tmp_path / "sandbox")).verdict is Verdict.PROVEN
        await restic.run(commands.restore(repository, run.snapshot, tmp_path / "back"))
        history.close()
        return tmp_path / "back"

    back = asyncio.run(story())
    live.close()
    (restored,) = back.rglob("access.db*")  # the copy alone: neither the live file nor its journals
    with closing(sqlite3.connect(restored)) as database:
        assert database.execute("SELECT name FROM users").fetchall() == [("Олена",)]
