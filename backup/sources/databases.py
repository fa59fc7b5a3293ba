"""Owns copies of live SQLite files that are whole: taken by SQLite in one transaction, checked, then put in place.

A file copy of a database in use holds half a change, its journal beside it the other half. Blocking; sources are only
read (SQLite may make its -shm beside them). Note: backup/design/0009-restic-wrapper.md, "Live databases".
"""

import contextlib
import os
import shutil
import sqlite3
import stat
import urllib.parse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.restic.events import ItemError
from beket.kernel.units import MIB

HEADER = b"SQLite format 3\x00"  # https://www.sqlite.org/fileformat.html §1.3
WAIT_S = 30.0
SPARE_BYTES = 64 * MIB
_BESIDE = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class DatabaseCopies:
    """What came of copying the databases under some paths.

    Attributes:
        folder: where the copies lie, each under its source's whole path.
        live: paths of the files that the copies stand for; they are left out of the backup.
        failed: databases that could not be copied; these are backed up as they lie, which may not be whole.
    """

    folder: Path
    live: tuple[str, ...]
    failed: tuple[ItemError, ...]


def copy_databases(roots: Sequence[Path], folder: Path) -> DatabaseCopies:
    """Copy every SQLite file under `roots` into `folder`, which then holds these copies and nothing else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    live: list[str] = []
    failed: list[ItemError] = []
    kept: set[Path] = set()
    for source in databases_in(roots):
        if source.is_relative_to(folder):
            continue
        copy = folder / str(source).lstrip("/")
        try:
            copy_one(source, copy)
        except (sqlite3.Error, OSError) as error:
            failed.append(ItemError(str(source), f"database: {error}"[:200]))
            continue
        kept.add(copy)
        live += [f"{source}{suffix}" for suffix in _BESIDE]
    _remove_others(folder, kept)
    return DatabaseCopies(folder, tuple(live), tuple(failed))


def copy_one(source: Path, copy: Path) -> None:
    """Put a whole copy of `source` in the place of `copy`, or leave what is there.

    Raises:
        sqlite3.Error: SQLite cannot read it, or the copy does not pass SQLite's own check.
        OSError: the disk, or no room on it.
    """
    copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(copy.parent).free < source.stat().st_size + SPARE_BYTES:
        raise OSError("no room for a copy of the database")
    draft = copy.with_name(copy.name + ".new")
    draft.unlink(missing_ok=True)
    address = f"file:{urllib.parse.quote(str(source))}?mode=ro"
    try:
        with (
            contextlib.closing(sqlite3.connect(address, uri=True, timeout=WAIT_S)) as reading,
            contextlib.closing(sqlite3.connect(draft)) as writing,
        ):
            os.chmod(draft, 0o600)  # noqa: PTH101 - before anything is in it
            reading.backup(writing)
            writing.execute("PRAGMA journal_mode=DELETE")
            (verdict,) = writing.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
        _sync(draft)
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)


def databases_in(roots: Sequence[Path]) -> Iterator[Path]:
    """The SQLite files under `roots`, by their first bytes; links are not followed."""
    for root in roots:
        if not root.is_dir():
            yield from (one for one in (root,) if _is_database(one))
        for folder, _, names in os.walk(root):
            yield from (one for name in sorted(names) if _is_database(one := Path(folder, name)))


def _is_database(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    with os.fdopen(descriptor, "rb") as file:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and file.read(len(HEADER)) == HEADER


def _remove_others(folder: Path, kept: set[Path]) -> None:
    # Of a database that is gone, or could not be copied now: an old copy would pass for today's.
    for path in [path for path in folder.rglob("*") if path.is_file() and path not in kept]:
        path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
