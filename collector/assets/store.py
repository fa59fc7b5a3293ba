"""Owns the computers in facts.db: the newest report of each, when it was heard, what changed and when. Blocking.

A report is taken whole or not at all: with it go its changes, in one transaction. Who sends it is what enrolment
proved, never what the report says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.database import Database
from beket.kernel.errors import NotFound, ProtocolError
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.text import Text, say
from collector.assets.changes import Change, changes
from collector.assets.messages import ComputerReport, ReportReceipt, completed, read_report
from collector.assets.tables import computer, computer_event
from collector.assets.wording import words_of

EVENTS_KEPT_S = 3 * 366 * 86_400
EVENTS_PER_COMPUTER = 2000
COMPUTERS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Computer:
    """A computer as it told of itself last."""

    agent: AgentId
    site: SiteId
    first_wall_ns: int
    heard_wall_ns: int
    changed_wall_ns: int
    report: ComputerReport

    @property
    def name(self) -> str:
        """Its own name, or its agent's where it has none."""
        return self.report.name or self.agent


@dataclass(frozen=True, slots=True)
class Event:
    """Something that changed in a computer."""

    agent: AgentId
    site: SiteId
    name: str
    wall_ns: int
    kind: str
    words: Text


class ComputerStore:
    """All computers of one centre. Safe from any thread."""

    def __init__(self, database: Database, *, clock: Clock) -> None:
        """`database` is facts.db."""
        self._database = database
        self._clock = clock

    def take(self, site: SiteId, agent: AgentId, body: bytes) -> bytes:
        """Keep a report of `agent` and what changed since the last one; return the receipt. Durable when it returns.

        Raises:
            ProtocolError: not a report.
        """
        told = read_report(body)
        wall_ns = self._clock.wall_ns()
        found = self._database.write(lambda connection: _take_in(connection, site, agent, told, wall_ns))
        return wire.encode(ReportReceipt(changes=len(found)))

    def computers(self) -> list[Computer]:
        """All of them, by site and name."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(computer).limit(COMPUTERS_MAX)).all()
        found = [
            Computer(
                AgentId(row.agent), SiteId(row.site), row.first_wall_ns, row.heard_wall_ns, row.changed_wall_ns,
                _decoded(row.report),
            )
            for row in rows
        ]  # fmt: skip
        return sorted(found, key=lambda one: (one.site, one.name.casefold(), one.agent))

    def events(self, *, limit: int, agent: AgentId | None = None) -> list[Event]:
        """What changed, newest first."""
        chosen = sa.select(computer_event).order_by(computer_event.c.id.desc()).limit(limit)
        if agent is not None:
            chosen = chosen.where(computer_event.c.agent == agent)
        with self._database.read() as connection:
            rows = connection.execute(chosen).all()
        return [
            Event(AgentId(r.agent), SiteId(r.site), r.name, r.wall_ns, r.kind, words_of(r.kind, _values(r.details)))
            for r in rows
        ]

    def remove(self, agent: AgentId) -> None:
        """Forget a computer that is no more; what changed in it stays in the history.

        Raises:
            NotFound: there is none.
        """
        gone = self._database.write(
            lambda connection: connection.execute(sa.delete(computer).where(computer.c.agent == agent)).rowcount
        )
        if not gone:
            raise NotFound(say("Такого комп’ютера немає.", "There is no such computer."), subject=agent[:80])


def _take_in(
    connection: sa.Connection, site: SiteId, agent: AgentId, told: ComputerReport, wall_ns: int
) -> Sequence[Change]:
    mine = computer.c.agent == agent
    row = connection.execute(sa.select(computer).where(mine)).one_or_none()
    before = _decoded(row.report) if row is not None else None
    report = completed(told, before)
    found = changes(before, report)
    values = {"site": site, "heard_wall_ns": wall_ns, "report": wire.encode(report)}
    if row is None:
        born = {"agent": agent, "first_wall_ns": wall_ns, "changed_wall_ns": wall_ns}
        connection.execute(sa.insert(computer).values(**values, **born))
    else:
        changed = {"changed_wall_ns": wall_ns} if found else {}
        connection.execute(sa.update(computer).where(mine).values(**values, **changed))
    if found:
        _write_events(connection, site, agent, report.name or agent, found, wall_ns)
    return found


def _write_events(
    connection: sa.Connection, site: SiteId, agent: AgentId, name: str, found: Sequence[Change], wall_ns: int
) -> None:
    rows = [
        {
            "agent": agent, "site": site, "name": name, "wall_ns": wall_ns, "kind": str(change.kind),
            "details": msgspec.json.encode(change.values),
        }
        for change in found
    ]  # fmt: skip
    connection.execute(sa.insert(computer_event), rows)
    mine = computer_event.c.agent == agent
    newest = sa.select(computer_event.c.id).where(mine).order_by(computer_event.c.id.desc())
    oldest_kept = newest.offset(EVENTS_PER_COMPUTER).limit(1).scalar_subquery()
    too_many = sa.and_(mine, computer_event.c.id <= oldest_kept)
    too_old = computer_event.c.wall_ns < wall_ns - EVENTS_KEPT_S * NS_PER_S
    connection.execute(sa.delete(computer_event).where(sa.or_(too_many, too_old)))


def _decoded(data: bytes) -> ComputerReport:
    return wire.decode(data, ComputerReport)


def _values(data: bytes) -> Mapping[str, str]:
    try:
        return wire.decode(data, dict[str, str])
    except ProtocolError:
        return {}
