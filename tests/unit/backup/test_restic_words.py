"""Versions, arguments and lines of restic."""

import datetime
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import backup
from backup.restic import commands
from backup.restic.commands import Repository
from backup.restic.events import ItemError, Progress, Snapshot, Summary, Words, parse_line, parse_snapshots
from backup.restic.version import Capabilities, Version, capabilities_of, parse_version
from beket.kernel.errors import InvalidConfig, ProtocolError

SUMMARY_LINE = (
    b'{"message_type":"summary","total_files_processed":2,"total_bytes_processed":3000006,'
    b'"data_added":7,"total_duration":0.25,"snapshot_id":"51e13f82","new_field":{}}'
)
REPOSITORY = Repository("/srv/repo", Path("/etc/beket/secrets/p"), host="council")


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("restic 0.14.0 compiled with go1.19.8 on linux/amd64", Version(0, 14, 0)),
        ("restic 0.18.1-dev (compiled manually) compiled with go1.24", Version(0, 18, 1)),
        ("restic 1.2 compiled with go9", Version(1, 2, 0)),
    ],
)
def test_version_is_read(words: str, version: Version) -> None:
    assert parse_version(words) == version


def test_another_program_is_not_restic() -> None:
    with pytest.raises(ProtocolError):
        parse_version("rest-client 2.0")


def test_capabilities_follow_the_version() -> None:
    old, newer, newest = (capabilities_of(Version(0, minor)) for minor in (14, 18, 19))
    assert [old.own_exit_codes, old.cleans_lock_on_term] == [False] * 2
    for one in (newer, newest):
        assert [one.own_exit_codes, one.cleans_lock_on_term] == [True] * 2
    between = capabilities_of(Version(0, 17))
    assert [between.own_exit_codes, between.cleans_lock_on_term] == [False, True]


def test_every_row_of_the_table_is_read_by_some_decision() -> None:
    room = Path(backup.__path__[0])
    code = "".join(path.read_text() for path in room.rglob("*.py") if path.name != "version.py")
    for row in fields(Capabilities):
        assert f"capabilities.{row.name}" in code, row.name
    with pytest.raises(ProtocolError, match="too old"):
        capabilities_of(Version(0, 13, 1))


def test_arguments_name_the_password_file_and_end_options_before_paths() -> None:
    command = commands.backup(REPOSITORY, [Path("/-rf"), Path("/дані")], excludes=["*.tmp"], tags=["plan:x"])
    assert command.arguments == (
        *("--repo", "/srv/repo", "--password-file", "/etc/beket/secrets/p", "--no-cache", "--json"),
        *("backup", "--host", "council", "--tag", "plan:x", "--exclude", "*.tmp", "--", "/-rf", "/дані"),
    )


def test_address_with_a_login_is_refused() -> None:
    with pytest.raises(InvalidConfig):
        Repository("rest:https://council:secret@centre:8000/council/", Path("/p"), host="council")


@pytest.mark.parametrize(
    ("location", "remote"), [("/srv/repo", False), ("rest:http://c/", True), ("sftp:u@h:/r", True), ("./a:b", False)]
)
def test_remote_is_what_has_a_scheme(location: str, remote: bool) -> None:
    assert Repository(location, Path("/p"), host="h").is_remote is remote


def test_restore_takes_names_literally() -> None:
    command = commands.restore(REPOSITORY, "abc", Path("/out"), only=["/a/звіт [1]*?.ods"])
    assert command.arguments[-4:] == ("--include", "/a/звіт \\[1\\]\\*\\?.ods", "--", "abc")


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b'{"message_type":"status","percent_done":0.5,"files_done":2,"bytes_done":10}', Progress(0.5, 2, 10)),
        (
            SUMMARY_LINE,
            Summary("51e13f82", 2, 3000006, 7, 0.25),
        ),
        (
            b'{"message_type":"error","error":{"Op":"read","Path":"/m","Err":5},"during":"archival","item":"/m"}',
            ItemError("/m", "read error 5"),
        ),
        (b'{"message_type":"error","error":{"message":"denied"},"item":"/m"}', ItemError("/m", "denied")),
        (b'{"message_type":"error","error":{},"item":"/"}', ItemError("/", "error")),
        (b'{"message_type":"exit_error","code":11,"message":"repository is already locked"}',
         Words("repository is already locked")),
        (b"/a b/c does not exist, skipping", ItemError("/a b/c", "does not exist", is_absent=True)),
        (b"\x1b[2Ksignal interrupt received, cleaning up", Words("signal interrupt received, cleaning up")),
        (b'{"message_type":7}', Words('{"message_type":7}')),
    ],
)  # fmt: skip
def test_lines_of_old_and_new_restic_become_events(line: bytes, event: object) -> None:
    assert parse_line(line) == event


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_no_line_breaks_the_parser(line: bytes) -> None:
    event = parse_line(line)
    assert not isinstance(event, Words) or len(event.text) <= 1000


@given(st.binary(max_size=300))
def test_hostile_list_of_snapshots_raises_the_declared_error_only(document: bytes) -> None:
    try:
        parse_snapshots(document)
    except ProtocolError:
        return


def test_time_of_a_snapshot_is_read_with_its_zone() -> None:
    snapshot = Snapshot(id="a", time="2026-11-25T03:40:56.540050882+02:00", paths=())
    assert snapshot.made_at().astimezone(datetime.UTC).isoformat() == "2026-11-25T01:40:56.540050+00:00"


@pytest.mark.parametrize("time", ["", "2026-11-25T03:40:56", "вчора"])
def test_snapshot_without_a_moment_raises_the_declared_error(time: str) -> None:
    with pytest.raises(ProtocolError):
        Snapshot(id="a", time=time, paths=()).made_at()


def test_no_snapshots_may_be_null() -> None:
    assert parse_snapshots(b"null") == parse_snapshots(b"[]") == ()
