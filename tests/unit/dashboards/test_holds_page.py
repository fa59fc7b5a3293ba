"""«Не стирати» at its doors: who may place, see, renew and release, and what stands in the journal."""

import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from beket.access.journal import Filter
from beket.access.permit import Grant, Scope
from beket.access.roles import CEILING, Action, Role
from beket.access.store import AccessStore
from beket.app import web_edge
from beket.kernel.clock import SimulatedClock, wall_ns_of
from beket.kernel.database import Database
from beket.kernel.ids import CommunityId, SiteId
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.testing.crash_disk import CrashDisk
from dashboards.web import pages
from dashboards.web.ports import HoldBook
from tests.unit.dashboards.test_pages import ADDRESS, HERE, NOW_AT, OTHER, OWN, SPECIAL, enter, real_parts
from tests.unit.dashboards.test_pages import access as access
from vms.recordings.container import Origin
from vms.recordings.holds import Holds
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS

ORIGIN = Origin(CommunityId("mohyliv"), SiteId("centre"), "b1", "0.1.0", lambda: True)
FORM = {"camera": OWN, "at": "2026-11-25T11:00:00Z", "minutes": "15", "reason": "Бійка біля воріт"}


@pytest.fixture(scope="module", autouse=True)
def _may_hold(access: AccessStore) -> None:
    for role in Role:
        if Action.HOLD in CEILING[role]:
            grant = Grant(
                number=f"H-{role.value}",
                actions=frozenset({Action.HOLD}),
                scope=Scope(sites=frozenset({SiteId("school-tsybulkivka")})),
                from_at=NOW_AT - datetime.timedelta(hours=1),
                until_at=NOW_AT + datetime.timedelta(hours=3),
            )
            access.users.grant(access.users.find(role.value).id, grant, by="test")


@pytest.fixture
def holds(tmp_path: Path) -> Iterator[Holds]:
    database = Database(tmp_path / "video.db", migrations=MIGRATIONS)
    clock = SimulatedClock(wall_ns=wall_ns_of(NOW_AT))
    yield Holds(Store(database, CrashDisk(), origin=ORIGIN), clock=clock, budget_bytes=1 << 30)
    database.close()


@pytest.fixture
def app(access: AccessStore, holds: Holds) -> FastAPI:
    made = web_edge.new_app()
    book = HoldBook(holds=holds, unaware=lambda hold: [SiteId("school-tsybulkivka")] if hold.number == 1 else [])
    made.include_router(pages.router(dataclasses.replace(real_parts(access), holds=book)))
    return made


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=ADDRESS, client=HERE, follow_redirects=False)


def place(client: TestClient, access: AccessStore, login: str, **form: str) -> int:
    csrf = enter(client, access, login)
    return client.post("/holds", data=FORM | form | {"csrf": csrf}).status_code


def test_the_button_beside_the_archive_holds_a_quarter_of_an_hour_on_both_sides(
    client: TestClient, access: AccessStore, holds: Holds
) -> None:
    enter(client, access, "police")
    page = client.get(f"/cameras/{OWN}?at=2026-11-25T11:00:00Z").text
    assert "Не стирати ±15 хв:" in page
    assert 'name="at" value="2026-11-25T11:00:00.000Z"' in page
    assert place(client, access, "police", case_number="12026041/7") == 303
    (hold,) = holds.listing()
    assert (hold.cameras, hold.case_number, hold.by_police, hold.placed_by) == ((OWN,), "12026041/7", True, "police")
    assert hold.end_90k - hold.start_90k == 30 * 60 * 90_000
    listing = client.get("/holds").text
    assert "Бійка біля воріт" in listing
    assert "Об’єкт ще не підтвердив" in listing


