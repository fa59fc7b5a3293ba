"""Owns the restore drill: files of the newest copy are really restored into an empty folder and compared by hash.

Names and sizes prove nothing: restic leaves a damaged file of several chunks at full size with wrong content. The
sandbox goes when the drill is over, whatever it showed. Note: backup/design/0009-restic-wrapper.md, "Drills".
"""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

from backup.history import GOOD, Drill, Run, Verdict
from backup.manifest import Entry, hash_of
from backup.plans import HOUR_S, Plan
from backup.restic import commands
from backup.restic.outcome import OutcomeKind, classify
from backup.runner import Tools
from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import Busy, InvalidArgument, NoSpace
from beket.kernel.text import say
from beket.kernel.units import MIB

DAY_S = 24 * HOUR_S
# After a drill that did not prove the copy the next one need not wait for its turn.
RETRY_S = 6 * HOUR_S
SPARE_BYTES = 64 * MIB


def is_due(run: Run | None, proven: Drill | None, last: Drill | None, *, every_days: float, wall_ns: int) -> bool:
    """Whether a copy waits for its drill: the first one at once, then every so many days."""
    if run is None or not run.manifest:
        return False
    if last is not None and last.verdict is not Verdict.PROVEN:
        return last.snapshot != run.snapshot or wall_ns - last.ended_ns >= RETRY_S * NS_PER_S
    return proven is None or abs(wall_ns - proven.ended_ns) >= every_days * DAY_S * NS_PER_S


async def drill(tools: Tools, plan: Plan, run: Run, sandbox: Path, *, stop: asyncio.Event | None = None) -> Drill:
    """Restore what the manifest of `run` names into `sandbox`, compare, remember.

    Raises:
        Busy: a run or another drill is under way.
        InvalidArgument: the sandbox exists and is not empty.
        NoSpace: no room for it.
    """
    if tools.one_at_a_time.locked():
        raise Busy(say("Інше копіювання ще триває.", "Another backup is under way."), subject=plan.id)
    async with tools.one_at_a_time:
        size_bytes = sum(entry.size_bytes for entry in run.manifest)
        await asyncio.to_thread(prepare_sandbox, sandbox, size_bytes)
        try:
            names = [entry.path for entry in run.manifest]
            restored = await tools.restic.run(
                commands.restore(tools.repository, run.snapshot, sandbox, only=names), stop=stop
            )
            kind = classify(restored).kind
            wrong = await asyncio.to_thread(compare, run.manifest, sandbox)
        finally:
            await asyncio.to_thread(clear_sandbox, sandbox)
        result = Drill(
            plan=plan.id,
            snapshot=run.snapshot,
            ended_ns=tools.clock.wall_ns(),
            verdict=judge(kind, wrong),
            files=len(run.manifest),
            size_bytes=size_bytes,
            wrong=tuple(wrong),
        )
        await asyncio.to_thread(tools.history.keep_drill, result)
        return result


def judge(kind: OutcomeKind, wrong: Sequence[str]) -> Verdict:
    """A copy is proven when every file came back the same; a restore that could not be tried proves nothing."""
    if kind in (OutcomeKind.LOCKED, OutcomeKind.DEFERRED, OutcomeKind.CANCELLED):
        return Verdict.COULD_NOT_RUN
    return Verdict.WRONG if wrong or kind not in GOOD else Verdict.PROVEN


def prepare_sandbox(sandbox: Path, size_bytes: int) -> None:
    """Make the folder, private and empty, with room for `size_bytes`. Blocking.

    Raises:
        InvalidArgument: something is in it.
        NoSpace: too little room.
    """
    sandbox.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(sandbox.iterdir()):
        raise InvalidArgument(
            say("Відновлювати можна лише в порожню теку.", "Only an empty folder can take a restore."),
            subject=str(sandbox),
        )
    if shutil.disk_usage(sandbox).free < size_bytes + SPARE_BYTES:
        raise NoSpace(
            say("Бракує місця, щоб перевірити відновлення.", "No room to prove the restore."), subject=str(sandbox)
        )


def clear_sandbox(sandbox: Path) -> None:
    """Remove what an interrupted drill left. Blocking."""
    shutil.rmtree(sandbox, ignore_errors=True)


def compare(manifest: Sequence[Entry], sandbox: Path) -> list[str]:
    """Paths that are absent under `sandbox` or have another content than the source had. Blocking."""
    return [entry.path for entry in manifest if not _is_same(entry, sandbox / entry.path.lstrip("/"))]


def _is_same(entry: Entry, restored: Path) -> bool:
    try:
        return (
            not restored.is_symlink()
            and restored.stat().st_size == entry.size_bytes
            and hash_of(restored) == entry.sha256
        )
    except OSError:
        return False
