"""Owns what a restore is compared with: hashes of source files, taken around a backup.

A small tree is hashed whole; of a large one the largest file that fits, one database and a random sample. An entry
counts only if the file was the same before and after the run (inode, size, both times), so that a file in use never
makes a drill lie. Blocking; symbolic links are not followed, other things than files are left out.
"""

import fnmatch
import hashlib
import os
import random
import stat
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from beket.kernel.units import MIB

FILES_MAX = 64
BYTES_MAX = 256 * MIB
SEEN_MAX = 200_000
# What a database is called, ours and others'; a drill wants one of them each time.
DATABASE_SUFFIXES = (".db", ".db3", ".sqlite", ".sqlite3", ".dump", ".pgdump")


class Entry(msgspec.Struct, frozen=True):
    """A file as it was when it was copied. `sha256` is hexadecimal; `path` absolute."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry and the state of the file that it holds for."""

    entry: Entry
    state: tuple[int, ...]


def take(
    paths: Sequence[Path],
    excludes: Sequence[str],
    *,
    rng: random.Random,
    files_max: int = FILES_MAX,
    bytes_max: int = BYTES_MAX,
    without: Collection[str] = (),
) -> list[Taken]:
    """Hash a choice of the files under `paths`, at most so many and so much; unreadable ones are left out.

    `without` names files, by their whole paths, that the backup leaves out.
    """
    left_out = frozenset(without)
    files = _files(paths, excludes)
    found = [(path, size) for path, size in files if size <= bytes_max and path not in left_out]
    rng.shuffle(found)
    found.sort(key=lambda item: -item[1])
    ordered = _in_order(found, rng)
    taken: list[Taken] = []
    room_bytes = bytes_max
    for path, size in ordered:
        if len(taken) == files_max:
            break
        if size > room_bytes:
            continue
        one = _take_one(path)
        if one:
            taken.append(one)
            room_bytes -= size
    return taken


def _in_order(found: list[tuple[str, int]], rng: random.Random) -> list[tuple[str, int]]:
    """The largest, one database, then all others by chance."""
    if not found:
        return []
    rest = rng.sample(found[1:], len(found) - 1)
    database = next((one for one in rest if one[0].lower().endswith(DATABASE_SUFFIXES)), None)
    return [found[0], *([database] if database else []), *(one for one in rest if one is not database)]


def confirm(taken: Sequence[Taken]) -> list[Entry]:
    """The entries whose files are still exactly what they were, by path."""
    return sorted((one.entry for one in taken if _state_at(one.entry.path) == one.state), key=lambda e: e.path)


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_one(path: str) -> Taken | None:
    before = _state_at(path)
    if before is None:
        return None
    try:
        return Taken(Entry(path, before[1], hash_of(Path(path))), before)
    except OSError:
        return None


def _state_at(path: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISREG(found.st_mode) else None


def _files(paths: Sequence[Path], excludes: Sequence[str]) -> Iterator[tuple[str, int]]:
    seen = 0
    for root in paths:
        for path in _walk(str(root)):
            state = _state_at(path)
            if state is None or may_be_excluded(path, excludes) or not _is_text(path):
                continue
            seen += 1
            if seen > SEEN_MAX:
                return
            yield path, state[1]


def _walk(root: str) -> Iterator[str]:
    if not Path(root).is_dir():
        yield root
    for folder, _, names in os.walk(root):
        yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118 - ten times faster, on big trees


def may_be_excluded(path: str, excludes: Sequence[str]) -> bool:
    """Whether a pattern may leave the file out; rather said once too often than too seldom."""
    # Rather one file too few than a drill that misses what was never to be copied: any part against any part.
    parts = path.split("/")
    words = [word for pattern in excludes for word in pattern.split("/") if word.strip("*")]
    return any(fnmatch.fnmatchcase(part, word) for part in parts for word in words)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
