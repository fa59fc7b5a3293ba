"""Clocks that leap: copies and drills stay as rare as their plan says, and nothing from the future is believed."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup.acts.record import Record, Verdict
from backup.drills import schedule
from backup.history import GOOD, History
from backup.messages import BackupReport
from backup.plans import Plan, is_due
from backup.repository.freshness import Content
from backup.repository.ledger import Told
from backup.repository.standing import Standing, claim_of, judge
from backup.restic.events import Snapshot, Summary
from backup.restic.outcome import Outcome, OutcomeKind
from backup.sentence import PlanFacts, facts_of
from backup.web import in_our_time
from beket.app.wiring.centre_repository import plan_report
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import SiteId
from beket.kernel.text import say

HOUR_NS = 3600 * NS_PER_S
NOW_NS = 1_790_000_000 * NS_PER_S
PLAN = Plan("p", "План", SiteId("council"), (Path("/дані"),))
EVERY_DAYS = 4.0


class Host:
    """A host that copies and drills when it is due, by a clock that others set."""

    def __init__(self, history: History, verdict: Verdict) -> None:
        self.history, self.verdict = history, verdict
        self.wall_ns, self.copies, self.drills = NOW_NS, 0, 0
        self.ahead_ns, self.came_ns = 0, 0

    @property
    def is_called_a_liar(self) -> bool:
        """Whether the centre takes it for one, while its clock is right."""
        told = plan_report(PLAN, self.facts, drill_every_days=EVERY_DAYS)
        wall_ns = self.wall_ns - self.ahead_ns
        (heard,) = in_our_time(BackupReport(wall_ns=self.wall_ns, plans=(told,)), wall_ns=wall_ns)
        content = Content(1, self.came_ns, ())
        return judge(content, claim_of([Told("h", wall_ns, heard)]), wall_ns=wall_ns) is Standing.LYING

    def leap(self, by_ns: int) -> None:
        """Its clock alone moves."""
        self.wall_ns += by_ns
        self.ahead_ns += by_ns

    @property
    def facts(self) -> PlanFacts:
        """What it would tell now."""
        return facts_of(self.history, PLAN, wall_ns=self.wall_ns)

    def look(self) -> None:
        """One look of `follow_plans`."""
        standing = self.history.standing(PLAN.id, wall_ns=self.wall_ns)
        if is_due(PLAN, standing, wall_ns=self.wall_ns):
            self.copies += 1
            self.copy(OutcomeKind.OK)
        run = self.history.last_run(PLAN.id, kinds=GOOD, until_ns=self.wall_ns)
        facts = self.facts
        if schedule.is_due(run, facts.proven, facts.drilled, every_days=EVERY_DAYS, wall_ns=self.wall_ns):
            assert run is not None
            self.drills += 1
            self.drill(run.snapshot)

    def copy(self, kind: OutcomeKind) -> None:
        """A copy that takes no time; a good one comes to the centre, whose clock is right."""
        self.came_ns = self.wall_ns - self.ahead_ns if kind in GOOD else self.came_ns
        run = self.history.begin(PLAN.id, wall_ns=self.wall_ns, boot="b")
        snapshot = Snapshot(id=f"{self.copies:064}", time="", paths=()) if kind in GOOD else None
        outcome = Outcome(kind, say("Причина.", "Reason."), snapshot, Summary("a", 1, 2, 3, 4))
        self.history.end(run, outcome, wall_ns=self.wall_ns, restic="0.14.0", duration_s=1, manifest=[])

    def drill(self, snapshot: str) -> None:
        """A drill that takes no time."""
        self.history.keep_drill(
            Record(
                id=f"r{self.drills}",
                host="h",
                site="h",
                plan=PLAN.id,
                plan_name=PLAN.name,
                snapshot=snapshot,
                snapshot_ns=self.wall_ns,
                began_ns=self.wall_ns,
                ended_ns=self.wall_ns,
                verdict=self.verdict,
            )
        )


def _host(folder: Path, verdict: Verdict = Verdict.PROVEN) -> Host:
    return Host(History(folder / "backup.db"), verdict)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    moves=st.lists(st.tuples(st.booleans(), st.integers(-90 * 24, 90 * 24)), max_size=8),
    verdict=st.sampled_from(Verdict),
)
def test_clock_that_leaps_costs_a_copy_and_two_drills_a_leap_at_most(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[bool, int]], verdict: Verdict
) -> None:
    host = _host(tmp_path_factory.mktemp("h"), verdict)
    leaps, lived_h = 0, 0
    try:
        host.look()
        for is_leap, hours in moves:
            if is_leap:
                leaps += 1
                # Every other leap sets the clock right again.
                host.leap(-host.ahead_ns if host.ahead_ns else hours * HOUR_NS)
            else:
                host.wall_ns += abs(hours) * HOUR_NS
                lived_h += abs(hours)
            for _ in range(3):
                host.look()
            assert host.ahead_ns or not host.is_called_a_liar
        assert host.copies <= 1 + leaps + lived_h / PLAN.every_hours
        period_h = EVERY_DAYS * 12 if verdict is Verdict.PROVEN else schedule.RETRY_S / 3600
        new_copies = 0 if verdict is Verdict.PROVEN else host.copies
        assert host.drills <= 1 + 2 * leaps + lived_h / period_h + new_copies
    finally:
        host.history.close()


@pytest.mark.parametrize("ahead_h", [-24, 24, 24 * 30, -24 * 365 * 50])
def test_one_run_under_a_wrong_clock_makes_nobody_a_liar_nor_delays_a_copy_in_the_days_after(
    tmp_path: Path, ahead_h: int
) -> None:
    host = _host(tmp_path)
    host.look()
    host.wall_ns += 25 * HOUR_NS
    host.leap(ahead_h * HOUR_NS)
    host.look()
    host.leap(-host.ahead_ns)
    for _ in range(60):
        host.look()
        assert not host.is_called_a_liar
        assert host.wall_ns - host.came_ns <= 24 * HOUR_NS
        host.wall_ns += HOUR_NS
    assert 4 <= host.copies <= 6
    host.history.close()


def test_drill_from_the_future_is_made_anew_once_and_not_at_each_look(tmp_path: Path) -> None:
    host = _host(tmp_path)
    host.wall_ns += 400 * 24 * HOUR_NS
    host.look()
    host.wall_ns = NOW_NS
    for _ in range(20):
        host.look()
    assert (host.copies, host.drills) == (2, 2)
    assert host.facts.proven is not None
    assert host.facts.proven.ended_ns == NOW_NS
    host.history.close()


def test_copy_from_the_future_hides_nothing_that_came_after(tmp_path: Path) -> None:
    host = _host(tmp_path)
    host.wall_ns += 24 * HOUR_NS
    host.look()
    host.wall_ns = NOW_NS
    host.copy(OutcomeKind.FAILED)
    facts = host.facts
    assert (facts.whole, facts.proven, facts.drilled) == (None, None, None)
    assert facts.last is not None
    assert facts.last.outcome is OutcomeKind.FAILED
    host.history.close()


def test_newest_drill_is_the_one_with_the_highest_number(tmp_path: Path) -> None:
    host = _host(tmp_path)
    host.drill("a" * 64)
    host.wall_ns -= 10 * HOUR_NS
    host.drills += 1
    host.drill("b" * 64)
    drill = host.history.last_drill(PLAN.id, until_ns=NOW_NS)
    assert drill is not None
    assert drill.snapshot == "b" * 64
    host.history.close()
