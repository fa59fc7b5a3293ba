import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from beket.kernel import database
from beket.kernel.database import Database
from beket.kernel.errors import Busy, DataLoss, InvalidConfig, NoSpace, NotFound
from beket.kernel.text import say

FIRST = """
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("words", sa.Text, nullable=False))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.add_column("notes", sa.Column("author", sa.Text))
    op.execute("UPDATE notes SET author = 'unknown'")
"""
BROKEN = SECOND.replace("op.execute(", "op.execute('SELECT 1')\n    raise ValueError(")
ENV = "from alembic import context\n\ncontext.run_migrations()\n"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return migrations(tmp_path / "old", {"0001": FIRST})


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return migrations(tmp_path / "new", {"0001": FIRST, "0002": SECOND})


@pytest.fixture
def notes(tmp_path: Path, old: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "notes.db", migrations=old)
    yield opened
    opened.close()


def migrations(folder: Path, steps: dict[str, str]) -> Path:
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    for name, source in steps.items():
        (folder / "versions" / f"{name}.py").write_text(source)
    return folder


def add(connection: sa.Connection, words: str = "світло є") -> None:
    connection.execute(sa.text("INSERT INTO notes (words) VALUES (:words)"), {"words": words})


def words_in(notes: Database) -> list[str]:
    with notes.read() as connection:
        return list(connection.scalars(sa.text("SELECT words FROM notes ORDER BY id")))


def test_written_row_is_there_after_reopening(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "deep" / "notes.db"
    first = Database(path, migrations=old)
    first.write(add)
    first.close()
    again = Database(path, migrations=old)
    assert words_in(again) == ["світло є"]
    again.close()


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0)]
)
def test_connection_is_prepared_for_durable_writes_and_free_reads(
    notes: Database, pragma: str, value: str | int
) -> None:
    with notes.read() as reader:
        assert reader.scalar(sa.text(f"PRAGMA {pragma}")) == value
    assert notes.write(lambda writer: writer.scalar(sa.text(f"PRAGMA {pragma}"))) == value


def test_upgrade_goes_forward_and_keeps_a_copy_of_the_old_file(tmp_path: Path, old: Path, new: Path) -> None:
    path = tmp_path / "notes.db"
    before = Database(path, migrations=old)
    before.write(add)
    before.close()
    after = Database(path, migrations=new)
    with after.read() as connection:
        assert connection.execute(sa.text("SELECT words, author FROM notes")).all() == [("світло є", "unknown")]
    after.close()
    copy = Database(tmp_path / "notes.db.before-0002", migrations=old)
    assert words_in(copy) == ["світло є"]
    copy.close()


def test_no_copy_is_made_when_there_is_nothing_to_upgrade(tmp_path: Path, new: Path) -> None:
    for _ in range(2):
        Database(tmp_path / "notes.db", migrations=new).close()
    assert [found.name for found in tmp_path.glob("notes.db*")] == ["notes.db"]


def test_upgrade_that_fails_half_way_leaves_the_old_tables(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "notes.db"
    Database(path, migrations=old).close()
    with pytest.raises(ValueError, match="unknown"):
        Database(path, migrations=migrations(tmp_path / "broken", {"0001": FIRST, "0002": BROKEN}))
    again = Database(path, migrations=old)
    again.write(add)
    with again.read() as connection:
        assert connection.execute(sa.text("SELECT * FROM notes")).keys() == ["id", "words"]
    again.close()


def test_file_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path, old: Path, new: Path) -> None:
    path = tmp_path / "notes.db"
    Database(path, migrations=new).close()
    before = path.read_bytes()
    with pytest.raises(InvalidConfig) as caught:
        Database(path, migrations=old)
    assert "новіша версія" in caught.value.sentence().uk
    assert path.read_bytes() == before


def test_writes_happen_one_after_another_on_their_own_thread(notes: Database) -> None:
    def count(connection: sa.Connection) -> str:
        n = connection.scalar(sa.text("SELECT count(*) FROM notes"))
        add(connection, str(n))
        return threading.current_thread().name

    names = {future.result() for future in [notes.submit(count) for _ in range(50)]}
    assert names == {"db-notes_0"}
    assert words_in(notes) == [str(n) for n in range(50)]


