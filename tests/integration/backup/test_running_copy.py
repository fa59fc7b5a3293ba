"""While a real restic is at work the host can tell how far the copy is, and tells of none once it is over."""

import asyncio
import random
from pathlib import Path

import pytest

from backup.config import BackupConfig, PlanConfig
from backup.messages import Running
from backup.restic.outcome import OutcomeKind
from backup.runner import Tools
from backup.sentence import facts_of
from beket.app.wiring.agent_side import AgentFiles
from beket.app.wiring.backup import Backups, plans_of, run_plan
from beket.app.wiring.centre_repository import plan_report
from beket.kernel.ids import SiteId
from beket.kernel.units import MIB
from tests.integration.backup.test_held_footage import tools as tools

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(300)]


def _backups(tools: Tools, tmp_path: Path, *, paths: tuple[Path, ...]) -> Backups:
    config = BackupConfig(plans=(PlanConfig(id="documents", name="Документи", paths=paths),))
    plans = plans_of(config, SiteId("council-mohyliv"), tmp_path / "data")
    return Backups(config, plans, tools, AgentFiles(tmp_path / "data"))


def test_both_measures_grow_and_are_over_with_the_copy(
    tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backup.restic.run.STATUS_PER_S", "60")  # on a quick machine it is over within a second
    source = tmp_path / "source"
    source.mkdir()
    for number in range(6):
        (source / f"{number}.bin").write_bytes(random.Random(number).randbytes(8 * MIB))
    backups = _backups(tools, tmp_path, paths=(source,))
    (plan,) = backups.plans
    seen: list[Running] = []

    async def watch() -> None:
        while True:
            if (running := backups.running.get(plan.id)) is not None and running not in seen:
                seen.append(running)
            await asyncio.sleep(0.01)

    async def story() -> None:
        watching = asyncio.create_task(watch())
        try:
            outcome = await run_plan(backups, plan)
        finally:
            watching.cancel()
        assert outcome.kind is OutcomeKind.OK, outcome.reason.uk

    asyncio.run(story())
    assert backups.running == {}
    assert backups.news.is_set()
    assert {one.began_ns for one in seen} == {seen[0].began_ns}
    ratios = [one.read_ratio for one in seen]
    assert ratios == sorted(ratios)
    assert ratios[-1] > 0
    assert seen[-1].stored_bytes is not None
    facts = facts_of(tools.history, plan, wall_ns=tools.clock.wall_ns())
    report = plan_report(plan, facts, drill_every_days=30, running=seen[-1])
    assert report.running == seen[-1]


def test_a_copy_that_fails_is_not_told_as_one_under_way(tools: Tools, tmp_path: Path) -> None:
    backups = _backups(tools, tmp_path, paths=(tmp_path / "absent",))
    outcome = asyncio.run(run_plan(backups, backups.plans[0]))
    assert outcome.kind is OutcomeKind.FAILED
    assert backups.running == {}
