"""Owns one run of one plan from the look at its paths to the proof, and what is remembered of it.

On one loop; one run at a time. restic is started twice, for the copy and for the proof; only when the repository is
locked twice more (unlock what is provably stale, try once again), and once more when dead processes left their locks.
Note: backup/design/0009-restic-wrapper.md.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backup import canary, line, locks, manifest
from backup.history import GOOD, NOTHING, History
from backup.in_parts import Job, store_in_parts
from backup.manifest import Taken
from backup.plans import Plan, preflight
from backup.preparing import Prepared, finish, prepare
from backup.progress import AskStored, Gauge, OnAdvance
from backup.repository import place
from backup.repository.walk import size_of
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.link import Carried, Link, profile_of
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Ended, Restic
from backup.sources.hooks import run_hooks
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Busy, NoSpace
from beket.kernel.text import Text, say

log = logging.getLogger(__name__)


# Asks whoever keeps the repository for a new way in; why it does not let us in, None when nothing is known against us.
AskIn = Callable[[], Awaitable[BeketError | None]]


@dataclass(frozen=True, slots=True)
class Tools:
    """What runs and drills work with.

    Attributes:
        boot: id of this start of the machine.
        one_at_a_time: held while restic works: one long job per host.
        staging: where copies of databases are made before they are saved.
        limit_bytes_per_s: what copies may take of the line to a remote repository; None means all of it.
        clears_locks: whether locks of dead processes are ours to remove. At the centre's repository the centre does it:
            restic would judge its locks by our clock.
        ask_stored: tells how much the repository takes; None where only a folder on this machine can be looked at.
        ask_in: what a run does that was not let in; None where nobody can be asked.
    """

    restic: Restic
    repository: Repository
    history: History
    clock: Clock
    rng: random.Random
    boot: str
    one_at_a_time: asyncio.Lock
    staging: Path | None = None
    limit_bytes_per_s: float | None = None
    ask_stored: AskStored | None = None
    clears_locks: bool = True
    ask_in: AskIn | None = None

    def gauge(self, on_advance: OnAdvance | None) -> Gauge:
        """What follows a run."""
        if self.ask_stored is None and not self.repository.is_remote:
            folder = Path(self.repository.location)
            return Gauge(on_advance, lambda: asyncio.to_thread(size_of, folder))
        return Gauge(on_advance, self.ask_stored)


class Runner:
    """Makes backups."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    async def run(
        self, plan: Plan, *, stop: asyncio.Event | None = None, on_advance: OnAdvance | None = None
    ) -> Outcome:
        """Make a copy now and judge it; what came of it is remembered before this returns.

        Raises:
            Busy: another run or drill of this process is under way.
            ResticMissing: the binary is gone; nothing was begun.
            BeketError: the password file or backup.db cannot be used.
        """
        tools = self._tools
        if tools.one_at_a_time.locked():
            raise Busy(say("Інше копіювання ще триває.", "Another backup is under way."), subject=plan.id)
        async with tools.one_at_a_time:
            began_ns, began_mono_ns = tools.clock.wall_ns(), tools.clock.mono_ns()
            last = await asyncio.to_thread(tools.history.last_run, plan.id, until_ns=began_ns)
            run = await asyncio.to_thread(tools.history.begin, plan.id, wall_ns=began_ns, boot=tools.boot)
            made = await self._copy(plan, stop, tools.gauge(on_advance))
            made = replace(made, outcome=await self._let_in(made.outcome))
            entries = await asyncio.to_thread(manifest.confirm, made.taken) if made.outcome.kind in GOOD else []
            await asyncio.to_thread(
                tools.history.end,
                run,
                made.outcome,
                wall_ns=tools.clock.wall_ns(),
                restic=str(tools.restic.capabilities.version),
                duration_s=(tools.clock.mono_ns() - began_mono_ns) / NS_PER_S,
                manifest=entries,
                carried=made.carried,
            )
            if made.outcome.kind in GOOD:
                await asyncio.to_thread(tools.history.forget_parts, plan.id)
                await self._take_away_locks(stop, after_trouble=last is None or last.outcome not in GOOD)
        outcome = made.outcome
        log.log(
            _LEVELS.get(outcome.kind, logging.WARNING), "backup %s: %s: %s", plan.id, outcome.kind, outcome.reason.en
        )
        return outcome

    async def _let_in(self, outcome: Outcome) -> Outcome:
        """Of a run that was not let in, what the repository's keeper says of it; a new way in serves the next run."""
        tools = self._tools
        if tools.ask_in is None or outcome.kind not in (OutcomeKind.AUTH, OutcomeKind.DEFERRED):
            return outcome
        refusal = await tools.ask_in()
        if refusal is None:
            return outcome
        kind = OutcomeKind.FAILED if isinstance(refusal, NoSpace) else OutcomeKind.AUTH
        return replace(outcome, kind=kind, reason=refusal.sentence())

    async def _take_away_locks(self, stop: asyncio.Event | None, *, after_trouble: bool) -> None:
        tools = self._tools
        if tools.clears_locks and await asyncio.to_thread(locks.may_lie, tools.repository, after_trouble=after_trouble):
            await tools.restic.run(commands.unlock(tools.repository), stop=stop)

    async def _copy(self, plan: Plan, stop: asyncio.Event | None, gauge: Gauge) -> "_Made":
        tools = self._tools
        troubles = await asyncio.to_thread(preflight, plan.paths)
        absent = [trouble.path for trouble in troubles if not _is_there(trouble.path)]
        present = [path for path in plan.paths if path not in absent]
        if not present:
            return _Made(Outcome(OutcomeKind.FAILED, _joined([trouble.sentence for trouble in troubles])))
        if hindrance := await line.look(tools.repository):
            return _Made(hindrance)
        if plan.choose is not None:
            chosen, lacking = await asyncio.to_thread(plan.choose, present)
            present, absent = list(chosen), [*absent, *lacking]
        if plan.canary is not None and not manifest.may_be_excluded(str(plan.canary), plan.excludes):
            present += [plan.canary] if await asyncio.to_thread(canary.put, plan.canary) else []
        good = await asyncio.to_thread(tools.history.last_run, plan.id, kinds=GOOD)
        hindrance = await place.ensure(tools.restic, tools.repository, is_first_use=good is None)
        if hindrance:
            return _Made(hindrance)
        repository = await self._over_its_line()
        await gauge.begin()
        following = asyncio.create_task(gauge.follow(tools.clock))
        began_mono_ns = tools.clock.mono_ns()
        try:
            job = Job(plan, present, plan.excludes, stop, clears_locks=tools.clears_locks)
            outcome = None
            if good is None and repository.is_remote:
                outcome = await store_in_parts(tools.restic, repository, tools.history, job, gauge)
                gauge.go_over()
            made = _Made(outcome) if outcome else await self._copy_whole(repository, job, absent, gauge)
        finally:
            following.cancel()
        took_s = (tools.clock.mono_ns() - began_mono_ns) / NS_PER_S
        stored_bytes = await gauge.stored_bytes()
        if stored_bytes is None:
            stored_bytes = made.outcome.summary.added_bytes if made.outcome.summary else 0
        return replace(made, carried=Carried(stored_bytes, took_s))

    async def _over_its_line(self) -> Repository:
        """The repository with the profile that its line has earned."""
        tools = self._tools
        if not tools.repository.is_remote:
            return tools.repository
        profile = profile_of(await asyncio.to_thread(tools.history.carried))
        return replace(tools.repository, link=Link(profile, tools.limit_bytes_per_s))

    async def _copy_whole(self, repository: Repository, job: Job, absent: Sequence[Path], gauge: Gauge) -> "_Made":
        plan = job.plan
        async with contextlib.AsyncExitStack() as undo:
            # What was stopped before must start again, whatever ends us.
            undo.push_async_callback(run_hooks, plan.after)
            prepared = await prepare(plan, job.paths, self._tools.staging, job.stop)
            if prepared.hindrance:
                made = _Made(prepared.hindrance)
            else:
                made = await self._copy_prepared(repository, job, prepared, absent, gauge)
            undo.pop_all()
        return replace(made, outcome=await finish(plan, made.outcome))

    async def _copy_prepared(
        self, repository: Repository, job: Job, prepared: Prepared, absent: Sequence[Path], gauge: Gauge
    ) -> "_Made":
        tools, plan = self._tools, job.plan
        excludes = plan.excludes
        chosen = await asyncio.to_thread(
            manifest.choose, prepared.paths, excludes, rng=tools.rng, without=prepared.live
        )
        command = commands.backup(
            repository,
            prepared.paths,
            excludes=(*excludes, *map(commands.literal, prepared.live)),
            tags=(plan.tag, *plan.tags),
            vss=plan.vss,
        )

        async def once() -> Outcome:
            ended = await tools.restic.run(command, stop=job.stop, on_progress=gauge.read, stored=gauge.seen_bytes)
            ended.items += prepared.lacking
            ended.items_total += len(prepared.lacking)
            return await self._judge(ended, prepared.paths, absent)

        taking = asyncio.create_task(asyncio.to_thread(manifest.take, chosen))
        try:
            outcome = await once()
            if outcome.kind is OutcomeKind.LOCKED and tools.clears_locks:
                await tools.restic.run(commands.unlock(repository), stop=job.stop)
                outcome = await once()
            return _Made(outcome, await taking if outcome.kind in GOOD else ())
        finally:
            taking.cancel()

    async def _judge(self, ended: Ended, asked: Sequence[Path], absent: Sequence[Path]) -> Outcome:
        snapshot = None
        if ended.summary and ended.summary.snapshot_id:
            found = await named_snapshots(self._tools, ended.summary.snapshot_id)
            snapshot = found[0] if len(found) == 1 else None
        return classify(ended, asked=asked, snapshot=snapshot, absent=absent)


