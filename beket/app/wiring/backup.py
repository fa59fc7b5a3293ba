"""Puts backups together: the part of an agent that makes and proves copies.

It is a process of its own: restic's hours of work, the tables and the hashing stay away from capture and
polling. What it measures travels through a spool of its own.
"""

import asyncio
import functools
import logging
import random
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.spool.sender import Sender
from agents.spool.spool import Spool
from agents.uplink.config import UplinkConfig
from backup import canary, line, runner
from backup.acts.record import Record
from backup.config import BackupConfig, HookConfig
from backup.drills import sandbox, schedule
from backup.drills.drill import Terms, drill
from backup.history import GOOD, History
from backup.messages import RestoreOrder, Running
from backup.plans import RETRY_STEPS_S, Plan, Standing, is_due
from backup.points import points_of
from backup.progress import Advance
from backup.put_back import put_back
from backup.repository.remote import AT_CENTRE
from backup.restic.outcome import Outcome, OutcomeKind
from backup.restic.run import Patience, find_restic
from backup.runner import Runner, Tools
from backup.sentence import facts_of
from backup.sources.hooks import Hook
from backup.sources.postgres import PostgresDump
from backup.sources.presets import PRESETS
from beket.app.config import AgentConfig
from beket.app.process import run_until
from beket.app.wiring.agent_side import AgentFiles, Identity, connect, load_identity
from beket.app.wiring.centre_repository import WayIn, ask_stored, plan_report, remote_place, repository_of, tell_centre
from beket.kernel.clock import NS_PER_S, Clock, SystemClock, is_set_within, read_boot_id, wall_ns_of
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.supervise import keep_running
from beket.kernel.units import MIB

log = logging.getLogger(__name__)

# The repository itself is asked so often whether the newest copy is still there; after each run at once.
ASK_REPOSITORY_EVERY_S = 3600
REPORT_EVERY_S = 30
# While a copy is being made somebody may be watching it.
RUNNING_REPORT_EVERY_S = 5
BYTES_PER_S_A_KBPS = 1000 / 8
# Shorter than the grace that the parent process gives to us.
PATIENCE = Patience(interrupt_s=6, terminate_s=2)


@dataclass(slots=True)
class Backups:
    """A host's backups, put together.

    Attributes:
        seen_ns: when the newest snapshot of each plan was made, as last seen.
        news: set when something came of a run, a drill or an order that the centre should hear of.
        orders: what the centre wants to be put back; the same one may come again.
        running: the copy that is being made, by its plan.
        waiting: plans whose last copy found nobody at the repository's address.
    """

    config: BackupConfig
    plans: Sequence[Plan]
    tools: Tools
    files: AgentFiles
    seen_ns: dict[str, int] = field(default_factory=dict)
    asked_mono_ns: int | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    orders: "asyncio.Queue[RestoreOrder]" = field(default_factory=asyncio.Queue)
    running: dict[str, Running] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    @property
    def runner(self) -> Runner:
        """What makes copies."""
        return Runner(self.tools)


def plans_of(config: BackupConfig, site: SiteId, data: Path) -> tuple[Plan, ...]:
    """The plans that the file names, each with its canary under `data`."""
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
            canary=canary.place_of(data, plan.id),
            dumps=tuple(
                PostgresDump(dump.name, dump.connection, dump.password_file, dump.account, dump.timeout_s)
                for dump in plan.postgres
            ),
            before=tuple(_hook_of(hook) for hook in plan.before),
            after=tuple(_hook_of(hook) for hook in plan.after),
            vss=sys.platform == "win32",
            choose=_held_now if PRESETS[plan.preset].is_held_footage else None,
        )
        for plan in config.plans
    )


