import datetime
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.access import journal as journal_module
from beket.access.community_key import CommunityKey
from beket.access.journal import DETAILS_MAX_BYTES, Entry, Event, Filter, Head, Journal
from beket.access.passwords import Passwords
from beket.access.permit import COMMUNITY, Actor, Decision, Grant, Resource, Scope
from beket.access.roles import Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.kernel.clock import SimulatedClock, utc
from beket.kernel.database import Database
from beket.kernel.errors import BeketError, Forbidden, InvalidArgument
from beket.kernel.ids import CameraId, SiteId, UserId
from beket.kernel.inventory import AccessClass
from beket.kernel.secrets import Secret
from beket.kernel.text import plain

NOW_AT = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
REASON = "перевірка законності"
GATE = Resource(camera=CameraId("gate"), site=SiteId("school"), village="Могилів", access=AccessClass.STREET)


def make_actor(role: Role, *, reason: str = "", login: str = "") -> Actor:
    grant = Grant(
        number="07/1",
        actions=frozenset({Action.VIEW_LIVE}),
        scope=Scope(everywhere=True),
        from_at=NOW_AT - HOUR,
        until_at=NOW_AT + HOUR,
    )
    return Actor(user=UserId("u"), login=login or role.value, role=role, grants=(grant,), reason=reason)


def fill(journal: Journal, count: int) -> None:
    for n in range(count):
        journal.append(Event(actor="beket", action="test", subject=f"s{n}", details={"n": n}))


def tamper(database: Database, *statements: str) -> None:
    """What a person with the file, the source and no key can do."""

    def work(connection: sa.Connection) -> None:
        for verb in ("update", "delete"):
            connection.execute(sa.text(f"DROP TRIGGER IF EXISTS journal_refuses_{verb}"))
        for statement in statements:
            connection.exec_driver_sql(statement)

    database.write(work)


def test_an_empty_journal_is_whole(store: AccessStore) -> None:
    assert store.journal.verify() is None
    assert store.journal.head() == Head(0, "00" * 32)


def test_entries_are_numbered_chained_and_verified(store: AccessStore) -> None:
    fill(store.journal, 5)
    assert store.journal.head().sequence == 5
    assert store.journal.verify(anchor=store.journal.head()) is None


@pytest.mark.parametrize("verb", ["UPDATE journal SET actor = 'x'", "DELETE FROM journal"])
def test_the_table_refuses_changes_by_mistake(store: AccessStore, database: Database, verb: str) -> None:
    fill(store.journal, 1)
    with pytest.raises(BeketError, match="append-only"):
        database.write(lambda connection: connection.execute(sa.text(verb)))
    assert store.journal.verify() is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("wall_ns", "wall_ns + 1"),
        ("boot_id", "'x'"),
        ("mono_ns", "mono_ns + 1"),
        ("actor", "'user:other'"),
        ("action", "'x'"),
        ("subject", "'x'"),
        ('"grant"', "'x'"),
        ("about_police", "1"),
        ("details", "'{\"n\":4}'"),
        ("previous", "zeroblob(32)"),
        ("hash", "zeroblob(32)"),
    ],
)
def test_a_changed_column_is_seen_at_its_entry(store: AccessStore, database: Database, column: str, value: str) -> None:
    fill(store.journal, 5)
    tamper(database, f"UPDATE journal SET {column} = {value} WHERE sequence = 3")
    assert store.journal.verify() == 3


DELETE_SECOND = "DELETE FROM journal WHERE sequence = 2"
RENUMBER = "UPDATE journal SET sequence = sequence - 1 WHERE sequence > 2"
SWAP = (
    "UPDATE journal SET sequence = 99 WHERE sequence = 2",
    "UPDATE journal SET sequence = 2 WHERE sequence = 3",
    "UPDATE journal SET sequence = 3 WHERE sequence = 99",
)
REPEAT = (
    "CREATE TEMP TABLE repeated AS SELECT * FROM journal WHERE sequence = 5",
    "UPDATE repeated SET sequence = 6",
    "INSERT INTO journal SELECT * FROM repeated",
)


