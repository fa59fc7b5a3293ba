"""Owns where alerts are kept: how each stands, every transition with its reason and times, and who may move one.

An alert is moved by whoever saw its newest revision: a conditional UPDATE, so that two workers never both tell people.
A transition and what it asks the post to send are one transaction. Blocking; call it from a worker thread.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec
import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S
from beket.kernel.database import Database
from beket.kernel.ids import SiteId
from collector.rules.condition import Words
from collector.rules.standing import BAD, Moment, Standing, State
from collector.rules.tables import alert, alert_heard, alert_transition

_OK = Standing()


class Reason(StrEnum):
    """Why an alert changed."""

    SEEN = "seen"
    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    LASTED = "lasted"
    GONE = "gone"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Known:
    """An alert as it stands in the table; revision 0 is one that was never there."""

    key: str
    rule: str
    subject: str
    site: SiteId
    standing: Standing = _OK
    revision: int = 0
    words: Words | None = None
    changed_wall_ns: int = 0
    ended_wall_ns: int | None = None
    lasted_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """What one look makes of an alert."""

    known: Known
    after: Standing
    now: Moment
    words: Words | None
    reason: Reason | None = None  # None while only the count goes on

    @property
    def tells(self) -> bool:
        """Whether people hear of it: they hear of the beginning, and of the end of what they heard begin."""
        return self.reason is not None and self.after.state in (State.FIRING, State.RESOLVED)

    def lasted_ns(self) -> int | None:
        """How long the episode lasted by now; None when a reboot and a wrong clock hide it."""
        return None if self.after.began is None else self.now.since(self.after.began)


# Puts what a move asks for into the same transaction: `collector.notify.outbox`.
Post = Callable[[sa.Connection, Move], None]


@dataclass(frozen=True, slots=True)
class Transition:
    """One line of an alert's history."""

    episode: int
    before: State
    after: State
    reason: Reason
    wall_ns: int


