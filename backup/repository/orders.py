"""Owns what people have asked hosts to put back, from the click to the answer; in repositories.db. Blocking.

The centre dials nobody: an order waits until its host reports, and goes with the answer, again and again until the host
says what came of it. One that nobody fetched within a day is void: a computer that wakes up after a month must not
surprise its owner. Note: backup/design/0052-drills.md.
"""

from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from backup.messages import RestoreOrder, RestoreResult
from backup.repository.tables import ORDERS
from backup.restic.outcome import OutcomeKind
from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.ids import new_uuid
from beket.kernel.text import Text

VALID_NS = 86_400 * NS_PER_S
KEPT_NS = 400 * VALID_NS
WORDS_MAX_CHARS = 1000
GIVEN_AT_ONCE = 10


class State(StrEnum):
    """How far an order is."""

    WAITING = "waiting"
    TAKEN = "taken"
    DONE = "done"
    FAILED = "failed"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order and what is known of it. `by` is a login; `placed` where the thing is now, "" unless done."""

    id: str
    host: str
    snapshot: str
    path: str
    replace: bool
    by: str
    ordered_ns: int
    state: State
    reason: Text
    placed: str


class Orders:
    """The orders of all hosts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, host: str, order: RestoreOrder, *, by: str, wall_ns: int) -> str:
        """Take an order down; its id."""
        row = {
            "id": str(new_uuid()),
            "host": host,
            "snapshot": order.snapshot,
            "path": order.path,
            "replace": int(order.replace),
            "size_bytes": order.size_bytes,
            "ordered_by": by,
            "ordered_ns": wall_ns,
        }

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(ORDERS).where(ORDERS.c.ordered_ns < wall_ns - KEPT_NS))
            connection.execute(sa.insert(ORDERS).values(row))

        self._database.write(work)
        return str(row["id"])

    def give(self, host: str, *, wall_ns: int) -> list[RestoreOrder]:
        """What the host is to do now, the oldest first; it is taken note of that it was told."""
        wanted = (ORDERS.c.host == host) & ORDERS.c.ended_ns.is_(None) & (ORDERS.c.ordered_ns >= wall_ns - VALID_NS)
        query = sa.select(ORDERS).where(wanted).order_by(ORDERS.c.ordered_ns).limit(GIVEN_AT_ONCE)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        new = [row.id for row in rows if row.given_ns is None]
        if new:
            given = sa.update(ORDERS).where(ORDERS.c.id.in_(new)).values(given_ns=wall_ns)
            self._database.write(lambda connection: connection.execute(given))
        return [
            RestoreOrder(
                id=row.id, snapshot=row.snapshot, path=row.path, replace=bool(row.replace), size_bytes=row.size_bytes
            )
            for row in rows
        ]

    def end(self, host: str, result: RestoreResult, *, wall_ns: int) -> None:
        """Keep what came of an order of this host; one that is not its own, or is over, stays as it is."""
        mine = (ORDERS.c.id == result.id) & (ORDERS.c.host == host) & ORDERS.c.ended_ns.is_(None)
        values = {
            "ended_ns": wall_ns,
            "outcome": result.outcome if result.outcome in set(OutcomeKind) else OutcomeKind.FAILED.value,
            "reason_uk": result.reason_uk[:WORDS_MAX_CHARS],
            "reason_en": result.reason_en[:WORDS_MAX_CHARS],
            "placed": result.placed[:WORDS_MAX_CHARS],
        }
        self._database.write(lambda connection: connection.execute(sa.update(ORDERS).where(mine).values(values)))

    def of(self, host: str, *, wall_ns: int, limit: int = 20) -> list[Ordered]:
        """The newest orders of a host."""
        query = sa.select(ORDERS).where(ORDERS.c.host == host).order_by(ORDERS.c.ordered_ns.desc()).limit(limit)
        with self._database.read() as connection:
            return [_ordered(row, wall_ns) for row in connection.execute(query)]

    def one(self, host: str, order: str, *, wall_ns: int) -> Ordered | None:
        """One order of a host."""
        query = sa.select(ORDERS).where(ORDERS.c.host == host, ORDERS.c.id == order)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return _ordered(row, wall_ns) if row else None


def _ordered(row: "sa.Row[tuple[object, ...]]", wall_ns: int) -> Ordered:
    if row.ended_ns is not None:
        state = State.DONE if row.outcome == OutcomeKind.OK else State.FAILED
    elif row.ordered_ns < wall_ns - VALID_NS:
        state = State.VOID
    else:
        state = State.WAITING if row.given_ns is None else State.TAKEN
    return Ordered(
        id=row.id,
        host=row.host,
        snapshot=row.snapshot,
        path=row.path,
        replace=bool(row.replace),
        by=row.ordered_by,
        ordered_ns=row.ordered_ns,
        state=state,
        reason=Text("{uk}", "{en}", {"uk": row.reason_uk, "en": row.reason_en}),
        placed=row.placed,
    )
