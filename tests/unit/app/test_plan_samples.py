"""How each plan stands by its own term, as the centre tells Prometheus, though its host be silent or gone."""

from pathlib import Path

from backup import metrics
from backup.messages import PlanReport
from backup.repository.config import RepositoriesConfig
from backup.repository.ledger import Ledger
from beket.app.wiring.repositories import Repositories
from beket.kernel.clock import SimulatedClock
from beket.kernel.metrics import Instruments

HOUR_S = 3600


def test_a_plan_is_told_late_though_its_host_says_no_more_and_not_at_all_once_it_is_no_plan(tmp_path: Path) -> None:
    clock, instruments = SimulatedClock(), Instruments(site="centre", unit="centre")
    ledger = Ledger(tmp_path / "r.db")
    repositories = Repositories(RepositoriesConfig(folder=tmp_path / "r"), ledger, None, instruments, clock=clock)

    def stands(plan: str) -> tuple[set[str], set[str]]:
        repositories._look()
        points = [one for one in instruments.read(0) if dict(one.labels).get("plan") == plan and one.value]
        lateness, proof = (
            {dict(one.labels)["reason"] for one in points if one.name == metric.name}
            for metric in (metrics.PLAN_LATENESS, metrics.PLAN_PROOF)
        )
        return lateness, proof

    now_ns = clock.wall_ns()
    daily = PlanReport(id="daily", name="Щодня", every_hours=24, copied_ns=now_ns, whole_ns=now_ns, proven_ns=now_ns)
    weekly = PlanReport(id="weekly", name="Щотижня", every_hours=168, copied_ns=now_ns, whole_ns=now_ns)
    ledger.hear("pc-1", [daily, weekly, PlanReport(id="new", name="Нове", every_hours=24)], wall_ns=now_ns)
    assert stands("daily") == ({"fresh"}, {"proven"})
    assert stands("new") == ({"never"}, {"no-copy"})
    clock.pass_time(72 * HOUR_S)  # and not a word from the host
    assert stands("daily") == ({"late"}, {"proven"})
    assert stands("weekly") == ({"fresh"}, {"never"})
    clock.pass_time(61 * 24 * HOUR_S)
    assert stands("daily") == ({"late"}, {"stale"})
    ledger.hear("pc-1", [], wall_ns=clock.wall_ns())
    assert stands("daily") == (set(), set())
    ledger.close()
