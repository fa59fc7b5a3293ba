from collections.abc import Callable

import pytest
import sqlalchemy as sa

from beket.access.roles import Role
from beket.access.sessions import ABSOLUTE_S, IDLE_S, ONE_TIME_LOGIN_S, REASON_S, check_csrf, csrf_token
from beket.access.store import AccessStore
from beket.access.tables import sessions
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden, InvalidArgument, NotFound, Unauthenticated
from beket.kernel.ids import UserId
from beket.kernel.secrets import Secret

HOUR_S = 3600
OpenStore = Callable[..., AccessStore]


@pytest.fixture
def user(store: AccessStore) -> UserId:
    return store.users.create("olena", name="Олена", role=Role.HEAD, password=None, by="beket").id


def is_in(store: AccessStore, token: Secret) -> bool:
    try:
        store.sessions.find(token)
    except Unauthenticated:
        return False
    return True


def test_a_token_opens_its_session_and_only_its_hash_is_kept(
    store: AccessStore, user: UserId, database: Database
) -> None:
    token, session = store.sessions.open(user, user_agent="Firefox\x00\n")
    assert store.sessions.find(token) == session
    assert (session.user, session.user_agent) == (user, "Firefox")
    with database.read() as connection:
        kept = repr(connection.execute(sa.select(sessions)).all())
    assert token.reveal() not in kept
    assert session.id in kept


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\ud800", "' OR 1=1 --"])
def test_an_unknown_token_opens_nothing(store: AccessStore, user: UserId, token: str) -> None:
    store.sessions.open(user)
    assert not is_in(store, Secret(token))


def test_use_keeps_a_session_alive_until_the_absolute_end(
    store: AccessStore, user: UserId, clock: SimulatedClock
) -> None:
    token, _ = store.sessions.open(user)
    passed_s = 0
    while passed_s + IDLE_S - 1 < ABSOLUTE_S:
        clock.pass_time(IDLE_S - 1)
        passed_s += IDLE_S - 1
        assert is_in(store, token)
    clock.pass_time(ABSOLUTE_S - passed_s)
    assert not is_in(store, token)


def test_an_idle_session_ends(store: AccessStore, user: UserId, clock: SimulatedClock) -> None:
    token, _ = store.sessions.open(user)
    clock.pass_time(IDLE_S - 1)
    assert is_in(store, token)
    clock.pass_time(IDLE_S)
    assert not is_in(store, token)
    assert store.sessions.of(user) == []


@pytest.mark.parametrize("jump_s", [-20 * 365 * 86_400, 20 * 365 * 86_400, 3 * 86_400])
def test_a_clock_that_jumps_neither_throws_out_nor_keeps_in(
    store: AccessStore, user: UserId, clock: SimulatedClock, jump_s: int
) -> None:
    token, _ = store.sessions.open(user)
    clock.step_wall(jump_s)
    assert is_in(store, token)
    clock.pass_time(IDLE_S)
    assert not is_in(store, token)


@pytest.mark.parametrize("wall_s", [0, 4 * 10**9])
def test_a_blackout_with_a_dead_clock_keeps_people_in_for_their_hours_and_no_longer(
    store: AccessStore, user: UserId, open_store: OpenStore, wall_s: int
) -> None:
    token, _ = store.sessions.open(user)
    clock = SimulatedClock(wall_ns=wall_s * NS_PER_S)
    after = open_store(clock, boot_id="boot-2")
    assert is_in(after, token)
    clock.step_wall(10**9)  # set right at last
    assert is_in(after, token)
    clock.pass_time(IDLE_S)
    assert not is_in(after, token)


def test_a_night_without_power_counts_when_the_clock_is_sane(
    store: AccessStore, user: UserId, clock: SimulatedClock, open_store: OpenStore
) -> None:
    token, _ = store.sessions.open(user)
    short = SimulatedClock(wall_ns=clock.wall_ns() + 4 * HOUR_S * NS_PER_S)
    assert is_in(open_store(short, boot_id="boot-2"), token)
    night = SimulatedClock(wall_ns=short.wall_ns() + 14 * HOUR_S * NS_PER_S)
    assert not is_in(open_store(night, boot_id="boot-3"), token)


def test_one_or_all_sessions_of_a_user_are_revoked(store: AccessStore, user: UserId, database: Database) -> None:
    tokens = [store.sessions.open(user)[0] for _ in range(3)]
    store.sessions.revoke(store.sessions.find(tokens[0]).id, reason="загублено телефон")
    assert [is_in(store, token) for token in tokens] == [False, True, True]
    assert len(store.sessions.of(user)) == 2
    assert store.sessions.revoke_all(user, reason="перевірка") == 2
    assert not any(is_in(store, token) for token in tokens)
    with database.read() as connection:
        reasons = connection.execute(sa.select(sessions.c.revoked_reason)).scalars().all()
    assert sorted(reasons) == ["загублено телефон", "перевірка", "перевірка"]
    with pytest.raises(NotFound):
        store.sessions.revoke("no-such-session", reason="")


def test_a_stated_reason_holds_for_a_shift(store: AccessStore, user: UserId, clock: SimulatedClock) -> None:
    token, session = store.sessions.open(user)
    assert session.reason == ""
    store.sessions.state_reason(session.id, " звернення мешканки ")
    assert store.sessions.find(token).reason == "звернення мешканки"
    clock.pass_time(REASON_S)
    assert store.sessions.find(token).reason == ""
    with pytest.raises(InvalidArgument):
        store.sessions.state_reason(session.id, "х" * 301)


def test_ended_sessions_are_cleared_away(
    store: AccessStore, user: UserId, clock: SimulatedClock, database: Database
) -> None:
    store.sessions.open(user)
    clock.pass_time(ABSOLUTE_S)
    store.sessions.open(user)
    with database.read() as connection:
        assert len(connection.execute(sa.select(sessions)).all()) == 1


def test_a_csrf_token_fits_its_session_only(store: AccessStore, user: UserId) -> None:
    one, two = store.sessions.open(user)[0], store.sessions.open(user)[0]
    check_csrf(one, csrf_token(one))
    assert one.reveal() not in csrf_token(one)
    for wrong in (csrf_token(two), "", "ї", "\ud800"):
        with pytest.raises(Forbidden):
            check_csrf(one, wrong)


def test_a_one_time_link_opens_once_and_not_late(store: AccessStore, user: UserId, clock: SimulatedClock) -> None:
    link = store.sessions.issue_one_time_login(user)
    token, _ = store.sessions.redeem_one_time_login(link, user_agent="demo")
    assert is_in(store, token)
    late = store.sessions.issue_one_time_login(user)
    clock.pass_time(ONE_TIME_LOGIN_S)
    for spent in (link, late, Secret("no")):
        with pytest.raises(Unauthenticated):
            store.sessions.redeem_one_time_login(spent)