@dataclass(frozen=True, slots=True)
class _Made:
    """What a run came to, what of its source was looked at, and what went over the line."""

    outcome: Outcome
    taken: Sequence[Taken] = ()
    carried: Carried = NOTHING


async def named_snapshots(tools: Tools, *ids: str) -> tuple[Snapshot, ...]:
    """What the repository itself holds under these ids; nothing when it cannot be asked."""
    asked = await tools.restic.run(commands.snapshots(tools.repository, ids=ids))
    return parse_snapshots(asked.output) if asked.exit_code == 0 else ()


async def newest_snapshot(tools: Tools, plan: Plan) -> Snapshot | Outcome:
    """The newest snapshot of `plan` in the repository, or why there is none to be seen."""
    ended = await tools.restic.run(commands.snapshots(tools.repository, tag=plan.tag))
    outcome = classify(ended)
    if outcome.kind is not OutcomeKind.OK:
        return outcome
    found = parse_snapshots(ended.output)
    if not found:
        return Outcome(OutcomeKind.MISSING, say("Копії ще немає.", "There is no copy yet."))
    return max(found, key=lambda snapshot: snapshot.time)


async def check(tools: Tools, *, read_data: bool, stop: asyncio.Event | None = None) -> Outcome:
    """Is the repository whole. A lock that a dead process left is removed first; a live one is respected.

    Raises:
        Busy: a run or drill of this process is under way.
    """
    if tools.one_at_a_time.locked():
        raise Busy(say("Інше копіювання ще триває.", "Another backup is under way."))
    async with tools.one_at_a_time:
        command = commands.check(tools.repository, read_data=read_data)
        outcome = classify(await tools.restic.run(command, stop=stop))
        if outcome.kind is OutcomeKind.LOCKED and tools.clears_locks:
            await tools.restic.run(commands.unlock(tools.repository), stop=stop)
            outcome = classify(await tools.restic.run(command, stop=stop))
        return outcome


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _joined(sentences: Sequence[Text]) -> Text:
    parts: dict[str, object] = {f"s{i}": sentence for i, sentence in enumerate(sentences)}
    template = " ".join(f"{{{key}}}" for key in parts)
    return Text(template, template, parts)


_LEVELS = {OutcomeKind.OK: logging.INFO, OutcomeKind.CANCELLED: logging.INFO, OutcomeKind.DEFERRED: logging.INFO}
