"""Pages at their doors: every role against every address, forms, cookies, headers, and what a page never says."""

import dataclasses
import datetime
import html
import re
from collections.abc import Iterator, Mapping, Sequence

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from beket.access.community_key import CommunityKey
from beket.access.journal import Filter
from beket.access.permit import Grant, Scope
from beket.access.roles import CEILING, Action, May, Role
from beket.access.store import AccessStore, open_access_db
from beket.app import web_edge, web_people
from beket.kernel.clock import SimulatedClock, utc, wall_ns_of
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Point
from beket.kernel.ports import GapReason
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.passwords import quick_passwords
from dashboards.web import pages
from dashboards.web.entry import entry_url
from dashboards.web.ports import AlertLine, HoldBook, OwnTrouble, Parts, Sees
from dashboards.web.rendering import local_next
from dashboards.web.session import COOKIE
from vms import web as vms_web
from vms.recordings.holds import Cost, Hold
from vms.recordings.playback import Missing, Recorded, Timeline

NOW_AT = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
PASSWORD = "вода-камінь-дорога-9"
OWN, SPECIAL, OTHER = "school-street", "school-yard", "council-street"
SEEN = frozenset({Action.SEE_STATUS, Action.SEE_LISTS, Action.VIEW_LIVE, Action.VIEW_ARCHIVE})
HERE = ("127.0.0.1", 50_000)
ADDRESS = "http://127.0.0.1:8080"
FROM_ANOTHER_SITE = {"Sec-Fetch-Site": "cross-site"}


class Known:
    def current(self) -> Inventory:
        return inventory(MOHYLIV)


class Day:
    """An archive with one hole for want of light."""

    def timeline(self, camera: CameraId, *, from_90k: int, until_90k: int) -> Timeline:
        cut = (from_90k + until_90k) // 2
        return Timeline((Recorded(from_90k, cut, 1, 9),), (Missing(cut, until_90k, GapReason.POWER),))


class NoHolds:
    """A centre where nothing is held."""

    budget_bytes = 1 << 30

    def cost(self) -> Cost:
        return Cost()

    def listing(self) -> list[Hold]:
        return []


class Samples:
    def latest(self, since_ns: int) -> Sequence[Point]:
        wall_ns = wall_ns_of(NOW_AT)
        return [
            Point("camera_up_ratio", (("site", c.site), ("camera", c.id)), wall_ns, 1)
            for c in inventory(MOHYLIV).cameras
        ]


class Lights:
    def __init__(self) -> None:
        self.on = {site.id: True for site in inventory(MOHYLIV).sites}

    def sites(self) -> Mapping[SiteId, bool]:
        return self.on

    def switch_off(self, site: SiteId) -> None:
        self.on[site] = False

    def switch_on(self, site: SiteId) -> None:
        self.on[site] = True


def alerts(sees: Sees) -> list[AlertLine]:
    line = AlertLine(
        title=say("Школа без світла", "School is dark"),
        what=say("Зникло <світло>.", "Power is gone."),
        why=say("За графіком.", "As scheduled."),
        todo=say("Зачекайте.", "Wait."),
        call=say("Обленерго", "The grid"),
        is_firing=True,
        since_wall_ns=wall_ns_of(NOW_AT),
        ended_wall_ns=None,
    )
    return [line] if sees(SiteId("school-tsybulkivka")) else []


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccessStore]:
    folder = tmp_path_factory.mktemp("pages")
    database = open_access_db(folder / "access.db")
    store = AccessStore(
        database,
        clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)),
        boot_id="boot",
        community="mohyliv",
        community_key=CommunityKey.load_or_create(folder / "community.key"),
        pin="0" * 64,
        passwords=quick_passwords(),
    )
    for role in Role:
        user = store.users.create(role.value, name=f"Пан {role.value}", role=role, password=Secret(PASSWORD), by="test")
        until_at = NOW_AT + datetime.timedelta(hours=3)
        store.users.grant(
            user.id,
            Grant(
                number=f"G-{role.value}",
                actions=SEEN,
                scope=Scope(sites=frozenset({SiteId("school-tsybulkivka")})),
                from_at=NOW_AT - datetime.timedelta(hours=1),
                until_at=until_at,
                archive_days=30,
            ),
            by="test",
        )
    yield store
    database.close()