@pytest.mark.parametrize(
    ("statements", "broken"),
    [
        ((DELETE_SECOND,), 2),
        (("DELETE FROM journal WHERE sequence = 1",), 1),
        ((DELETE_SECOND, RENUMBER), 2),
        (SWAP, 2),
        (REPEAT, 6),
    ],
    ids=["delete", "delete-first", "delete-and-renumber", "reorder", "repeat"],
)
def test_deleted_reordered_and_repeated_entries_are_seen(
    store: AccessStore, database: Database, statements: tuple[str, ...], broken: int
) -> None:
    fill(store.journal, 5)
    tamper(database, *statements)
    assert store.journal.verify() == broken


def test_a_cut_tail_is_seen_only_with_an_anchor_kept_elsewhere(store: AccessStore, database: Database) -> None:
    fill(store.journal, 5)
    anchor = store.journal.head()
    tamper(database, "DELETE FROM journal WHERE sequence > 3")
    assert store.journal.verify() is None
    assert store.journal.verify(anchor=anchor) == 4
    fill(store.journal, 4)  # grown over the cut
    assert store.journal.verify() is None
    assert store.journal.verify(anchor=anchor) == 5


def test_verify_tells_its_progress(store: AccessStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "PROGRESS_EVERY", 2)
    fill(store.journal, 5)
    told: list[tuple[int, int]] = []
    assert store.journal.verify(progress=lambda done, total: told.append((done, total))) is None
    assert told == [(2, 5), (4, 5)]


words = st.text(st.characters(codec="utf-8"), max_size=30)
events = st.builds(
    Event,
    actor=words,
    action=words,
    subject=words,
    grant=words,
    about_police=st.booleans(),
    details=st.dictionaries(words, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words, max_size=4),
)


@given(st.lists(events, max_size=4))
@settings(max_examples=20, deadline=None)
def test_any_words_are_kept_as_they_are_and_verify(shared_store: AccessStore, recorded: list[Event]) -> None:
    first = shared_store.journal.head().sequence
    for event in recorded:
        shared_store.journal.append(event)
    assert shared_store.journal.verify() is None
    auditor = make_actor(Role.AUDITOR, reason=REASON)
    entries = shared_store.journal.read(auditor, Filter(offset=1, limit=len(recorded)))
    assert [entry.event for entry in reversed(entries)] == recorded
    assert [entry.sequence for entry in reversed(entries)] == list(range(first + 1, first + len(recorded) + 1))


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory, passwords: Passwords) -> Iterator[AccessStore]:
    folder = tmp_path_factory.mktemp("journal")
    database = open_access_db(folder / "access.db")
    yield AccessStore(
        database,
        clock=SimulatedClock(wall_ns=1_795_608_000_000_000_000),
        boot_id="b",
        community="mohyliv",
        community_key=CommunityKey.load_or_create(folder / "community.key"),
        pin="ab" * 32,
        passwords=passwords,
    )
    database.close()


@pytest.mark.parametrize(
    "event",
    [
        Event(actor="beket", action="x", details={"much": "x" * DETAILS_MAX_BYTES}),
        Event(actor="beket", action="x" * 201),
        Event(actor="x" * 201, action="x"),
    ],
)
def test_an_entry_is_bounded(store: AccessStore, event: Event) -> None:
    with pytest.raises(InvalidArgument):
        store.journal.append(event)
    assert store.journal.head().sequence == 0


# Looks, and who may read of them --------------------------------------------------------------------------------------


def test_a_look_is_in_the_journal_before_it_is_allowed(store: AccessStore) -> None:
    officer = make_actor(Role.POLICE)
    assert store.demand(officer, Action.VIEW_LIVE, GATE).grant == "07/1"
    head = make_actor(Role.HEAD, reason="звернення мешканки")
    store.demand(head, Action.VIEW_LIVE, GATE)
    with pytest.raises(Forbidden):
        store.demand(make_actor(Role.IT), Action.VIEW_ARCHIVE, GATE)
    assert store.demand(make_actor(Role.IT), Action.SEE_STATUS, COMMUNITY)
    entries = store.journal.read(make_actor(Role.AUDITOR, reason=REASON), Filter())
    assert [(e.event.actor, e.event.action, e.event.details.get("allowed")) for e in entries] == [
        ("user:auditor", "read-police-journal", True),
        ("user:it", "view-archive", False),
        ("user:head", "view-live", True),
        ("user:police", "view-live", True),
    ]
    assert entries[2].event.details["reason"] == "звернення мешканки"
    assert (entries[3].event.subject, entries[3].event.grant, entries[3].event.about_police) == ("gate", "07/1", True)


