"""Owns how a room keeps tables: one SQLite file, many readers, one writer thread, migrations that only go forward.

Blocking throughout: call it from a worker thread (`asyncio.to_thread`) or hand a function to `write` from anywhere.
SQLAlchemy Core, so that the same tables can live in a PostgreSQL schema of the same name. Only rooms that keep tables
import this module. Note: collector/design/0005-inventory-tables-migrations.md.
"""

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

from beket.kernel.errors import BeketError, Busy, DataLoss, Internal, InvalidConfig, NoSpace
from beket.kernel.text import say

R = TypeVar("R")

BUSY_TIMEOUT_MS = 10_000


class Database:
    """One room's tables in one file.

    Writes run one after the other on the database's own thread, each in its own transaction, durable (synchronous=FULL)
    before its result is given. Reads see the last committed state and never wait for a writer (WAL).
    """

    def __init__(self, path: Path, *, migrations: Path) -> None:
        """Open the file, bringing its tables up to date; a copy is kept before any upgrade.

        Raises:
            DataLoss: the file is not a healthy database.
            InvalidConfig: the file was written by a newer Beket.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.engine = sa.create_engine(
            f"sqlite:///{path}", connect_args={"check_same_thread": False}, hide_parameters=True
        )
        sa.event.listen(self.engine, "connect", _prepare_connection)
        sa.event.listen(self.engine, "begin", _begin)
        with mapped_errors(path):
            _migrate(self.engine, path, migrations)
        self._connection = self.engine.connect().execution_options(beket_writes=True)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"db-{path.stem}")

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for reading, with one unchanging view for as long as it is held."""
        with mapped_errors(self.path), self.engine.connect() as connection:
            yield connection

    def submit(self, work: Callable[[sa.Connection], R]) -> "Future[R]":
        """Queue `work` for the writer thread; the future carries its result once it is durable.

        Await it with `asyncio.wrap_future`. If `work` raises, its transaction is undone and the future raises the same.
        """
        return self._writer.submit(self._write_in_transaction, work)

    def write(self, work: Callable[[sa.Connection], R]) -> R:
        """Run `work` on the writer thread and wait for it to be durable."""
        return self.submit(work).result()

    def close(self) -> None:
        """Finish the queued writes and let go of the file; a later `submit` raises RuntimeError."""
        self._writer.shutdown()
        self._connection.close()
        self.engine.dispose()

    def _write_in_transaction(self, work: Callable[[sa.Connection], R]) -> R:
        with mapped_errors(self.path), self._connection.begin():
            return work(self._connection)


@contextmanager
def mapped_errors(path: Path) -> Iterator[None]:
    """The gate: SQLite's and SQLAlchemy's errors leave as ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _ours(error, path) from error
    except sa.exc.TimeoutError as error:
        raise Busy(say("Забагато читачів бази.", "Too many readers of the database."), subject=str(path)) from error
    except sqlite3.Error as error:
        raise _ours_from_sqlite(error, path) from error


def _ours(error: sa.exc.DBAPIError, path: Path) -> BeketError:
    if isinstance(error.orig, sqlite3.Error):
        return _ours_from_sqlite(error.orig, path)
    return Internal(f"database: {error}", subject=str(path))


def _ours_from_sqlite(error: sqlite3.Error, path: Path) -> BeketError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return NoSpace(say("На диску немає місця для бази.", "No disk space left for the database."), subject=str(path))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy(say("Базу тримає інша програма.", "Another program holds the database."), subject=str(path))
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR")):
        return DataLoss(
            say(
                "База пошкоджена або диск не відповідає ({name}).",
                "The database or its disk fails ({name}).",
                name=name,
            ),
            subject=str(path),
            hint=say(
                "Перевірте диск і відновіть базу з резервної копії.",
                "Check the disk and restore the database from a backup.",
            ),
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
        return InvalidConfig(
            say("Базу не можна відкрити для запису.", "The database cannot be opened for writing."), subject=str(path)
        )
    return Internal(f"database: {error}", subject=str(path))


def _prepare_connection(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    # SQLAlchemy decides when a transaction begins (`_begin`), not the sqlite3 module.
    dbapi_connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    # A writer takes its lock at once, so that it can never fail half-way for another process's sake.
    writes = connection.get_execution_options().get("beket_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: sa.Engine, path: Path, migrations: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with engine.connect().execution_options(beket_writes=True) as connection:
        head = scripts.get_current_head()
        known = {script.revision for script in scripts.walk_revisions()}
        environment = EnvironmentContext(
            config, scripts, fn=lambda revision, _: scripts._upgrade_revs("head", revision)
        )
        environment.configure(connection=connection, transactional_ddl=True)
        present = environment.get_context().get_current_revision()
        connection.rollback()
        if present == head:
            return
        if present is not None and present not in known:
            raise InvalidConfig(
                say("Цю базу створила новіша версія Бекета.", "A newer Beket made this database."),
                subject=str(path),
                hint=say("Оновіть програму.", "Update the program."),
            )
        if present is not None:
            _keep_copy(path, f"before-{head}")
        with environment.begin_transaction():
            environment.run_migrations()


def _keep_copy(path: Path, suffix: str) -> None:
    copy = path.with_name(f"{path.name}.{suffix}")
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
