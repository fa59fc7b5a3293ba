"""Owns accounts and their grants: making, disabling, listing, logging in with a password. Blocking.

Every change is written together with its journal entry. Wrong passwords are counted per login across restarts, before
the password is looked at, so that guessing in parallel gains nothing. Does not own sessions.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from beket.access.access_time import AccessTime
from beket.access.journal import Event, Journal
from beket.access.passwords import Passwords, check_new_password
from beket.access.permit import Actor, Grant, grant_ends_at
from beket.access.roles import POLICE_ROLES, Role
from beket.access.sessions import revoke_sessions_in
from beket.access.tables import grants, login_tries, users
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.errors import Busy, InvalidArgument, NotFound, Unauthenticated
from beket.kernel.ids import UserId, check_slug, is_slug, new_uuid
from beket.kernel.secrets import Secret
from beket.kernel.text import say

FREE_TRIES = 5
WAIT_FIRST_S = 60
WAIT_MAX_S = 15 * 60
# Tries of logins that do not exist are counted too, so that waiting tells nobody which logins do; up to this many.
TRIED_LOGINS_MAX = 4096


class Throttled(Busy):
    """Too many wrong passwords for this login; the right one is not looked at before the wait is over."""

    def __init__(self, wait_s: int) -> None:
        minutes = -(-wait_s // 60)
        super().__init__(
            say(
                "Забагато невдалих спроб. Спробуйте ще раз через {minutes} хв.",
                "Too many failed tries. Try again in {minutes} min.",
                minutes=minutes,
            ),
            hint=say("Забули пароль? Зверніться до голови або заступника.", "Forgot it? Ask the head or the deputy."),
        )
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class User:
    """An account.

    Attributes:
        disabled_reason: "" while it is in use.
    """

    id: UserId
    login: str
    name: str
    role: Role
    created_ns: int
    disabled_reason: str


class Users:
    """Accounts in access.db."""

    def __init__(self, database: Database, time: AccessTime, journal: Journal, passwords: Passwords) -> None:
        self._database = database
        self._time = time
        self._journal = journal
        self._passwords = passwords

    def create(
        self, login: str, *, name: str, role: Role, password: Secret | None, by: str, with_grants: Iterable[Grant] = ()
    ) -> User:
        """Make an account; without a password it can only be entered by a one-time link.

        Raises:
            InvalidArgument: the login is no slug or is taken, the password is too easy, or a grant is not right.
        """
        check_slug(login, place="login")
        if password is not None:
            check_new_password(password, login=login)
        stored = None if password is None else self._passwords.hash(password)
        user = User(UserId(new_uuid()), login, name, role, self._time.wall_ns(), "")
        row = {"id": user.id, "login": login, "name": name, "role": role, "created_ns": user.created_ns}

        def work(connection: sa.Connection) -> None:
            if connection.execute(sa.select(users.c.id).where(users.c.login == login)).first():
                raise InvalidArgument(say("Такий логін уже є.", "This login is taken."), subject=login)
            connection.execute(sa.insert(users).values(**row, password_hash=stored, disabled_reason=""))
            details = {"name": name, "role": role.value}
            self._journal.append_in(connection, Event(actor=by, action="create-user", subject=login, details=details))
            for grant in with_grants:
                self._add_grant(connection, user, grant, by)

        self._database.write(work)
        return user

    def get(self, user: UserId) -> User:
        """The account with this id.

        Raises:
            NotFound: there is none.
        """
        return self._one(users.c.id == user, user)

    def find(self, login: str) -> User:
        """The account with this login.

        Raises:
            NotFound: there is none.
        """
        return self._one(users.c.login == login, login[:80])

    def all(self) -> list[User]:
        """All accounts by login, disabled ones too."""
        with self._database.read() as connection:
            return [_user(row) for row in connection.execute(sa.select(users).order_by(users.c.login))]

    def disable(self, user: UserId, *, reason: str, by: str) -> None:
        """Close an account and all its sessions at once; its history stays."""
        login = self.get(user).login
        now_ns = self._time.wall_ns()

        def work(connection: sa.Connection) -> None:
            values = {"disabled_ns": now_ns, "disabled_reason": reason or "disabled"}
            connection.execute(sa.update(users).where(users.c.id == user).values(**values))
            revoke_sessions_in(connection, user, reason="account disabled", now_ns=now_ns)
            details = {"reason": reason}
            self._journal.append_in(connection, Event(actor=by, action="disable-user", subject=login, details=details))

        self._database.write(work)

    def enable(self, user: UserId, *, by: str) -> None:
        """Open a disabled account again; its old sessions stay closed."""
        login = self.get(user).login

        def work(connection: sa.Connection) -> None:
            values = {"disabled_ns": None, "disabled_reason": ""}
            connection.execute(sa.update(users).where(users.c.id == user).values(**values))
            self._journal.append_in(connection, Event(actor=by, action="enable-user", subject=login))

        self._database.write(work)

    def set_password(self, user: UserId, password: Secret, *, by: str) -> None:
        """Give a new password; every session of the account ends and its waiting time is over.

        Raises:
            InvalidArgument: the password is too easy.
        """
        login = self.get(user).login
        check_new_password(password, login=login)
        stored = self._passwords.hash(password)
        now_ns = self._time.wall_ns()

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.update(users).where(users.c.id == user).values(password_hash=stored))
            connection.execute(sa.delete(login_tries).where(login_tries.c.login == login))
            revoke_sessions_in(connection, user, reason="password changed", now_ns=now_ns)
            self._journal.append_in(connection, Event(actor=by, action="set-password", subject=login))

        self._database.write(work)

    # Grants -----------------------------------------------------------------------------------------------------------

    def grant(self, user: UserId, grant: Grant, *, by: str) -> None:
        """Give a grant.

        Raises:
            InvalidArgument: its number is taken, it ends before it begins, or a technician's lasts past the day.
        """
        account = self.get(user)
        self._database.write(lambda connection: self._add_grant(connection, account, grant, by))

    def revoke_grant(self, number: str, *, reason: str, by: str) -> None:
        """End a grant now; it stays on record.

        Raises:
            NotFound: no grant in force has this number.
        """

        def work(connection: sa.Connection) -> None:
            in_force = (grants.c.number == number) & grants.c.revoked_ns.is_(None)
            values = {"revoked_ns": self._time.wall_ns(), "revoked_reason": reason}
            if connection.execute(sa.update(grants).where(in_force).values(**values)).rowcount == 0:
                raise NotFound(say("Чинного дозволу з таким номером немає.", "No such grant."), subject=number[:80])
            event = Event(actor=by, action="revoke-grant", grant=number, details={"reason": reason})
            self._journal.append_in(connection, event)

        self._database.write(work)

    def grants_of(self, user: UserId) -> tuple[Grant, ...]:
        """The grants of an account that were not revoked, past and future ones too, by number."""
        mine = (grants.c.user == user) & grants.c.revoked_ns.is_(None)
        with self._database.read() as connection:
            bodies = connection.execute(sa.select(grants.c.body).where(mine).order_by(grants.c.number)).scalars()
            return tuple(msgspec.json.decode(body, type=Grant) for body in bodies)

    def actor(self, user: UserId, *, reason: str = "") -> Actor:
        """Who asks in `permit`: the account with its grants of this moment.

        Raises:
            Unauthenticated: the account is disabled or gone.
        """
        try:
            account = self.get(user)
        except NotFound:
            raise _disabled() from None
        if account.disabled_reason:
            raise _disabled()
        return Actor(
            user=user,
            login=account.login,
            role=account.role,
            grants=self.grants_of(user),
            reason=reason.strip(),
        )

    def _add_grant(self, connection: sa.Connection, user: User, grant: Grant, by: str) -> None:
        check_grant(user.role, grant)
        if connection.execute(sa.select(grants.c.number).where(grants.c.number == grant.number)).first():
            raise InvalidArgument(say("Дозвіл із таким номером уже є.", "This number is taken."), subject=grant.number)
        body = msgspec.json.encode(grant, order="sorted").decode()
        values = {"number": grant.number, "user": user.id, "body": body, "revoked_reason": ""}
        connection.execute(sa.insert(grants).values(**values))
        details = {"document": grant.document, "purpose": grant.purpose, "until": grant.until_at.isoformat()}
        event = Event(actor=by, action="grant", subject=user.login, grant=grant.number, details=details)
        self._journal.append_in(connection, event)

    # Logging in -------------------------------------------------------------------------------------------------------

    def log_in(self, login: str, password: Secret) -> User:
        """The account that this login and password open. Takes tens of milliseconds, known login or not.

        Raises:
            Unauthenticated: wrong login or password, in one and the same sentence; or the account is disabled.
            Throttled: too many wrong ones; wait.
        """
        login = login.strip().lower()
        if not is_slug(login):
            self._passwords.verify(None, password)
            raise _wrong_password()
        self._count_try(login)
        with self._database.read() as connection:
            row = connection.execute(sa.select(users).where(users.c.login == login)).one_or_none()
        stored: str | None = None if row is None else row.password_hash
        if not self._passwords.verify(stored, password) or row is None or stored is None:
            raise _wrong_password()
        if row.disabled_ns is not None:
            raise _disabled()
        renewed = self._passwords.hash(password) if self._passwords.is_dated(stored) else stored
        user = _user(row)

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(login_tries).where(login_tries.c.login == login))
            # A password changed, or an account disabled, while we were hashing is not undone by this log-in.
            same = (users.c.id == user.id) & (users.c.password_hash == stored) & users.c.disabled_ns.is_(None)
            if connection.execute(sa.update(users).where(same).values(password_hash=renewed)).rowcount == 0:
                raise _wrong_password()
            event = Event(actor=f"user:{login}", action="log-in", about_police=user.role in POLICE_ROLES)
            self._journal.append_in(connection, event)

        self._database.write(work)
        return user

    def _count_try(self, login: str) -> None:
        # Counted as failed before the password is looked at; success takes the count away.
        def work(connection: sa.Connection) -> int:
            now_ns = self._time.elapsed_ns()
            row = connection.execute(sa.select(login_tries).where(login_tries.c.login == login)).one_or_none()
            failures = 0 if row is None else row.failures
            left_s = 0 if row is None else _wait_s(failures) - (now_ns - row.last_elapsed_ns) // NS_PER_S
            if left_s > 0:
                return int(left_s)
            if row is None:
                _make_room(connection)
            connection.execute(sa.delete(login_tries).where(login_tries.c.login == login))
            values = {"login": login, "failures": failures + 1, "last_elapsed_ns": now_ns}
            connection.execute(sa.insert(login_tries).values(**values))
            return 0

        left_s = self._database.write(work)
        if left_s:
            raise Throttled(left_s)

    def _one(self, condition: sa.ColumnElement[bool], subject: str) -> User:
        with self._database.read() as connection:
            row = connection.execute(sa.select(users).where(condition)).one_or_none()
        if row is None:
            raise NotFound(say("Такого користувача немає.", "There is no such user."), subject=subject)
        return _user(row)


def check_grant(role: Role, grant: Grant) -> None:
    """Refuse a grant that could not mean what it says.

    Raises:
        InvalidArgument: it has no number, ends before it begins, or outlasts a technician's day.
    """
    if not grant.number.strip() or grant.from_at.tzinfo is None or grant.until_at.tzinfo is None:
        raise InvalidArgument(say("Дозвіл потребує номера і строку.", "A grant needs a number and a term."))
    if grant.until_at <= grant.from_at:
        raise InvalidArgument(
            say("Дозвіл закінчується раніше, ніж починається.", "The grant ends before it begins."),
            subject=grant.number,
        )
    if grant_ends_at(role, grant) < grant.until_at:
        raise InvalidArgument(
            say("Дозвіл техніка діє лише один день.", "A technician's grant lasts one day only."),
            subject=grant.number,
            hint=say("Поставте кінець того самого дня.", "Let it end the same day."),
        )


def _wait_s(failures: int) -> int:
    if failures < FREE_TRIES:
        return 0
    return min(WAIT_MAX_S, WAIT_FIRST_S << min(failures - FREE_TRIES, 10))


def _make_room(connection: sa.Connection) -> None:
    # A flood of invented logins pushes out its own oldest ones, never the count of a real account.
    count = connection.execute(sa.select(sa.func.count()).select_from(login_tries)).scalar_one()
    if count < TRIED_LOGINS_MAX:
        return
    invented = sa.select(login_tries.c.login).where(login_tries.c.login.not_in(sa.select(users.c.login)))
    oldest = invented.order_by(login_tries.c.last_elapsed_ns).limit(TRIED_LOGINS_MAX // 4)
    connection.execute(sa.delete(login_tries).where(login_tries.c.login.in_(oldest)))


def _user(row: sa.Row[tuple[object, ...]]) -> User:
    return User(UserId(row.id), row.login, row.name, Role(row.role), row.created_ns, row.disabled_reason)


def _wrong_password() -> Unauthenticated:
    return Unauthenticated(
        say("Логін або пароль не підходить.", "The login or the password is wrong."),
        hint=say("Перевірте розкладку клавіатури й Caps Lock.", "Check the keyboard layout and Caps Lock."),
    )


def _disabled() -> Unauthenticated:
    return Unauthenticated(
        say("Цей обліковий запис вимкнено.", "This account is disabled."),
        hint=say("Зверніться до голови або заступника.", "Ask the head or the deputy."),
    )
