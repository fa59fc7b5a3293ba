"""Owns what is made ready before a copy and put right after it: hooks, dumps and whole copies of live databases.

What could not be made ready is told as items that the copy lacks; only a required hook that failed prevents the copy.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backup.plans import Plan
from backup.restic.events import ItemError
from backup.restic.outcome import Outcome, OutcomeKind
from backup.sources.databases import copy_databases
from backup.sources.hooks import run_hooks
from backup.sources.postgres import dump_all
from beket.kernel.text import say


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to copy now.

    Attributes:
        live: files that are left out, since whole copies of them are among `paths`.
        lacking: what the copy will lack.
        hindrance: why there can be no copy.
    """

    paths: tuple[Path, ...]
    live: tuple[str, ...] = ()
    lacking: tuple[ItemError, ...] = ()
    hindrance: Outcome | None = None


async def prepare(plan: Plan, paths: Sequence[Path], staging: Path | None, stop: asyncio.Event | None) -> Prepared:
    """Run what comes before, dump and copy databases; given up at once when `stop` is set."""
    making = asyncio.create_task(_prepare(plan, tuple(paths), staging))
    stopping = asyncio.create_task((stop or asyncio.Event()).wait())
    try:
        await asyncio.wait({making, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if making.done():
            return making.result()
        return Prepared(tuple(paths), hindrance=Outcome(OutcomeKind.CANCELLED, say("Роботу перервано.", "Stopped.")))
    finally:
        for task in (making, stopping):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def finish(plan: Plan, outcome: Outcome) -> Outcome:
    """Run what comes after, whatever came of the copy; a copy after which something failed is not called whole."""
    failed = tuple(item for _, item in await run_hooks(plan.after))
    if not failed:
        return outcome
    if outcome.kind is not OutcomeKind.OK:
        return replace(outcome, items=(*outcome.items, *failed))
    reason = say(
        "Копію зроблено, але потім не вдалося: {what}.",
        "The copy is made, but after it this failed: {what}.",
        what=_words(failed[0]),
    )
    return replace(outcome, kind=OutcomeKind.PARTIAL, reason=reason, items=(*outcome.items, *failed))


async def _prepare(plan: Plan, paths: tuple[Path, ...], staging: Path | None) -> Prepared:
    failed = await run_hooks(plan.before)
    lacking = tuple(item for _, item in failed)
    if any(hook.required for hook, _ in failed):
        reason = say(
            "Підготовка до копії не вдалася: {what}. Копію не зроблено.",
            "What is run before the copy failed: {what}. There is no copy.",
            what=_words(lacking[-1]),
        )
        return Prepared(paths, lacking=lacking, hindrance=Outcome(OutcomeKind.FAILED, reason, items=lacking))
    live: tuple[str, ...] = ()
    if staging is not None and plan.databases:
        copies = await asyncio.to_thread(copy_databases, paths, staging / plan.id)
        paths, live, lacking = (*paths, copies.folder), copies.live, (*lacking, *copies.failed)
    if staging is not None and plan.dumps:
        dumped = await dump_all(plan.dumps, staging / f"{plan.id}.dumps")
        paths, lacking = (*paths, dumped.folder), (*lacking, *dumped.failed)
    return Prepared(paths, live, lacking)


def _words(item: ItemError) -> str:
    return f"{item.item} ({item.why})"
