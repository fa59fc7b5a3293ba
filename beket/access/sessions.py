"""Owns who is logged in: sessions kept here, a random token with the browser, only the token's hash in the file.

Lifetimes are counted in `AccessTime.elapsed_ns`, so a clock that jumps after a blackout neither keeps people in for
years nor throws everybody out. Blocking. Cookies, Origin checks and pages are the app's.
Note: beket/access/design/0006-access-and-trust.md.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from beket.access.access_time import AccessTime
from beket.access.journal import Event, Journal
from beket.access.roles import POLICE_ROLES, Role
from beket.access.tables import one_time_logins, sessions, users
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden, InvalidArgument, NotFound, Unauthenticated
from beket.kernel.ids import UserId, new_uuid
from beket.kernel.secrets import Secret
from beket.kernel.text import say

IDLE_S = 12 * 3600
ABSOLUTE_S = 7 * 86_400
# A stated reason holds for a shift, then it must be stated again.
REASON_S = 8 * 3600
REASON_MAX_CHARS = 300
ONE_TIME_LOGIN_S = 10 * 60
# A look at a page does not cost a write each time.
TOUCH_EVERY_S = 60
USER_AGENT_MAX_CHARS = 200
TOKEN_MAX_CHARS = 128


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser.

    Attributes:
        id: names the session to people and in `revoke`; it opens nothing.
        user_agent: as the browser called itself, for the list of sessions only.
        reason: why the person looks, stated in the last hours; "" when it must be stated (again).
    """

    id: str
    user: UserId
    user_agent: str
    created_ns: int
    used_ns: int
    reason: str


class Sessions:
    """Sessions in access.db."""

    def __init__(
        self,
        database: Database,
        time: AccessTime,
        journal: Journal,
        *,
        idle_s: int = IDLE_S,
        absolute_s: int = ABSOLUTE_S,
    ) -> None:
        self._database = database
        self._time = time
        self._journal = journal
        self._idle_ns = idle_s * NS_PER_S
        self._absolute_ns = absolute_s * NS_PER_S

    def open(self, user: UserId, *, user_agent: str = "") -> tuple[Secret, Session]:
        """Log a browser in: the token for its cookie, and what is kept. Old sessions that ended are cleared away."""
        return self._database.write(lambda connection: self._open_in(connection, user, user_agent))

    def find(self, token: Secret) -> Session:
        """The session that this token opens; using it keeps it alive.

        Raises:
            Unauthenticated: unknown, ended or revoked token, or the account is disabled; the sentence says to log in.
        """
        now_ns = self._time.elapsed_ns()
        with self._database.read() as connection:
            query = _live(now_ns, self._idle_ns, self._absolute_ns).where(sessions.c.token_hash == _hash_of(token))
            row = connection.execute(query).one_or_none()
        if row is None:
            raise Unauthenticated(say("Увійдіть знову.", "Please log in again."))
        if now_ns - row.used_elapsed_ns >= TOUCH_EVERY_S * NS_PER_S:
            self._set(row.id, used_elapsed_ns=now_ns, used_ns=self._time.wall_ns())
        return _session(row, now_ns)

    def state_reason(self, session: str, reason: str) -> None:
        """Keep why the person looks; it is written to the journal with every look of the next hours.

        Raises:
            InvalidArgument: too long.
        """
        reason = reason.strip()
        if len(reason) > REASON_MAX_CHARS:
            raise InvalidArgument(say("Причина задовга: скажіть коротше.", "The reason is too long."))
        self._set(session, reason=reason, reason_elapsed_ns=self._time.elapsed_ns())

    def of(self, user: UserId) -> list[Session]:
        """The live sessions of an account, last used first."""
        now_ns = self._time.elapsed_ns()
        query = _live(now_ns, self._idle_ns, self._absolute_ns).where(sessions.c.user == user)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(sessions.c.used_elapsed_ns.desc()))
            return [_session(row, now_ns) for row in rows]

    def revoke(self, session: str, *, reason: str) -> None:
        """End one session; harmless when it has ended.

        Raises:
            NotFound: there is no such session.
        """
        self._set(session, revoked_ns=self._time.wall_ns(), revoked_reason=reason)

    def revoke_all(self, user: UserId, *, reason: str) -> int:
        """End every session of an account; how many there were."""
        now_ns = self._time.wall_ns()
        return self._database.write(lambda c: revoke_sessions_in(c, user, reason=reason, now_ns=now_ns))

    def issue_one_time_login(self, user: UserId) -> Secret:
        """A token that logs `user` in once within ten minutes; where it may be used from is the app's concern."""
        token = Secret(secrets.token_urlsafe(32))
        now_ns = self._time.elapsed_ns()

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(one_time_logins).where(one_time_logins.c.until_elapsed_ns <= now_ns))
            until_ns = now_ns + ONE_TIME_LOGIN_S * NS_PER_S
            values = {"token_hash": _hash_of(token), "user": user, "until_elapsed_ns": until_ns}
            connection.execute(sa.insert(one_time_logins).values(**values))

        self._database.write(work)
        return token

    def redeem_one_time_login(self, token: Secret, *, user_agent: str = "") -> tuple[Secret, Session]:
        """Open a session with a one-time token; the token is spent.

        Raises:
            Unauthenticated: unknown, spent or late, or the account is disabled.
        """

        def work(connection: sa.Connection) -> tuple[Secret, Session]:
            mine = one_time_logins.c.token_hash == _hash_of(token)
            link = sa.select(one_time_logins, users.c.login, users.c.role, users.c.disabled_ns)
            row = connection.execute(link.join(users, users.c.id == one_time_logins.c.user).where(mine)).one_or_none()
            connection.execute(sa.delete(one_time_logins).where(mine))
            if row is None or row.disabled_ns is not None or row.until_elapsed_ns <= self._time.elapsed_ns():
                raise Unauthenticated(
                    say("Це посилання вже не діє.", "This link is no longer valid."),
                    hint=say("Попросіть нове.", "Ask for a new one."),
                )
            about_police = Role(row.role) in POLICE_ROLES
            details = {"by": "one-time link"}
            event = Event(actor=f"user:{row.login}", action="log-in", about_police=about_police, details=details)
            self._journal.append_in(connection, event)
            return self._open_in(connection, UserId(row.user), user_agent)

        return self._database.write(work)

    def _open_in(self, connection: sa.Connection, user: UserId, user_agent: str) -> tuple[Secret, Session]:
        token = Secret(secrets.token_urlsafe(32))
        now_ns, wall_ns = self._time.elapsed_ns(), self._time.wall_ns()
        session = Session(new_uuid(), user, _printable(user_agent), wall_ns, wall_ns, "")
        connection.execute(sa.delete(sessions).where(sessions.c.created_elapsed_ns <= now_ns - self._absolute_ns))
        connection.execute(
            sa.insert(sessions).values(
                id=session.id,
                token_hash=_hash_of(token),
                user=user,
                user_agent=session.user_agent,
                created_ns=wall_ns,
                used_ns=wall_ns,
                created_elapsed_ns=now_ns,
                used_elapsed_ns=now_ns,
                reason="",
                reason_elapsed_ns=now_ns,
                revoked_reason="",
            )
        )
        self._time.save_in(connection)
        return token, session

    def _set(self, session: str, **values: object) -> None:
        def work(connection: sa.Connection) -> int:
            self._time.save_in(connection)
            return connection.execute(sa.update(sessions).where(sessions.c.id == session).values(**values)).rowcount

        if self._database.write(work) == 0:
            raise NotFound(say("Такого сеансу немає.", "There is no such session."))


