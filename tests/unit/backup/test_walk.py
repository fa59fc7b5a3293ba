"""The hash walk: every flipped byte is found, by whatever slices, and nothing else is."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backup.repository.walk import SETTLES_S, Damage, Fault, files_after, size_of, walk
from beket.kernel.clock import NS_PER_S

WRITTEN_S = 1_700_000_000
NOW_NS = (WRITTEN_S + SETTLES_S + 1) * NS_PER_S


def lay(repository: Path, kind: str, content: bytes) -> str:
    """Put one file of a repository in place; its name."""
    name = hashlib.sha256(content).hexdigest()
    folder = f"data/{name[:2]}" if kind == "data" else kind
    (repository / folder).mkdir(parents=True, exist_ok=True)
    path = repository / folder / name
    path.write_bytes(content)
    os.utime(path, (WRITTEN_S, WRITTEN_S))
    return f"{folder}/{name}"


@contextmanager
def small_repository() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        (repository / "config").write_bytes(b"config")
        for number in range(12):
            lay(repository, "data", bytes([number]) * 100)
        for kind in ("index", "keys", "snapshots"):
            lay(repository, kind, kind.encode())
        yield repository


def walk_all(repository: Path, at_most_bytes: int, config_sha256: str = "") -> tuple[set[Damage], list[str]]:
    damaged: set[Damage] = set()
    stops = [""]
    while len(stops) == 1 or stops[-1]:
        part = walk(repository, stops[-1], wall_ns=NOW_NS, config_sha256=config_sha256, at_most_bytes=at_most_bytes)
        damaged |= set(part.damaged)
        stops.append(part.last)
    return damaged, stops


CONFIG_SHA256 = hashlib.sha256(b"config").hexdigest()


@settings(deadline=None, max_examples=40)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7), at_most_bytes=st.integers(1, 2000))
def test_every_flipped_bit_is_found_and_nothing_else(where: int, bit: int, at_most_bytes: int) -> None:
    with small_repository() as repository:
        files = list(files_after(repository))
        file = files[where % len(files)]
        content = bytearray((repository / file).read_bytes())
        content[where % len(content)] ^= 1 << bit
        (repository / file).write_bytes(content)
        os.utime(repository / file, (WRITTEN_S, WRITTEN_S))
        damaged, _ = walk_all(repository, at_most_bytes, CONFIG_SHA256)
        assert damaged == {Damage(file, Fault.CHANGED if file == "config" else Fault.CONTENT)}


@settings(deadline=None, max_examples=40)
@given(at_most_bytes=st.integers(1, 5000))
def test_slices_read_each_file_once_in_order(at_most_bytes: int) -> None:
    with small_repository() as repository:
        files, stop = 0, ""
        while True:
            part = walk(repository, stop, wall_ns=NOW_NS, at_most_bytes=at_most_bytes)
            files += part.files
            assert part.last == "" or part.last > stop
            stop = part.last
            if not stop:
                break
        assert files == len(list(files_after(repository))) == 16
        assert size_of(repository) == sum((repository / f).stat().st_size for f in files_after(repository)) - 6


def test_first_walk_remembers_what_config_is() -> None:
    with small_repository() as repository:
        assert walk(repository, "", wall_ns=NOW_NS).config_sha256 == CONFIG_SHA256


def test_truncated_file_is_found() -> None:
    with small_repository() as repository:
        file = next(file for file in files_after(repository) if file.startswith("data/"))
        os.truncate(repository / file, 50)
        os.utime(repository / file, (WRITTEN_S, WRITTEN_S))
        assert walk_all(repository, 10_000)[0] == {Damage(file, Fault.CONTENT)}


@pytest.mark.parametrize("age_s", [0, SETTLES_S - 1, -SETTLES_S + 1])
def test_file_on_its_way_in_is_not_judged_yet(age_s: int) -> None:
    with small_repository() as repository:
        path = repository / "data" / "00" / ("0" * 64)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
        moment_ns = NOW_NS - age_s * NS_PER_S
        os.utime(path, ns=(moment_ns, moment_ns))
        part = walk(repository, "", wall_ns=NOW_NS)
        assert (part.damaged, part.unsettled) == ((), 1)


def test_what_cannot_be_read_or_is_no_file_is_damage(tmp_path: Path) -> None:
    (tmp_path / "keys" / ("1" * 64)).mkdir(parents=True)
    (tmp_path / "keys" / ("2" * 64)).symlink_to(tmp_path)
    assert {one.fault for one in walk(tmp_path, "", wall_ns=NOW_NS).damaged} == {Fault.UNREADABLE}


def test_nothing_there_is_a_walk_that_is_over(tmp_path: Path) -> None:
    part = walk(tmp_path / "absent", "", wall_ns=NOW_NS)
    assert (part.files, part.last, part.damaged) == (0, "", ())
