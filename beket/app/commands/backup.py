"""`beket backup`: make a copy now, see how the plans stand, get files back, check the repository."""

import argparse
import asyncio
import contextlib
import datetime
import random
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from backup import runner
from backup.acts.page import act_of, as_data, conclusion, render
from backup.acts.record import Record, Verdict
from backup.drills import sandbox
from backup.plans import Plan, preflight
from backup.progress import Advance
from backup.restic import commands
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.sentence import KYIV, facts_of, is_late, plan_sentence
from beket.app import process
from beket.app.commands import arguments, backup_centre, backup_configs
from beket.app.commands.backup_teaching import EXAMPLE, teach
from beket.app.config import AgentConfig
from beket.app.machine import operator
from beket.app.terminal import tell
from beket.app.wiring.backup import Backups, drill_now, open_backups, terms_of
from beket.kernel import logs
from beket.kernel.clock import SystemClock, utc
from beket.kernel.config import load
from beket.kernel.durable_file import put_file
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.text import Language, say

# sysexits.h, by what the person who called may do about it.
EXIT_CODES = {
    OutcomeKind.OK: 0,
    OutcomeKind.PARTIAL: 1,
    OutcomeKind.DEFERRED: 75,
    OutcomeKind.LOCKED: 75,
    OutcomeKind.AUTH: 77,
    OutcomeKind.MISSING: 66,
    OutcomeKind.DAMAGED: 65,
    OutcomeKind.CANCELLED: 130,
    OutcomeKind.FAILED: 74,
}
LATE_EXIT_CODE = 1
_LOCK_MAY_STAY = say(
    "  Перерване копіювання могло лишити у сховищі свій замок. Нічого не робіть: його приберуть, щойно буде видно, що "
    "він нічий.",
    "  The broken run may have left its lock in the repository. Do nothing: it goes once it is seen to be nobody's.",
)
_DRILL_EXIT_CODES = {Verdict.PROVEN: 0, Verdict.WRONG: 65, Verdict.COULD_NOT_RUN: 75}
AGENT_CONFIG = Path("/etc/beket/agent.toml")


def add_arguments(parser: argparse.ArgumentParser, language: Language) -> None:
    """Declare `plan`, `run`, `status`, `restore`, `drill` and `check`, and what the centre may do."""
    arguments.add_config(parser, language, default=str(AGENT_CONFIG))
    verbs = parser.add_subparsers(
        dest="verb",
        required=True,
        metavar="plan|run|status|restore|drill|check|configs|hosts|serve|escrow|forget|second|guest|drop",
    )
    plan_help = say("код плану; без нього — усі", "id of the plan; all without it").to(language)
    planning = verbs.add_parser("plan", help=say("що і як часто копіюється", "what is copied, how often").to(language))
    example = say("взірець плану для файла налаштувань", "an example for the configuration").to(language)
    planning.add_argument("--example", action="store_true", help=example)
    running = verbs.add_parser("run", help=say("зробити копію зараз і довести її", "copy now, and prove").to(language))
    running.add_argument("--plan", metavar="ID", help=plan_help)
    running.add_argument(
        "--drill", action="store_true", help=say("і перевірити відновлення", "and prove the restore").to(language)
    )
    status = verbs.add_parser("status", help=say("одне речення на план", "one sentence a plan").to(language))
    status.add_argument("--plan", metavar="ID", help=plan_help)
    restoring = verbs.add_parser("restore", help=say("повернути файли", "get files back").to(language))
    restoring.add_argument("--plan", required=True, metavar="ID", help=say("код плану", "id of the plan").to(language))
    restoring.add_argument("--to", required=True, type=Path, metavar="DIR", help=_empty_folder(language))
    restoring.add_argument(
        "--only", type=Path, metavar="PATH", help=say("лише цей шлях", "this path only").to(language)
    )
    words = say("перевірити відновлення зараз і скласти акт", "try a restore now and write the act").to(language)
    drilling = verbs.add_parser("drill", help=words)
    drilling.add_argument("--plan", metavar="ID", help=plan_help)
    act_help = say("тека для акта: сторінка й дані", "folder for the act: a page and data").to(language)
    drilling.add_argument("--act", type=Path, metavar="DIR", help=act_help)
    checking = verbs.add_parser("check", help=say("чи сховище ціле", "is the repository whole").to(language))
    backup_centre.add_verbs(verbs, language)
    backup_configs.add_verb(verbs, language)
    checking.add_argument(
        "--fast", action="store_true", help=say("без читання всіх даних", "without reading all data").to(language)
    )
    teach(verbs, language)


