"""Puts backups together: the part of an agent that makes and proves copies.

It is a process of its own: restic's hours of work, the tables and the hashing stay away from capture and
polling. What it measures travels through a spool of its own.
"""

import asyncio
import functools
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field

from agents.spool.sender import Sender
from agents.spool.spool import Spool
from agents.uplink.config import UplinkConfig
from backup import drills, runner
from backup.config import BackupConfig
from backup.history import GOOD, History
from backup.plans import Plan, is_due
from backup.points import points_of
from backup.repository.remote import AT_CENTRE
from backup.restic.outcome import Outcome, OutcomeKind
from backup.restic.run import Patience, find_restic
from backup.runner import Runner, Tools
from backup.sentence import facts_of
from backup.sources.presets import PRESETS
from beket.app.config import AgentConfig
from beket.app.process import run_until
from beket.app.wiring.agent_side import AgentFiles, Identity, connect, load_identity
from beket.app.wiring.centre_repository import enter, remote_place, repository_of, tell_centre
from beket.kernel.clock import NS_PER_S, Clock, read_boot_id, wall_ns_of
from beket.kernel.errors import BeketError
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.supervise import keep_running

log = logging.getLogger(__name__)

# The repository itself is asked so often whether the newest copy is still there; after each run at once.
ASK_REPOSITORY_EVERY_S = 3600
REPORT_EVERY_S = 30
# Shorter than the grace that the parent process gives to us.
PATIENCE = Patience(interrupt_s=6, terminate_s=2)


@dataclass(slots=True)
class Backups:
    """A host's backups, put together.

    Attributes:
        enter_again: asks the centre for a new way into its repository; None where the repository is not the centre's.
        seen_ns: when the newest snapshot of each plan was made, as last seen.
        news: set when something came of a run or a drill that the centre should hear of.
    """

    plans: Sequence[Plan]
    tools: Tools
    files: AgentFiles
    enter_again: Callable[[], Awaitable[object]] | None = None
    seen_ns: dict[str, int] = field(default_factory=dict)
    asked_mono_ns: int | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def runner(self) -> Runner:
        """What makes copies."""
        return Runner(self.tools)


def plans_of(config: BackupConfig, site: SiteId) -> tuple[Plan, ...]:
    """The plans that the file names."""
    return tuple(
        Plan(
            id=plan.id,
            name=plan.name,
            site=site,
            paths=plan.paths,
            excludes=(*plan.excludes, *PRESETS[plan.preset].excludes),
            tags=plan.tags,
            every_hours=plan.every_hours,
            databases=PRESETS[plan.preset].databases,
        )
        for plan in config.plans
    )


@asynccontextmanager
async def open_backups(config: AgentConfig, *, clock: Clock, rng: random.Random) -> AsyncIterator[Backups]:
    """Everything for the backups of this agent's host; on the loop that will run them.

    Raises:
        NotFound: this agent has not joined a centre, or restic is not installed.
    """
    files = AgentFiles(config.data)
    identity = load_identity(files)
    site = identity.enrolled.site
    restic = await find_restic(config.backup.program, clock=clock, patience=PATIENCE)
    history = await asyncio.to_thread(History, config.data / "backup.db")
    try:
        repository = await repository_of(config.backup, config.uplink, files, identity)
        tools = Tools(restic, repository, history, clock, rng, read_boot_id(), asyncio.Lock(), config.data / "staging")
        again = functools.partial(enter, remote_place(files, identity), identity, config.uplink)
        is_centres = config.backup.repository == AT_CENTRE
        yield Backups(plans_of(config.backup, site), tools, files, again if is_centres else None)
    finally:
        await asyncio.to_thread(history.close)


async def run_backup(config: AgentConfig, *, clock: Clock, rng: random.Random, stop: asyncio.Event) -> None:
    """Be the backup process until `stop` is set; a restic at work is ended in order before this returns.

    Raises:
        NotFound: this agent has not joined a centre, or restic is not installed.
    """
    identity = load_identity(AgentFiles(config.data))
    site = identity.enrolled.site
    instruments = Instruments(site=site, unit="backup")
    async with open_backups(config, clock=clock, rng=rng) as backups:
        with ExitStack() as stack:
            spool = Spool(
                backups.files.spool("backup"), site=site, cap_bytes=config.spool.cap_bytes, instruments=instruments
            )
            telling = functools.partial(tell, backups, identity, config.uplink)
            sender = Sender(spool, stack.enter_context(connect(identity, config.uplink)).post)
            supervised = functools.partial(keep_running, clock=clock, rng=rng)
            await run_until(
                stop,
                {
                    "backups": supervised("backups", functools.partial(follow_plans, backups, config.backup, spool)),
                    "report": supervised("report", functools.partial(report, backups, spool, instruments)),
                    "telling": supervised("telling", telling),
                    "points": supervised(
                        "points", functools.partial(sender.run, clock=clock, every_s=config.spool.every_s)
                    ),
                },
            )


