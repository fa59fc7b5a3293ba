"""Power cut at many places of three stories; the long proof is `make torture`."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.power_cuts import STORIES, Story, Town, finds_fault, judge, points, scenes

Tell = Callable[..., Story]


@pytest.mark.parametrize("tell", STORIES)
def test_cut_anywhere_leaves_what_was_promised_and_nothing_false(tell: Tell, tmp_path: Path) -> None:
    town, rng = Town(tmp_path), random.Random(7)
    story = tell(town, seed=7)
    every = max(1, len(points(story)) // 20)
    for disk, before in scenes(story, rng, cuts=[*points(story)[::every], len(story.disk.log)]):
        judge(town, story, disk, before)


@pytest.mark.parametrize("tell", STORIES)
def test_without_any_one_sync_a_cut_would_find_it(tell: Tell, tmp_path: Path) -> None:
    town = Town(tmp_path)
    told = tell(town, seed=3)
    assert not finds_fault(town, told)
    assert len(told.disk.syncs) >= 6
    useless = [place for place in told.disk.syncs if not _is_missed(town, tell, place)]
    assert useless == []


def _is_missed(town: Town, tell: Tell, place: object) -> bool:
    return finds_fault(town, tell(town, seed=3, muted=place))
