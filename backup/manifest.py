"""Owns what a restore is compared with: hashes of source files, taken around a backup.

A small tree is hashed whole; of a large one the largest file that fits, one database and a random sample. They are
chosen before the run, hashed while restic works, and looked at again after it: an entry counts only if the file was the
same before and after (inode, size, both times), so that a file in use never makes a drill lie. Blocking; symbolic links
are not followed, other things than files are left out.
"""

import contextlib
import fnmatch
import hashlib
import itertools
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
class Choice:
    """A file that is to be hashed, and its state before the run."""

    path: str
    state: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """An entry and the state of the file that it holds for."""

    entry: Entry
    state: tuple[int, ...]


def choose(
    paths: Sequence[Path],
    excludes: Sequence[str],
    *,
    rng: random.Random,
    files_max: int = FILES_MAX,
    bytes_max: int = BYTES_MAX,
    without: Collection[str] = (),
) -> list[Choice]:
    """Some of the files under `paths`, at most so many and so much; unreadable ones are left out.

    `without` names files, by their whole paths, that the backup leaves out.
    """
    left_out = frozenset(without)
    files = _files(paths, excludes)
    found = [(path, size) for path, size in files if size <= bytes_max and path not in left_out]
    chosen: list[Choice] = []
    room_bytes = bytes_max
    for path, size in _in_order(found, rng):
        if len(chosen) == files_max:
            break
        if size > room_bytes or not os.access(path, os.R_OK):
            continue
        state = _state_at(path)
        if state:
            chosen.append(Choice(path, state))
            room_bytes -= size
    return chosen


def take(chosen: Sequence[Choice]) -> list[Taken]:
    """Hash what was chosen; a file that cannot be read any more is left out."""
    return [one for choice in chosen if (one := _take_one(choice))]


def _in_order(found: list[tuple[str, int]], rng: random.Random) -> list[tuple[str, int]]:
    """The largest, one database, then all others by chance."""
    if not found:
        return []
    rng.shuffle(found)
    largest = max(found, key=lambda one: one[1])
    others = (one for one in found if one is not largest)
    database = next((one for one in others if one[0].lower().endswith(DATABASE_SUFFIXES)), None)
    first = [largest, database] if database else [largest]
    return [*first, *(one for one in found if one is not largest and one is not database)]


def confirm(taken: Sequence[Taken]) -> list[Entry]:
    """The entries whose files are still exactly what they were, by path."""
    return sorted((one.entry for one in taken if _state_at(one.entry.path) == one.state), key=lambda e: e.path)


def hash_of(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _take_one(choice: Choice) -> Taken | None:
    try:
        return Taken(Entry(choice.path, choice.state[1], hash_of(Path(choice.path))), choice.state)
    except OSError:
        return None


def _state_at(path: str) -> tuple[int, ...] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISREG(found.st_mode) else None


def _files(paths: Sequence[Path], excludes: Sequence[str]) -> Iterator[tuple[str, int]]:
    found = (one for root in paths for one in _walk(str(root)))
    kept = (one for one in found if not may_be_excluded(one[0], excludes) and _is_text(one[0]))
    return itertools.islice(kept, SEEN_MAX)


def _walk(root: str) -> Iterator[tuple[str, int]]:
    """Path and size of each file; one look at each, for a tree may have a hundred thousand."""
    if not Path(root).is_dir():
        state = _state_at(root)
        if state:
            yield root, state[1]
        return
    folders = [root]
    while folders:
        with contextlib.suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone since the folder was opened
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry.path, entry.stat(follow_symlinks=False).st_size


def may_be_excluded(path: str, excludes: Sequence[str]) -> bool:
    """Whether a pattern may leave the file out; rather said once too often than too seldom."""
    if not excludes:
        return False
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
