"""Copies and recordings of a site share its line: together they never take more than it was given."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.uplink.config import UplinkConfig
from backup.config import BackupConfig, PlanConfig
from beket.app.config import AgentConfig
from beket.app.wiring.backup import BYTES_PER_S_A_KBPS
from beket.app.wiring.capture import LEAST_LEFT_RATIO, recordings_rate_bps

PLAN = PlanConfig(id="documents", name="Документи", paths=(Path("/srv"),))


def site(repository: str, *, share: float = 0.5, rate_kbps: int = 2000, plans: int = 1) -> AgentConfig:
    backup = BackupConfig(repository=repository, uplink_share=share, plans=(PLAN,) * plans)
    return AgentConfig(uplink=UplinkConfig(rate_kbps=rate_kbps), backup=backup)


@pytest.mark.parametrize("repository", ["centre", "rest:https://neighbour:8444/", "sftp:oko@nas:/copies", "b2:bucket"])
def test_where_copies_go_over_the_line_recordings_have_the_rest(repository: str) -> None:
    assert recordings_rate_bps(site(repository, share=0.3)) == 1_400_000
    assert recordings_rate_bps(site(repository, plans=0)) == 2_000_000
    assert recordings_rate_bps(site(repository, share=1)) == 2_000_000 * LEAST_LEFT_RATIO


def test_copies_on_a_disk_of_the_site_cost_recordings_nothing() -> None:
    assert recordings_rate_bps(site("/mnt/копії")) == 2_000_000


@given(share=st.floats(0.001, 1), rate_kbps=st.integers(16, 10_000_000))
def test_together_they_keep_within_the_line(share: float, rate_kbps: int) -> None:
    config = site("centre", share=share, rate_kbps=rate_kbps)
    copies_bps = 8 * rate_kbps * BYTES_PER_S_A_KBPS * share  # as the process of copies tells restic
    assert recordings_rate_bps(config) + copies_bps <= rate_kbps * 1000 * (1 + LEAST_LEFT_RATIO) + 1
    if share <= 1 - LEAST_LEFT_RATIO:
        assert recordings_rate_bps(config) + copies_bps <= rate_kbps * 1000 + 1
