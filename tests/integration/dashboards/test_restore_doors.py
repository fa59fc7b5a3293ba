"""Every door of restoring, of acts and of practice, role by role: who may, who may not, what the journal keeps."""

import datetime
import urllib.parse
from collections.abc import Iterator

import pytest

from backup.messages import PlanReport, RestoreOrder, Running
from beket.access.journal import Entry, Filter
from beket.access.permit import Grant, Scope
from beket.access.roles import Action, Role
from beket.access.sessions import csrf_token
from beket.kernel.clock import wall_ns_of
from beket.kernel.ids import SiteId
from beket.kernel.secrets import Secret
from dashboards.web.session import COOKIE
from tests.integration.dashboards.test_restore_page import ACT, HOST, NOW_AT, SITE, Village, _post

pytestmark = [pytest.mark.needs("restic"), pytest.mark.timeout(300)]

NOW_NS = wall_ns_of(NOW_AT)
REASON = "Зник звіт бухгалтерії"
# The head of the school holds a grant to restore there; another school's would see nothing.
RESTORERS = {Role.HEAD, Role.IT, Role.INSTITUTION_HEAD}
ACT_READERS = {Role.HEAD, Role.DEPUTY, Role.SECRETARY, Role.IT, Role.AUDITOR, Role.INSTITUTION_HEAD}
POLICE = {Role.POLICE, Role.POLICE_WALL}


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    made = Village(tmp_path_factory.mktemp("doors"))
    made.ledger.acts.keep(ACT)
    _grant(made, SITE)
    yield made
    made.ledger.close()
    made.database.close()


def _grant(village: Village, site: str) -> None:
    grant = Grant(
        number=f"G-{site}",
        actions=frozenset({Action.RESTORE_BACKUP, Action.SEE_STATUS}),
        scope=Scope(sites=frozenset({SiteId(site)})),
        from_at=NOW_AT - datetime.timedelta(hours=1),
        until_at=NOW_AT + datetime.timedelta(days=1),
    )
    village.access.users.grant(village.access.users.find("institution-head").id, grant, by="test")


def _journal(village: Village, login: str, subject: str) -> list[Entry]:
    # With a reason of his own he reads the entries about the police too.
    actor = village.access.users.actor(village.access.users.find("auditor").id, reason="Перевірка журналу")
    return village.access.journal.read(actor, Filter(action="restore-backup", actor=f"user:{login}", subject=subject))


def _doors(village: Village) -> dict[str, str]:
    """The pages by which somebody sees what is in copies, by name."""
    there = f"/backups/{HOST}/{village.snapshot}"
    path = urllib.parse.quote(str(village.place.source / "0.txt"))
    asked = RestoreOrder(id="", snapshot=village.snapshot, path="/a")
    order = village.ledger.orders.add(HOST, asked, by="head", wall_ns=NOW_NS)
    return {
        "snapshots": f"/backups/{HOST}",
        "folder": f"{there}?path=/",
        "file": f"{there}/file?path={path}",
        "back": f"{there}/back?path={path}",
        "orders": f"/backups/{HOST}/orders/{order}",
        "history": f"/backups/{HOST}/history",
    }


@pytest.mark.parametrize("role", Role)
def test_doors_into_copies_open_for_who_restores_and_each_question_is_in_the_journal(
    village: Village, role: Role
) -> None:
    village.enter(role.value, reason=REASON)
    for name, address in _doors(village).items():
        before = len(_journal(village, role.value, SITE))
        answer = village.client.get(address)
        assert answer.status_code == (200 if role in RESTORERS else 403), (name, answer.text[:300])
        asked = _journal(village, role.value, SITE)
        assert len(asked) == before + 1, name
        assert asked[0].event.details["allowed"] is (role in RESTORERS)
        assert asked[0].event.details["reason"] == REASON
        if role not in RESTORERS:
            assert "звіт" not in answer.text