async def follow_plans(backups: Backups, config: BackupConfig, sink: PointSink) -> None:
    """Run what is due, prove it, for ever; begins with a random wait, so that a village whose power came back does not
    call all at once.
    """
    tools = backups.tools
    wall_ns = tools.clock.wall_ns()
    await asyncio.to_thread(tools.history.close_interrupted, boot=tools.boot, wall_ns=wall_ns)
    await tools.clock.sleep(config.random_delay_s * tools.rng.random())
    while True:
        for plan in backups.plans:
            standing = await asyncio.to_thread(tools.history.standing, plan.id)
            if is_due(plan, standing, wall_ns=tools.clock.wall_ns()):
                await run_plan(backups, plan)
            await drill_if_due(backups, plan, every_days=config.drill_every_days)
        await put_points(backups, sink)
        await tools.clock.sleep(config.look_every_s)


async def run_plan(backups: Backups, plan: Plan) -> Outcome:
    """One run of one plan now; what it proved to be in the repository is taken note of."""
    outcome = await backups.runner.run(plan)
    if outcome.snapshot:
        backups.seen_ns[plan.id] = wall_ns_of(outcome.snapshot.made_at())
    if outcome.kind in (OutcomeKind.AUTH, OutcomeKind.DEFERRED) and backups.enter_again is not None:
        # The centre may have lost our login, or moved its server: a new way in serves the next try.
        try:
            await backups.enter_again()
        except BeketError as error:
            log.info("the centre does not let us in: %s", error.message.en)
    backups.news.set()
    return outcome


async def drill_if_due(backups: Backups, plan: Plan, *, every_days: float) -> None:
    """Prove the newest copy of `plan` when its turn has come."""
    tools = backups.tools
    run = await asyncio.to_thread(tools.history.last_run, plan.id, kinds=GOOD)
    facts = await asyncio.to_thread(facts_of, tools.history, plan)
    wall_ns = tools.clock.wall_ns()
    if run and drills.is_due(run, facts.proven, facts.drilled, every_days=every_days, wall_ns=wall_ns):
        sandbox = backups.files.data / "sandbox" / plan.id
        # What a power cut left of an earlier drill; the folder is ours alone.
        await asyncio.to_thread(drills.clear_sandbox, sandbox)
        result = await drills.drill(tools, plan, run, sandbox)
        log.info("drill of %s: %s, %d files", plan.id, result.verdict, result.files)
        backups.news.set()


async def report(backups: Backups, sink: PointSink, instruments: Instruments) -> None:
    """Put how each plan stands among the samples, whether or not restic is at work."""
    clock = backups.tools.clock
    while True:
        await ask_repository(backups)
        await put_points(backups, sink)
        await asyncio.to_thread(sink.put, instruments.read(clock.wall_ns()))
        await clock.sleep(REPORT_EVERY_S)


async def tell(backups: Backups, identity: Identity, uplink: UplinkConfig) -> None:
    """Tell the centre how each plan stands, for ever; it compares that with what lies in place."""
    tools = backups.tools
    with connect(identity, uplink) as centre:
        while True:
            stand = [(plan, await asyncio.to_thread(facts_of, tools.history, plan)) for plan in backups.plans]
            await asyncio.to_thread(tell_centre, centre, stand, wall_ns=tools.clock.wall_ns())
            await _until_news(backups)


async def _until_news(backups: Backups) -> None:
    """Wait for `REPORT_EVERY_S`, or until something came of a run or a drill."""
    waits = [
        asyncio.ensure_future(backups.news.wait()),
        asyncio.ensure_future(backups.tools.clock.sleep(REPORT_EVERY_S)),
    ]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
    backups.news.clear()


async def ask_repository(backups: Backups) -> None:
    """See in the repository itself when the newest copies were made, every `ASK_REPOSITORY_EVERY_S`."""
    mono_ns = backups.tools.clock.mono_ns()
    if backups.asked_mono_ns is not None and mono_ns - backups.asked_mono_ns < ASK_REPOSITORY_EVERY_S * NS_PER_S:
        return
    backups.asked_mono_ns = mono_ns
    for plan in backups.plans:
        newest = await runner.newest_snapshot(backups.tools, plan)
        if isinstance(newest, Outcome):
            backups.seen_ns.pop(plan.id, None)
        else:
            backups.seen_ns[plan.id] = wall_ns_of(newest.made_at())


async def put_points(backups: Backups, sink: PointSink) -> None:
    """The points of all plans, now."""
    tools = backups.tools
    wall_ns = tools.clock.wall_ns()
    for plan in backups.plans:
        facts = await asyncio.to_thread(facts_of, tools.history, plan)
        seen_ns = backups.seen_ns.get(plan.id)
        points = points_of(plan.id, plan.site, facts, snapshot_ns=seen_ns, wall_ns=wall_ns)
        await asyncio.to_thread(sink.put, points)
