"""A centre that is killed amid a copy, amid the entry of a host and amid its own start costs no copy."""

from pathlib import Path

import pytest

from tests.killed_centre import Amid, kill_centre

pytestmark = [pytest.mark.needs("restic", "rclone"), pytest.mark.timeout(900)]


def test_killed_centre_costs_no_copy_and_leaves_nothing_behind(tmp_path: Path) -> None:
    tally = kill_centre(tmp_path, 2, seed=20261129, fresh_bytes=4_000_000)
    assert sum(tally.amid.values()) == 4
    assert set(tally.amid) == set(Amid)