@pytest.mark.parametrize("role", Role)
def test_an_order_to_put_back_is_taken_from_who_restores_alone(village: Village, role: Role) -> None:
    path = str(village.place.source / "0.txt")
    there = f"/backups/{HOST}/{village.snapshot}/back"
    village.enter(role.value, reason=REASON)
    csrf = csrf_token(Secret(village.client.cookies[COOKIE]))
    known = {order.id for order in village.ledger.orders.of(HOST, wall_ns=NOW_NS)}
    answer = _post(village, there, {"csrf": csrf, "path": path, "how": "replace"})
    new = [order for order in village.ledger.orders.of(HOST, wall_ns=NOW_NS) if order.id not in known]
    kept = [entry for entry in _journal(village, role.value, HOST) if entry.event.details.get("place") == "replace"]
    if role in RESTORERS:
        assert answer.status_code == 303
        assert [(order.path, order.by) for order in new] == [(path, role.value)]
        assert kept[0].event.details["path"] == path
    else:
        assert answer.status_code == 403
        assert (new, kept) == ([], [])


@pytest.mark.parametrize("role", Role)
def test_acts_are_read_by_who_restores_there_or_checks(village: Village, role: Role) -> None:
    village.enter(role.value, reason="")
    here = f"/backups/{HOST}/acts"
    for address in (here, f"{here}/{ACT.id}", f"{here}/{ACT.id}/data"):
        answer = village.client.get(address)
        assert answer.status_code == (200 if role in ACT_READERS else 403), address
    overview = village.client.get("/backups")
    assert overview.status_code == (200 if role in ACT_READERS - {Role.AUDITOR} else 403)  # whose way is the journal
    everybodys = village.client.get("/backups/acts")
    assert everybodys.status_code == 200
    assert (f"{here}/{ACT.id}" in everybodys.text) is (role in ACT_READERS)
    assert ("Акти перевірок" in overview.text) is (overview.status_code == 200)


@pytest.mark.parametrize("role", Role)
def test_practice_is_for_everybody_but_screens_and_leaves_no_entry(village: Village, role: Role) -> None:
    village.enter(role.value, reason="")
    begun = village.client.get("/backups/training/begin")
    assert begun.status_code == (403 if role in POLICE else 200)
    assert village.client.get("/backups/training").status_code == (403 if role in POLICE else 404)  # not begun yet
    assert _journal(village, role.value, "training") == []


def test_a_grant_at_another_place_opens_nothing_here(village: Village) -> None:
    other = village.access.users.create(
        "clinic", name="Клініка", role=Role.INSTITUTION_HEAD, password=Secret("вода-камінь-9"), by="t"
    )
    grant = Grant(
        number="G-other",
        actions=frozenset({Action.RESTORE_BACKUP, Action.SEE_STATUS}),
        scope=Scope(sites=frozenset({SiteId("council-mohyliv")})),
        from_at=NOW_AT - datetime.timedelta(hours=1),
        until_at=NOW_AT + datetime.timedelta(days=1),
    )
    village.access.users.grant(other.id, grant, by="test")
    village.enter("clinic", reason=REASON)
    doors = [*_doors(village).values(), f"/backups/{HOST}/acts", f"/backups/{HOST}/acts/{ACT.id}"]
    assert {village.client.get(address).status_code for address in doors} == {403}


@pytest.mark.parametrize("door", ["snapshots", "folder", "file", "back", "orders", "history"])
def test_without_a_session_or_a_reason_no_door_opens(village: Village, door: str) -> None:
    address = _doors(village)[door]
    village.client.cookies.clear()
    assert village.client.get(address).headers["location"].startswith("/login?next=")
    village.enter("it", reason="")
    before = len(_journal(village, "it", SITE))
    assert village.client.get(address).headers["location"].startswith("/reason?next=")
    assert len(_journal(village, "it", SITE)) == before


def test_a_copy_under_way_shows_how_much_is_read_and_how_much_has_come(village: Village) -> None:
    report = PlanReport(
        id="documents", name="Документи школи", every_hours=24, copied_ns=NOW_NS, whole_ns=NOW_NS, proven_ns=NOW_NS,
        running=Running(began_ns=NOW_NS, read_ratio=0.75, stored_bytes=12 * 1024 * 1024, stored_ratio=0.25),
    )  # fmt: skip
    village.ledger.hear(HOST, [report], wall_ns=NOW_NS)
    village.enter("it", reason="")
    page = village.client.get("/backups").text
    assert "Копія робиться зараз." in page
    assert "1. Прочитано на комп’ютері: 75 %" in page
    assert "2. Дійшло до центру: 12,0 МіБ, 25 %" in page
    assert page.count("<progress") == 2
    village.ledger.hear(HOST, [PlanReport(id="documents", name="Документи школи", every_hours=24)], wall_ns=NOW_NS)
    assert "<progress" not in village.client.get("/backups").text
