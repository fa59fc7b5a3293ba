"""A recorder killed without warning; a hundred times in `make torture`."""

from pathlib import Path

import pytest

from tests.kills import kill_again_and_again


@pytest.mark.needs("ffprobe")
def test_killed_recorder_keeps_what_it_promised_and_every_segment_plays(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, 4, seed=1)
