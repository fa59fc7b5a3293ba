"""The first look at a line to a repository."""

import asyncio
import socket
from pathlib import Path

import pytest

from backup import line
from backup.restic.commands import Repository
from backup.restic.outcome import OutcomeKind


def _at(location: str) -> Repository:
    return Repository(location, Path("key"), host="council")


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("rest:https://centre.example:8444/council/", ("centre.example", 8444)),
        ("rest:http://[::1]:8000/", ("::1", 8000)),
        ("rest:https://centre.example/", ("centre.example", 443)),
        ("rest:http:///", None),
        ("rest:http://centre:99999999/", None),
        ("sftp:user@host:/srv", None),
        ("/mnt/копії", None),
    ],
)
def test_address_is_that_of_a_rest_server_only(location: str, address: tuple[str, int] | None) -> None:
    assert line.address_of(_at(location)) == address


def test_line_is_there_when_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        here = _at(f"rest:http://127.0.0.1:{port}/")
        assert asyncio.run(line.look(here)) is None
    hindrance = asyncio.run(line.look(here))
    assert hindrance is not None
    assert hindrance.kind is OutcomeKind.DEFERRED
    assert "Немає зв'язку зі сховищем" in hindrance.reason.uk


def test_what_cannot_be_asked_is_taken_to_answer() -> None:
    assert asyncio.run(line.look(_at("/mnt/копії"))) is None
