"""Owns one look at everything: samples → picture → conditions → how each alert stands → durable moves.

Blocking; `evaluate` runs it on a worker thread every few seconds. Several evaluators over one facts.db do no harm.
"""

import asyncio
from collections.abc import Callable, Mapping

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from collector import metrics
from collector.rules import wording
from collector.rules.condition import Condition
from collector.rules.judge import Rules, judge
from collector.rules.picture import LatestSamples, Watch
from collector.rules.standing import BAD, Moment, Seen, Standing, State, Timing, step
from collector.rules.store import AlertStore, Known, Move, Post, Reason

# How far back the newest sample of a site may lie to be known at all.
LOOK_BACK_S = 2 * 3600


class Evaluator:
    """The rules at work.

    Args:
        arrivals: how many points ever came from each site, good or refused; see `Watch.arrived`.
        boot_id: names this start of the machine.
    """

    def __init__(
        self,
        *,
        inventory: InventoryView,
        samples: LatestSamples,
        arrivals: Callable[[], Mapping[SiteId, float]],
        alerts: AlertStore,
        watch: Watch,
        rules: Rules,
        boot_id: str,
    ) -> None:
        self._inventory = inventory
        self._samples = samples
        self._arrivals = arrivals
        self._alerts = alerts
        self._watch = watch
        self._rules = rules
        self._boot_id = boot_id
        self._heard: set[SiteId] | None = None

    def run_once(self, post: Post, *, clock: Clock) -> list[Move]:
        """Look once; the moves that were made, each durable together with what it asked `post` to send."""
        now = Moment(self._boot_id, clock.mono_ns(), clock.wall_ns())
        self._watch.take(self._samples.latest(now.wall_ns - LOOK_BACK_S * NS_PER_S), mono_ns=now.mono_ns)
        self._watch.arrived(self._arrivals(), mono_ns=now.mono_ns)
        heard = self._ever_heard(now)
        pictures = self._watch.picture(self._inventory.current(), heard, mono_ns=now.mono_ns, wall_ns=now.wall_ns)
        conditions = [*judge(pictures, self._rules), *self._rules.others()]
        return self._alerts.move(plan(conditions, self._alerts.known(), now), post)

    def _ever_heard(self, now: Moment) -> set[SiteId]:
        if self._heard is None:
            self._heard = self._alerts.heard()
        fresh = self._watch.heard_sites() - self._heard
        if fresh:
            self._alerts.hear(fresh, wall_ns=now.wall_ns)
            self._heard |= fresh
        return self._heard


def plan(conditions: list[Condition], known: Mapping[str, Known], now: Moment) -> list[Move]:
    """What a look at `conditions` makes of the alerts; pure. Conditions stand after those that may explain them."""
    standings = {key: one.standing for key, one in known.items()}
    moves = []
    for condition in conditions:
        key = condition.key
        before = known.get(key) or Known(key, condition.rule, condition.subject, condition.site)
        seen = Seen(condition.holds, _inhibitor(condition, standings))
        after = standings[key] = step(before.standing, seen, now, condition.timing)
        if after != before.standing:
            fresh = after.episode != before.standing.episode or after.state is State.FIRING
            words = condition.words if fresh and condition.words else before.words
            moves.append(Move(before, after, now, words, _reason(before.standing, after)))
    moves += _removals({condition.key for condition in conditions}, known, now)
    return moves


def _inhibitor(condition: Condition, standings: Mapping[str, Standing]) -> str:
    return next((key for key in condition.parents if key in standings and standings[key].state in BAD), "")


def _removals(seen: set[str], known: Mapping[str, Known], now: Moment) -> list[Move]:
    """What is no longer in the inventory, or may no longer record, is watched no longer."""
    moves = []
    for key, before in known.items():
        if key not in seen and before.standing.state in BAD:
            after = step(before.standing, Seen(False), now, Timing(0, 0))
            words = wording.removed(before.words) if before.words else None
            moves.append(Move(before, after, now, words, Reason.REMOVED))
    return moves


def _reason(before: Standing, after: Standing) -> Reason | None:
    if before.state is after.state and before.episode == after.episode:
        return None
    match after.state:
        case State.FIRING:
            return Reason.LASTED
        case State.INHIBITED:
            return Reason.EXPLAINED
        case State.PENDING:
            return Reason.UNEXPLAINED if before.state is State.INHIBITED else Reason.SEEN
        case _:
            return Reason.GONE


async def evaluate(
    evaluator: Evaluator, post: Post, *, clock: Clock, instruments: Instruments, alerts: AlertStore, every_s: float
) -> None:
    """Look every `every_s` until cancelled or until the store fails; for `supervise.keep_running`."""

    def look() -> None:
        began_ns = clock.mono_ns()
        evaluator.run_once(post, clock=clock)
        counts = alerts.counts()
        instruments.set(metrics.ALERTS_FIRING, counts.get(State.FIRING, 0))
        instruments.set(metrics.ALERTS_INHIBITED, counts.get(State.INHIBITED, 0))
        instruments.set(metrics.ALERT_ROUND, (clock.mono_ns() - began_ns) / NS_PER_S)

    while True:
        await asyncio.to_thread(look)
        await clock.sleep(every_s)
