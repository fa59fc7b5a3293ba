"""A recorder killed a hundred times in the same folder."""

from pathlib import Path

import pytest

from tests.kills import kill_again_and_again

pytestmark = [pytest.mark.torture, pytest.mark.needs("ffprobe")]


def test_recorder_killed_a_hundred_times_keeps_what_it_promised(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 100, seed=2)
