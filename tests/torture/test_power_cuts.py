"""Power cut at more than ten thousand places, each with the telling subsets of what was unsynced lost."""

import random
import sys
from pathlib import Path

import pytest

from tests.power_cuts import STORIES, Town, judge, points, scenes

POINTS_MIN = 10_000

pytestmark = pytest.mark.torture


def test_ten_thousand_cuts_leave_what_was_promised(tmp_path: Path) -> None:
    town, rng = Town(tmp_path), random.Random(1)
    cut, judged, seed = 0, 0, 0
    while cut < POINTS_MIN:
        seed += 1
        for tell in STORIES:
            story = tell(town, seed=seed)
            for disk, before in scenes(story, rng, cuts=points(story)):
                judge(town, story, disk, before)
                judged += 1
            cut += len(points(story))
    sys.stdout.write(f"{cut} places, {judged} disks, {seed} stories of each kind\n")