def csrf_token(token: Secret) -> str:
    """The value that each form and changing request of this session carries; derived, so nothing more is kept."""
    return hmac.new(token.reveal().encode(errors="replace"), b"beket csrf 1", hashlib.sha256).hexdigest()


def check_csrf(token: Secret, given: str) -> None:
    """Refuse a changing request that did not come from our own page.

    Raises:
        Forbidden: `given` is not this session's `csrf_token`.
    """
    if not hmac.compare_digest(csrf_token(token).encode(), given.encode(errors="replace")):
        raise Forbidden(
            say("Сторінка застаріла.", "The page is out of date."),
            hint=say("Оновіть її й повторіть.", "Reload it and try again."),
        )


def revoke_sessions_in(connection: sa.Connection, user: UserId, *, reason: str, now_ns: int) -> int:
    """End every session of an account, and its unused one-time links, within a transaction; how many sessions ended."""
    connection.execute(sa.delete(one_time_logins).where(one_time_logins.c.user == user))
    open_ones = (sessions.c.user == user) & sessions.c.revoked_ns.is_(None)
    return connection.execute(
        sa.update(sessions).where(open_ones).values(revoked_ns=now_ns, revoked_reason=reason)
    ).rowcount


def _live(now_ns: int, idle_ns: int, absolute_ns: int) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(sessions)
        .join(users, users.c.id == sessions.c.user)
        .where(
            users.c.disabled_ns.is_(None),
            sessions.c.revoked_ns.is_(None),
            sessions.c.used_elapsed_ns > now_ns - idle_ns,
            sessions.c.created_elapsed_ns > now_ns - absolute_ns,
        )
    )


def _session(row: sa.Row[tuple[object, ...]], now_ns: int) -> Session:
    fresh = now_ns - row.reason_elapsed_ns < REASON_S * NS_PER_S
    return Session(row.id, UserId(row.user), row.user_agent, row.created_ns, row.used_ns, row.reason if fresh else "")


def _hash_of(token: Secret) -> bytes:
    # A random token of 256 bits needs no slow hash.
    return hashlib.sha256(token.reveal()[:TOKEN_MAX_CHARS].encode(errors="replace")).digest()


def _printable(user_agent: str) -> str:
    return "".join(c for c in user_agent[:USER_AGENT_MAX_CHARS] if c.isprintable())
