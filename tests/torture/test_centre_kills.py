"""`beket centre` is killed amid copies, entries and its own starts, again and again: no copy is lost, nothing stays.

`BEKET_KILLS` sets how many (100). `BEKET_REPOSITORY_SERVER=restic-rest-server` has Debian 13's server under it.
"""

import os
from pathlib import Path

import pytest

from tests.killed_centre import Amid, kill_centre

KILLS = int(os.environ.get("BEKET_KILLS", "100"))


@pytest.mark.torture
@pytest.mark.needs("restic", "rclone")
def test_centre_killed_at_random_moments_costs_no_copy(tmp_path: Path) -> None:
    tally = kill_centre(tmp_path, KILLS // 2, seed=6, fresh_bytes=6_000_000)
    print(f"\n{tally.words()}")
    for amid in Amid:
        assert tally.broken[amid] > tally.amid[amid] / 4  # the kills did hit it under way