def run(parsed: argparse.Namespace) -> int:
    """Do what was asked.

    Raises:
        NotFound: the agent has not joined, restic is not installed, or there is no such plan.
    """
    if parsed.verb == "configs":
        return backup_configs.run(parsed)
    if parsed.verb in backup_centre.VERBS:
        return backup_centre.run(parsed, agent_default=AGENT_CONFIG)
    if parsed.verb == "plan" and parsed.example:
        print(EXAMPLE, end="")
        return 0
    config = load(parsed.config, AgentConfig)
    logs.configure(level="warning", style=config.logs.style)
    if parsed.verb == "plan":
        return _show_plans(config)
    work = {"run": _run, "status": _status, "drill": _drill, "restore": _restore, "check": _check}[parsed.verb]
    return asyncio.run(_with_backups(config, parsed, work))


def _show_plans(config: AgentConfig) -> int:
    """Each plan, and what of it cannot be read now; needs neither a centre nor restic."""
    if not config.backup.plans:
        tell(say("Планів ще немає. Взірець:", "There is no plan yet. An example:"))
        print(EXAMPLE, end="")
        return 0
    troubles = 0
    for plan in config.backup.plans:
        tell(
            say(
                "{name} ({id}): раз на {hours:g} год; {paths}",
                "{name} ({id}): every {hours:g} h; {paths}",
                name=plan.name,
                id=plan.id,
                hours=plan.every_hours,
                paths=", ".join(map(str, plan.paths)),
            )
        )
        for trouble in preflight(plan.paths):
            troubles += 1
            tell(say("  {words}", "  {words}", words=trouble.sentence))
    return EXIT_CODES[OutcomeKind.MISSING] if troubles else 0


Work = Callable[[Backups, argparse.Namespace, asyncio.Event], Coroutine[None, None, int]]


async def _with_backups(config: AgentConfig, parsed: argparse.Namespace, work: Work) -> int:
    stop = process.stop_on_signals()
    async with open_backups(config, clock=SystemClock(), rng=random.SystemRandom()) as backups:
        return await work(backups, parsed, stop)


async def _run(backups: Backups, parsed: argparse.Namespace, stop: asyncio.Event) -> int:
    worst = 0
    for plan in _plans(backups, parsed.plan):
        outcome = await backups.runner.run(plan, stop=stop, on_advance=_show)
        tell(say("{name}: {reason}", "{name}: {reason}", name=plan.name, reason=outcome.reason))
        worst = max(worst, EXIT_CODES[outcome.kind])
        if parsed.drill and outcome.snapshot:
            worst = max(worst, await _drill_one(backups, plan, parsed, stop))
        if stop.is_set():
            break
    return worst


async def _drill(backups: Backups, parsed: argparse.Namespace, stop: asyncio.Event) -> int:
    worst = 0
    for plan in _plans(backups, parsed.plan):
        worst = max(worst, await _drill_one(backups, plan, parsed, stop))
        if stop.is_set():
            break
    return worst