def _held_now(folders: Sequence[Path]) -> tuple[Sequence[Path], Sequence[Path]]:
    """What of recordings is held now. Imported only by whom it concerns: recordings are another room's."""
    from beket.app.wiring.held_footage import held_files

    found = held_files(folders, now_s=SystemClock().wall_ns() // NS_PER_S)
    return found.files, found.lacking


def _hook_of(hook: HookConfig) -> Hook:
    return Hook(hook.run, hook.timeout_s, hook.required)


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
        is_centres = config.backup.repository == AT_CENTRE
        tools = Tools(
            restic,
            repository,
            history,
            clock,
            rng,
            read_boot_id(),
            asyncio.Lock(),
            config.data / "staging",
            limit_bytes_per_s=config.uplink.rate_kbps * BYTES_PER_S_A_KBPS * config.backup.uplink_share,
            ask_stored=functools.partial(ask_stored, identity, config.uplink) if is_centres else None,
            clears_locks=not is_centres,
            ask_in=WayIn(remote_place(files, identity), identity, config.uplink, clock=clock).ask
            if is_centres
            else None,
        )
        yield Backups(config.backup, plans_of(config.backup, site, config.data), tools, files)
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
                    "restores": supervised("restores", functools.partial(put_back_what_is_ordered, backups)),
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
            now_ns = tools.clock.wall_ns()
            standing = await asyncio.to_thread(tools.history.standing, plan.id, wall_ns=now_ns)
            if is_due(plan, standing, wall_ns=now_ns) or await is_line_back(backups, plan, standing, wall_ns=now_ns):
                await run_plan(backups, plan)
        await drill_in_turn(backups, config)
        await put_points(backups, sink)
        await tools.clock.sleep(config.look_every_s)


async def run_plan(backups: Backups, plan: Plan) -> Outcome:
    """One run of one plan now; how far it is, and what it proved to be in the repository, is taken note of."""
    began_ns = backups.tools.clock.wall_ns()

    def advance(now: Advance) -> None:
        backups.running[plan.id] = Running(
            began_ns=began_ns,
            read_ratio=now.read_ratio,
            stored_bytes=now.stored_bytes,
            stored_ratio=now.stored_ratio,
        )

    backups.waiting.discard(plan.id)
    advance(Advance())
    backups.news.set()
    try:
        outcome = await backups.runner.run(plan, on_advance=advance)
    finally:
        backups.running.pop(plan.id, None)
    if outcome.snapshot:
        backups.seen_ns[plan.id] = wall_ns_of(outcome.snapshot.made_at())
    if outcome.kind is OutcomeKind.DEFERRED and not await line.answers(backups.tools.repository):
        backups.waiting.add(plan.id)
    backups.news.set()
    return outcome


async def is_line_back(backups: Backups, plan: Plan, standing: Standing, *, wall_ns: int) -> bool:
    """Whether a copy that found nobody there can be made now; not before the first step of waiting is over."""
    tried_ns = standing.tried_ns or 0
    if plan.id not in backups.waiting or abs(wall_ns - tried_ns) < RETRY_STEPS_S[0] * NS_PER_S:
        return False
    if not await line.answers(backups.tools.repository):
        return False
    backups.waiting.discard(plan.id)
    return True


def terms_of(config: BackupConfig, *, by: str = "") -> Terms:
    """On what terms this host makes its drills."""
    most_bytes, most_s = round(config.drill_most_mib * MIB), config.drill_most_minutes * 60
    return Terms(most_bytes=most_bytes, most_s=most_s, every_days=config.drill_every_days, by=by)


async def drill_in_turn(backups: Backups, config: BackupConfig) -> None:
    """Try one copy whose turn has come: of the plan that waits longest. The next one at the next look."""
    history, wall_ns = backups.tools.history, backups.tools.clock.wall_ns()
    facts = {plan.id: await asyncio.to_thread(facts_of, history, plan, wall_ns=wall_ns) for plan in backups.plans}
    proofs = [(plan, one.proven.ended_ns if one.proven else None) for plan, one in facts.items()]
    plans = {plan.id: plan for plan in backups.plans}
    for name in schedule.in_turn(proofs):
        run = await asyncio.to_thread(history.last_run, name, kinds=GOOD, until_ns=wall_ns)
        host, one, every_days = backups.tools.repository.host, facts[name], config.drill_every_days
        if schedule.is_due(run, one.proven, one.drilled, every_days=every_days, wall_ns=wall_ns, host=host):
            await drill_now(backups, plans[name], terms_of(config))
            return


async def drill_now(
    backups: Backups, plan: Plan, terms: Terms, *, stop: asyncio.Event | None = None, by_hand: bool = False
) -> Record | None:
    """Try the newest copy of `plan`; None when there is none to try."""
    tools = backups.tools
    run = await asyncio.to_thread(tools.history.last_run, plan.id, kinds=GOOD, until_ns=tools.clock.wall_ns())
    if run is None or not run.snapshot:
        return None
    folder = backups.files.data / "sandbox" / (f"{plan.id}-by-hand" if by_hand else plan.id)
    # What a power cut left of an earlier drill; the folder is ours alone.
    await asyncio.to_thread(sandbox.clear, folder)
    record = await drill(tools, plan, run, folder, terms=terms, stop=stop)
    log.info("drill of %s: %s, %d files", plan.id, record.verdict, len(record.pieces))
    backups.news.set()
    return record


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
            wall_ns = tools.clock.wall_ns()
            facts = [
                (plan, await asyncio.to_thread(facts_of, tools.history, plan, wall_ns=wall_ns))
                for plan in backups.plans
            ]
            every_days = backups.config.drill_every_days
            stand = [
                plan_report(plan, one, drill_every_days=every_days, running=backups.running.get(plan.id))
                for plan, one in facts
            ]
            for order in await asyncio.to_thread(tell_centre, centre, tools.history, stand, wall_ns=wall_ns):
                backups.orders.put_nowait(order)
            waits_s = RUNNING_REPORT_EVERY_S if backups.running else REPORT_EVERY_S
            await is_set_within(backups.news, waits_s, clock=tools.clock)
            backups.news.clear()


async def put_back_what_is_ordered(backups: Backups) -> None:
    """Put files back as the centre asks, for ever, one order at a time; a copy that is being made goes on beside it."""
    tools = backups.tools
    while True:
        order = await backups.orders.get()
        if await asyncio.to_thread(tools.history.was_put_back, order.id):
            continue  # the centre asked again before it heard
        result = await put_back(tools.restic, tools.repository, backups.plans, order, clock=tools.clock)
        await asyncio.to_thread(tools.history.keep_put_back, result, wall_ns=tools.clock.wall_ns())
        log.info("put back by order %s: %s %s", order.id, result.outcome, result.reason_en)
        backups.news.set()


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
        facts = await asyncio.to_thread(facts_of, tools.history, plan, wall_ns=wall_ns)
        seen_ns = backups.seen_ns.get(plan.id)
        points = points_of(plan.id, plan.site, facts, snapshot_ns=seen_ns, wall_ns=wall_ns)
        await asyncio.to_thread(sink.put, points)
