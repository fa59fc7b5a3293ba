"""Owns dumps of PostgreSQL databases that are never half a dump: written aside, judged by pg_dump's end, put in place.

A dump is the custom format without compression: restic finds again what did not change, and drills know the format. The
password is in a file that libpq reads. Note: backup/design/0009-restic-wrapper.md, "Hooks and dumps".
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backup.restic.events import ItemError
from backup.sources.program import run_program
from beket.kernel.ids import check_slug

# https://www.postgresql.org/docs/current/app-pgdump.html; the header of its custom format.
HEADER = b"PGDMP"
WHY_MAX_CHARS = 200


@dataclass(frozen=True, slots=True)
class PostgresDump:
    """One database to dump.

    Attributes:
        connection: libpq's words without a password: `host=/run/postgresql dbname=accounting`.
        password_file: in libpq's pgpass format, 0600; None where none is asked for.
        account: run pg_dump as this account of the machine, as `postgres` for its own socket; "" as ourselves.
    """

    name: str
    connection: str
    password_file: Path | None = None
    account: str = ""
    within_s: float = 3600

    def __post_init__(self) -> None:
        check_slug(self.name, place="dump")

    def argv(self, into: Path | None) -> tuple[str, ...]:
        """The program and its arguments; without `into` it writes to its standard output."""
        as_account = ("runuser", "-u", self.account, "--") if self.account else ()
        file = ("--file", str(into)) if into else ()
        return (*as_account, "pg_dump", *PG_DUMP_WORDS, *file, "--dbname", self.connection)

    @property
    def environment(self) -> dict[str, str]:
        """What libpq reads; the name of the password's file, never the password."""
        return {"PGPASSFILE": str(self.password_file)} if self.password_file else {}


PG_DUMP_WORDS = ("--format=custom", "--compress=0", "--no-password")


@dataclass(frozen=True, slots=True)
class Dumped:
    """What came of dumping: `folder` holds whole dumps only, `failed` tells of the databases that have none now."""

    folder: Path
    failed: tuple[ItemError, ...]


async def dump_all(dumps: Sequence[PostgresDump], folder: Path) -> Dumped:
    """Dump each database into `folder`, which then holds these dumps and nothing else."""
    await asyncio.to_thread(_prepare, folder)
    failed = []
    for one in dumps:
        why = await dump_one(one, folder / f"{one.name}.dump")
        if why:
            failed.append(ItemError(f"postgresql:{one.name}", why))
    wanted = {f"{one.name}.dump" for one in dumps} - {f"{item.item.split(':')[1]}.dump" for item in failed}
    await asyncio.to_thread(_remove_others, folder, wanted)
    return Dumped(folder, tuple(failed))


async def dump_one(dump: PostgresDump, copy: Path) -> str:
    """Put a whole dump in the place of `copy`; why not, or "". What was there stays until then."""
    draft = copy.with_name(copy.name + ".new")
    try:
        # pg_dump of another account writes into a file that we made for it; it cannot make one in our folder.
        await asyncio.to_thread(_make_draft, draft)
        ended = await run_program(_through_our_file(dump, draft), within_s=dump.within_s, environment=dump.environment)
        if not ended.is_good:
            why = f"took over {dump.within_s:g} s" if ended.timed_out else f"pg_dump ended with code {ended.code}"
            return f"{why}: {ended.words}"[:WHY_MAX_CHARS]
        return await asyncio.to_thread(_put_in_place, draft, copy)
    except OSError as error:
        return f"{error.strerror or error}"[:WHY_MAX_CHARS]
    finally:
        await asyncio.to_thread(draft.unlink, missing_ok=True)


def _through_our_file(dump: PostgresDump, draft: Path) -> tuple[str, ...]:
    if not dump.account:
        return dump.argv(draft)
    # The shell opens the file as ourselves and becomes pg_dump: its exit code is the only one.
    return ("sh", "-c", 'out=$1; shift; exec "$@" > "$out"', "sh", str(draft), *dump.argv(None))


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _make_draft(draft: Path) -> None:
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _put_in_place(draft: Path, copy: Path) -> str:
    with draft.open("rb") as file:
        if file.read(len(HEADER)) != HEADER:
            return "pg_dump wrote no dump"
        os.fsync(file.fileno())
    draft.replace(copy)
    return ""


def _remove_others(folder: Path, wanted: set[str]) -> None:
    # An old dump would pass for today's.
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
