import datetime
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from beket.access import users as users_module
from beket.access.passwords import Passwords
from beket.access.permit import Grant, Scope
from beket.access.roles import Action, Role
from beket.access.store import AccessStore
from beket.access.tables import login_tries, users
from beket.access.users import FREE_TRIES, WAIT_FIRST_S, WAIT_MAX_S, Throttled, Users
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError, InvalidArgument, NotFound, Unauthenticated
from beket.kernel.ids import UserId
from beket.kernel.secrets import Secret

GOOD = Secret("сіль хата гай міст")
WRONG = Secret("гай гай сіль сіль")
NOW_AT = datetime.datetime(2026, 11, 25, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def make_grant(number: str = "07/1", days: float = 30) -> Grant:
    return Grant(
        number=number,
        actions=frozenset({Action.VIEW_LIVE, Action.VIEW_ARCHIVE}),
        scope=Scope(villages=frozenset({"Цибульківка", "Єгорине"})),
        from_at=NOW_AT,
        until_at=NOW_AT + days * DAY,
        archive_days=7,
        document="Рішення виконкому № 12",
        purpose="порядок",
    )


def make_user(store: AccessStore, login: str = "olena", role: Role = Role.STAROSTA, **more: object) -> UserId:
    return store.users.create(login, name="Олена", role=role, password=GOOD, by="beket", **more).id  # type: ignore[arg-type]


def test_a_user_is_created_with_role_and_scope_and_logs_in(store: AccessStore) -> None:
    user = make_user(store, with_grants=[make_grant()])
    assert store.users.log_in(" Olena ", GOOD).id == user
    actor = store.users.actor(user, reason=" обхід сіл ")
    assert (actor.role, actor.login, actor.grants, actor.reason) == (
        Role.STAROSTA,
        "olena",
        (make_grant(),),
        "обхід сіл",
    )
    assert [u.login for u in store.users.all()] == ["olena"]
    assert store.users.find("olena") == store.users.get(user)


@pytest.mark.parametrize(
    ("login", "password", "role", "grant"),
    [
        ("Олена", GOOD, Role.HEAD, None),
        ("olena", Secret("коротко"), Role.HEAD, None),
        ("taken", GOOD, Role.HEAD, None),
        ("olena", GOOD, Role.TECHNICIAN, make_grant(days=1)),
        ("olena", GOOD, Role.POLICE, make_grant(days=-1)),
        ("olena", GOOD, Role.POLICE, make_grant(number=" ")),
        ("olena", GOOD, Role.POLICE, make_grant(number="taken")),
    ],
)
def test_a_wrong_account_is_refused_and_leaves_nothing(
    store: AccessStore, login: str, password: Secret, role: Role, grant: Grant | None
) -> None:
    make_user(store, "taken", with_grants=[make_grant("taken")])
    head = store.journal.head()
    with pytest.raises(InvalidArgument):
        store.users.create(
            login, name="О", role=role, password=password, by="beket", with_grants=[grant] if grant else []
        )
    assert [u.login for u in store.users.all()] == ["taken"]
    assert store.journal.head() == head


def test_an_unknown_login_a_wrong_password_and_no_password_sound_the_same(store: AccessStore) -> None:
    make_user(store)
    store.users.create("screen", name="Стіна", role=Role.POLICE_WALL, password=None, by="beket")
    said = set()
    for login in ("olena", "nobody", "screen", "не логін", "x" * 5000):
        with pytest.raises(Unauthenticated) as caught:
            store.users.log_in(login, WRONG)
        said.add(caught.value.sentence().uk)
    assert len(said) == 1


def test_an_unknown_login_costs_a_hash_too(store: AccessStore, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str | None] = []
    real = Passwords.verify

    def verify(self: Passwords, stored: str | None, password: Secret) -> bool:
        looked.append(stored)
        return real(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", verify)
    for login in ("nobody", "не логін"):
        with pytest.raises(Unauthenticated):
            store.users.log_in(login, WRONG)
    assert looked == [None, None]


@pytest.mark.parametrize("login", ["olena", "nobody"])
def test_wrong_passwords_make_a_login_wait_longer_each_time(
    store: AccessStore, clock: SimulatedClock, login: str
) -> None:
    make_user(store)
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            store.users.log_in(login, WRONG)
    waits = []
    for _ in range(6):
        with pytest.raises(Throttled) as caught:
            store.users.log_in(login, GOOD)
        waits.append(caught.value.wait_s)
        clock.pass_time(caught.value.wait_s)
        with pytest.raises(Unauthenticated):
            store.users.log_in(login, WRONG)
    assert waits == [WAIT_FIRST_S, 120, 240, 480, WAIT_MAX_S, WAIT_MAX_S]
    assert "Спробуйте ще раз через 15 хв." in caught.value.sentence().uk


def test_waiting_survives_a_restart_and_a_wall_clock_jump(
    store: AccessStore, clock: SimulatedClock, open_store: type[AccessStore]
) -> None:
    make_user(store)
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            store.users.log_in("olena", WRONG)
    clock.step_wall(10**8)
    again = open_store(clock)
    with pytest.raises(Throttled):
        again.users.log_in("olena", GOOD)
    clock.pass_time(WAIT_FIRST_S)
    assert again.users.log_in("olena", GOOD)
    with pytest.raises(Unauthenticated):  # success took the count away
        again.users.log_in("olena", WRONG)


def test_guessing_in_parallel_gains_nothing(store: AccessStore) -> None:
    make_user(store)

    def guess(_: int) -> type[BeketError]:
        with pytest.raises(BeketError) as caught:
            store.users.log_in("olena", WRONG)
        return caught.type

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(24)))
    assert outcomes.count(Unauthenticated) == FREE_TRIES
    assert outcomes.count(Throttled) == 24 - FREE_TRIES