class AlertStore:
    """Alerts in facts.db."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self) -> dict[str, Known]:
        """Every alert that ever was anything but ok, by key."""
        with self._database.read() as connection:
            return {row.key: _known(row) for row in connection.execute(sa.select(alert))}

    def move(self, moves: Sequence[Move], post: Post) -> list[Move]:
        """Write `moves` and post what they tell, durably and together; what nobody else had moved."""
        if not moves:
            return []

        def work(connection: sa.Connection) -> list[Move]:
            done = [move for move in moves if _claim(connection, move)]
            for move in done:
                if move.reason is not None:
                    connection.execute(sa.insert(alert_transition).values(_transition(move, move.reason)))
                if move.tells:
                    post(connection, move)
            return done

        return self._database.write(work)

    def heard(self) -> set[SiteId]:
        """Sites that have ever spoken."""
        with self._database.read() as connection:
            return {SiteId(site) for site in connection.scalars(sa.select(alert_heard.c.site))}

    def hear(self, sites: Iterable[SiteId], *, wall_ns: int) -> None:
        """Remember that these have spoken."""
        rows = [{"site": site, "first_wall_ns": wall_ns} for site in sites]
        if rows:
            insert = sa.insert(alert_heard).prefix_with("OR IGNORE")
            self._database.write(lambda connection: connection.execute(insert, rows).close())

    # For pages --------------------------------------------------------------------------------------------------------

    def listing(self, *, resolved_since_wall_ns: int, limit: int) -> list[Known]:
        """Alerts that stand now and those resolved since then: firing first, then by the newest change."""
        with self._database.read() as connection:
            is_open = alert.c.state.in_([state.value for state in BAD])
            is_recent = (alert.c.state == State.RESOLVED.value) & (alert.c.changed_wall_ns >= resolved_since_wall_ns)
            order = sa.case({state.value: place for place, state in enumerate(_ORDER)}, value=alert.c.state)
            query = sa.select(alert).where(is_open | is_recent).order_by(order, alert.c.changed_wall_ns.desc())
            return [_known(row) for row in connection.execute(query.limit(limit))]

    def find(self, key: str) -> Known | None:
        """One alert."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(alert).where(alert.c.key == key)).one_or_none()
            return None if row is None else _known(row)

    def history(self, key: str, *, limit: int) -> list[Transition]:
        """What happened to an alert, the newest first."""
        table = alert_transition.c
        query = sa.select(alert_transition).where(table.key == key).order_by(table.id.desc()).limit(limit)
        with self._database.read() as connection:
            return [
                Transition(row.episode, State(row.before), State(row.after), Reason(row.reason), row.wall_ns)
                for row in connection.execute(query)
            ]

    def firing_between(self, *, from_wall_ns: int, until_wall_ns: int, limit: int = 100) -> list[tuple[Known, int]]:
        """Alerts that began firing between two moments, each with its own, the newest first."""
        table = alert_transition.c
        query = (
            sa.select(alert, table.wall_ns.label("fired_wall_ns"))
            .join(alert_transition, table.key == alert.c.key)
            .where(table.after == State.FIRING.value, table.wall_ns.between(from_wall_ns, until_wall_ns))
            .order_by(table.wall_ns.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(_known(row), row.fired_wall_ns) for row in connection.execute(query)]

    def counts(self) -> dict[State, int]:
        """How many alerts stand where."""
        query = sa.select(alert.c.state, sa.func.count()).group_by(alert.c.state)
        with self._database.read() as connection:
            return {State(state): n for state, n in connection.execute(query)}

    def forget(self, wall_ns: int, *, keep_s: float) -> None:
        """Drop history older than `keep_s`."""
        old = alert_transition.c.wall_ns < wall_ns - round(keep_s * NS_PER_S)
        self._database.write(lambda connection: connection.execute(sa.delete(alert_transition).where(old)).close())


_ORDER = (State.FIRING, State.PENDING, State.INHIBITED, State.RESOLVED)


def _claim(connection: sa.Connection, move: Move) -> bool:
    known, after = move.known, move.after
    changed: dict[str, int | None] = {} if move.reason is None else {"changed_wall_ns": move.now.wall_ns}
    if move.reason is not None and after.state not in BAD:
        changed |= {"ended_wall_ns": move.now.wall_ns, "lasted_ns": move.lasted_ns()}
    elif after.episode != known.standing.episode:
        changed |= {"ended_wall_ns": None, "lasted_ns": None}
    row = {
        "revision": known.revision + 1,
        "standing": msgspec.json.encode(after),
        "state": after.state.value,
        "words": None if move.words is None else msgspec.json.encode(move.words),
        **changed,
    }
    if known.revision == 0:
        names = {"key": known.key, "rule": known.rule, "subject": known.subject, "site": known.site}
        made = connection.execute(sa.insert(alert).prefix_with("OR IGNORE").values(**names, **row))
        return made.rowcount == 1
    mine = (alert.c.key == known.key) & (alert.c.revision == known.revision)
    return connection.execute(sa.update(alert).where(mine).values(**row)).rowcount == 1


def _transition(move: Move, reason: Reason) -> dict[str, object]:
    return {
        "key": move.known.key,
        "episode": move.after.episode,
        "before": move.known.standing.state.value,
        "after": move.after.state.value,
        "reason": reason.value,
        "boot_id": move.now.boot_id,
        "mono_ns": move.now.mono_ns,
        "wall_ns": move.now.wall_ns,
    }


def _known(row: sa.Row[tuple[object, ...]]) -> Known:
    columns = row._mapping
    return Known(
        columns["key"],
        columns["rule"],
        columns["subject"],
        SiteId(columns["site"]),
        msgspec.json.decode(columns["standing"], type=Standing),
        columns["revision"],
        None if columns["words"] is None else msgspec.json.decode(columns["words"], type=Words),
        columns["changed_wall_ns"],
        columns["ended_wall_ns"],
        columns["lasted_ns"],
    )
