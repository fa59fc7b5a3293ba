"""Somebody deletes a file; somebody new to it finds it in a copy on the page and takes it back, byte for byte."""

import asyncio
import base64
import datetime
import hashlib
import html
import io
import re
import urllib.parse
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from backup.acts.record import Piece, Record, Verdict, Why
from backup.messages import RestoreOrder, RestoreResult
from backup.repository.browsing import Browser
from backup.repository.freshness import Shelf
from backup.repository.keyring import Keyring
from backup.repository.ledger import DAY_NS, Ledger
from backup.repository.overview import HostView, forecast, views_of
from backup.restic.run import find_restic
from backup.sentence import spell_day
from backup.training import DOCUMENTS, LOST, Training
from beket.access.community_key import CommunityKey
from beket.access.journal import Filter
from beket.access.roles import CEILING, Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.app import web_edge
from beket.kernel.clock import SimulatedClock, SystemClock, utc, wall_ns_of
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Point
from beket.kernel.secrets import Secret
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.passwords import quick_passwords
from beket.testing.process import output_of
from beket.testing.restic import FIRST_FILE, BackupPlace, make_backup_place
from dashboards.web import pages
from dashboards.web.ports import Backups, Parts
from dashboards.web.session import COOKIE

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(120)]

HOST, SITE = "school-1a2b3c4d", "school-tsybulkivka"
NOW_AT = datetime.datetime.now(datetime.UTC)


ACT = Record(
    id="0190-4",
    number=4,
    host=HOST,
    site=SITE,
    plan="documents",
    plan_name="Документи школи",
    snapshot="ab" * 32,
    snapshot_ns=wall_ns_of(NOW_AT),
    began_ns=wall_ns_of(NOW_AT),
    ended_ns=wall_ns_of(NOW_AT),
    verdict=Verdict.PROVEN,
    pieces=(Piece("/дані/звіт.ods", Why.LARGEST, 1000, "aa", "aa"),),
)


class Known:
    def current(self) -> Inventory:
        return inventory(MOHYLIV)


class NoSamples:
    def latest(self, since_ns: int) -> Sequence[Point]:
        return []