def test_a_flood_of_invented_logins_does_not_push_out_a_real_count(
    store: AccessStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users_module, "TRIED_LOGINS_MAX", 8)
    make_user(store)
    for login in ["olena"] * FREE_TRIES + [f"x{n}" for n in range(20)]:
        with pytest.raises(Unauthenticated):
            store.users.log_in(login, WRONG)
    with pytest.raises(Throttled):
        store.users.log_in("olena", GOOD)
    with database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(login_tries)).scalar_one() <= 8


def test_a_dated_hash_is_made_anew_at_log_in(store: AccessStore, database: Database) -> None:
    user = make_user(store)
    stronger = Passwords(time_cost=2, memory_kib=16, lanes=1)
    Users(database, store.time, store.journal, stronger).log_in("olena", GOOD)
    with database.read() as connection:
        stored = connection.execute(sa.select(users.c.password_hash).where(users.c.id == user)).scalar_one()
    assert "m=16,t=2" in stored
    assert store.users.log_in("olena", GOOD)


class SlowToRenew(Passwords):
    """Finds every hash dated, and lets something happen before the new one is stored."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__(time_cost=1, memory_kib=8, lanes=1)
        self._meanwhile = meanwhile

    def is_dated(self, stored: str) -> bool:
        self._meanwhile()
        return True


def test_a_log_in_does_not_outrun_a_password_changed_meanwhile(store: AccessStore, database: Database) -> None:
    user = make_user(store)
    new = Secret("клен дуб верба липа")
    slow = SlowToRenew(lambda: store.users.set_password(user, new, by="user:head"))
    with pytest.raises(Unauthenticated):
        Users(database, store.time, store.journal, slow).log_in("olena", GOOD)
    assert store.users.log_in("olena", new)
    with pytest.raises(Unauthenticated):
        store.users.log_in("olena", GOOD)


def test_a_disabled_account_is_out_at_once_and_may_come_back(store: AccessStore) -> None:
    user = make_user(store)
    token, _ = store.sessions.open(user)
    link = store.sessions.issue_one_time_login(user)
    store.users.disable(user, reason="звільнилась", by="user:head")
    for attempt in (
        lambda: store.users.log_in("olena", GOOD),
        lambda: store.sessions.find(token),
        lambda: store.sessions.redeem_one_time_login(link),
        lambda: store.users.actor(user),
    ):
        with pytest.raises(Unauthenticated):
            attempt()
    late, _ = store.sessions.open(user)  # by a log-in that had passed just before
    with pytest.raises(Unauthenticated):
        store.sessions.find(late)
    store.users.enable(user, by="user:head")
    assert store.users.log_in("olena", GOOD).disabled_reason == ""
    with pytest.raises(Unauthenticated):
        store.sessions.find(token)
    with pytest.raises(Unauthenticated):
        store.sessions.redeem_one_time_login(link)


def test_a_new_password_ends_sessions_and_waiting(store: AccessStore) -> None:
    user = make_user(store)
    token, _ = store.sessions.open(user)
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            store.users.log_in("olena", WRONG)
    new = Secret("клен дуб верба липа")
    store.users.set_password(user, new, by="user:head")
    with pytest.raises(Unauthenticated):
        store.sessions.find(token)
    assert store.users.log_in("olena", new)
    with pytest.raises(Unauthenticated):
        store.users.log_in("olena", GOOD)


def test_grants_are_given_ended_and_stay_on_record(store: AccessStore) -> None:
    user = make_user(store, role=Role.POLICE)
    store.users.grant(user, make_grant("2"), by="user:head")
    store.users.grant(user, make_grant("1"), by="user:head")
    with pytest.raises(InvalidArgument):
        store.users.grant(user, make_grant("1"), by="user:head")
    store.users.revoke_grant("2", reason="помилка", by="user:head")
    assert [grant.number for grant in store.users.grants_of(user)] == ["1"]
    for number in ("2", "absent"):
        with pytest.raises(NotFound):
            store.users.revoke_grant(number, reason="", by="user:head")
    with pytest.raises(InvalidArgument):  # a number is never used again
        store.users.grant(user, make_grant("2"), by="user:head")


def test_unknown_users_are_not_found_and_do_not_act(store: AccessStore) -> None:
    nobody = UserId("nobody")
    for call in (store.users.get, lambda user: store.users.disable(user, reason="", by="beket")):
        with pytest.raises(NotFound):
            call(nobody)
    with pytest.raises(Unauthenticated):
        store.users.actor(nobody)


def test_every_change_is_in_the_journal(store: AccessStore, database: Database) -> None:
    user = make_user(store, with_grants=[make_grant()])
    store.users.log_in("olena", GOOD)
    store.users.revoke_grant("07/1", reason="досить", by="user:head")
    store.users.set_password(user, Secret("клен дуб верба липа"), by="user:head")
    store.users.disable(user, reason="звільнилась", by="user:head")
    store.users.enable(user, by="user:head")
    with database.read() as connection:
        actions = connection.execute(sa.text("SELECT action FROM journal ORDER BY sequence")).scalars().all()
    assert actions == [
        "create-user",
        "grant",
        "log-in",
        "revoke-grant",
        "set-password",
        "disable-user",
        "enable-user",
    ]
    assert store.journal.verify() is None


def test_waits_are_counted_in_whole_seconds(store: AccessStore, clock: SimulatedClock) -> None:
    for _ in range(FREE_TRIES):
        with pytest.raises(Unauthenticated):
            store.users.log_in("nobody", WRONG)
    clock.pass_time(WAIT_FIRST_S - 0.5)
    with pytest.raises(Throttled) as caught:
        store.users.log_in("nobody", WRONG)
    assert caught.value.wait_s * NS_PER_S == NS_PER_S
