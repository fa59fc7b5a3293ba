"""The computers' pages at their doors: who sees which, what a file holds, and words from outside that stay words."""

import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from agents.computers.windows_output import parse_windows
from beket.access.roles import CEILING, Action, May, Role
from beket.access.store import AccessStore
from beket.app import web_edge
from beket.app.wiring.computers import computers_view
from beket.kernel import wire
from beket.kernel.clock import SimulatedClock, wall_ns_of
from beket.kernel.database import Database
from beket.kernel.ids import AgentId, SiteId
from collector.assets.config import ComputersConfig
from collector.assets.lists import ListKind
from collector.assets.messages import ComputerReport, Program
from collector.assets.store import ComputerStore
from collector.inventory.tables import FACTS_MIGRATIONS
from dashboards.web import pages
from tests.unit.dashboards.test_pages import ADDRESS, HERE, NOW_AT, Known, enter, real_parts
from tests.unit.dashboards.test_pages import access as access

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "computers"
SCHOOL, COUNCIL = SiteId("school-tsybulkivka"), SiteId("council-mohyliv")
ATTACK = '=HYPERLINK("http://evil.example","<script>alert(1)</script>")'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ComputerStore]:
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    made = ComputerStore(database, clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)))
    for site, name in ((SCHOOL, "10-uk"), (COUNCIL, "7"), (COUNCIL, "11")):
        report = parse_windows((RECORDINGS / f"windows-{name}.jsonl").read_bytes())
        made.take(site, AgentId(f"{site}-{name}"), wire.encode(report))
    yield made
    database.close()


@pytest.fixture
def app(access: AccessStore, store: ComputerStore) -> FastAPI:
    made = web_edge.new_app()
    clock = SimulatedClock(wall_ns=wall_ns_of(NOW_AT))
    view = computers_view(ComputersConfig(), store, Known(), clock=clock)
    made.include_router(pages.router(dataclasses.replace(real_parts(access), computers=view)))
    return made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


ADDRESSES = [
    "/lists/computers",
    *(f"/lists/computers/{kind}" for kind in ListKind),
    *(f"/lists/computers/{kind}/file?file_format={one}" for kind in ListKind for one in ("csv", "xlsx")),
]


@pytest.mark.parametrize("role", list(Role))
def test_each_page_and_file_is_for_those_who_may_see_lists_and_shows_their_sites_only(
    client: TestClient, access: AccessStore, role: Role
) -> None:
    enter(client, access, role.value)
    allowed = CEILING[role].get(Action.SEE_LISTS)
    answers = {address: client.get(address) for address in ADDRESSES}
    assert {answer.status_code for answer in answers.values()} == ({200} if allowed else {403})
    if allowed:
        for address in ("/lists/computers", "/lists/computers/all", "/lists/computers/all/file?file_format=csv"):
            assert "CNAP-1" in answers[address].text
            assert ("BUH-2" in answers[address].text) is (allowed is May.EVERYWHERE)


def test_a_stranger_gets_no_file(client: TestClient) -> None:
    for address in ADDRESSES:
        assert client.get(address).status_code in (303, 401)


def test_the_page_says_what_is_not_well_and_what_changed(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "deputy")
    page = client.get("/lists/computers").text
    for words in (
        "Годяться для роботи 1 із 3; негайної уваги потребують 2.",
        "Програма «Kaspersky Endpoint Security для Windows» заборонена",
        "Windows 7 / Server 2008 R2: виробник не виправляє вразливостей з 14.01.2020.",
        "З’явився комп’ютер DEPUTY.",
        "Що далі: подати комісії на списання",
    ):
        assert words in page
    assert "/lists/computers" in client.get("/lists").text


def test_files_open_in_a_spreadsheet_with_the_rows_of_the_page(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "finance")
    answer = client.get("/lists/computers/write-off/file?file_format=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="computers-write-off.csv"'
    assert answer.content.startswith("\ufeff№;Місце".encode())
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    book = openpyxl.load_workbook(io.BytesIO(client.get("/lists/computers/write-off/file").content))
    page = book["Списати"]
    assert [[cell or "" for cell in row] for row in page.iter_rows(values_only=True)] == rows
    assert rows[1][2] == "BUH-2"
    assert "BUH-2" in client.get("/lists/computers/write-off").text


def test_a_list_that_is_none_is_not_found(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "it")
    for address in ("/lists/computers/moon", "/lists/computers/all/file?file_format=exe", "/lists/computers/x/file"):
        assert client.get(address).status_code == 404


def test_words_from_a_computer_are_never_run(client: TestClient, access: AccessStore, store: ComputerStore) -> None:
    told = ComputerReport(name=ATTACK, software=(Program(name=f"Yandex {ATTACK}"),))
    store.take(COUNCIL, AgentId("council-x"), wire.encode(told))
    enter(client, access, "it")
    assert "<script>alert" not in client.get("/lists/computers").text
    assert "<script>alert" not in client.get("/lists/computers/all").text
    rows = csv.reader(
        io.StringIO(client.get("/lists/computers/all/file?file_format=csv").content.decode("utf-8-sig")), delimiter=";"
    )
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_without_computers_the_pages_say_how_to_begin(access: AccessStore) -> None:
    made = web_edge.new_app()
    made.include_router(pages.router(real_parts(access)))
    client = TestClient(made, base_url=ADDRESS, client=HERE, follow_redirects=False)
    enter(client, access, "it")
    assert "beket pc join" in client.get("/lists/computers").text
    assert "Список порожній." in client.get("/lists/computers/all").text
    assert client.get("/lists/computers/all/file").status_code == 404
