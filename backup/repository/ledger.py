"""Owns what the centre remembers of its repositories, in repositories.db. Blocking; call it from a worker thread.

Nothing here proves that a copy exists: that is the repositories' content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import sqlalchemy as sa

import backup
from backup.messages import PlanReport
from backup.repository.acts import Acts
from backup.repository.orders import Orders
from backup.repository.tables import ACTS, CLAIMS, DAMAGES, HOSTS, KEYS, ORDERS, SIZES, WALKS, WORKS
from backup.repository.walk import Damage, Fault, Slice
from backup.restic.outcome import Outcome
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.ids import new_uuid
from beket.kernel.text import Text

MIGRATIONS = Path(backup.__path__[0]) / "repository" / "migrations"
DAY_NS = 86_400 * NS_PER_S
WORKS_KEPT_DAYS = 400


@dataclass(frozen=True, slots=True)
class Host:
    """Whose repository it is. `credential` is a htpasswd hash, "" without one; `suspended` why it is not let in."""

    host: str
    site: str
    added_ns: int
    credential: str = ""
    suspended: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """Where the hash walk of a repository stands.

    Attributes:
        cursor: where it goes on after; "" when it is at the beginning.
        ended_ns: when a whole walk last ended; None before the first.
        whole_bytes: how much that walk read; the measure of this one's progress.
    """

    host: str
    began_ns: int
    cursor: str
    files: int
    size_bytes: int
    ended_ns: int | None
    whole_files: int
    whole_bytes: int
    config_sha256: str


@dataclass(frozen=True, slots=True)
class FoundDamage:
    """A damaged file and when it was found."""

    host: str
    damage: Damage
    found_ns: int


@dataclass(frozen=True, slots=True)
class Told:
    """What a host said of a plan, and when by the centre's clock. Moments in `report` are by that clock too."""

    host: str
    heard_ns: int
    report: PlanReport


@dataclass(frozen=True, slots=True)
class Size:
    """How large a repository was on a day (days since 1970)."""

    day: int
    size_bytes: int
    snapshots: int


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of the centre's own work that is over. `outcome` is an `OutcomeKind` in a word."""

    host: str
    work: str
    ended_ns: int
    outcome: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Key:
    """A key that the centre knows of; `key` is the name of its file, `holder` whom it was made for."""

    host: str
    key: str
    holder: str
    made_ns: int
    tried_ns: int | None


