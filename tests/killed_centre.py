"""Owns the proof that a centre killed at any moment costs no copy.

Its repository server goes with it and lets go of the port, the next copy comes through, no lock and no key of a
broken-off work stays, and the centre's sentence about the plan is the host's own. The host is the agent's own code in
this process, with a real restic; the centre is `beket centre`, killed by SIGKILL.
"""

import asyncio
import contextlib
import gc
import logging
import os
import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from subprocess import Popen
from unittest import mock

import psutil

from backup.history import History
from backup.repository.freshness import Shelf
from backup.repository.ledger import Ledger
from backup.repository.overview import HostView, contents_of, views_of
from backup.repository.standing import Standing
from backup.restic.outcome import OutcomeKind
from backup.restic.run import Patience
from backup.sentence import facts_of, plan_sentence
from beket.app.config import AgentConfig
from beket.app.wiring.agent_side import connect, load_identity
from beket.app.wiring.backup import Backups, open_backups, plans_of, run_plan
from beket.app.wiring.centre_repository import plan_report, tell_centre
from beket.kernel.clock import SystemClock, utc
from beket.kernel.config import load
from beket.kernel.errors import BeketError
from beket.kernel.ids import SiteId
from beket.testing.process import output_of
from tests.backup_town import Town

log = logging.getLogger(__name__)

# A copy then takes a few seconds.
RATE_KBPS = 32_000
# restic 0.14 may stand still for ever once a pack could not be sent; the watchdog's quarter of an hour would be most of
# the proof.
PATIENCE = Patience(silence_s=60, interrupt_s=6, terminate_s=2)
TRIES = 5
MOMENT_S = 0.2
PLAN = "documents"
LONG_AGO_S = 86_400

_MINUTE = re.compile(r"\d\d:\d\d")


class Amid(StrEnum):
    """What the centre was doing when it was killed."""

    COPY = "a copy"
    ENTRY = "the entry of a host"
    START = "its own start"


@dataclass(slots=True)
class Tally:
    """What was seen: how often it was killed amid what, how often that was under way then, and how many more runs of
    the plan it took until the copy was there; 0 when the run that saw the kills went on to its end.
    """

    amid: Counter[Amid] = field(default_factory=Counter)
    broken: Counter[Amid] = field(default_factory=Counter)
    tries: Counter[int] = field(default_factory=Counter)

    def words(self) -> str:
        """A line each."""
        lines = [f"{amid}: {self.amid[amid]} kills, {self.broken[amid]} while it was under way" for amid in Amid]
        return "\n".join([*lines, f"more runs until the copy was there: {dict(sorted(self.tries.items()))}"])


def kill_centre(folder: Path, rounds: int, *, seed: int, fresh_bytes: int) -> Tally:
    """Kill the centre twice a round: amid a copy or an entry in turn, and amid its start; look at everything then."""
    town = Town(folder, rate_kbps=RATE_KBPS)
    town.beket("inventory", "--config", "centre.toml", "import", "inventory.yaml", "--yes", "--reason", "перша")
    with town.centre():
        town.wait_until(town.lets_agents_in)
        town.join()
    story = _Story(town, random.Random(seed), fresh_bytes)
    with mock.patch("beket.app.wiring.backup.PATIENCE", PATIENCE), warnings.catch_warnings():
        # A socket that is reset just before its TLS begins is lost inside `ssl` of CPython 3.11: nobody can close it.
        warnings.filterwarnings("ignore", "unclosed <ssl.SSLSocket", ResourceWarning)
        asyncio.run(story.run(rounds))
        gc.collect()
    return story.tally