@pytest.fixture
def lights() -> Lights:
    return Lights()


def real_parts(access: AccessStore) -> Parts:
    return Parts(
        access=access,
        inventory=Known(),
        archive=Day(),
        samples=Samples(),
        clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)),
        camera_up="camera_up_ratio",
        device_up="device_up_ratio",
        alerts=alerts,
        holds=HoldBook(holds=NoHolds()),  # type: ignore[arg-type]
    )


@pytest.fixture
def app(access: AccessStore, lights: Lights) -> FastAPI:
    made = web_edge.new_app()
    one_click = ("head", "starosta")
    parts = dataclasses.replace(real_parts(access), power=lights, training=True, one_click_logins=one_click)
    made.include_router(pages.router(parts))
    made.include_router(web_people.router(access))
    guard = web_people.archive_guard(access, Known())
    made.include_router(vms_web.people_router(Day(), authorize=guard))  # type: ignore[arg-type]
    return made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


def enter(client: TestClient, access: AccessStore, login: str, *, reason: str = "Перевірка скарги") -> str:
    """Log in without the cost of a password; the CSRF value of the session's forms."""
    token, session = access.sessions.open(access.users.find(login).id)
    if reason:
        access.sessions.state_reason(session.id, reason)
    client.cookies.set(COOKIE, token.reveal())
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/reason").text)
    assert found
    return found[1]


# Who may see what: the whole table ---

