"""Owns when a copy's restore is tried; pure.

The first one follows the first copy. After that each host has its own turn within the second half of the period, so
that a community's hosts do not all restore on one night over one line. Note: backup/design/0052-drills.md.
"""

import hashlib
from collections.abc import Sequence

from backup.acts.record import Verdict
from backup.history import Drill, Run
from backup.plans import HOUR_S
from beket.kernel.clock import NS_PER_S

DAY_S = 24 * HOUR_S
# After a drill that did not prove the copy the next one need not wait for its turn.
RETRY_S = 6 * HOUR_S


def is_due(
    run: Run | None, proven: Drill | None, last: Drill | None, *, every_days: float, wall_ns: int, host: str = ""
) -> bool:
    """Whether a copy waits for its drill: the first one at once, then within so many days.

    `run`, `proven` and `last` are the newest that are not dated after `wall_ns`: what a wrong clock dated ahead neither
    proves nor delays anything. So a clock that leaps costs a drill or two, and never one at each look.
    """
    if run is None or not run.snapshot:
        return False
    if last is not None and last.verdict is not Verdict.PROVEN:
        return last.snapshot != run.snapshot or wall_ns - last.ended_ns >= RETRY_S * NS_PER_S
    if proven is None:
        return True
    wait_s = every_days * DAY_S * (0.5 + turn_of(f"{host} {run.plan} {proven.ended_ns}") / 2)
    return wall_ns - proven.ended_ns >= wait_s * NS_PER_S


def turn_of(whose: str) -> float:
    """A place in [0, 1) that is always the same for one turn and spread evenly over many."""
    return int.from_bytes(hashlib.sha256(whose.encode()).digest()[:6]) / 256**6


def in_turn(proofs: Sequence[tuple[str, int | None]]) -> list[str]:
    """Plans in the order in which they are tried: never proven first, then the oldest proof."""
    return [plan for plan, _ in sorted(proofs, key=lambda one: (one[1] is not None, one[1] or 0, one[0]))]
