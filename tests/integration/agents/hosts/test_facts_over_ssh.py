"""Facts over a real sshd: every command once, in one session; a device that does not know one still tells the rest."""

from pathlib import Path

import pytest

from agents.hosts.facts import commands_of
from agents.hosts.families import shipped_families
from agents.hosts.reader import read_facts
from beket.kernel.clock import SystemClock
from beket.kernel.errors import Unreachable
from beket.kernel.ids import SiteId
from beket.testing.sshd import OLD_ALGORITHMS
from tests.integration.agents.hosts.gear_kit import ROUTER, GearAtHand, gear_at_hand
from tests.unit.agents.hosts.test_facts import answers

pytestmark = pytest.mark.needs("ssh", "sshd", "pam_wrapper")
ROUTEROS = {
    name: answers("mikrotik-7")[command]
    for name, command in {
        "resource": "/system resource print",
        "routerboard": "/system routerboard print",
        "health": "/system health print",
        "identity": "/system identity print",
        "interfaces": "/interface print terse",
    }.items()
}


def _values(gear: GearAtHand, family: str) -> tuple[dict[str, str], dict[str, float]]:
    facts = read_facts(gear.shells, SiteId("council"), ROUTER, shipped_families()[family], clock=SystemClock())
    assert all(dict(point.labels)["device"] == ROUTER for point in facts.points)
    return dict(facts.texts), {point.name: point.value for point in facts.points}


@pytest.mark.parametrize("extra", [(), OLD_ALGORITHMS], ids=["strong", "weak"])
def test_routeros_is_read(tmp_path: Path, extra: tuple[str, ...]) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files=ROUTEROS, extra_config=extra) as gear:
        texts, values = _values(gear, "mikrotik")
        assert texts["model"] == "RB760iGS"
        assert values["device_memory_ratio"] == 0.25
        assert gear.asked() == commands_of(shipped_families()["mikrotik"])


def test_ios_is_read_through_its_command_line(tmp_path: Path) -> None:
    files = {command.replace(" ", "-"): answer for command, answer in answers("cisco-ios").items()}
    del files["show-env-temperature-status"]
    with gear_at_hand(tmp_path, "ios", "cisco-ios", files=files) as gear:
        texts, values = _values(gear, "cisco-ios")
    assert texts["serial"] == "FOC1010X104"
    assert values["device_cpu_ratio"] == 0.07
    assert "sensor_temperature_celsius" not in values


def test_a_family_without_facts_is_not_visited(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "dlink", "dlink") as gear:
        assert _values(gear, "dlink") == ({}, {})
        assert gear.asked() == []


def test_a_device_that_is_away_gives_no_half_of_its_facts(tmp_path: Path) -> None:
    with gear_at_hand(tmp_path, "routeros", "mikrotik", files=ROUTEROS) as gear:
        gear.server.program.kill()
        with pytest.raises(Unreachable):
            _values(gear, "mikrotik")
