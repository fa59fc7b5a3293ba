"""Owns opening a restored database and counting what is in it: a file with the right hash may still be no database.

What is restored comes from a host that may be broken into: SQLite is told to trust nothing in it and is stopped after a
while. Blocking, but for `load`.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from backup.acts.record import Loaded
from backup.drills import scratch_postgres

SQLITE_HEADER = b"SQLite format 3\x00"  # https://www.sqlite.org/fileformat.html §1.3
POSTGRES_HEADER = b"PGDMP"  # a custom-format archive of pg_dump
TABLES_MAX = 1000
# SQLite asks every so many of its instructions whether to go on.
ASK_EVERY_INSTRUCTIONS = 10_000
NOTE_MAX_CHARS = 300


async def load(restored: Path, path: str, scratch: Path, *, is_late: Callable[[], bool]) -> Loaded | None:
    """Open what was restored as the database that it is; None when it is none. `path` is its name in the copy.

    `scratch` is a private folder for a cluster; `is_late` is asked now and then: True ends the look, unjudged.
    """
    kind = await asyncio.to_thread(kind_of, restored)
    if kind == "sqlite":
        return await asyncio.to_thread(load_sqlite, restored, path, is_late=is_late)
    if kind == "postgresql":
        return await scratch_postgres.load(restored, path, scratch)
    return None


def kind_of(restored: Path) -> str:
    """Which database a file is, by its first bytes; "" for none."""
    try:
        with restored.open("rb") as file:
            head = file.read(len(SQLITE_HEADER))
    except OSError:
        return ""
    if head == SQLITE_HEADER:
        return "sqlite"
    return "postgresql" if head.startswith(POSTGRES_HEADER) else ""


def load_sqlite(restored: Path, path: str, *, is_late: Callable[[], bool]) -> Loaded:
    """SQLite's own check of every page and index, then the rows of every table."""
    try:
        with contextlib.closing(sqlite3.connect(restored)) as connection:
            connection.text_factory = _text
            connection.set_progress_handler(lambda: int(is_late()), ASK_EVERY_INSTRUCTIONS)
            connection.execute("PRAGMA trusted_schema=OFF")
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                return Loaded(path, "sqlite", False, note=str(verdict)[:NOTE_MAX_CHARS])
            names = [
                name
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_master WHERE type='table' AND sql NOT LIKE 'CREATE VIRTUAL%' LIMIT ?",
                    (TABLES_MAX,),
                )
            ]
            rows = sum(_count(connection, name) for name in names)
    except UnicodeError:
        return Loaded(path, "sqlite", False, note="a name in it is no text")
    except sqlite3.Error as error:
        return Loaded(path, "sqlite", _whole_after(error), note=str(error)[:NOTE_MAX_CHARS])
    return Loaded(path, "sqlite", True, len(names), rows)


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    (rows,) = connection.execute(f'SELECT count(*) FROM "{quoted}"').fetchone()  # noqa: S608 - a name cannot be bound
    return int(rows)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _whole_after(error: sqlite3.Error) -> bool | None:
    """Whether an error speaks of the file; stopped by us, or a function of the owner's program, it does not."""
    broken = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_CANTOPEN")
    return False if getattr(error, "sqlite_errorname", "").startswith(broken) else None
