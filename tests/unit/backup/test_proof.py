"""Manifests, drills, freshness and memory: what stands between a claim and a proof."""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup import drills, manifest
from backup.drills import DAY_S, RETRY_S
from backup.history import Drill, History, Run, Verdict
from backup.manifest import Entry
from backup.restic.events import Snapshot, Summary
from backup.restic.outcome import Outcome, OutcomeKind
from backup.tables import METADATA
from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import InvalidArgument
from beket.kernel.text import say

HOUR_NS = 3600 * NS_PER_S


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "дані"
    (root / "cache").mkdir(parents=True)
    for name, size in (("a", 10), ("b", 500), ("c", 0), ("cache/d", 20)):
        (root / name).write_bytes(b"x" * size)
    (root / "link").symlink_to("a")
    return root


def _names(taken: list[manifest.Taken]) -> list[str]:
    return sorted(Path(one.entry.path).name for one in taken)


def test_small_tree_is_hashed_whole_without_links(tree: Path) -> None:
    taken = manifest.take([tree], [], rng=random.Random(1))
    assert _names(taken) == ["a", "b", "c", "d"]
    (b,) = (one.entry for one in taken if one.entry.path.endswith("/b"))
    assert b == Entry(str(tree / "b"), 500, hashlib.sha256(b"x" * 500).hexdigest())


def test_sample_holds_the_largest_file_and_keeps_its_bounds(tree: Path) -> None:
    for seed in range(10):
        assert "b" in _names(manifest.take([tree], [], rng=random.Random(seed), files_max=2))
        assert "b" not in _names(manifest.take([tree], [], rng=random.Random(seed), bytes_max=499))


def test_what_may_be_excluded_is_not_sampled(tree: Path) -> None:
    assert _names(manifest.take([tree], ["cache/**", "*/b"], rng=random.Random(1))) == ["a", "c"]


def test_single_file_is_a_path_too(tree: Path) -> None:
    assert _names(manifest.take([tree / "a"], [], rng=random.Random(1))) == ["a"]


def test_file_that_changed_meanwhile_is_no_witness(tree: Path) -> None:
    taken = manifest.take([tree], [], rng=random.Random(1))
    (tree / "a").write_bytes(b"y" * 10)
    os.utime(tree / "b", ns=(1, 1))
    (tree / "c").unlink()
    assert [Path(entry.path).name for entry in manifest.confirm(taken)] == ["d"]


def test_restored_files_are_compared_by_content(tree: Path, tmp_path: Path) -> None:
    entries = manifest.confirm(manifest.take([tree], [], rng=random.Random(1)))
    sandbox = tmp_path / "sandbox"
    for entry in entries:
        target = sandbox / entry.path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"x" * entry.size_bytes)
    assert drills.compare(entries, sandbox) == []
    (sandbox / str(tree).lstrip("/") / "b").write_bytes(b"x" * 499 + b"y")
    (sandbox / str(tree).lstrip("/") / "c").unlink()
    assert [Path(path).name for path in drills.compare(entries, sandbox)] == ["b", "c"]


@pytest.mark.parametrize(
    ("kind", "wrong", "verdict"),
    [
        (OutcomeKind.OK, [], Verdict.PROVEN),
        (OutcomeKind.OK, ["/a"], Verdict.WRONG),
        (OutcomeKind.DAMAGED, [], Verdict.WRONG),
        (OutcomeKind.AUTH, ["/a"], Verdict.WRONG),
        (OutcomeKind.LOCKED, ["/a"], Verdict.COULD_NOT_RUN),
        (OutcomeKind.CANCELLED, ["/a"], Verdict.COULD_NOT_RUN),
    ],
)
def test_drill_that_could_not_run_says_nothing_about_the_copy(
    kind: OutcomeKind, wrong: list[str], verdict: Verdict
) -> None:
    assert drills.judge(kind, wrong) is verdict


def test_sandbox_is_private_and_never_a_folder_with_something_in_it(tmp_path: Path) -> None:
    drills.prepare_sandbox(tmp_path / "s", 1)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o700
    (tmp_path / "s" / "щось").touch()
    with pytest.raises(InvalidArgument):
        drills.prepare_sandbox(tmp_path / "s", 1)