def read_by(store: AccessStore, role: Role, reason: str) -> list[Entry]:
    return store.journal.read(make_actor(role, reason=reason), Filter(action="view-live"))


@pytest.mark.parametrize(
    ("role", "reason", "sees_police"),
    [
        (Role.AUDITOR, REASON, True),
        (Role.HEAD, REASON, True),
        (Role.AUDITOR, "", False),
        (Role.HEAD, "", False),
        (Role.DEPUTY, REASON, False),
        (Role.SECRETARY, REASON, False),
        (Role.IT, REASON, False),
    ],
)
def test_camera_and_time_of_police_looks_are_for_the_auditor_and_the_head(
    store: AccessStore, role: Role, reason: str, *, sees_police: bool
) -> None:
    store.demand(make_actor(Role.POLICE), Action.VIEW_LIVE, GATE)
    store.demand(make_actor(Role.SECRETARY, reason="обхід сіл"), Action.VIEW_LIVE, GATE)
    entries = read_by(store, role, reason)
    assert any(entry.event.about_police for entry in entries) is sees_police
    assert any(entry.event.actor == "user:secretary" for entry in entries)
    # A missing number would tell when the police looked.
    assert all((entry.sequence is not None) is sees_police for entry in entries)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.AUDITOR, Role.HEAD, Role.DEPUTY, Role.SECRETARY, Role.IT}))
def test_others_read_nothing_of_the_journal(store: AccessStore, role: Role) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.journal.read(make_actor(role, reason=REASON), Filter()),
        lambda: store.journal.police_totals(make_actor(role, reason=REASON)),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call()


def test_reading_of_police_entries_is_itself_recorded_first(store: AccessStore) -> None:
    read_by(store, Role.HEAD, "")
    assert store.journal.head().sequence == 0
    read_by(store, Role.HEAD, REASON)
    (entry,) = store.journal.read(make_actor(Role.HEAD), Filter())
    assert (entry.event.action, entry.event.details["reason"]) == ("read-police-journal", REASON)


def test_totals_count_police_looks_by_grant_and_month(store: AccessStore, clock: SimulatedClock) -> None:
    for _ in range(3):
        store.demand(make_actor(Role.POLICE), Action.VIEW_LIVE, GATE)
    store.journal.record(make_actor(Role.POLICE), Action.VIEW_LIVE, GATE, Decision(False, plain("no")))
    store.demand(make_actor(Role.SECRETARY, reason="обхід сіл"), Action.VIEW_LIVE, GATE)
    clock.step_wall(10 * 86_400)
    store.journal.append(Event(actor="user:police", action="view-live", grant="07/1", about_police=True))
    totals = store.journal.police_totals(make_actor(Role.DEPUTY))
    assert totals == {("07/1", "2026-11"): 3, ("07/1", "2026-12"): 1}


def test_a_police_log_in_is_not_seen_by_others(store: AccessStore) -> None:
    password = Secret("сіль хата гай міст")
    store.users.create("officer", name="Черговий", role=Role.POLICE, password=password, by="beket")
    store.users.log_in("officer", password)
    deputy = store.journal.read(make_actor(Role.DEPUTY), Filter())
    assert [entry.event.action for entry in deputy] == ["create-user"]


def test_a_filter_narrows_and_pages(store: AccessStore, clock: SimulatedClock) -> None:
    for n in range(6):
        actor = "user:a" if n % 2 else "user:b"
        store.journal.append(Event(actor=actor, action=f"act{n // 3}", subject=f"s{n}"))
        clock.pass_time(60)
    start_at = utc(clock.wall_ns()) - datetime.timedelta(minutes=6)
    deputy = make_actor(Role.DEPUTY)

    def subjects(**wanted: object) -> list[str]:
        return [entry.event.subject for entry in store.journal.read(deputy, Filter(**wanted))]  # type: ignore[arg-type]

    minute = datetime.timedelta(minutes=1)
    assert subjects() == ["s5", "s4", "s3", "s2", "s1", "s0"]
    assert subjects(limit=2, offset=1) == ["s4", "s3"]
    assert subjects(limit=-1, offset=-1) == []
    assert subjects(actor="user:a") == ["s5", "s3", "s1"]
    assert subjects(action="act0") == ["s2", "s1", "s0"]
    assert subjects(subject="s4") == ["s4"]
    assert subjects(from_at=start_at + minute, until_at=start_at + 3 * minute) == ["s2", "s1"]
