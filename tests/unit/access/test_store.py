import datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from beket.access.permit import Grant, Scope, camera_resource
from beket.access.roles import Action, Role
from beket.access.store import AccessStore
from beket.access.tables import metadata
from beket.kernel.clock import SimulatedClock, utc
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import AccessClass, Camera, Site
from beket.kernel.secrets import Secret

SCHOOL = Site(id=SiteId("school"), name="Школа", village="Цибульківка")
GATE = Camera(id=CameraId("gate"), site=SCHOOL.id, name="Ворота", url="rtsp://a/1", access=AccessClass.STREET)
PASSWORD = Secret("сіль хата гай міст")


def test_the_migrations_make_the_very_tables_that_the_code_declares(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        triggers = connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
    assert sorted(triggers) == ["journal_refuses_delete", "journal_refuses_update"]


def test_a_starosta_logs_in_states_a_reason_and_looks(store: AccessStore, clock: SimulatedClock) -> None:
    now_at = utc(clock.wall_ns())
    scope = Grant(
        number="07/1",
        actions=frozenset({Action.SEE_STATUS, Action.VIEW_LIVE}),
        scope=Scope(villages=frozenset({"Цибульківка"})),
        from_at=now_at,
        until_at=now_at + datetime.timedelta(days=365),
    )
    store.users.create("olena", name="О", role=Role.STAROSTA, password=PASSWORD, by="beket", with_grants=[scope])
    token, session = store.sessions.open(store.users.log_in("olena", PASSWORD).id)
    gate = camera_resource(GATE, SCHOOL)

    _, actor = store.enter(token)
    with pytest.raises(Forbidden) as caught:
        store.demand(actor, Action.VIEW_LIVE, gate)
    assert "навіщо ви дивитеся" in caught.value.sentence().uk

    store.sessions.state_reason(session.id, "Звернення мешканки")
    _, actor = store.enter(token)
    assert store.demand(actor, Action.VIEW_LIVE, gate).grant == "07/1"

    clock.pass_time(366 * 86_400)
    with pytest.raises(Forbidden):
        store.demand(actor, Action.VIEW_LIVE, gate)


def test_a_person_who_sets_the_date_right_is_in_the_journal(store: AccessStore, clock: SimulatedClock) -> None:
    clock.step_wall(90 * 86_400)
    store.trust_clock(by="user:it")
    assert store.time.now_at() == utc(clock.wall_ns())
    assert store.journal.head().sequence == 1
