"""Owns when a fact was so by the centre's clock: the agent's times count only as ages, within what is possible. Pure.

The agent's clock may be years off after a blackout; how long ago something was by it is right as long as it was not
set in between, and then the answer is still between what was known before and now.
"""

from dataclasses import dataclass

NS_PER_MS = 1_000_000
AGE_MAX_NS = 400 * 86_400 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came at `now_ns` (the centre's clock) from an agent whose clock showed `sent_ms`."""

    now_ns: int
    sent_ms: int

    def moment(self, agent_ms: int, *, not_before_ns: int | None) -> int:
        """The moment that the agent calls `agent_ms`; never in the future, nor before what is known to be earlier."""
        age_ns = min(max(0, self.sent_ms - agent_ms) * NS_PER_MS, AGE_MAX_NS)
        oldest_ns = self.now_ns - AGE_MAX_NS if not_before_ns is None else min(not_before_ns, self.now_ns)
        return max(oldest_ns, self.now_ns - age_ns)
