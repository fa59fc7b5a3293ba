"""Pages of gear configurations: a sentence for all, texts for who looks after the network, each look journaled."""

import dataclasses
from collections.abc import Callable, Sequence

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backup.configs.difference import unified
from backup.configs.store import Look, LookOutcome
from backup.configs.view import Case, Change, view_of
from beket.access.journal import Filter
from beket.access.roles import CEILING, Action, Role
from beket.access.store import AccessStore
from beket.app import web_edge
from beket.kernel.clock import wall_ns_of
from beket.kernel.text import say
from dashboards.web import pages
from dashboards.web.ports import AlertLine, Backups, ChangeNote, GearBook, Sees
from tests.unit.backup.configs.test_store import copy_of
from tests.unit.dashboards.test_pages import ADDRESS, HERE, NOW_AT, alerts, enter, real_parts
from tests.unit.dashboards.test_pages import access as access

SITE, ROUTER = "school-tsybulkivka", "router"
NOW_NS = wall_ns_of(NOW_AT)
LOOK = Look(
    site=SITE, device=ROUTER, family="mikrotik", looked_ns=NOW_NS, good_ns=NOW_NS, outcome=LookOutcome.CHANGED,
    reason=say("Змінилося.", "Changed."), is_weak=True,
)  # fmt: skip
DOWN = f"device-down:{ROUTER}"
BEFORE, AFTER = "a\n<script>alert(1)</script>\n", "a\nadd password=•••1f2e3d\n"


def lines_with(note: ChangeNote) -> Callable[[Sees], Sequence[AlertLine]]:
    def lines(sees: Sees) -> list[AlertLine]:
        return [dataclasses.replace(line, key=DOWN, change=note) for line in alerts(sees)]

    return lines


@pytest.fixture
def client(access: AccessStore) -> TestClient:
    copy = dataclasses.replace(copy_of(2), taken_ns=NOW_NS, since_ns=NOW_NS - 10**12)
    case = Case(say("Немає зв'язку", "No connection"), NOW_NS, DOWN)
    note = ChangeNote(id=copy.id, site=SITE, device=ROUTER, name="Роутер", taken_ns=NOW_NS, who="petrenko")
    book = GearBook(
        views=lambda: [view_of(LOOK, copy, wall_ns=NOW_NS)],
        changes=lambda site, device: [Change(copy, unified(BEFORE, AFTER), [case])],
    )
    app: FastAPI = web_edge.new_app()
    backups = Backups(gear=book)
    app.include_router(pages.router(dataclasses.replace(real_parts(access), backups=backups, alerts=lines_with(note))))
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


def test_the_overview_says_how_each_device_stands(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "it")
    page = client.get("/gear").text
    assert "Змінено не пізніше" in page
    assert "застаріле шифрування" in page
    assert f"/gear/{SITE}/{ROUTER}" in page
    assert "/gear" in client.get("/backups").text


def test_a_change_shows_its_lines_its_author_and_what_began(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "it")
    page = client.get(f"/gear/{SITE}/{ROUTER}").text
    assert "+add password=•••1f2e3d" in page
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "petrenko" in page
    assert "Немає зв&#39;язку" in page
    assert client.get(f"/gear/{SITE}/absent").status_code == 404
    head = access.users.actor(access.users.find("head").id, reason="перевірка")
    assert access.journal.read(head, Filter(action="see-gear-configuration", actor="user:it", subject=ROUTER))


@pytest.mark.parametrize("role", list(Role))
def test_texts_are_for_who_looks_after_the_network(client: TestClient, access: AccessStore, role: Role) -> None:
    enter(client, access, role.value)
    status = client.get(f"/gear/{SITE}/{ROUTER}").status_code
    assert (status == 200) is (Action.EDIT_INVENTORY in CEILING[role])
    assert status in (200, 403)


def test_an_alert_leads_to_the_change_before_it_and_the_change_to_the_alert(
    client: TestClient, access: AccessStore
) -> None:
    enter(client, access, "it")
    page = client.get("/alerts").text
    there = f"/gear/{SITE}/{ROUTER}#{copy_of(2).id}"
    assert f'href="{there}"' in page
    assert "Перед тим змінили налаштування: Роутер" in page
    back = client.get(there).text
    assert f'id="{copy_of(2).id}"' in back
    assert f'href="/alerts#{DOWN}"' in back
    assert f'id="{DOWN}"' in page


def test_who_may_not_read_configurations_is_told_of_the_change_without_a_way_in(
    client: TestClient, access: AccessStore
) -> None:
    enter(client, access, "head")
    page = client.get("/alerts").text
    assert "Незадовго до того змінили налаштування: Роутер" in page
    assert f"/gear/{SITE}/{ROUTER}" not in page
