"""How a first copy is cut: every file once, in parts that the line bears, whatever was stored before."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from backup.history import History
from backup.in_parts import FIRST_PART_BYTES, PART_BYTES_MIN, next_limit
from backup.parts import PATHS_MAX, Cutter, is_part, part_tag
from backup.repository.forgetting import Guard, decide
from backup.restic.events import Snapshot
from backup.restic.link import Carried

TREES = st.dictionaries(
    st.lists(st.sampled_from("абв"), min_size=1, max_size=3).map(lambda parts: "/".join([*parts, "файл"])),
    st.integers(0, 50),
    max_size=12,
)


def made(root: Path, tree: dict[str, int]) -> set[str]:
    for name, size in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x" * size)
    return {str(root / name) for name in tree}


def files_under(paths: tuple[Path, ...]) -> list[str]:
    found = []
    for path in paths:
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [str(one) for one in inside if one.is_file()]
    return found


@settings(max_examples=60)
@given(tree=TREES, limits=st.lists(st.integers(1, 120), min_size=1, max_size=6), breaks=st.sets(st.integers(0, 6)))
def test_every_file_is_in_one_part_though_parts_break_and_the_copy_is_begun_again(
    tree: dict[str, int], limits: list[int], breaks: set[int]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        files = made(root, tree)
        stored: list[str] = []
        seen: list[str] = []
        cutter, turn = Cutter([root]), 0
        while part := cutter.cut(limit := limits[turn % len(limits)]):
            turn += 1
            if turn in breaks:
                if turn % 2:
                    cutter.put_back(part)
                else:
                    cutter = Cutter([root], stored)  # the machine was started anew
                continue
            assert part.size_bytes <= limit or len(part.paths) == 1
            stored += map(str, part.paths)
            seen += files_under(part.paths)
        assert sorted(seen) == sorted(files)
        assert cutter.left_bytes == 0
        assert Cutter([root], stored).left_bytes == 0


def test_folder_that_fits_is_named_as_one_and_a_part_names_so_many_paths_at_most(tmp_path: Path) -> None:
    made(tmp_path, {"мала/а": 10, "мала/б": 10, **{f"велика/{number:05}": 1 for number in range(1500)}})
    part = Cutter([tmp_path / "мала"]).cut(100)
    assert part is not None
    assert part.paths == (tmp_path / "мала",)
    large = Cutter([tmp_path / "велика"]).cut(1400)
    assert large is not None
    assert len(large.paths) == PATHS_MAX


def test_file_larger_than_a_part_is_a_part_of_its_own_and_a_vanished_one_no_trouble(tmp_path: Path) -> None:
    made(tmp_path, {"а": 5, "б": 500, "в": 5})
    cutter = Cutter([tmp_path])
    (tmp_path / "в").unlink()
    parts = []
    while part := cutter.cut(20):
        parts.append(part.paths)
    assert parts == [(tmp_path / "а",), (tmp_path / "б",)]


def test_part_grows_while_the_line_holds_but_not_beyond_what_it_bears() -> None:
    quick, slow = Carried(FIRST_PART_BYTES, 1), Carried(FIRST_PART_BYTES, 3000)
    assert next_limit(FIRST_PART_BYTES, quick) > FIRST_PART_BYTES
    assert next_limit(100 * FIRST_PART_BYTES, slow) == FIRST_PART_BYTES
    assert next_limit(PART_BYTES_MIN, quick) > PART_BYTES_MIN


def test_stored_parts_are_remembered_until_the_whole_copy_is_made(tmp_path: Path) -> None:
    history = History(tmp_path / "backup.db")
    history.keep_part("documents", ["/а", "/б"])
    history.keep_part("documents", ["/б", "/в"])
    history.keep_part("mail", ["/пошта"])
    assert sorted(history.stored_parts("documents")) == ["/а", "/б", "/в"]
    history.forget_parts("documents")
    assert (history.stored_parts("documents"), history.stored_parts("mail")) == ([], ["/пошта"])
    history.close()


def _snapshot(number: int, tag: str, *, host: str = "h") -> Snapshot:
    return Snapshot(f"{number:064x}", "2026-11-01T00:00:00Z", ("/дані",), host, (tag,))


def test_parts_go_once_their_whole_copy_has_come_and_only_then() -> None:
    wall_ns = 1_800_000_000 * 10**9
    parts = [_snapshot(1, part_tag("documents")), _snapshot(2, part_tag("documents"))]
    others = [_snapshot(3, part_tag("mail")), _snapshot(4, part_tag("documents"), host="other")]
    whole, later = _snapshot(5, "plan:documents"), _snapshot(6, part_tag("documents"))
    snapshots = [*parts, *others, whole, later]
    arrivals = {one.id: wall_ns - 100 + number for number, one in enumerate(snapshots)}
    guard = Guard(floor=7, young_days=14)
    proposed = {one.id for one in snapshots}
    decision = decide(snapshots, arrivals, proposed, guard, wall_ns=wall_ns)
    assert (decision.remove, decision.refusal) == (tuple(one.id for one in parts), None)
    before = decide([*parts, *others], arrivals, proposed, guard, wall_ns=wall_ns)
    assert before.remove == ()


def test_part_is_known_by_its_tag() -> None:
    assert is_part(["part-of:documents"])
    assert not is_part(["plan:documents", "бухгалтерія"])
