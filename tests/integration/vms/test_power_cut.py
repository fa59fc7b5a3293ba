"""Power cut at many places of five stories; the long proof is `make torture`."""

import ast
import inspect
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from beket.testing.crash_disk import Place
from tests.power_cuts import (
    STORIES,
    Story,
    Town,
    finds_fault,
    holds_story,
    judge,
    points,
    scenes,
    two_disks_story,
)
from vms.recordings import ledger
from vms.recordings.disk import prove_identity
from vms.recordings.shelf import serves

Tell = Callable[..., Story]
# What these stories cannot tell: the label of a disk that is still empty costs nothing there (the site's story needs
# it), and the sync of a probe is there to fail (test_shelf.py needs it).
ELSEWHERE = {two_disks_story: (prove_identity, serves), holds_story: (prove_identity, serves)}


@pytest.mark.parametrize("tell", STORIES)
def test_cut_anywhere_leaves_what_was_promised_and_nothing_false(tell: Tell, tmp_path: Path) -> None:
    town, rng = Town(tmp_path), random.Random(7)
    story = tell(town, seed=7)
    every = max(1, len(points(story)) // 20)
    for disk, before in scenes(story, rng, cuts=[*points(story)[::every], len(story.disk.log)], subsets_max=8):
        judge(town, story, disk, before)


@pytest.mark.parametrize("tell", STORIES)
def test_without_any_one_sync_a_cut_would_find_it(tell: Tell, tmp_path: Path) -> None:
    town = Town(tmp_path)
    told = tell(town, seed=3)
    assert not finds_fault(town, told)
    assert len(told.disk.syncs) >= 5
    useless = [place for place in told.disk.syncs if not _is_missed(town, tell, place)]
    assert [place for place in useless if not any(_is_asked_by(ask, place) for ask in ELSEWHERE.get(tell, ()))] == []


def test_stories_ask_for_every_sync_that_the_store_knows(tmp_path: Path) -> None:
    town = Town(tmp_path)
    asked = {line for tell in STORIES for place in tell(town, seed=3).disk.syncs for line in place}
    # That of a probe is there to fail (test_shelf.py), and the ledger has a proof of its own (test_sealing.py).
    elsewhere = _lines_of(serves) | _lines_of(ledger)
    folder = Path(inspect.getfile(ledger)).parent
    known = {line for file in folder.glob("*.py") for line in _sync_lines(file)}
    assert len(known) >= 15
    assert known - elsewhere - asked == set()


def _sync_lines(file: Path) -> set[tuple[str, int]]:
    calls = (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call))
    named = ((call.lineno, call.func.attr) for call in calls if isinstance(call.func, ast.Attribute))
    return {(file.name, line) for line, name in named if name in {"sync", "sync_data", "sync_folder"}}


def _is_missed(town: Town, tell: Tell, place: object) -> bool:
    return finds_fault(town, tell(town, seed=3, muted=place))


def _is_asked_by(function: Callable[..., object], place: Place) -> bool:
    """Whether the sync is asked for by a line of `function` or of what it calls."""
    return not _lines_of(function).isdisjoint(place)


def _lines_of(what: Callable[..., object] | ModuleType) -> set[tuple[str, int]]:
    lines, start = inspect.getsourcelines(what)
    name = Path(inspect.getfile(what)).name
    return {(name, line) for line in range(start, start + len(lines) + 1)}