class Village:
    """A repository with one copy of a school's documents, and the pages over it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place: BackupPlace = make_backup_place(folder / "host", files=1)
        self.ledger = Ledger(folder / "repositories.db")
        self.keyring = asyncio.run(self._keyring(folder))
        repository = folder / "repositories" / HOST
        bare = ("restic", "--no-cache", "--repo", repository, "--password-file", self.keyring.password_file(HOST))
        output_of(*bare, "backup", "--host", HOST, self.place.source)
        (self.snapshot,) = [path.name for path in (repository / "snapshots").iterdir()]
        database = open_access_db(folder / "access.db")
        self.database = database
        self.access = AccessStore(
            database,
            clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)),
            boot_id="boot",
            community="mohyliv",
            community_key=CommunityKey.load_or_create(folder / "community.key"),
            pin="0" * 64,
            passwords=quick_passwords(),
        )
        for role in Role:
            self.access.users.create(role.value, name=role.value, role=role, password=Secret("вода-камінь-9"), by="t")
        self.repository = repository
        app: FastAPI = web_edge.new_app()
        app.include_router(pages.router(self._parts()))
        self.client = TestClient(app, base_url="http://127.0.0.1:8080", follow_redirects=False)

    async def _keyring(self, folder: Path) -> Keyring:
        clock, secrets = SystemClock(), folder / "keys"
        secrets.mkdir(mode=0o700)
        restic = await find_restic("restic", clock=clock)
        keyring = Keyring(folder / "repositories", secrets, restic, self.ledger, clock, asyncio.Lock())
        await keyring.make_repository(HOST, SITE)
        return keyring

    def _parts(self) -> Parts:
        def views() -> list[HostView]:
            wall_ns = wall_ns_of(NOW_AT)
            content = Shelf().look([self.repository], wall_ns=wall_ns)[self.repository]
            return views_of(self.ledger, {HOST: content}, wall_ns=wall_ns)

        return Parts(
            access=self.access,
            inventory=Known(),
            archive=None,  # type: ignore[arg-type]
            samples=NoSamples(),
            clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)),
            camera_up="camera_up_ratio",
            device_up="device_up_ratio",
            backups=Backups(
                views=views,
                outlook=lambda v: forecast(v, 10**12, NOW_AT),
                browser=Browser(self.keyring),
                acts=self.ledger.acts,
                orders=self.ledger.orders,
                sizes=lambda host: self.ledger.sizes().get(host, []),
                free_bytes=lambda: 10**12,
                training=Training(self.folder / "training", self.keyring.restic, SystemClock()),
            ),
        )

    def enter(self, login: str, reason: str = "Зник звіт бухгалтерії") -> None:
        token, session = self.access.sessions.open(self.access.users.find(login).id)
        if reason:
            self.access.sessions.state_reason(session.id, reason)
        self.client.cookies.set(COOKIE, token.reveal())

    def follow(self, page: str, words: str) -> str:
        """The address behind the link with these words, as a browser would follow it."""
        links = re.findall(r'<a[^>]* href="([^"]+)"[^>]*>(.*?)</a>', page, re.DOTALL)
        return html.unescape(next(href for href, inside in links if words in html.unescape(inside)))


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    made = Village(tmp_path_factory.mktemp("village"))
    yield made
    made.ledger.close()
    made.database.close()


def test_deleted_file_is_found_in_a_copy_and_taken_back(village: Village) -> None:
    lost = village.place.source / "бухгалтерія" / "звіт.ods"
    content = lost.read_bytes()
    lost.unlink()
    village.enter("head")
    page = village.client.get("/backups").text
    assert "Усі копії свіжі. Від вас нічого не потрібно." in page
    assert "Аркуша відновлення немає" in page
    address = village.follow(page, "Знайти й повернути файл")
    page = village.client.get(address).text
    assert "Крок 1 із 3" in page
    address = village.follow(page, "сьогодні" if "сьогодні" in page else ":")
    here = urllib.parse.urljoin("http://127.0.0.1:8080/", address)
    page = village.client.get(here).text
    here = urllib.parse.urljoin(here, village.follow(page, "бухгалтерія"))
    page = village.client.get(here).text
    answer = village.client.get(_link(page, "звіт.ods", "/file"))
    assert answer.content == content
    assert urllib.parse.quote("звіт.ods") in answer.headers["content-disposition"]
    entries = village.access.journal.read(_actor(village, "auditor"), Filter(action="restore-backup"))
    assert entries[0].event.details["path"] == str(lost)
    assert entries[0].event.details["reason"] == "Зник звіт бухгалтерії"


def test_folder_comes_back_as_an_archive_with_its_difficult_names(village: Village) -> None:
    village.enter("it")
    quoted = urllib.parse.quote(str(village.place.source))
    answer = village.client.get(f"/backups/{HOST}/{village.snapshot}/file?path={quoted}&folder=1")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(FIRST_FILE)]
        assert archive.read(name).decode() == "накладна\n"


@pytest.mark.parametrize("role", Role)
def test_only_who_may_restore_looks_into_copies(village: Village, role: Role) -> None:
    village.enter(role.value)
    allowed = Action.RESTORE_BACKUP in CEILING[role] and role is not Role.INSTITUTION_HEAD  # who holds no grant here
    assert village.client.get(f"/backups/{HOST}").status_code == (200 if allowed else 403)


def test_without_a_reason_the_page_asks_for_one(village: Village) -> None:
    village.enter("head", reason="")
    answer = village.client.get(f"/backups/{HOST}/{village.snapshot}?path=/")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/reason?next=")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/backups/nobody", 404),
        (f"/backups/{HOST}/{'0' * 64}", 404),
        (f"/backups/{HOST}/latest", 404),
        (f"/backups/{HOST}/--help", 404),
        (f"/backups/{HOST}/{{}}?path=/etc/../x", 400),
        (f"/backups/{HOST}/{{}}?path=relative", 400),
        (f"/backups/{HOST}/{{}}?path=/absent", 404),
        (f"/backups/{HOST}/{{}}/file?path=/absent", 500),
        ("/backups/..%2f..%2fetc", 404),
    ],
)
def test_address_that_leads_nowhere_is_a_page_of_one_sentence(village: Village, address: str, status: int) -> None:
    village.enter("it")
    answer = village.client.get(address.format(village.snapshot))
    assert answer.status_code == status
    assert "Traceback" not in answer.text


def test_file_is_asked_back_to_its_place_and_the_page_tells_how_far_it_is(village: Village) -> None:
    village.enter("head")
    path = str(village.place.source / "0.txt")
    here = f"/backups/{HOST}/{village.snapshot}"
    folder = village.client.get(f"{here}?path={urllib.parse.quote(str(village.place.source))}").text
    page = village.client.get(_link(folder, "0.txt", "/back")).text
    assert "Повернути «0.txt» на місце?" in page
    assert "Нічого не зітреться" in page
    form = {"csrf": _csrf(page), "path": path, "how": "beside", "size": "100"}
    assert _post(village, f"{here}/back", form | {"csrf": "x"}).status_code == 403
    assert _post(village, f"{here}/back", form | {"how": "burn"}).status_code == 400
    assert _post(village, f"{here}/back", form | {"path": "/a/../b"}).status_code == 400
    assert _post(village, f"/backups/{HOST}/{'0' * 64}/back", form).status_code == 404
    assert village.ledger.orders.of(HOST, wall_ns=wall_ns_of(NOW_AT)) == []
    answer = _post(village, f"{here}/back", form)
    assert answer.status_code == 303
    assert "Чекаємо на комп’ютер" in village.client.get(answer.headers["location"]).text
    (order,) = village.ledger.orders.give(HOST, wall_ns=wall_ns_of(NOW_AT))
    assert (order.path, order.replace, order.size_bytes) == (path, False, 100)
    assert "Комп’ютер повертає файл" in village.client.get(answer.headers["location"]).text
    result = RestoreResult(id=order.id, outcome="ok", placed=path)
    village.ledger.orders.end(HOST, result, wall_ns=wall_ns_of(NOW_AT))
    page = village.client.get(answer.headers["location"]).text
    assert "Готово: повернуто." in page
    assert path in page
    entries = village.access.journal.read(_actor(village, "auditor"), Filter(action="restore-backup"))
    (asked,) = [entry.event.details for entry in entries if "place" in entry.event.details]
    assert (asked["path"], asked["place"], asked["reason"]) == (path, "beside", "Зник звіт бухгалтерії")
    assert village.client.get(f"/backups/{HOST}/orders/nobody").status_code == 404


def test_act_is_read_printed_and_taken_as_data_by_those_who_restore_or_check(village: Village) -> None:
    village.ledger.acts.keep(ACT)
    village.enter("head")
    page = village.client.get(village.follow(village.client.get("/backups").text, "Акти перевірок")).text
    assert "Відновлення працює: перевірено 1 файл, усе збіглося" in page
    address = village.follow(page, "Акт №")
    answer = village.client.get(address)
    assert "АКТ № school-1a2b3c4d/4" in answer.text
    assert "Цибульківка" in answer.text
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    named = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{named}'" in answer.headers["content-security-policy"]
    data = village.client.get(village.follow(answer.text, "дані"))
    assert data.json()["number"] == "school-1a2b3c4d/4"
    assert village.client.get(f"/backups/{HOST}/acts/nobody").status_code == 404
    village.enter("auditor")
    everybodys = village.client.get(village.follow(village.client.get("/journal").text, "Акти перевірки")).text
    assert village.follow(everybodys, "Акт №") == address
    village.enter("finance")
    assert "Акт №" not in village.client.get("/backups/acts").text
    seen = {role for role in Role if _sees(village, role, address)}
    assert seen == {Role.HEAD, Role.DEPUTY, Role.SECRETARY, Role.IT, Role.AUDITOR}


def test_past_shows_each_plans_copies_its_drills_and_how_the_repository_grew(village: Village) -> None:
    today_ns = wall_ns_of(NOW_AT)
    for days, size in ((10, 1), (0, 2)):
        village.ledger.keep_size(HOST, size * 10**9, 1, wall_ns=today_ns - days * 86_400 * 10**9)
    village.enter("it")
    page = village.client.get(village.follow(village.client.get("/backups").text, "Історія")).text
    assert "Інші копії" in page  # made by restic itself, for no plan
    assert "щодня додається" in page
    assert "місця вистачить" in page
    # Sizes are kept by days of UTC, which after midnight in Kyiv is still the day before.
    day = spell_day(utc(today_ns // DAY_NS * DAY_NS + DAY_NS // 2), NOW_AT).uk
    assert f"{day}</th><td>1,9 ГіБ</td>" in page
    village.ledger.orders.add(
        HOST, RestoreOrder(id="", snapshot="", path="/дані/лист.odt"), by="head", wall_ns=today_ns
    )
    page = village.client.get(f"/backups/{HOST}/history").text
    assert "/дані/лист.odt" in page
    assert "чекаємо на комп" in page
    village.enter("deputy")
    assert village.client.get(f"/backups/{HOST}/history").status_code == 403


def test_anybody_practises_on_invented_documents_alone(village: Village) -> None:
    village.enter("secretary", reason="")  # whose role takes back no real file
    page = village.client.get("/backups").text
    page = village.client.get(village.follow(page, "Потренуватися")).text
    assert LOST in page
    assert _post(village, "/backups/training/begin", {"csrf": "x"}).status_code == 403
    answer = _post(village, "/backups/training/begin", {"csrf": _csrf(page)})
    assert answer.headers["location"] == "/backups/training"
    page = village.client.get("/backups/training").text
    assert "нічого справжнього" in page
    here = urllib.parse.urljoin(
        "http://127.0.0.1:8080/", re.findall(r'href="(/backups/training/\w{64}[^"]+)"', page)[0]
    )
    folder = village.client.get(html.unescape(here)).text
    done = _put_back(village, folder, "Список вулиць.txt")
    assert "зник інший" in done
    sandbox = village.folder / "training" / "secretary" / "Документи сільради"
    assert not (sandbox / LOST).exists()
    assert "Ви впоралися" in _put_back(village, folder, LOST)
    assert (sandbox / LOST).read_text() == DOCUMENTS[LOST]
    assert village.client.get(_link(folder, LOST, "/file")).content.decode() == DOCUMENTS[LOST]
    entries = village.access.journal.read(_actor(village, "auditor"), Filter(action="restore-backup"))
    assert not [entry for entry in entries if entry.event.subject == "training"]
    village.enter("finance")
    assert village.client.get("/backups/training").status_code == 404  # each has a sandbox of one's own
    village.enter("police")
    assert village.client.get("/backups/training/begin").status_code == 403


def _put_back(village: Village, folder: str, name: str) -> str:
    """What stands on the last page of the way."""
    address = _link(folder, name, "/back")
    page = village.client.get(address).text
    path = re.findall(r'name="path" value="([^"]+)"', page)[0]
    form = {"csrf": _csrf(page), "path": html.unescape(path), "how": "beside"}
    answer = _post(village, address.partition("?")[0], form)
    return village.client.get(answer.headers["location"]).text


def _sees(village: Village, role: Role, address: str) -> bool:
    village.enter(role.value)
    return village.client.get(address).status_code == 200


def _link(page: str, name: str, door: str) -> str:
    """The address behind a button in the row of a file."""
    row = next(row for row in page.split("<tr>") if f">{name}</th>" in row)
    return html.unescape(re.findall(rf'href="([^"]+{door}\?[^"]+)"', row)[0])


def _csrf(page: str) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', page)[0]


def _post(village: Village, address: str, form: dict[str, str]) -> Response:
    return village.client.post(address, data=form, headers={"Origin": "http://127.0.0.1:8080"})


def _actor(village: Village, login: str) -> object:
    return village.access.users.actor(village.access.users.find(login).id)
