"""A person at the pages: the cookie, the reason, the question before each look, and the journal behind it."""

import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends
from starlette.testclient import TestClient

from beket.access.community_key import CommunityKey
from beket.access.journal import Filter
from beket.access.permit import Grant, Scope
from beket.access.roles import Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.app import web_edge, web_people
from beket.kernel.clock import SimulatedClock, utc, wall_ns_of
from beket.kernel.inventory import Inventory
from beket.kernel.secrets import Secret
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.passwords import quick_passwords

NOW_AT = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
PASSWORD = "вода-камінь-дорога-9"
CAMERA = "council-street"


class Known:
    """The inventory of the simulated community."""

    def current(self) -> Inventory:
        return inventory(MOHYLIV)


@pytest.fixture
def access(tmp_path: Path) -> Iterator[AccessStore]:
    database = open_access_db(tmp_path / "access.db")
    store = AccessStore(
        database,
        clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)),
        boot_id="boot",
        community="mohyliv",
        community_key=CommunityKey.load_or_create(tmp_path / "community.key"),
        pin="0" * 64,
        passwords=quick_passwords(),
    )
    deputy = store.users.create("deputy", name="Заступник", role=Role.DEPUTY, password=Secret(PASSWORD), by="test")
    store.users.create("finance", name="Фінанси", role=Role.FINANCE, password=Secret(PASSWORD), by="test")
    grant = Grant(
        number="1",
        actions=frozenset({Action.VIEW_ARCHIVE}),
        scope=Scope(everywhere=True),
        from_at=NOW_AT - datetime.timedelta(days=1),
        until_at=NOW_AT + datetime.timedelta(days=1),
        archive_days=2,
        document="Наказ 1",
        purpose="Перевірка",
    )
    store.users.grant(deputy.id, grant, by="test")
    yield store
    database.close()


@pytest.fixture
def client(access: AccessStore) -> TestClient:
    app = web_edge.new_app()
    app.include_router(web_people.router(access))
    guard = web_people.archive_guard(access, Known())

    @app.get("/cameras/{camera}/minute.mp4", dependencies=[Depends(guard)])
    def minute(camera: str) -> str:
        return camera

    return TestClient(app)


def enter(client: TestClient, login: str = "deputy", *, reason: str = "Перевірка скарги мешканців") -> None:
    """Log in and state why."""
    answer = client.post("/login", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    stated = client.put("/reason", json={"reason": reason}, headers={"X-CSRF-Token": answer.json()["csrf"]})
    assert stated.status_code == 204


def look(client: TestClient, *, camera: str = CAMERA, hours_ago: float = 1) -> int:
    """Ask for a minute of the archive; the status."""
    at = (NOW_AT - datetime.timedelta(hours=hours_ago)).isoformat()
    return int(client.get(f"/cameras/{camera}/minute.mp4", params={"at": at}).status_code)


def test_session_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(client: TestClient) -> None:
    answer = client.post("/login", json={"login": "deputy", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert PASSWORD not in answer.text


def test_wrong_login_and_wrong_password_get_the_same_answer(client: TestClient) -> None:
    wrong = client.post("/login", json={"login": "deputy", "password": "не той пароль 1"})
    unknown = client.post("/login", json={"login": "nobody", "password": "не той пароль 1"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_login_from_another_sites_page_is_refused(client: TestClient) -> None:
    headers = {"Origin": "https://evil.example"}
    answer = client.post("/login", json={"login": "deputy", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403


def test_look_is_allowed_with_grant_and_reason_and_stands_in_the_journal(
    client: TestClient, access: AccessStore
) -> None:
    enter(client)
    assert look(client) == 200
    head = access.users.create("head", name="Голова", role=Role.HEAD, password=None, by="test")
    reader = access.users.actor(head.id, reason="Звірка журналу")
    entries = access.journal.read(reader, Filter(action="view-archive"))
    assert [(entry.event.actor, entry.event.subject) for entry in entries] == [("user:deputy", CAMERA)]


def test_look_without_login_without_reason_or_beyond_the_grant_is_refused(client: TestClient) -> None:
    assert look(client) == 401
    enter(client, reason="")
    assert look(client) == 403
    client.cookies.clear()
    enter(client)
    assert look(client, hours_ago=72) == 403, "older than the grant's archive"
    assert look(client, camera="no-such-camera") == 404
    assert client.get(f"/cameras/{CAMERA}/minute.mp4").status_code == 403, "no moment, no archive"
    client.cookies.clear()
    enter(client, "finance")
    assert look(client) == 403


def test_changing_request_without_the_sessions_token_is_refused(client: TestClient) -> None:
    enter(client)
    assert client.put("/reason", json={"reason": "інша причина"}).status_code == 403
    assert client.post("/logout").status_code == 403


def test_session_ends_with_logout(client: TestClient) -> None:
    answer = client.post("/login", json={"login": "deputy", "password": PASSWORD})
    token = client.cookies["beket_session"]
    assert client.post("/logout", headers={"X-CSRF-Token": answer.json()["csrf"]}).status_code == 204
    client.cookies.set("beket_session", token)
    assert look(client) == 401


def test_now_of_the_fixture_is_what_access_believes(access: AccessStore) -> None:
    assert access.time.now_at() == utc(wall_ns_of(NOW_AT))