def test_one_tap_holds_all_cameras_of_the_site_that_the_person_may_hold(
    client: TestClient, access: AccessStore, holds: Holds
) -> None:
    assert place(client, access, "police", whole_site="yes") == 303
    (hold,) = holds.listing()
    site = {camera.id for camera in inventory(MOHYLIV).cameras if camera.site == "school-tsybulkivka"}
    assert OWN in hold.cameras
    assert set(hold.cameras) < site  # not those of a special class: the grant does not name them
    assert SPECIAL not in hold.cameras


@pytest.mark.parametrize("role", list(Role))
def test_holding_is_for_those_whose_role_and_grant_say_so(
    client: TestClient, access: AccessStore, holds: Holds, role: Role
) -> None:
    allowed = Action.HOLD in CEILING[role]
    assert (place(client, access, role.value) == 303) is allowed
    assert len(holds.listing()) == allowed
    for camera in (SPECIAL, OTHER):
        assert place(client, access, role.value, camera=camera) == 403
    assert len(holds.listing()) == allowed


def test_each_hold_stands_in_the_journal_with_its_reason(client: TestClient, access: AccessStore) -> None:
    assert place(client, access, "starosta", reason="Крадіжка дров") == 303
    head = access.users.actor(access.users.find("head").id, reason="перевірка")
    (entry,) = access.journal.read(head, Filter(action="hold-placed", actor="user:starosta", subject=OWN))[:1]
    assert entry.event.details["reason"] == "Крадіжка дров"
    assert entry.event.grant == "H-starosta"
    assert access.journal.read(head, Filter(action=Action.HOLD, actor="user:starosta", subject=OWN))


def test_what_the_police_hold_is_a_number_to_others_and_theirs_to_release(
    client: TestClient, access: AccessStore, holds: Holds
) -> None:
    place(client, access, "police", reason="Провадження")
    for login in ("head", "secretary", "it"):
        csrf = enter(client, access, login)
        page = client.get("/holds").text
        assert "№ 1: заборона поліції" in page
        assert "Провадження" not in page
        assert "Зняти" not in page
        assert client.post("/holds/1", data={"csrf": csrf, "to": "release"}).status_code == 403
    csrf = enter(client, access, "police")
    assert client.post("/holds/1", data={"csrf": csrf, "to": "release"}).status_code == 303
    assert holds.find(1).until_s is not None
    assert client.post("/holds/1", data={"csrf": csrf, "to": "renew", "days": "30"}).status_code == 303
    assert holds.find(1).until_s is None


def test_the_councils_hold_is_released_by_the_council_and_not_by_the_police(
    client: TestClient, access: AccessStore, holds: Holds
) -> None:
    place(client, access, "secretary")
    csrf = enter(client, access, "police")
    assert "Бійка" not in client.get("/holds").text
    assert client.post("/holds/1", data={"csrf": csrf, "to": "release"}).status_code == 403
    csrf = enter(client, access, "head")
    assert "Бійка" in client.get("/holds").text
    assert client.post("/holds/1", data={"csrf": csrf, "to": "release"}).status_code == 303
    assert holds.find(1).until_s is not None


@pytest.mark.parametrize(
    "form",
    [
        {"minutes": "0"},
        {"minutes": "сто"},
        {"minutes": "100000"},
        {"at": "колись"},
        {"camera": "../etc"},
        {"reason": "ні"},
        {"case_number": "7" * 400},
    ],
)
def test_a_form_that_makes_no_sense_is_answered_in_a_sentence(
    client: TestClient, access: AccessStore, holds: Holds, form: dict[str, str]
) -> None:
    assert 400 <= place(client, access, "police", **form) < 500
    assert holds.listing() == []


def test_a_hold_beyond_the_budget_is_refused_with_what_is_left(
    client: TestClient, access: AccessStore, holds: Holds
) -> None:
    holds.budget_bytes = -1
    csrf = enter(client, access, "police")
    answer = client.post("/holds", data=FORM | {"csrf": csrf})
    assert answer.status_code == 400
    assert "для заборон стирати лишилося" in answer.text
    assert holds.listing() == []
