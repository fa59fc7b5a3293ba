"""Owns a first copy in parts: each is a snapshot that finishes, so that whatever breaks the copy costs one part.

A part grows while the line holds and shrinks when it breaks. The whole copy that follows finds all of it stored. On the
loop of the run. Note: backup/design/0050-thin-links.md.
"""

import asyncio
import logging
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backup.history import History
from backup.parts import Cutter, Part, part_tag
from backup.plans import Plan
from backup.progress import Gauge
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.link import Carried, Link, profile_of
from backup.restic.outcome import Outcome, OutcomeKind, classify
from backup.restic.run import Ended, Restic
from beket.kernel.units import MIB

log = logging.getLogger(__name__)

# Before anything is known of the line; half a minute of a poor one.
FIRST_PART_BYTES = 32 * MIB
PART_BYTES_MIN, PART_BYTES_MAX = 4 * MIB, 4096 * MIB
PART_S_MAX = 300
GROWS, SHRINKS = 1.5, 3
STUMBLES_MAX = 3
KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Job:
    """What a run is to copy; `clears_locks` as in `runner.Tools`."""

    plan: Plan
    paths: Sequence[Path]
    excludes: tuple[str, ...] = ()
    stop: asyncio.Event | None = None
    clears_locks: bool = True


async def store_in_parts(
    restic: Restic, repository: Repository, history: History, job: Job, gauge: Gauge
) -> Outcome | None:
    """Store everything that no part of an earlier try holds; None when it is, else why not.

    A plan that goes into one part is left to the whole copy.
    """
    stored = await asyncio.to_thread(history.stored_parts, job.plan.id)
    cutter = await asyncio.to_thread(Cutter, job.paths, stored)
    left_bytes = await asyncio.to_thread(lambda: cutter.left_bytes)
    if left_bytes <= FIRST_PART_BYTES:
        return None
    gauge.expect(left_bytes)
    limit_bytes, stumbles = FIRST_PART_BYTES, 0
    while part := await asyncio.to_thread(cutter.cut, limit_bytes):
        ended = await _store(restic, repository, job, part, gauge)
        if is_stored(ended):
            await asyncio.to_thread(history.keep_part, job.plan.id, [str(path) for path in part.paths])
            gauge.read_whole(part.size_bytes)
            carried = Carried(part.size_bytes, max(ended.duration_s, 0.001))
            limit_bytes, stumbles = next_limit(limit_bytes, carried), 0
            repository = _for_line(repository, carried)
            continue
        outcome = classify(ended)
        stumbles += 1
        if stumbles > STUMBLES_MAX or not is_worth_a_retry(ended, outcome):
            return outcome
        log.info("a part of %s broke (%s); it is cut smaller", job.plan.id, outcome.kind)
        cutter.put_back(part)
        limit_bytes = max(PART_BYTES_MIN, limit_bytes // SHRINKS)
        if outcome.kind is OutcomeKind.LOCKED and job.clears_locks:
            await restic.run(commands.unlock(repository), stop=job.stop)
    return None


def next_limit(limit_bytes: int, carried: Carried) -> int:
    """How large the next part may be: somewhat larger, but no more than the line bears in five minutes."""
    borne_bytes = int(carried.bytes_per_s * PART_S_MAX)
    return max(PART_BYTES_MIN, min(int(limit_bytes * GROWS), max(borne_bytes, FIRST_PART_BYTES), PART_BYTES_MAX))


def is_stored(ended: Ended) -> bool:
    """Whether a part's snapshot was written; what in it could not be read, the whole copy tells."""
    return ended.exit_code in (0, 3) and ended.summary is not None and ended.summary.snapshot_id != ""


def is_worth_a_retry(ended: Ended, outcome: Outcome) -> bool:
    """Whether it was the line, somebody's lock or a kill from outside, rather than something that stays."""
    return outcome.kind in (OutcomeKind.DEFERRED, OutcomeKind.LOCKED) or ended.exit_code == KILLED


async def _store(restic: Restic, repository: Repository, job: Job, part: Part, gauge: Gauge) -> Ended:
    command = commands.backup(repository, part.paths, excludes=job.excludes, tags=(part_tag(job.plan.id),))
    return await restic.run(command, stop=job.stop, on_progress=gauge.read, stored=gauge.seen_bytes)


def _for_line(repository: Repository, carried: Carried) -> Repository:
    link = repository.link or Link()
    return replace(repository, link=replace(link, profile=profile_of([carried])))