class _Story:
    def __init__(self, town: Town, rng: random.Random, fresh_bytes: int) -> None:
        self.tally = Tally()
        self._town, self._rng, self._fresh_bytes = town, rng, fresh_bytes
        self._config = load(town.folder / "agent.toml", AgentConfig)
        self._clock = SystemClock()
        self._centre: Popen[bytes] | None = None
        self._took_s: dict[Amid, float] = {}

    async def run(self, rounds: int) -> None:
        try:
            await self._timed(Amid.START, self._start())
            await self._timed(Amid.ENTRY, self._enter())
            self._change()
            await self._timed(Amid.COPY, self._copy())
            for number in range(rounds):
                await self._round(Amid.ENTRY if number % 2 else Amid.COPY)
                await asyncio.to_thread(self._assert_well)
                log.info("round %d of %d: %s", number + 1, rounds, self.tally)
            await self._assert_nothing_stays()
        finally:
            self._kill()
        await asyncio.to_thread(self._assert_whole)

    async def _round(self, amid: Amid) -> None:
        """Killed amid a work of the host, and once more amid its start; then it stays, and there is a copy again."""
        self._change()
        work = asyncio.create_task(self._copy() if amid is Amid.COPY else self._enter())
        await self._kill_at_some_moment(amid, work)
        starting = asyncio.create_task(self._start())
        await self._kill_at_some_moment(Amid.START, starting)
        starting.cancel()
        await asyncio.wait({starting})
        await self._start()
        outcome = None
        with contextlib.suppress(BeketError):
            outcome = await work  # restic goes on by itself once the server is back, or has given up
        self.tally.tries[0 if outcome is OutcomeKind.OK else await self._until_copied()] += 1

    async def _kill_at_some_moment(self, amid: Amid, work: "asyncio.Task[object]") -> None:
        await asyncio.wait({work}, timeout=self._took_s[amid] * self._rng.uniform(0.05, 1))
        self.tally.amid[amid] += 1
        self.tally.broken[amid] += not work.done()
        self._kill()
        await asyncio.to_thread(self._town.wait_until, self._is_silent)

    async def _start(self) -> None:
        self._centre = self._town.start_centre()
        while not await asyncio.to_thread(self._town.lets_agents_in):
            assert self._centre.poll() is None, self._town.log()
            await asyncio.sleep(0.05)

    def _kill(self) -> None:
        if self._centre is not None:
            self._centre.kill()
            self._centre.wait()

    def _is_silent(self) -> bool:
        """Nothing that the centre started is left, and its port is free."""
        served = str(self._town.folder / "repositories")
        return not self._town.listens() and not any(served in _words_of(process) for process in psutil.process_iter())

    async def _copy(self) -> OutcomeKind:
        """What the agent does when a plan is due, and what it tells the centre then."""
        async with open_backups(self._config, clock=self._clock, rng=self._rng) as backups:
            outcome = await run_plan(backups, backups.plans[0])
            await asyncio.to_thread(self._tell, backups)
        return outcome.kind

    def _tell(self, backups: Backups) -> None:
        plan = backups.plans[0]
        facts = facts_of(backups.tools.history, plan, wall_ns=self._clock.wall_ns())
        report = plan_report(plan, facts, drill_every_days=30)
        with connect(load_identity(backups.files), self._config.uplink) as centre:
            tell_centre(centre, backups.tools.history, [report], wall_ns=self._clock.wall_ns())

    async def _enter(self) -> None:
        """A host that has lost its key asks for a new one."""
        for key in (self._town.folder / "agent" / "repository").glob("*/key"):
            key.unlink()
        async with open_backups(self._config, clock=self._clock, rng=self._rng):
            pass

    async def _until_copied(self) -> int:
        """How many runs it takes; a host that the centre does not let in yet asks again, as it would minutes later."""
        for number in range(1, TRIES + 1):
            with contextlib.suppress(BeketError):
                if await self._copy() is OutcomeKind.OK:
                    return number
            await asyncio.sleep(1)
        raise AssertionError(f"no copy after {TRIES} runs\n{self._town.log()[-5000:]}")

    def _change(self) -> None:
        (self._town.place.source / "змінне.bin").write_bytes(self._rng.randbytes(self._fresh_bytes))

    def _view(self) -> HostView:
        """What the page and `beket backup hosts` show."""
        ledger = Ledger(self._town.folder / "centre" / "repositories.db")
        try:
            wall_ns = self._clock.wall_ns()
            contents = contents_of(self._town.folder / "repositories", ledger, Shelf(), wall_ns=wall_ns)
            (view,) = views_of(ledger, contents, wall_ns=wall_ns)
        finally:
            ledger.close()
        return view

    def _assert_well(self) -> None:
        """The centre's sentence is the host's own, and nothing is left of what was broken off."""
        view = self._view()
        assert view.standing is Standing.FRESH
        history = History(self._town.folder / "agent" / "backup.db")
        try:
            plan = plans_of(self._config.backup, SiteId("council"), self._town.folder / "agent")[0]
            wall_ns = self._clock.wall_ns()
            said = plan_sentence(facts_of(history, plan, wall_ns=wall_ns), utc(wall_ns))
        finally:
            history.close()
        # The centre counts by its own clock: what took seconds to come may stand there in the next minute.
        shown, own = ([_MINUTE.sub("…", words) for words in told] for told in (_words(view), [said.uk]))
        assert shown == own, (shown, own)
        assert "остання копія — сьогодні" in said.uk
        assert view.troubles == ()

    async def _assert_nothing_stays(self) -> None:
        """Locks, and keys of entries that were broken off, go with the file that knew them once that is surely over."""
        secrets = self._town.folder / "keys" / "repositories"
        for folder in secrets.glob(".new-*"):
            long_ago_s = time.time() - LONG_AGO_S
            os.utime(folder, (long_ago_s, long_ago_s))
        self._kill()
        await self._start()

        def is_clear() -> bool:
            locks = list((self._town.folder / "repositories").glob("*/locks/*"))
            return not locks and not list(secrets.glob(".new-*")) and self._view().unknown_keys == 0

        await asyncio.to_thread(self._town.wait_until, is_clear, within_s=300)

    def _assert_whole(self) -> None:
        """Nothing is damaged or locked, for whoever looks with bare restic."""
        (repository,) = (self._town.folder / "repositories").iterdir()
        key = self._town.folder / "keys" / "repositories" / f"{repository.name}.key"
        opened = ("restic", "--no-cache", "--repo", repository, "--password-file", key)
        assert "no errors were found" in output_of(*opened, "check", "--read-data", within_s=900)

    async def _timed(self, amid: Amid, work: Awaitable[object]) -> None:
        began_s = time.monotonic()
        await work
        self._took_s[amid] = max(MOMENT_S, time.monotonic() - began_s)


def _words(view: HostView) -> list[str]:
    return [one.sentence.uk for one in view.plans]


def _words_of(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []
