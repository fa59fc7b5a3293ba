"""Copies of live databases are whole whatever their owner does; ready-made plans leave out what they should."""

import fnmatch
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from backup.config import DumpConfig
from backup.restic import commands
from backup.restic.commands import Repository
from backup.sources.databases import copy_databases, databases_in
from backup.sources.postgres import PostgresDump
from backup.sources.presets import PRESETS
from beket.kernel.errors import InvalidConfig


def make_database(path: Path, *, rows: int = 100, wal: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
        database.execute("CREATE TABLE debit (amount INTEGER)")
        database.execute("CREATE TABLE credit (amount INTEGER)")
        database.executemany("INSERT INTO debit VALUES (?)", [(n,) for n in range(rows)])
        database.executemany("INSERT INTO credit VALUES (?)", [(-n,) for n in range(rows)])
        database.commit()


def balance_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (debit,) = database.execute("SELECT sum(amount) FROM debit").fetchone()
        (credit,) = database.execute("SELECT sum(amount) FROM credit").fetchone()
        return int(debit) + int(credit)


@pytest.mark.parametrize("wal", [True, False])
def test_copy_of_a_database_in_use_never_holds_half_a_change(tmp_path: Path, *, wal: bool) -> None:
    source = tmp_path / "облік [1].db"
    make_database(source, rows=20_000, wal=wal)
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(source, timeout=30)) as database:
            database.execute("PRAGMA synchronous=OFF")
            number = 0
            while not stop.wait(0.002):
                number += 1
                database.execute("INSERT INTO debit VALUES (?)", (number,))
                database.execute("INSERT INTO credit VALUES (?)", (-number,))
                database.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(8):
            copies = copy_databases([source], tmp_path / "staging")
            assert copies.failed == ()
            (copy,) = [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]
            assert balance_of(copy) == 0
            assert copy == tmp_path / "staging" / str(source).lstrip("/")
            assert copy.stat().st_mode & 0o077 == 0
    finally:
        stop.set()
        writer.join()
    assert copies.live == tuple(f"{source}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))


def test_what_is_only_in_the_wal_is_in_the_copy(tmp_path: Path) -> None:
    source = tmp_path / "db"
    make_database(source)
    with closing(sqlite3.connect(source)) as database:
        database.execute("INSERT INTO debit VALUES (7)")
        database.commit()
        copy_databases([source], tmp_path / "staging")
    assert balance_of(tmp_path / "staging" / str(source).lstrip("/")) == 7


def test_damaged_database_is_told_and_saved_as_it_lies_and_its_old_copy_goes(tmp_path: Path) -> None:
    whole, damaged = tmp_path / "data" / "a.db", tmp_path / "data" / "b.db"
    make_database(whole)
    make_database(damaged, rows=5000)
    copy_databases([tmp_path / "data"], tmp_path / "staging")
    content = bytearray(damaged.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    damaged.write_bytes(content)
    copies = copy_databases([tmp_path / "data"], tmp_path / "staging")
    assert [item.item for item in copies.failed] == [str(damaged)]
    assert f"{damaged}" not in copies.live
    assert [path.name for path in (tmp_path / "staging").rglob("*") if path.is_file()] == ["a.db"]


def test_databases_are_known_by_their_content_and_links_are_not_followed(tmp_path: Path) -> None:
    make_database(tmp_path / "in" / "without-ending")
    (tmp_path / "in" / "text.db").write_text("no database")
    (tmp_path / "in" / "link.db").symlink_to("without-ending")
    (tmp_path / "in" / "empty").touch()
    assert list(databases_in([tmp_path / "in", tmp_path / "in" / "text.db", tmp_path / "absent"])) == [
        tmp_path / "in" / "without-ending"
    ]


def test_staging_inside_the_source_does_not_copy_itself(tmp_path: Path) -> None:
    make_database(tmp_path / "a.db")
    for _ in range(3):
        copy_databases([tmp_path], tmp_path / "staging")
    assert len([path for path in (tmp_path / "staging").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize(
    ("preset", "left_out", "saved"),
    [
        ("beket", "community.key", "access.db"),
        ("shares", "~$звіт.docx", "звіт.docx"),
        ("shares", "Thumbs.db", "фото.jpg"),
        ("mail", "dovecot.index.cache", "1700000000.M1P1.mail"),
    ],
)
def test_ready_made_plan_leaves_out_what_is_never_worth_saving(preset: str, left_out: str, saved: str) -> None:
    patterns = PRESETS[preset].excludes  # type: ignore[index]
    assert any(fnmatch.fnmatchcase(left_out, pattern) for pattern in patterns)
    assert not any(fnmatch.fnmatchcase(saved, pattern) for pattern in patterns)


def test_dump_is_spelt_without_a_password_and_as_another_account_when_asked() -> None:
    plain = PostgresDump("accounting", "dbname=accounting", Path("/etc/beket/secrets/pgpass"))
    words = "pg_dump --format=custom --compress=0 --no-password --file /a.new --dbname dbname=accounting"
    assert plain.argv(Path("/a.new")) == tuple(words.split())
    assert plain.environment == {"PGPASSFILE": "/etc/beket/secrets/pgpass"}
    as_postgres = PostgresDump("accounting", "dbname=accounting", account="postgres")
    assert as_postgres.argv(None)[:5] == ("runuser", "-u", "postgres", "--", "pg_dump")


@pytest.mark.parametrize("connection", ["dbname=a password=таємне", "postgresql://u:p@h/a", "PASSWORD = x"])
def test_password_among_the_words_of_a_connection_is_refused(connection: str) -> None:
    with pytest.raises(InvalidConfig, match="password"):
        DumpConfig(name="accounting", connection=connection)


def test_shadow_copy_is_asked_for_on_windows_alone() -> None:
    repository = Repository("/srv", Path("/key"), host="council")
    assert "--use-fs-snapshot" in commands.backup(repository, [Path("/d")], vss=True).arguments
    assert "--use-fs-snapshot" not in commands.backup(repository, [Path("/d")]).arguments