def test_drill_is_due_after_the_first_copy_then_by_age_and_soon_after_trouble() -> None:
    run = Run("r", "p", 0, 0, OutcomeKind.OK, say("", ""), "s1", 1, 1, 1, 1, (Entry("/a", 1, ""),))
    proven = Drill("p", "s1", 0, Verdict.PROVEN, 1, 1)
    wrong = Drill("p", "s1", 0, Verdict.WRONG, 1, 1)

    def due(proven: Drill | None, last: Drill | None, wall_s: float) -> bool:
        return drills.is_due(run, proven, last, every_days=30, wall_ns=round(wall_s * NS_PER_S))

    assert due(None, None, 0)
    assert not due(proven, proven, 29 * DAY_S)
    assert due(proven, proven, 30 * DAY_S)
    assert not due(proven, wrong, RETRY_S - 1)
    assert due(proven, wrong, RETRY_S)
    assert due(proven, Drill("p", "s0", 0, Verdict.WRONG, 1, 1), 1)
    assert not drills.is_due(None, None, None, every_days=30, wall_ns=0)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    history = History(tmp_path / "backup.db")
    yield history
    history.close()


def _outcome(kind: OutcomeKind) -> Outcome:
    snapshot = Snapshot(id="a" * 64, time="", paths=()) if kind is OutcomeKind.OK else None
    return Outcome(kind, say("Причина.", "Reason."), snapshot, Summary("a", 1, 2, 3, 4) if snapshot else None)


def _remember(history: History, kind: OutcomeKind, at_ns: int) -> None:
    run = history.begin("p", wall_ns=at_ns, boot="b")
    entries = [Entry("/дані", 1, "00")]
    history.end(run, _outcome(kind), wall_ns=at_ns + 1, restic="0.14.0", duration_s=1.5, manifest=entries)


def test_memory_gives_back_what_was_remembered(history: History) -> None:
    _remember(history, OutcomeKind.OK, 10)
    run = history.last_run("p")
    assert run is not None
    assert (run.began_ns, run.ended_ns, run.outcome, run.snapshot) == (10, 11, OutcomeKind.OK, "a" * 64)
    assert (run.files, run.size_bytes, run.added_bytes, run.manifest) == (1, 2, 3, (Entry("/дані", 1, "00"),))
    assert (run.reason.uk, run.reason.en) == ("Причина.", "Reason.")
    drill = Drill("p", "a", 5, Verdict.WRONG, 2, 3, ("/дані/{файл}",))
    history.keep_drill(drill)
    assert history.last_drill("p") == drill
    assert history.last_drill("p", verdicts=(Verdict.PROVEN,)) is None


def test_standing_counts_failures_since_the_last_good_copy(history: History) -> None:
    assert history.standing("p").copied_ns is None
    for at_ns, kind in enumerate((OutcomeKind.FAILED, OutcomeKind.OK, OutcomeKind.LOCKED, OutcomeKind.DEFERRED)):
        _remember(history, kind, at_ns * 10)
    standing = history.standing("p")
    assert (standing.copied_ns, standing.tried_ns, standing.failures) == (10, 31, 1)
    assert standing.last is OutcomeKind.DEFERRED
    _remember(history, OutcomeKind.PARTIAL, 90)
    assert history.standing("p").failures == 0
    assert history.standing("other").last is None


def test_runs_cut_off_are_deferred_after_a_power_cut_and_cancelled_otherwise(history: History) -> None:
    history.begin("cut", wall_ns=1, boot="before")
    history.begin("killed", wall_ns=1, boot="now")
    assert sorted(history.close_interrupted(boot="now", wall_ns=9)) == ["cut", "killed"]
    assert history.standing("cut").last is OutcomeKind.DEFERRED
    assert history.standing("killed").last is OutcomeKind.CANCELLED
    assert history.close_interrupted(boot="now", wall_ns=9) == []


def test_migrations_make_the_declared_tables(history: History) -> None:
    import sqlalchemy as sa

    inspector = sa.inspect(history._database.engine)
    for table in METADATA.sorted_tables:
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())
        assert {index["name"] for index in inspector.get_indexes(table.name)} == {index.name for index in table.indexes}
