"""Owns what of a copy is restored to try it, within a budget; pure.

Always the canary, then the largest file that fits, one database, and a random sample drawn anew each time, so that in
the course of a year the drills go round the tree.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from backup.acts.record import Record, Verdict, Why
from backup.manifest import DATABASE_SUFFIXES, Entry
from beket.kernel.units import MIB

BUDGET_BYTES = 256 * MIB
# A line that was measured is not used for longer than half of what a drill may last.
SHARE_OF_TIME = 0.5


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file to restore, and why it."""

    entry: Entry
    why: Why


def budget_bytes(most_bytes: int, last: Record | None, *, most_s: float) -> int:
    """How much may be restored in one drill: what was asked for, or what the last one's speed allows in that time.

    `last` is the newest drill that came to restoring. After one that ran out of time it is half of what that one tried
    at the most, until one comes through.
    """
    if last is None:
        return most_bytes
    if last.speed is not None:
        most_bytes = min(most_bytes, int(last.speed * most_s * SHARE_OF_TIME))
    if last.verdict is Verdict.COULD_NOT_RUN and last.opening_s + last.restoring_s >= most_s * SHARE_OF_TIME:
        most_bytes = min(most_bytes, sum(piece.size_bytes for piece in last.pieces) // 2)
    return most_bytes


def choose(
    manifest: Sequence[Entry], canary: Entry | None, *, within_bytes: int, rng: random.Random
) -> tuple[Chosen, ...]:
    """What to restore, in order of weight. The canary and one file come whatever the budget is."""
    chosen = [Chosen(canary, Why.CANARY)] if canary else []
    left_bytes = within_bytes - sum(one.entry.size_bytes for one in chosen)
    rest = [entry for entry in manifest if canary is None or entry.path != canary.path]

    def take(entry: Entry, why: Why) -> None:
        nonlocal left_bytes
        chosen.append(Chosen(entry, why))
        rest.remove(entry)
        left_bytes -= entry.size_bytes

    fitting = [entry for entry in rest if entry.size_bytes <= left_bytes] or sorted(rest, key=_size)[:1]
    if fitting:
        take(max(fitting, key=lambda entry: (entry.size_bytes, entry.path)), Why.LARGEST)
    databases = [e for e in rest if e.path.lower().endswith(DATABASE_SUFFIXES) and e.size_bytes <= left_bytes]
    if databases:
        take(rng.choice(databases), Why.DATABASE)
    for entry in rng.sample(rest, len(rest)):
        if entry.size_bytes <= left_bytes:
            take(entry, Why.SAMPLE)
    return tuple(chosen)


def _size(entry: Entry) -> int:
    return entry.size_bytes
