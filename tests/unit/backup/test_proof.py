"""Manifests, drills, freshness and memory: what stands between a claim and a proof."""

import hashlib
import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest

from backup import manifest
from backup.acts.record import Piece, Record, Verdict, Why
from backup.history import History
from backup.manifest import Entry
from backup.restic.events import Snapshot, Summary
from backup.restic.outcome import Outcome, OutcomeKind
from backup.tables import METADATA
from beket.kernel.clock import NS_PER_S
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


def _take(path: Path, excludes: Sequence[str] = (), *, seed: int = 1, **bounds: int) -> list[manifest.Taken]:
    return manifest.take(manifest.choose([path], excludes, rng=random.Random(seed), **bounds))


def _names(taken: list[manifest.Taken]) -> list[str]:
    return sorted(Path(one.entry.path).name for one in taken)


def test_small_tree_is_hashed_whole_without_links(tree: Path) -> None:
    taken = _take(tree)
    assert _names(taken) == ["a", "b", "c", "d"]
    (b,) = (one.entry for one in taken if one.entry.path.endswith("/b"))
    assert b == Entry(str(tree / "b"), 500, hashlib.sha256(b"x" * 500).hexdigest())


def test_sample_holds_the_largest_file_and_keeps_its_bounds(tree: Path) -> None:
    for seed in range(10):
        assert "b" in _names(_take(tree, seed=seed, files_max=2))
        assert "b" not in _names(_take(tree, seed=seed, bytes_max=499))


def test_sample_of_a_large_tree_always_holds_one_database(tree: Path) -> None:
    for number in range(100):
        (tree / f"{number}.txt").write_bytes(b"y")
    (tree / "облік.SQLITE").write_bytes(b"z")
    for seed in range(10):
        names = _names(_take(tree, seed=seed, files_max=2))
        assert names == ["b", "облік.SQLITE"]


def test_what_may_be_excluded_is_not_sampled(tree: Path) -> None:
    assert _names(_take(tree, ["cache/**", "*/b"])) == ["a", "c"]


def test_single_file_is_a_path_too(tree: Path) -> None:
    assert _names(_take(tree / "a")) == ["a"]


def test_file_that_changed_meanwhile_is_no_witness(tree: Path) -> None:
    taken = _take(tree)
    (tree / "a").write_bytes(b"y" * 10)
    os.utime(tree / "b", ns=(1, 1))
    (tree / "c").unlink()
    assert [Path(entry.path).name for entry in manifest.confirm(taken)] == ["d"]


def test_file_that_changed_between_choice_and_hash_is_no_witness(tree: Path) -> None:
    chosen = manifest.choose([tree], [], rng=random.Random(1))
    (tree / "a").write_bytes(b"y" * 10)
    (tree / "b").unlink()
    assert [Path(entry.path).name for entry in manifest.confirm(manifest.take(chosen))] == ["c", "d"]


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
    assert not run.lock_may_stay
    record = _record(Verdict.WRONG)
    kept = history.keep_drill(record)
    assert kept == msgspec.structs.replace(record, number=1)
    assert (history.last_act("p"), history.untold_acts()) == (kept, [kept])
    history.act_was_told(kept)
    assert history.untold_acts() == []
    assert history.keep_drill(msgspec.structs.replace(record, id="r2", plan="q")).number == 2
    drill = history.last_drill("p")
    assert drill is not None
    assert (drill.verdict, drill.files, drill.wrong) == (Verdict.WRONG, 1, ("/дані/{файл}",))
    assert history.last_drill("p", verdicts=(Verdict.PROVEN,)) is None


def _record(verdict: Verdict) -> Record:
    piece = Piece("/дані/{файл}", Why.LARGEST, 3, "aa", "bb")
    return Record(
        id="r1",
        host="h",
        site="h",
        plan="p",
        plan_name="План",
        snapshot="a" * 64,
        snapshot_ns=1,
        began_ns=2,
        ended_ns=5,
        verdict=verdict,
        pieces=(piece,),
    )


def test_standing_counts_failures_since_the_last_good_copy(history: History) -> None:
    assert history.standing("p").copied_ns is None
    for at_ns, kind in enumerate((OutcomeKind.FAILED, OutcomeKind.OK, OutcomeKind.LOCKED, OutcomeKind.DEFERRED)):
        _remember(history, kind, at_ns * 10)
    standing = history.standing("p")
    # What was put off for want of a line counts: else programs would run and dumps be made every minute.
    assert (standing.copied_ns, standing.tried_ns, standing.failures) == (10, 31, 2)
    assert standing.last is OutcomeKind.DEFERRED
    _remember(history, OutcomeKind.PARTIAL, 90)
    assert history.standing("p").failures == 0
    assert history.standing("other").last is None


def test_runs_cut_off_are_deferred_after_a_power_cut_and_cancelled_otherwise(history: History) -> None:
    history.begin("cut", wall_ns=1, boot="before")
    history.begin("killed", wall_ns=1, boot="now")
    assert sorted(history.close_interrupted(boot="now", wall_ns=9)) == ["cut", "killed"]
    assert history.standing("cut").last is OutcomeKind.DEFERRED
    assert history.standing("cut").failures == 0
    for plan in ("cut", "killed"):
        run = history.last_run(plan)
        assert run is not None
        assert run.lock_may_stay
    assert history.standing("killed").last is OutcomeKind.CANCELLED
    assert history.close_interrupted(boot="now", wall_ns=9) == []


def test_migrations_make_the_declared_tables(history: History) -> None:
    import sqlalchemy as sa

    inspector = sa.inspect(history._database.engine)
    for table in METADATA.sorted_tables:
        assert {column["name"] for column in inspector.get_columns(table.name)} == set(table.columns.keys())
        assert {index["name"] for index in inspector.get_indexes(table.name)} == {index.name for index in table.indexes}