_AT = "at=2026-11-25T11:00:00Z"
_SPAN = "start_at=2026-11-25T10:00:00Z&end_at=2026-11-25T11:00:00Z"
_LOOKERS = {role for role in Role if Action.VIEW_LIVE in CEILING[role]}
_ARCHIVE = {role for role in Role if Action.VIEW_ARCHIVE in CEILING[role]}
_STATUS = {role for role in Role if Action.SEE_STATUS in CEILING[role]}
_LISTS = {role for role in Role if Action.SEE_LISTS in CEILING[role]}
_EVERYWHERE = {role for role in _STATUS if CEILING[role][Action.SEE_STATUS] is May.EVERYWHERE}
_HOLDS = _EVERYWHERE | {role for role in Role if Action.HOLD in CEILING[role]}
_JOURNAL = {role for role in Role if Action.READ_JOURNAL in CEILING[role]}
ALLOWED: dict[str, set[Role]] = {
    "/wall": _LOOKERS,
    f"/cameras/{OWN}": _LOOKERS,
    f"/cameras/{OWN}?{_AT}": _LOOKERS,
    f"/cameras/{SPECIAL}": set(),
    f"/cameras/{OTHER}": set(),
    f"/cameras/{OWN}/recordings?{_SPAN}": _ARCHIVE,
    f"/cameras/{SPECIAL}/recordings?{_SPAN}": set(),
    f"/cameras/{OTHER}/recordings?{_SPAN}": set(),
    f"/cameras/{OTHER}/minute.mp4?{_AT}": set(),
    f"/cameras/{SPECIAL}/minute.mp4?{_AT}": set(),
    "/alerts": _STATUS,
    "/equipment": _STATUS,
    "/backups": _STATUS,
    "/gear": _STATUS,
    "/holds": {
        role for role in Role if Action.HOLD in CEILING[role] or CEILING[role].get(Action.SEE_STATUS) == May.EVERYWHERE
    },
    "/lists": _LISTS,
    "/lists/computers": _LISTS,
    "/journal": _JOURNAL,
    "/reason": set(Role),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_reaches_its_own_addresses_and_no_other(client: TestClient, access: AccessStore, role: Role) -> None:
    enter(client, access, role.value)
    got = {address: client.get(address).status_code for address in ALLOWED}
    assert got == {address: 200 if role in roles else 403 for address, roles in ALLOWED.items()}


def test_nobody_reaches_anything_without_logging_in(client: TestClient) -> None:
    for address in [*ALLOWED, "/"]:
        answer = client.get(address)
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/login"), address
        else:
            assert answer.status_code == 401, address
    for path in ("/reason/form", "/logout/form", "/power"):
        assert client.post(path, data={"csrf": "0" * 64}).status_code == 401


def test_a_page_that_is_not_known_to_the_table_does_not_exist(app: FastAPI) -> None:
    """A new address must be put into the table above, or be one of the doors that are open on purpose."""
    known = {address.partition("?")[0].replace(OWN, "{camera}").replace(SPECIAL, "{camera}").replace(OTHER, "{camera}")
             for address in ALLOWED}  # fmt: skip
    doors = {"/", "/login", "/login/form", "/logout", "/logout/form", "/reason/form", "/enter", "/power", "/as/{login}"}
    doors |= {"/lists/computers/{kind}" + rest for rest in ("", "/file")}  # test_computers_page.py
    doors |= {"/holds/{number}"}  # test_holds_page.py
    doors |= {"/gear/{site}/{device}"}  # test_gear_page.py
    doors |= {"/equipment/{device}"}  # test_device_page.py
    doors |= {"/links/{site}"}  # test_links_page.py
    doors |= {"/backups/{host}" + rest for rest in ("", "/{snapshot}", "/{snapshot}/file")}  # test_restore_page.py
    doors |= {"/backups/{host}" + rest for rest in ("/{snapshot}/back", "/orders/{order}")}  # test_restore_page.py
    doors |= {"/backups/{host}/acts" + rest for rest in ("", "/{record}", "/{record}/data")}  # test_restore_page.py
    doors |= {"/backups/acts", "/backups/{host}/history", "/backups/training/begin"}  # test_restore_page.py
    found = {path for path in _paths(app.routes) if not path.startswith("/static/")}
    assert {"/wall", "/cameras/{camera}/minute.mp4"} <= found
    assert found - known - doors == set()


def _paths(routes: object) -> Iterator[str]:
    for route in routes:  # type: ignore[attr-defined]
        path = getattr(route, "path", None)
        if isinstance(path, str) and path:
            yield path
        for name in ("original_router", "router", "app"):
            inner = getattr(getattr(route, name, None), "routes", None)
            if inner:
                yield from _paths(inner)


@pytest.mark.parametrize(
    ("role", "first"),
    [
        (Role.HEAD, None), (Role.DEPUTY, None), (Role.SECRETARY, None), (Role.STAROSTA, "/wall"),
        (Role.INSTITUTION_HEAD, "/wall"), (Role.POLICE, "/wall"), (Role.POLICE_WALL, "/wall"), (Role.IT, "/equipment"),
        (Role.TECHNICIAN, "/equipment"), (Role.FINANCE, "/lists"), (Role.AUDITOR, "/journal"),
    ],
)  # fmt: skip
def test_each_role_starts_with_its_own_page_and_its_menu_leads_only_where_it_may(
    client: TestClient, access: AccessStore, role: Role, first: str | None
) -> None:
    enter(client, access, role.value)
    answer = client.get("/")
    assert (answer.status_code, answer.headers.get("location")) == ((303, first) if first else (200, None))
    page = client.get(first or "/")
    assert page.status_code == 200
    links = re.findall(r'href="(/[a-z]*)"', page.text.partition("<nav")[2].partition("</nav>")[0])
    assert links
    assert {client.get(link).status_code for link in links} == {200}


# Doors ---


def test_login_form_sets_a_guarded_cookie_and_goes_on(client: TestClient) -> None:
    form = {"login": "deputy", "password": PASSWORD, "next": "/alerts"}
    answer = client.post("/login/form", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")
    cookie = answer.headers["set-cookie"].lower()
    assert all(flag in cookie for flag in ("httponly", "samesite=strict", "path=/"))
    secure = TestClient(client.app, base_url="https://beket.test", follow_redirects=False)
    assert "secure" in secure.post("/login/form", data=form).headers["set-cookie"].lower()


def test_wrong_login_is_told_in_one_sentence_and_too_many_tell_the_wait(client: TestClient) -> None:
    form = {"login": "finance", "password": "не той пароль"}
    first = client.post("/login/form", data=form)
    assert first.status_code == 401
    assert first.text.count('role="alert"') == 1
    assert "не підходить" in first.text
    assert "не той пароль" not in first.text
    answers = [client.post("/login/form", data=form) for _ in range(6)]
    assert answers[-1].status_code == 429
    assert "Спробуйте ще раз через" in answers[-1].text


def test_forms_of_other_sites_and_without_the_csrf_value_change_nothing(
    client: TestClient, access: AccessStore, lights: Lights
) -> None:
    csrf = enter(client, access, "head")
    site = "school-tsybulkivka"
    evil = {"Origin": "https://evil.example"}
    for path in ("/power", "/reason/form", "/logout/form"):
        form = {"site": site, "to": "off", "reason": "Чужа причина"}
        assert client.post(path, data=form).status_code == 403
        assert client.post(path, data={**form, "csrf": "0" * 64}).status_code == 403
        assert client.post(path, data={**form, "csrf": csrf}, headers=evil).status_code == 403
    assert client.post("/login/form", data={"login": "head", "password": PASSWORD}, headers=evil).status_code == 403
    assert all(lights.on.values())
    assert client.get("/").status_code == 200


def test_light_is_switched_by_whoever_sees_the_site_and_by_nobody_else(
    client: TestClient, access: AccessStore, lights: Lights
) -> None:
    csrf = enter(client, access, "head")
    assert "Вимкнути світло" in client.get("/").text
    assert client.post("/power", data={"csrf": csrf, "site": "school-tsybulkivka", "to": "off"}).status_code == 303
    assert lights.on[SiteId("school-tsybulkivka")] is False
    assert "Увімкнути світло" in client.get("/").text
    assert client.post("/power", data={"csrf": csrf, "site": "nowhere", "to": "off"}).status_code == 404
    csrf = enter(client, access, "finance")
    assert client.post("/power", data={"csrf": csrf, "site": "school-tsybulkivka", "to": "on"}).status_code == 403
    assert lights.on[SiteId("school-tsybulkivka")] is False


def test_reason_is_asked_before_the_first_look_and_one_tap_answers(client: TestClient, access: AccessStore) -> None:
    csrf = enter(client, access, "starosta", reason="")
    asked = client.get("/wall?tiles=9")
    assert asked.headers["location"] == "/reason?next=%2Fwall%3Ftiles%3D9"
    page = client.get(asked.headers["location"]).text
    ready = re.findall(r'name="ready" value="([^"]+)"', page)
    assert len(ready) == 3
    short = client.post("/reason/form", data={"csrf": csrf, "reason": "так"})
    assert short.status_code == 400
    stated = client.post("/reason/form", data={"csrf": csrf, "ready": ready[0], "reason": "", "next": "/wall?tiles=9"})
    assert (stated.status_code, stated.headers["location"]) == (303, "/wall?tiles=9")
    assert client.get("/wall").status_code == 200


def test_police_are_not_asked_why(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "police", reason="")
    assert client.get("/wall").status_code == 200


def test_one_time_link_works_once_and_from_this_machine_only(client: TestClient, access: AccessStore) -> None:
    user = access.users.find("head").id

    def link() -> str:
        return entry_url(access, user, pages_url=ADDRESS, onward="/alerts")

    far = TestClient(client.app, base_url=ADDRESS, client=("192.0.2.7", 1), follow_redirects=False)
    address = link()
    assert far.get(address).status_code == 403
    assert client.get(address, headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 403
    entered = client.get(address)
    assert (entered.status_code, entered.headers["location"]) == (303, "/alerts")
    assert client.get(address).status_code == 401
    assert client.get("/enter?token=wrong").status_code == 401


def test_one_click_entry_is_for_the_named_accounts_on_this_machine_only(client: TestClient) -> None:
    assert re.findall(r'href="/as/([a-z-]+)"', client.get("/login").text) == ["head", "starosta"]
    entered = client.get("/as/starosta")
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert client.get("/wall").status_code == 303, "its reason is still asked"
    for refused in ("/as/deputy", "/as/nobody"):
        assert client.get(refused).status_code == 404
    elsewhere = {
        "another machine": TestClient(client.app, base_url=ADDRESS, client=("192.0.2.7", 1)),
        "a foreign name that means this machine": TestClient(client.app, base_url="http://evil.example", client=HERE),
        "another site's page": TestClient(client.app, base_url=ADDRESS, client=HERE, headers=FROM_ANOTHER_SITE),
        "a proxy": TestClient(client.app, base_url=ADDRESS, client=HERE, headers={"X-Forwarded-For": "127.0.0.1"}),
    }
    for who, asking in elsewhere.items():
        assert asking.get("/as/head", follow_redirects=False).status_code == 403, who
        assert "/as/" not in asking.get("/login").text, who


def test_a_real_community_has_neither_one_click_entry_nor_a_light_switch(access: AccessStore) -> None:
    made = web_edge.new_app()
    made.include_router(pages.router(real_parts(access)))
    client = TestClient(made, base_url=ADDRESS, client=HERE, follow_redirects=False)
    assert client.get("/as/head").status_code == 404
    csrf = enter(client, access, "head")
    assert client.post("/power", data={"csrf": csrf, "site": "school-tsybulkivka", "to": "off"}).status_code == 404
    assert "Вимкнути світло" not in client.get("/").text


def test_troubles_of_beket_itself_are_told_to_whom_they_concern(access: AccessStore) -> None:
    own = OwnTrouble(site=None, words=say("Пошта стоїть.", "Mail is stuck."))
    council = OwnTrouble(site=SiteId("council-mohyliv"), words=say("Диск ради повний.", "The disk is full."))
    made = web_edge.new_app()
    parts = dataclasses.replace(real_parts(access), own_troubles=lambda since_ns: [own, council])
    made.include_router(pages.router(parts))
    client = TestClient(made, base_url=ADDRESS, client=HERE, follow_redirects=False)
    told = {}
    for login in ("head", "it", "institution-head"):
        enter(client, access, login)
        page = client.get("/equipment").text
        told[login] = [words for words in ("Пошта стоїть.", "Диск ради повний.") if words in page]
    everything = ["Пошта стоїть.", "Диск ради повний."]
    assert told == {"head": everything, "it": everything, "institution-head": []}


def test_page_that_did_not_change_is_not_sent_again(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "head")
    first = client.get("/alerts")
    assert "fresh.js" in first.text
    again = client.get("/alerts", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/alerts", headers={"If-None-Match": '"other"'}).status_code == 200


def test_logging_out_ends_the_session(client: TestClient, access: AccessStore) -> None:
    csrf = enter(client, access, "secretary")
    cookie = client.cookies[COOKIE]
    assert client.post("/logout/form", data={"csrf": csrf}).headers["location"] == "/login"
    client.cookies.set(COOKIE, cookie)
    assert client.get("/").headers["location"] == "/login"


@pytest.mark.parametrize("given", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/a\r\nb"])
def test_going_on_leads_nowhere_else(given: str) -> None:
    assert local_next(given) == "/"


@given(st.text(max_size=50))
def test_going_on_stays_on_this_site_whatever_is_asked(given: str) -> None:
    onward = local_next(given)
    assert onward.startswith("/")
    assert not onward.startswith(("//", "/\\"))


# What pages carry ---


def test_every_page_forbids_foreign_and_inline_code_and_carries_none(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "head")
    looked_at = ["/", "/wall", f"/cameras/{OWN}?{_AT}", "/alerts", "/equipment", "/lists", "/journal", "/cameras/none"]
    for address in ["/login", "/reason", *looked_at]:
        answer = client.get(address)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), address
        foreign = re.findall(r'(?:src|href|action)="(?!/|\?|#)([^"]+)"', answer.text)
        assert not foreign, address
        ids = re.findall(r'\sid="([^"]+)"', answer.text)
        assert len(ids) == len(set(ids)), address
        assert answer.text.count("<h1") == 1, address
        assert "Навчальні дані: місця, камери й події вигадані" in answer.text


def test_no_page_says_a_secret_or_a_cameras_address(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "head")
    token = client.cookies[COOKIE]
    for address in ("/", "/wall", f"/cameras/{OWN}", "/equipment", "/lists", "/journal"):
        page = client.get(address).text
        assert token not in page
        assert PASSWORD not in page
        assert "rtsp:" not in page
        assert "127.20." not in page
        assert "camera-council" not in page


def test_pages_are_ukrainian_first_and_english_stays_once_chosen(client: TestClient) -> None:
    assert "Увійти" in client.get("/login", headers={"Accept-Language": "en"}).text
    assert ">Log in<" in client.get("/login?lang=en").text
    assert '<html lang="en">' in client.get("/login").text
    assert '<html lang="uk">' in client.get("/login?lang=uk").text


def test_static_files_are_small_kept_for_long_and_nothing_else_is_served(client: TestClient) -> None:
    page = client.get("/login").text
    sheet = re.search(r'href="(/static/[0-9a-f]{12})/beket\.css"', page)
    assert sheet
    names = ("beket.css", "beket.svg", "words.js", "live.js", "wall.js", "camera.js", "fresh.js")
    total = 0
    for name in names:
        answer = client.get(f"{sheet[1]}/{name}")
        assert "immutable" in answer.headers["cache-control"]
        total += len(answer.content)
    assert total < 60_000
    for name in ("pages.py", "..%2fpages.py", "%2e%2e/pages.py"):
        assert client.get(f"{sheet[1]}/{name}").status_code == 404


# What pages say ---


def test_overview_says_the_sentence_and_alerts_have_four_parts_safely(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "deputy")
    page = client.get("/").text
    assert "Працюють камери: 6\u00a0із\u00a06, пристрої: 0\u00a0із\u00a012. Є 1 тривога: подивіться, що робити." in page
    for part in ("Що сталося", "Чому", "Що робити", "Кому дзвонити"):
        assert part in page
    assert html.escape("Зникло <світло>.") in page
    assert "<світло>" not in page


def test_wall_shows_own_cameras_only_with_a_table_beside(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "starosta")
    page = client.get("/wall").text
    assert re.findall(r'data-camera="([^"]+)"', page) == [OWN]
    assert page.count("<tbody>") == 1
    assert "Працює" in page
    assert "Огляд</span>" not in page


def test_camera_page_tells_gaps_in_words_and_journals_the_look(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "head")
    page = client.get(f"/cameras/{OWN}").text
    assert "немає світла" in page
    assert 'fill="url(#p-power)"' in page
    assert "завантаж" not in page.lower()
    reader = access.users.actor(access.users.find("head").id, reason="Звірка журналу")
    newest = access.journal.read(reader, Filter(action="view-archive", actor="user:head"))[0]
    assert newest.event.subject == OWN
    assert newest.event.details["allowed"] is True


def test_time_field_answers_in_words_and_offers_the_doubled_hour(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "head")
    wrong = client.get(f"/cameras/{OWN}", params={"at": "<b>колись"})
    assert wrong.status_code == 200
    assert "Час незрозумілий." in wrong.text
    assert "<b>колись" not in wrong.text
    assert 'data-at-ms="1795590300000"' in client.get(f"/cameras/{OWN}", params={"at": "9:05"}).text
    assert client.get(f"/cameras/{OWN}", params={"at": "25.10 3:30"}).status_code == 403, "older than the grant"
    assert client.get(f"/cameras/{OWN}", params={"day": "x"}).status_code == 400


def test_journal_shows_police_to_the_head_with_a_reason_only(client: TestClient, access: AccessStore) -> None:
    enter(client, access, "police")
    assert client.get(f"/cameras/{OWN}").status_code == 200
    enter(client, access, "auditor", reason="")
    page = client.get("/journal").text
    assert "user:police" not in page
    assert '<th scope="row">police</th>' not in page
    assert "Указати причину" in page
    assert "G-police" in page, "totals by grant"
    enter(client, access, "auditor")
    assert '<th scope="row">police</th>' in client.get("/journal").text


def test_pages_work_before_anything_judges_alerts(access: AccessStore) -> None:
    made = web_edge.new_app()
    parts = Parts(
        access=access, inventory=Known(), archive=Day(), samples=Samples(),
        clock=SimulatedClock(wall_ns=wall_ns_of(NOW_AT)), camera_up="camera_up_ratio", device_up="device_up_ratio",
    )  # fmt: skip
    made.include_router(pages.router(parts))
    client = TestClient(made, follow_redirects=False)
    enter(client, access, "head")
    assert "ще не налаштовані" in client.get("/alerts").text
    assert "Навчальні дані" not in client.get("/").text
    assert client.post("/power", data={}).status_code == 404


def test_moments_of_the_tests_are_what_they_say() -> None:
    assert utc(1_795_590_300_000 * 1_000_000) == datetime.datetime(2026, 11, 25, 7, 5, tzinfo=datetime.UTC)
