"""Owns what is kept of gear, at a site and at the centre: copies that differ, how the last look at each device went.

Blocking; call it from a worker thread. Copies are bounded by number a device: the oldest go, at a site only once the
centre has them.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import backup.configs
from backup.configs.difference import counts
from backup.configs.tables import COPIES, LOOKS
from beket.kernel.database import Database
from beket.kernel.text import Text

MIGRATIONS = Path(backup.configs.__path__[0]) / "migrations"
# A device whose configuration changes every day is kept for more than a year.
KEPT_AT_CENTRE = 500
KEPT_AT_SITE = 10


class LookOutcome(StrEnum):
    """How a look at a device ended; *away*, *refused* and *not whole* never collapse into one."""

    FIRST = "first"
    UNCHANGED = "unchanged"
    CHANGED = "changed"
    AWAY = "away"
    REFUSED = "refused"
    NOT_WHOLE = "not-whole"
    FAILED = "failed"


GOOD = frozenset({LookOutcome.FIRST, LookOutcome.UNCHANGED, LookOutcome.CHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a look went. `good_ns` is the last one that brought a whole configuration; None before the first."""

    site: str
    device: str
    family: str
    looked_ns: int
    good_ns: int | None
    outcome: LookOutcome
    reason: Text
    is_weak: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A configuration that differed from the one before.

    Attributes:
        since_ns: when the one before was last seen: the change came after that. None for the first.
        sealed_ns: the moment by the site's clock, which is sealed in.
        who: who changed it, as far as the device says; "" when it does not.
        added, removed: lines, against the copy before.
    """

    id: str
    site: str
    device: str
    taken_ns: int
    since_ns: int | None
    sealed_ns: int
    family: str
    version: str
    who: str
    masked: str
    sealed: bytes
    added: int = 0
    removed: int = 0


class ConfigStore:
    """configs.db."""

    def __init__(self, path: Path, *, kept: int) -> None:
        """Open the database, bringing it up to date; `kept` copies a device.

        Raises:
            DataLoss: the file is no healthy database.
        """
        self._database = Database(path, migrations=MIGRATIONS)
        self._kept = kept

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def look(self, site: str, device: str) -> Look | None:
        """How the last look at the device went; None before the first."""
        query = sa.select(LOOKS).where(LOOKS.c.site == site, LOOKS.c.device == device)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _look_of(row) if row else None

    def looks(self) -> list[Look]:
        """All of them."""
        query = sa.select(LOOKS).order_by(LOOKS.c.site, LOOKS.c.device)
        with self._database.read() as connection:
            return [_look_of(row) for row in connection.execute(query)]

    def keep_look(self, look: Look) -> None:
        """Remember how a look went."""
        self._database.write(lambda connection: _put_look(connection, look))

    def keep_looks(self, site: str, looks: list[Look]) -> None:
        """Remember these as all that the site looks at: a device that is not named is looked at no longer."""

        def work(connection: sa.Connection) -> None:
            connection.execute(LOOKS.delete().where(LOOKS.c.site == site))
            for look in looks:
                _put_look(connection, look)

        self._database.write(work)

    def keep_copy(self, copy: Copy, look: Look | None = None, *, sent: bool = False) -> bool:
        """Keep a copy with what it adds and removes, and with `look` in the same breath; False when it is there."""

        def work(connection: sa.Connection) -> bool:
            if look is not None:
                _put_look(connection, look)
            if connection.execute(sa.select(COPIES.c.id).where(COPIES.c.id == copy.id)).first():
                return False
            before = _newest(connection, copy.site, copy.device, until_ns=copy.taken_ns)
            added, removed = counts(before.masked if before else "", copy.masked)
            values = {name: getattr(copy, name) for name in _COPIED} | {"added": added, "removed": removed}
            connection.execute(COPIES.insert().values(**values, sent=sent))
            self._drop_oldest(connection, copy.site, copy.device)
            return True

        return self._database.write(work)

    def newest(self, site: str, device: str) -> Copy | None:
        """The newest copy of the device."""
        with self._database.read() as connection:
            row = _newest(connection, site, device)
        return _copy_of(row) if row else None

    def copy(self, id_: str) -> Copy | None:
        """The copy called `id_`."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(COPIES).where(COPIES.c.id == id_)).first()
        return _copy_of(row) if row else None

    def before(self, copy: Copy) -> Copy | None:
        """The copy that `copy` differs from; None when it is the first that is kept."""
        query = (
            _of(copy.site, copy.device)
            .where(COPIES.c.taken_ns <= copy.taken_ns, COPIES.c.id != copy.id)
            .order_by(COPIES.c.taken_ns.desc())
            .limit(1)
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _copy_of(row) if row else None

    def history(self, site: str, device: str, *, limit: int = KEPT_AT_CENTRE) -> list[Copy]:
        """The copies of the device, newest first."""
        query = _of(site, device).order_by(COPIES.c.taken_ns.desc()).limit(limit)
        with self._database.read() as connection:
            return [_copy_of(row) for row in connection.execute(query)]

    def since(self, wall_ns: int) -> list[Copy]:
        """Copies taken since then, newest first; first copies are no changes and are left out."""
        query = (
            sa.select(COPIES)
            .where(COPIES.c.taken_ns >= wall_ns, COPIES.c.since_ns.is_not(None))
            .order_by(COPIES.c.taken_ns.desc())
            .limit(KEPT_AT_CENTRE)
        )
        with self._database.read() as connection:
            return [_copy_of(row) for row in connection.execute(query)]

    def unsent(self, limit: int) -> list[Copy]:
        """Copies that the centre does not have, oldest first."""
        query = sa.select(COPIES).where(COPIES.c.sent.is_(False)).order_by(COPIES.c.taken_ns).limit(limit)
        with self._database.read() as connection:
            return [_copy_of(row) for row in connection.execute(query)]

    def mark_sent(self, id_: str) -> None:
        """The centre has this copy."""
        self._database.write(
            lambda connection: connection.execute(COPIES.update().where(COPIES.c.id == id_).values(sent=True))
        )

    def _drop_oldest(self, connection: sa.Connection, site: str, device: str) -> None:
        """Beyond the bound the oldest go; what the centre has not got may be twice as many."""
        rows = connection.execute(
            sa.select(COPIES.c.id, COPIES.c.sent)
            .where(COPIES.c.site == site, COPIES.c.device == device)
            .order_by(COPIES.c.taken_ns.desc())
        ).all()
        gone = [row.id for i, row in enumerate(rows) if (row.sent and i >= self._kept) or i >= 2 * self._kept]
        if gone:
            connection.execute(COPIES.delete().where(COPIES.c.id.in_(gone)))


_COPIED = (
    "id", "site", "device", "taken_ns", "since_ns", "sealed_ns", "family", "version", "who", "masked", "sealed",
)  # fmt: skip


def _of(site: str, device: str) -> "sa.Select[Any]":
    return sa.select(COPIES).where(COPIES.c.site == site, COPIES.c.device == device)


def _newest(connection: sa.Connection, site: str, device: str, *, until_ns: int | None = None) -> "sa.Row[Any] | None":
    query = _of(site, device).order_by(COPIES.c.taken_ns.desc()).limit(1)
    if until_ns is not None:
        query = query.where(COPIES.c.taken_ns <= until_ns)
    return connection.execute(query).first()


def _put_look(connection: sa.Connection, look: Look) -> None:
    connection.execute(LOOKS.delete().where(LOOKS.c.site == look.site, LOOKS.c.device == look.device))
    values = {
        "site": look.site,
        "device": look.device,
        "family": look.family,
        "looked_ns": look.looked_ns,
        "good_ns": look.good_ns,
        "outcome": look.outcome.value,
        "reason_uk": look.reason.uk,
        "reason_en": look.reason.en,
        "is_weak": look.is_weak,
    }
    connection.execute(LOOKS.insert().values(values))


def _look_of(row: "sa.Row[Any]") -> Look:
    return Look(
        site=row.site,
        device=row.device,
        family=row.family,
        looked_ns=row.looked_ns,
        good_ns=row.good_ns,
        outcome=LookOutcome(row.outcome),
        reason=Text("{uk}", "{en}", {"uk": row.reason_uk, "en": row.reason_en}),
        is_weak=row.is_weak,
    )


def _copy_of(row: "sa.Row[Any]") -> Copy:
    return Copy(**{name: getattr(row, name) for name in _COPIED}, added=row.added, removed=row.removed)