async def _drill_one(backups: Backups, plan: Plan, parsed: argparse.Namespace, stop: asyncio.Event) -> int:
    terms = terms_of(backups.config, by=operator())
    record = await drill_now(backups, plan, terms, stop=stop, by_hand=True)
    if record is None:
        tell(say("{name}: копії ще немає, перевіряти нічого.", "{name}: there is no copy to try yet.", name=plan.name))
        return EXIT_CODES[OutcomeKind.MISSING]
    tell(say("{name}: {words}", "{name}: {words}", name=plan.name, words=conclusion(record)))
    if getattr(parsed, "act", None) is not None:
        await asyncio.to_thread(_write_act, parsed.act, record)
        tell(
            say(
                "Акт: {file} (роздрукуйте) і {data}.",
                "The act: {file} (print it) and {data}.",
                file=parsed.act / f"akt-{record.number}.html",
                data=parsed.act / f"akt-{record.number}.json",
            )
        )
    return _DRILL_EXIT_CODES[record.verdict]


def _write_act(folder: Path, record: Record) -> None:
    act = act_of(record, community="", place=record.site)
    folder.mkdir(parents=True, exist_ok=True)
    put_file(folder / f"akt-{record.number}.html", render(act).encode())
    put_file(folder / f"akt-{record.number}.json", as_data(act))


async def _status(backups: Backups, parsed: argparse.Namespace, _: asyncio.Event) -> int:
    late = False
    for plan in _plans(backups, parsed.plan):
        wall_ns = backups.tools.clock.wall_ns()
        facts = await asyncio.to_thread(facts_of, backups.tools.history, plan, wall_ns=wall_ns)
        tell(plan_sentence(facts, _now(backups)))
        if facts.last is not None and facts.last.lock_may_stay:
            tell(_LOCK_MAY_STAY)
        late |= is_late(facts, _now(backups))
    return LATE_EXIT_CODE if late else 0


async def _restore(backups: Backups, parsed: argparse.Namespace, stop: asyncio.Event) -> int:
    (plan,) = _plans(backups, parsed.plan)
    newest = await runner.newest_snapshot(backups.tools, plan)
    if isinstance(newest, Outcome):
        return _told(newest)
    await asyncio.to_thread(sandbox.prepare, parsed.to, 0)
    only = [str(parsed.only)] if parsed.only else []
    command = commands.restore(backups.tools.repository, newest.id, parsed.to, only=only)
    outcome = classify(await backups.tools.restic.run(command, stop=stop))
    if outcome.kind is OutcomeKind.OK:
        tell(
            say(
                "Копію від {time} відновлено в {place}.",
                "Snapshot of {time} is restored into {place}.",
                time=f"{newest.made_at().astimezone(KYIV):%d.%m.%Y %H:%M}",
                place=parsed.to,
            )
        )
        return 0
    return _told(outcome)


async def _check(backups: Backups, parsed: argparse.Namespace, stop: asyncio.Event) -> int:
    outcome = await runner.check(backups.tools, read_data=not parsed.fast, stop=stop)
    if outcome.kind is OutcomeKind.OK:
        tell(say("Сховище ціле.", "The repository is whole."))
        return 0
    return _told(outcome)


def _plans(backups: Backups, wanted: str | None) -> list[Plan]:
    if not backups.plans:
        raise InvalidArgument(
            say("У налаштуваннях немає жодного плану копіювання.", "The configuration has no backup plan."),
            hint=say("Допишіть розділ [[backup.plans]].", "Add a [[backup.plans]] table."),
        )
    found = [plan for plan in backups.plans if wanted in (None, plan.id)]
    if not found:
        known = ", ".join(plan.id for plan in backups.plans)
        raise NotFound(
            say("Немає плану «{id}»; є: {known}.", "No plan “{id}”; there are: {known}.", id=wanted, known=known)
        )
    return found


def _told(outcome: Outcome) -> int:
    tell(outcome.reason)
    return EXIT_CODES[outcome.kind]


def _now(backups: Backups) -> datetime.datetime:
    return utc(backups.tools.clock.wall_ns())


def _show(advance: Advance) -> None:
    if sys.stderr.isatty():
        with contextlib.suppress(OSError):
            print(f"\r\x1b[K{advance.words()} ", end="", file=sys.stderr, flush=True)


def _empty_folder(language: Language) -> str:
    return say("порожня тека для відновлення", "empty folder to restore into").to(language)