def test_write_that_raises_is_undone_and_raises_the_same(notes: Database) -> None:
    error = NotFound(say("Немає.", "Absent."))

    def fail(connection: sa.Connection) -> None:
        add(connection)
        raise error

    with pytest.raises(NotFound) as caught:
        notes.write(fail)
    assert caught.value is error
    notes.write(add)
    assert words_in(notes) == ["світло є"]


def test_reader_keeps_one_view_while_others_write(notes: Database) -> None:
    notes.write(add)
    with notes.read() as connection:
        before = connection.scalar(sa.text("SELECT count(*) FROM notes"))
        notes.write(add)
        assert connection.scalar(sa.text("SELECT count(*) FROM notes")) == before == 1
    assert len(words_in(notes)) == 2


def test_full_disk_is_no_space_and_what_was_written_stays(notes: Database) -> None:
    notes.write(add)
    pages = notes.write(lambda connection: connection.scalar(sa.text("PRAGMA page_count")))
    notes.write(lambda connection: connection.execute(sa.text(f"PRAGMA max_page_count={pages + 1}")))
    with pytest.raises(NoSpace) as caught:
        notes.write(lambda connection: add(connection, "х" * 100_000))
    assert caught.value.subject == str(notes.path)
    assert words_in(notes) == ["світло є"]
    notes.write(lambda connection: connection.execute(sa.text("PRAGMA max_page_count=100000")))
    notes.write(add)
    assert len(words_in(notes)) == 2


def test_lock_of_another_program_is_busy_and_passes(tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_MS", 1)
    notes = Database(tmp_path / "notes.db", migrations=old)
    other = sqlite3.connect(notes.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        notes.write(add)
    assert words_in(notes) == []  # a reader does not wait for the other program either
    other.execute("ROLLBACK")
    other.close()
    notes.write(add)
    assert words_in(notes) == ["світло є"]
    notes.close()


def test_file_that_is_no_database_is_data_loss(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_bytes(b"these bytes are nobody's database" * 500)
    with pytest.raises(DataLoss) as caught:
        Database(path, migrations=old)
    assert str(path) in caught.value.sentence().uk


def test_damaged_page_is_data_loss_when_it_is_read(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "notes.db"
    notes = Database(path, migrations=old)
    for _ in range(200):
        notes.write(lambda connection: add(connection, "х" * 500))
    notes.close()
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xa5" * 4096 * 20)
    damaged = Database(path, migrations=old)
    with pytest.raises(DataLoss):
        words_in(damaged)
    damaged.close()


def test_path_that_cannot_be_opened_is_the_operators_matter(tmp_path: Path, old: Path) -> None:
    path = tmp_path / "notes.db"
    path.mkdir()
    with pytest.raises(InvalidConfig):
        Database(path, migrations=old)


@pytest.mark.parametrize(
    ("name", "error_type"),
    [
        ("SQLITE_FULL", NoSpace),
        ("SQLITE_BUSY_SNAPSHOT", Busy),
        ("SQLITE_LOCKED", Busy),
        ("SQLITE_CORRUPT_INDEX", DataLoss),
        ("SQLITE_IOERR_FSYNC", DataLoss),
        ("SQLITE_READONLY", InvalidConfig),
        ("SQLITE_CANTOPEN", InvalidConfig),
    ],
)
def test_error_of_sqlite_leaves_as_ours(tmp_path: Path, name: str, error_type: type[Exception]) -> None:
    foreign = sqlite3.OperationalError("disk I/O error")
    foreign.sqlite_errorname = name
    with pytest.raises(error_type) as caught, database.mapped_errors(tmp_path / "a.db"):
        raise foreign
    assert caught.value.__cause__ is foreign


def test_too_many_readers_are_busy(notes: Database) -> None:
    with pytest.raises(Busy), database.mapped_errors(notes.path):
        raise sa.exc.TimeoutError("QueuePool limit")


def test_closed_database_takes_no_more_writes_and_finished_the_queued_ones(tmp_path: Path, old: Path) -> None:
    notes = Database(tmp_path / "notes.db", migrations=old)
    futures = [notes.submit(add) for _ in range(20)]
    notes.close()
    assert all(future.done() and future.exception() is None for future in futures)
    with pytest.raises(RuntimeError):
        notes.submit(add)
