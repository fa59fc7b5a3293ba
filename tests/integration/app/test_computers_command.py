"""`beket computers` over a real facts.db, and the numbers that Grafana draws."""

import io
from pathlib import Path

import openpyxl
import pytest

from agents.computers.windows_output import parse_windows
from beket.app.cli import main
from beket.app.config import CentreConfig, CommunityConfig
from beket.app.wiring.computers import computers_view
from beket.app.wiring.inventory import inventory_in, open_facts
from beket.kernel import wire
from beket.kernel.clock import SystemClock
from beket.kernel.config import load, spell
from beket.kernel.ids import AgentId, SiteId, UserId
from beket.kernel.metrics import Instruments
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.source_tree import PROJECT
from collector.assets.store import ComputerStore

SITE = SiteId("council-mohyliv")
CLOCK = SystemClock()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A centre that has heard of two computers."""
    monkeypatch.setenv("BEKET_LANG", "uk")
    centre = CentreConfig(
        data=tmp_path / "centre", keys=tmp_path / "keys", community=CommunityConfig(id=MOHYLIV.id, name=MOHYLIV.name)
    )
    path = tmp_path / "centre.toml"
    path.write_text(spell(centre))
    with open_facts(centre) as facts:
        store = ComputerStore(facts, clock=CLOCK)
        for name in ("7", "11"):
            report = parse_windows((PROJECT / f"tests/fixtures/computers/windows-{name}.jsonl").read_bytes())
            store.take(SITE, AgentId(f"council-{name}"), wire.encode(report))
    return path


def said(capsys: pytest.CaptureFixture[str], config: Path, *arguments: str) -> str:
    assert main(["computers", "--config", str(config), *arguments]) == 0
    return capsys.readouterr().out


def test_state_changes_and_lists_at_the_command_line(
    capsys: pytest.CaptureFixture[str], config: Path, tmp_path: Path
) -> None:
    shown = said(capsys, config, "show")
    assert "BUH-2 (council-7), council-mohyliv: подати комісії на списання" in shown
    assert "• Програма «1С:Предприятие 8.2 (8.2.19.130)» заборонена" in shown
    assert "З’явився комп’ютер DEPUTY." in said(capsys, config, "events")
    target = tmp_path / "списати.xlsx"
    said(capsys, config, "list", "write-off", "xlsx", str(target))
    book = openpyxl.load_workbook(io.BytesIO(target.read_bytes()))
    assert [row[2] for row in book["Списати"].iter_rows(values_only=True)] == ["Комп’ютер", "BUH-2"]


def test_a_computer_that_is_no_more_is_removed_once(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    assert "Вилучено: council-7" in said(capsys, config, "remove", "council-7")
    assert "BUH-2" not in said(capsys, config, "show")
    assert main(["computers", "--config", str(config), "remove", "council-7"]) == 66


def test_numbers_for_grafana_are_by_site_and_stay_when_a_computer_goes(config: Path) -> None:
    centre = load(config, CentreConfig)
    with open_facts(centre) as facts:
        known = inventory_in(facts, centre, clock=CLOCK)
        known.accept(known.propose(inventory(MOHYLIV)), actor=UserId("test"), reason="тест")
        store = ComputerStore(facts, clock=CLOCK)
        view = computers_view(centre.computers, store, known, clock=CLOCK)
        instruments = Instruments(unit="centre")
        view.measure(instruments)
        points = {(point.name, point.labels): point.value for point in instruments.read(0)}
        site = (("site", "council-mohyliv"),)
        assert points["computers_known_count", site] == 2
        assert points["computers_urgent_count", site] == 1
        assert points["computers_with_finding_count", (*site, ("reason", "prohibited"))] == 1
        assert points["computers_in_list_count", (*site, ("reason", "write-off"))] == 1
        assert points["computers_known_count", (("site", "school-tsybulkivka"),)] == 0
        for agent in ("council-7", "council-11"):
            store.remove(AgentId(agent))
        view.measure(instruments)
        points = {(point.name, point.labels): point.value for point in instruments.read(0)}
        assert points["computers_known_count", site] == 0
        assert points["computers_with_finding_count", (*site, ("reason", "prohibited"))] == 0
