"""Owns the passwords of the RTSP relay: a secret of its own for each police person, made here, shown once. Blocking.

Digest (RFC 7616) needs the password or its HA1, which a slow hash cannot give, so the person's own password never goes
there. Kept are the two HA1 alone. Note: vms/design/0008-live.md "The relay's password".
"""

import hashlib
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from beket.access.access_time import AccessTime
from beket.access.journal import Event, Journal
from beket.access.roles import Role
from beket.access.tables import relay_passwords, users
from beket.access.users import User
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden, InvalidArgument
from beket.kernel.ids import UserId
from beket.kernel.secrets import Secret
from beket.kernel.text import say

# What the relay calls itself in its challenge; part of each hash, so it never changes.
REALM = "Beket"
# 26 of 36: 134 bits. No capitals and no signs, for it is typed into a recorder with a mouse.
PASSWORD_CHARS = 26
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class RelayAccount:
    """A police person whom the relay knows; the hashes are hex."""

    user: UserId
    md5: str
    sha256: str

    def __repr__(self) -> str:
        return f"RelayAccount({self.user}, •••)"


class RelayPasswords:
    """Relay passwords in access.db."""

    def __init__(self, database: Database, time: AccessTime, journal: Journal) -> None:
        self._database = database
        self._time = time
        self._journal = journal

    def renew(self, user: User, *, by: str) -> Secret:
        """A new password for the relay, the only one from now on; it is kept nowhere in clear.

        Raises:
            Forbidden: the relay is for the police only.
            InvalidArgument: the account is disabled.
        """
        if user.role is not Role.POLICE:
            raise Forbidden(
                say(
                    "Пароль ретранслятора — лише для облікових записів поліції.",
                    "A relay password is for police accounts only.",
                ),
                subject=user.login,
            )
        if user.disabled_reason:
            raise InvalidArgument(say("Цей обліковий запис вимкнено.", "This account is disabled."), subject=user.login)
        password = Secret("".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_CHARS)))
        clear = f"{user.login}:{REALM}:{password.reveal()}".encode()
        row = {
            "user": user.id,
            "md5": hashlib.md5(clear, usedforsecurity=False).hexdigest(),  # what RFC 2617 clients send
            "sha256": hashlib.sha256(clear).hexdigest(),
            "created_ns": self._time.wall_ns(),
        }

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(relay_passwords).where(relay_passwords.c.user == user.id))
            connection.execute(sa.insert(relay_passwords).values(**row))
            event = Event(actor=by, action="renew-relay-password", subject=user.login, about_police=False)
            self._journal.append_in(connection, event)

        self._database.write(work)
        return password

    def accounts(self) -> dict[str, RelayAccount]:
        """Whom the relay knows now, by login; disabled accounts are not among them."""
        query = (
            sa.select(users.c.login, relay_passwords.c.user, relay_passwords.c.md5, relay_passwords.c.sha256)
            .join(users, users.c.id == relay_passwords.c.user)
            .where(users.c.disabled_ns.is_(None), users.c.role == Role.POLICE.value)
        )
        with self._database.read() as connection:
            return {row.login: RelayAccount(UserId(row.user), row.md5, row.sha256) for row in connection.execute(query)}
