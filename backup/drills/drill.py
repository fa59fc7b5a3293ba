"""Owns the restore drill: files of the newest copy are really restored into an empty folder and compared by hash.

Names and sizes prove nothing: restic leaves a damaged file of several chunks at full size with wrong content. The
sandbox goes when the drill is over, whatever it showed. Note: backup/design/0052-drills.md.
"""

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backup import canary, manifest
from backup.acts.record import Loaded, Piece, Record, Verdict
from backup.drills import databases, sandbox
from backup.drills.choice import BUDGET_BYTES, Chosen, budget_bytes, choose
from backup.history import GOOD, Run
from backup.plans import HOUR_S, Plan
from backup.restic import commands
from backup.restic.events import Snapshot, parse_snapshots
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.runner import Tools
from beket.kernel.clock import NS_PER_S, wall_ns_of
from beket.kernel.errors import Busy, NoSpace
from beket.kernel.ids import new_uuid
from beket.kernel.text import Text, say

SAID_NOTHING = (OutcomeKind.LOCKED, OutcomeKind.DEFERRED, OutcomeKind.CANCELLED)
NOTHING_WRONG = say("", "")


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a drill is made.

    Attributes:
        most_bytes: how much may be restored; `most_s` how long it may take.
        every_days: how often this is done, for the act.
        by: the login of who asked for it; "" for the schedule.
    """

    most_bytes: int = BUDGET_BYTES
    most_s: float = HOUR_S / 2
    every_days: float = 30
    by: str = ""


@dataclass(frozen=True, slots=True)
class _Came:
    """What a restore brought: the outcome in a word, the files, the databases among them, how long it took."""

    kind: OutcomeKind
    reason: Text = NOTHING_WRONG
    pieces: tuple[Piece, ...] = ()
    loaded: tuple[Loaded, ...] = ()
    seconds: float = 0


async def drill(
    tools: Tools, plan: Plan, run: Run, folder: Path, *, terms: Terms | None = None, stop: asyncio.Event | None = None
) -> Record:
    """Restore a choice of what `run` saved into `folder`, compare, open a database, remember; returns what is kept.

    A disk without room for it is a drill that could not run: its record says so, and the next one waits.

    Raises:
        Busy: a run or another drill is under way.
        InvalidArgument: the folder exists and is not empty.
    """
    if tools.one_at_a_time.locked():
        raise Busy(say("Інше копіювання ще триває.", "Another backup is under way."), subject=plan.id)
    terms = terms or Terms()
    async with tools.one_at_a_time:
        began_ns = tools.clock.wall_ns()
        snapshot, opening_s = await _look(tools, run, stop)
        chosen: tuple[Chosen, ...] = ()
        if isinstance(snapshot, Snapshot):
            last = await asyncio.to_thread(tools.history.last_restored, plan.id)
            most_bytes = budget_bytes(terms.most_bytes, last, most_s=terms.most_s)
            chosen = choose(run.manifest, _canary_in(plan, snapshot), within_bytes=most_bytes, rng=tools.rng)
            came = await _restore(tools, snapshot, chosen, folder, most_s=terms.most_s, stop=stop)
        else:
            came = _Came(snapshot.kind, snapshot.reason)
        verdict = judge(came.kind, came.pieces, came.loaded)
        reason = _why(plan, verdict, came)
        record = Record(
            id=str(new_uuid()),
            host=tools.repository.host,
            site=plan.site,
            plan=plan.id,
            plan_name=plan.name,
            snapshot=run.snapshot,
            snapshot_ns=wall_ns_of(snapshot.made_at()) if isinstance(snapshot, Snapshot) else run.began_ns,
            began_ns=began_ns,
            ended_ns=tools.clock.wall_ns(),
            verdict=verdict,
            by=terms.by,
            restic=str(tools.restic.capabilities.version),
            reason_uk=reason.uk,
            reason_en=reason.en,
            pieces=came.pieces,
            databases=came.loaded,
            opening_s=opening_s,
            restoring_s=came.seconds,
            whole_bytes=run.size_bytes,
            whole_files=run.files,
            every_days=terms.every_days,
        )
        return await asyncio.to_thread(tools.history.keep_drill, record)


def judge(kind: OutcomeKind, pieces: Sequence[Piece], loaded: Sequence[Loaded] = ()) -> Verdict:
    """A copy is proven when every file came back the same; a restore that could not be tried proves nothing."""
    if kind in SAID_NOTHING:
        return Verdict.COULD_NOT_RUN
    if kind not in GOOD or not all(p.is_same for p in pieces) or any(one.is_whole is False for one in loaded):
        return Verdict.WRONG
    return Verdict.PROVEN if pieces else Verdict.COULD_NOT_RUN


async def _look(tools: Tools, run: Run, stop: asyncio.Event | None) -> tuple[Snapshot | Outcome, float]:
    """The snapshot as the repository shows it, else why not; and how long opening took."""
    asked = await tools.restic.run(commands.snapshots(tools.repository, ids=[run.snapshot]), stop=stop)
    outcome = classify(asked)
    if outcome.kind is not OutcomeKind.OK:
        return outcome, asked.duration_s
    found = parse_snapshots(asked.output)
    if len(found) == 1:
        return found[0], asked.duration_s
    gone = say("Копії, яку зроблено, у сховищі вже немає.", "The copy that was made is no longer in the repository.")
    return Outcome(OutcomeKind.MISSING, gone), asked.duration_s


async def _restore(
    tools: Tools,
    snapshot: Snapshot,
    chosen: Sequence[Chosen],
    folder: Path,
    *,
    most_s: float,
    stop: asyncio.Event | None,
) -> _Came:
    size_bytes = sum(one.entry.size_bytes for one in chosen)
    try:
        await asyncio.to_thread(sandbox.prepare, folder, size_bytes)
    except NoSpace as error:
        await asyncio.to_thread(sandbox.clear, folder)
        return _Came(OutcomeKind.DEFERRED, error.sentence())
    ends_ns = tools.clock.mono_ns() + round(most_s * NS_PER_S)
    limit = asyncio.Event()
    guard = asyncio.create_task(_end_after(limit, most_s, stop or asyncio.Event()))
    files = folder / "files"
    try:
        names = [one.entry.path for one in chosen]
        if not names:
            return _Came(OutcomeKind.OK)
        if _is_late(tools, ends_ns):
            return _Came(OutcomeKind.CANCELLED)
        ended = await tools.restic.run(commands.restore(tools.repository, snapshot.id, files, only=names), stop=limit)
        outcome = classify(ended)
        pieces = await asyncio.to_thread(sandbox.compare, chosen, files)
        loaded: list[Loaded] = []
        if outcome.kind in GOOD:
            for piece in pieces:
                at = sandbox.restored_at(files, piece.path)
                is_late = functools.partial(_is_late, tools, ends_ns)
                if piece.is_same and not is_late():
                    one = await databases.load(at, piece.path, folder, is_late=is_late)
                    loaded += [one] if one else []
        return _Came(outcome.kind, outcome.reason, pieces, tuple(loaded), ended.duration_s)
    finally:
        guard.cancel()
        await asyncio.to_thread(sandbox.clear, folder)


async def _end_after(limit: asyncio.Event, seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    limit.set()


def _is_late(tools: Tools, ends_ns: int) -> bool:
    return tools.clock.mono_ns() >= ends_ns


def _canary_in(plan: Plan, snapshot: Snapshot) -> manifest.Entry | None:
    """The canary, where this very snapshot was told to hold it."""
    if plan.canary is None or str(plan.canary) not in snapshot.paths:
        return None
    return canary.entry_of(str(plan.canary))


def _why(plan: Plan, verdict: Verdict, came: _Came) -> Text:
    """One sentence on what was wrong; none when all is well."""
    if verdict is Verdict.PROVEN:
        return NOTHING_WRONG
    if plan.canary is not None and canary.was_changed(plan.canary):
        return say(
            "Канарку змінено на самому комп'ютері: хтось або якась програма переписує там файли. Від'єднайте його від "
            "мережі й покличте відповідального за ІТ.",
            "The canary was changed on the host itself: somebody or some program rewrites files there. Take it off the "
            "network and call your IT person.",
        )
    if came.kind is OutcomeKind.CANCELLED:
        return say("Перевірку перервано або вона не вклалася в час.", "The drill was stopped or took too long.")
    if came.kind not in GOOD:
        return came.reason
    if not came.pieces:
        return say("У копії ще немає з чим порівнювати.", "There is nothing in the copy to compare yet.")
    wrong = [piece.path for piece in came.pieces if not piece.is_same]
    if wrong:
        return say(
            "Повернулося не тим, чим було: {n}. Перше: {path}.",
            "Came back as another thing than it was: {n}. The first: {path}.",
            n=len(wrong),
            path=wrong[0],
        )
    broken = next(one for one in came.loaded if one.is_whole is False)
    return say(
        "База {path} повернулася, але не відкривається: {why}.",
        "The database {path} came back but does not open: {why}.",
        path=broken.path,
        why=broken.note,
    )