class Ledger:
    """The memory of the centre's repositories."""

    def __init__(self, path: Path) -> None:
        """Open repositories.db, bringing it up to date.

        Raises:
            DataLoss: the file is no healthy database.
        """
        self._database = Database(path, migrations=MIGRATIONS)
        self.acts = Acts(self._database)
        self.orders = Orders(self._database)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    # Hosts and keys ---------------------------------------------------------------------------------------------------

    def hosts(self) -> list[Host]:
        """All hosts, by name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(HOSTS).order_by(HOSTS.c.host)).all()
        return [Host(row.host, row.site, row.added_ns, row.credential, row.suspended) for row in rows]

    def kept_here(self) -> set[str]:
        """Hosts that have, or had, a repository at this centre: one that was measured or that the centre made."""
        with self._database.read() as connection:
            measured = connection.execute(sa.select(SIZES.c.host).distinct()).scalars()
            return {*measured, *connection.execute(sa.select(KEYS.c.host).distinct()).scalars()}

    def guests(self) -> set[str]:
        """Neighbour communities that are let in: they have a login, and no repository that this centre has a key to."""
        with self._database.read() as connection:
            let_in = connection.execute(sa.select(HOSTS.c.host).where(HOSTS.c.credential != "")).scalars()
            return {*let_in} - {*connection.execute(sa.select(KEYS.c.host).distinct()).scalars()}

    def drop_host(self, host: str) -> None:
        """Forget a host whose repository is no more, on purpose."""

        def work(connection: sa.Connection) -> None:
            for table in (HOSTS, KEYS, CLAIMS, WALKS, DAMAGES, SIZES, WORKS, ACTS, ORDERS):
                connection.execute(sa.delete(table).where(table.c.host == host))

        self._database.write(work)

    def add_host(self, host: str, site: str, *, wall_ns: int) -> None:
        """Take note of a host; one that is known stays as it is."""
        row = {"host": host, "site": site, "added_ns": wall_ns}

        def work(connection: sa.Connection) -> None:
            if connection.execute(sa.select(HOSTS.c.host).where(HOSTS.c.host == host)).first() is None:
                connection.execute(sa.insert(HOSTS).values(row))

        self._database.write(work)

    def set_credential(self, host: str, credential: str) -> None:
        """From now on the host enters with this."""
        self._change_host(host, {"credential": credential})

    def suspend(self, host: str, why: str) -> None:
        """Let the host in no longer; "" lets it in again."""
        self._change_host(host, {"suspended": why})

    def known_keys(self) -> list[Key]:
        """All keys that the centre knows of, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(KEYS).order_by(KEYS.c.made_ns)).all()
        return [Key(row.host, row.key, row.holder, row.made_ns, row.tried_ns) for row in rows]

    def keep_key(self, host: str, key: str, holder: str, *, wall_ns: int) -> None:
        """Take note of a key."""
        row = {"host": host, "key": key, "holder": holder, "made_ns": wall_ns}

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(KEYS).where(KEYS.c.host == host, KEYS.c.key == key))
            connection.execute(sa.insert(KEYS).values(row))

        self._database.write(work)

    def forget_key(self, host: str, key: str) -> None:
        """The key is no more."""
        self._database.write(lambda c: c.execute(sa.delete(KEYS).where(KEYS.c.host == host, KEYS.c.key == key)))

    def key_was_tried(self, host: str, holder: str, *, wall_ns: int) -> None:
        """Somebody opened the repository with the keys of `holder`."""
        mine = (KEYS.c.host == host) & (KEYS.c.holder == holder)
        self._database.write(lambda c: c.execute(sa.update(KEYS).where(mine).values(tried_ns=wall_ns)))

    def _change_host(self, host: str, values: Mapping[str, str]) -> None:
        self._database.write(lambda c: c.execute(sa.update(HOSTS).where(HOSTS.c.host == host).values(**values)))

    # What agents say --------------------------------------------------------------------------------------------------

    def hear(self, host: str, reports: Sequence[PlanReport], *, wall_ns: int) -> None:
        """Keep what a host says now; plans that it does not name are plans no longer."""
        rows = [
            {"host": host, "plan": report.id, "heard_ns": wall_ns, "report": msgspec.json.encode(report).decode()}
            for report in {report.id: report for report in reports}.values()
        ]

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(CLAIMS).where(CLAIMS.c.host == host))
            if rows:
                connection.execute(sa.insert(CLAIMS), rows)

        self._database.write(work)

    def told(self) -> list[Told]:
        """What each host last said of each plan."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(CLAIMS).order_by(CLAIMS.c.host, CLAIMS.c.plan)).all()
        return [Told(row.host, row.heard_ns, msgspec.json.decode(row.report, type=PlanReport)) for row in rows]

    # The hash walk ----------------------------------------------------------------------------------------------------

    def walks(self) -> dict[str, Walk]:
        """Where each walk stands."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(WALKS)).all()
        return {row.host: Walk(**row._mapping) for row in rows}

    def keep_slice(self, host: str, after: str, part: Slice, *, wall_ns: int) -> None:
        """Remember what a stretch of a walk, begun after `after`, showed; damage that is gone is forgotten."""

        def work(connection: sa.Connection) -> None:
            row = connection.execute(sa.select(WALKS).where(WALKS.c.host == host)).first()
            known = dict(row._mapping) if row else _new_walk(host, wall_ns)
            connection.execute(sa.delete(WALKS).where(WALKS.c.host == host))
            connection.execute(sa.insert(WALKS).values(_moved_on(known, after, part, wall_ns)))
            walked = (DAMAGES.c.host == host) & (DAMAGES.c.file > after) & (DAMAGES.c.fault != Fault.UNSOUND)
            if part.last:
                walked &= DAMAGES.c.file <= part.last
            still = {(one.file, one.fault.value) for one in part.damaged}
            rows = connection.execute(sa.select(DAMAGES).where(walked)).all()
            known_damage = {(row.file, row.fault) for row in rows}
            for file, _ in known_damage - still:
                connection.execute(sa.delete(DAMAGES).where(DAMAGES.c.host == host, DAMAGES.c.file == file))
            for file, fault in sorted(still - known_damage):
                connection.execute(sa.delete(DAMAGES).where(DAMAGES.c.host == host, DAMAGES.c.file == file))
                values = {"host": host, "file": file, "fault": fault, "found_ns": wall_ns}
                connection.execute(sa.insert(DAMAGES).values(values))

        self._database.write(work)

    def keep_unsound(self, host: str, damaged: Sequence[Damage], *, wall_ns: int) -> None:
        """What the last check by restic itself missed, and nothing else; what the walk found of these files stays."""

        def work(connection: sa.Connection) -> None:
            rows = connection.execute(sa.select(DAMAGES).where(DAMAGES.c.host == host)).all()
            since_ns = {row.file: row.found_ns for row in rows if row.fault == Fault.UNSOUND}
            unsound = (DAMAGES.c.host == host) & (DAMAGES.c.fault == Fault.UNSOUND)
            connection.execute(sa.delete(DAMAGES).where(unsound))
            for file in sorted(
                {one.file for one in damaged} - {row.file for row in rows if row.fault != Fault.UNSOUND}
            ):
                values = {"host": host, "file": file, "fault": Fault.UNSOUND, "found_ns": since_ns.get(file, wall_ns)}
                connection.execute(sa.insert(DAMAGES).values(values))

        self._database.write(work)

    def damages(self) -> list[FoundDamage]:
        """What is known to be damaged."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(DAMAGES).order_by(DAMAGES.c.host, DAMAGES.c.file)).all()
        return [FoundDamage(row.host, Damage(row.file, Fault(row.fault)), row.found_ns) for row in rows]

    # Sizes and works --------------------------------------------------------------------------------------------------

    def keep_size(self, host: str, size_bytes: int, snapshots: int, *, wall_ns: int) -> None:
        """Remember today's size; the last of a day counts."""
        day = wall_ns // DAY_NS
        row = {"host": host, "day": day, "size_bytes": size_bytes, "snapshots": snapshots}

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(SIZES).where(SIZES.c.host == host, SIZES.c.day == day))
            connection.execute(sa.insert(SIZES).values(row))

        self._database.write(work)

    def sizes(self, *, since_day: int = 0) -> dict[str, list[Size]]:
        """The sizes of each repository, oldest first."""
        found: dict[str, list[Size]] = {}
        with self._database.read() as connection:
            for row in connection.execute(sa.select(SIZES).where(SIZES.c.day >= since_day).order_by(SIZES.c.day)):
                found.setdefault(row.host, []).append(Size(row.day, row.size_bytes, row.snapshots))
        return found

    def keep_work(self, host: str, work: str, outcome: Outcome, *, wall_ns: int) -> None:
        """Remember what came of a piece of work."""
        row = {
            "id": new_uuid(),
            "host": host,
            "work": work,
            "ended_ns": wall_ns,
            "outcome": outcome.kind.value,
            "reason_uk": outcome.reason.uk,
            "reason_en": outcome.reason.en,
        }
        old_ns = wall_ns - WORKS_KEPT_DAYS * DAY_NS

        def write(connection: sa.Connection) -> None:
            connection.execute(sa.insert(WORKS).values(row))
            connection.execute(sa.delete(WORKS).where(WORKS.c.host == host, WORKS.c.ended_ns < old_ns))

        self._database.write(write)

    def last_works(self, work: str, *, outcomes: Sequence[str] = ()) -> dict[str, Work]:
        """The newest work of this kind of each host, with one of these outcomes where any are named."""
        wanted = WORKS.c.work == work
        if outcomes:
            wanted &= WORKS.c.outcome.in_(outcomes)
        newest = sa.select(WORKS.c.host, sa.func.max(WORKS.c.ended_ns).label("ended_ns")).where(wanted)
        last = newest.group_by(WORKS.c.host).subquery()
        is_last = (WORKS.c.host == last.c.host) & (WORKS.c.ended_ns == last.c.ended_ns)
        with self._database.read() as connection:
            rows = connection.execute(sa.select(WORKS).join(last, is_last).where(wanted)).all()
        return {
            row.host: Work(
                row.host,
                row.work,
                row.ended_ns,
                row.outcome,
                Text("{uk}", "{en}", {"uk": row.reason_uk, "en": row.reason_en}),
            )
            for row in rows
        }


def _new_walk(host: str, wall_ns: int) -> dict[str, object]:
    return {
        "host": host,
        "began_ns": wall_ns,
        "cursor": "",
        "files": 0,
        "size_bytes": 0,
        "ended_ns": None,
        "whole_files": 0,
        "whole_bytes": 0,
        "config_sha256": "",
    }


def _moved_on(known: Mapping[str, object], after: str, part: Slice, wall_ns: int) -> dict[str, object]:
    moved = dict(known)
    if not after:
        moved |= {"began_ns": wall_ns, "files": 0, "size_bytes": 0}
    files, size_bytes = int(str(moved["files"])) + part.files, int(str(moved["size_bytes"])) + part.size_bytes
    moved |= {"cursor": part.last, "files": files, "size_bytes": size_bytes}
    moved["config_sha256"] = known["config_sha256"] or part.config_sha256
    if not part.last:
        moved |= {"ended_ns": wall_ns, "whole_files": files, "whole_bytes": size_bytes}
    return moved
