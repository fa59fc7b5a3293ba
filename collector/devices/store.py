"""Owns facts of devices in facts.db: the values as they stand, when they were first and last seen, what changed.

An agent speaks of devices of its own site only. What came before, or comes late after something newer, changes nothing;
what is not good is refused and counted and never holds up the rest. Blocking.
Note: collector/design/0046-facts-of-gear.md.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.database import Database
from beket.kernel.ids import AgentId, DeviceId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from collector import metrics
from collector.devices.admission import FACTS_MAX, SOURCES_MAX, Refusal, admitted, is_source
from collector.devices.known import FactChange, KnownFact
from collector.devices.messages import DeviceFacts, Fact, FactsReceipt, read_facts
from collector.devices.tables import device_fact, device_fact_change, device_source
from collector.devices.times import Arrival

log = logging.getLogger(__name__)

CHANGES_KEPT_S = 3 * 366 * 86_400
# Of one fact: a value that is another one each minute must not push out the change of a firmware.
CHANGES_PER_FACT = 100
BOOK_MAX_CHARS = 64


class FactStore:
    """Facts of all devices of one centre. Safe from any thread."""

    def __init__(self, database: Database, inventory: InventoryView, *, instruments: Instruments, clock: Clock) -> None:
        """`database` is facts.db; `inventory` says whose each device is."""
        self._database = database
        self._inventory = inventory
        self._instruments = instruments
        self._clock = clock

    def take(self, site: SiteId, agent: AgentId, body: bytes) -> bytes:
        """Keep what `agent` of `site` tells and return the receipt. Durable when it returns.

        Raises:
            ProtocolError: not a message of facts.
            BeketError: the database cannot write; nothing of the message counts as taken.
        """
        message = read_facts(body)
        own = {device.id for device in self._inventory.current().devices if device.site == site}
        refused: Counter[Refusal] = Counter()
        good: list[tuple[DeviceFacts, dict[str, Fact]]] = []
        for told in message.devices:
            if told.device not in own or not is_source(told.source):
                reason = Refusal.SITE if told.device not in own else Refusal.SOURCE
                refused[reason] += max(1, len(told.facts))
                continue
            facts, not_good = admitted(told)
            refused += not_good
            good.append((told, facts))
        writing = _Writing(agent, message.book[:BOOK_MAX_CHARS], Arrival(self._clock.wall_ns(), message.sent_ms))
        taken, changes, left_out = self._database.write(lambda connection: writing.put_all(connection, good))
        refused += left_out
        self._count(site, agent, refused)
        return wire.encode(FactsReceipt(taken, refused.total(), changes))

    def facts(
        self, device: DeviceId | None = None, *, source: str | None = None, keys: Sequence[str] = ()
    ) -> list[KnownFact]:
        """Facts as they stand, by device, source and key; of one device, one source or these keys, when asked so."""
        chosen = sa.select(device_fact).order_by(device_fact.c.device, device_fact.c.source, device_fact.c.key)
        if device is not None:
            chosen = chosen.where(device_fact.c.device == device)
        if source is not None:
            chosen = chosen.where(device_fact.c.source == source)
        if keys:
            chosen = chosen.where(device_fact.c.key.in_(keys))
        with self._database.read() as connection:
            return [KnownFact(DeviceId(row[0]), *row[1:]) for row in connection.execute(chosen).all()]

    def changes(self, device: DeviceId | None = None, *, limit: int = 100) -> list[FactChange]:
        """What changed, newest first."""
        table = device_fact_change.c
        wanted = (table.device, table.source, table.key, table.before, table.after, table.wall_ns)
        chosen = sa.select(*wanted).order_by(table.wall_ns.desc(), table.id.desc()).limit(limit)
        if device is not None:
            chosen = chosen.where(table.device == device)
        with self._database.read() as connection:
            return [FactChange(DeviceId(row[0]), *row[1:]) for row in connection.execute(chosen).all()]

    def _count(self, site: SiteId, agent: AgentId, refused: Counter[Refusal]) -> None:
        for reason, n in refused.items():
            self._instruments.add(metrics.FACTS_REFUSED, n, site=site, reason=reason.value)
            log.info("%s of %s: %d facts refused: %s", agent, site, n, reason)


class _Writing:
    """One message on its way into the tables; runs on the writer thread."""

    def __init__(self, agent: AgentId, book: str, arrival: Arrival) -> None:
        self._agent = agent
        self._book = book
        self._arrival = arrival

    def put_all(
        self, connection: sa.Connection, good: Sequence[tuple[DeviceFacts, dict[str, Fact]]]
    ) -> tuple[int, int, Counter[Refusal]]:
        """How many facts are kept, how many changed, and what was left out."""
        taken, changes = 0, 0
        left_out: Counter[Refusal] = Counter()
        for told, facts in good:
            is_known = self._open_source(connection, told)
            if is_known is None:
                left_out[Refusal.MANY] += max(1, len(facts))
            elif is_known is not _LATE:
                changes += self._put(connection, told, facts, is_new=is_known is _NEW)
            taken += len(facts) if is_known is not None else 0
        return taken, changes, left_out

    def _open_source(self, connection: sa.Connection, told: DeviceFacts) -> str | None:
        """Whether this source of this device is new, known, or already said something newer; None: one too many."""
        table = device_source
        mine = sa.and_(table.c.device == told.device, table.c.source == told.source)
        row = connection.execute(sa.select(table).where(mine)).one_or_none()
        values = {
            "agent": self._agent, "book": self._book, "sequence": told.sequence, "heard_wall_ns": self._arrival.now_ns,
        }  # fmt: skip
        if row is None:
            count = sa.select(sa.func.count()).where(table.c.device == told.device)
            if connection.execute(count).scalar_one() >= SOURCES_MAX:
                return None
            connection.execute(sa.insert(table).values(device=told.device, source=told.source, **values))
            return _NEW
        if (row.agent, row.book) == (self._agent, self._book) and told.sequence <= row.sequence:
            return _LATE
        connection.execute(sa.update(table).where(mine).values(**values))
        return _KNOWN

    def _put(self, connection: sa.Connection, told: DeviceFacts, facts: Mapping[str, Fact], *, is_new: bool) -> int:
        table = device_fact
        mine = sa.and_(table.c.device == told.device, table.c.source == told.source)
        before = {row.key: row for row in connection.execute(sa.select(table).where(mine)).all()}
        changed: list[dict[str, object]] = []
        for key, fact in facts.items():
            row = before.get(key)
            seen_ns = self._arrival.moment(fact.seen_ms, not_before_ns=row.seen_wall_ns if row else None)
            values = {"kind": fact.kind, "value": fact.value, "seen_wall_ns": seen_ns}
            if row is not None and (row.kind, row.value) == (fact.kind, fact.value):
                connection.execute(sa.update(table).where(mine, table.c.key == key).values(seen_wall_ns=seen_ns))
                continue
            since_ns = self._arrival.moment(fact.since_ms, not_before_ns=row.seen_wall_ns if row else None)
            values |= {"since_wall_ns": min(since_ns, seen_ns)}
            if row is None:
                born = {"device": told.device, "source": told.source, "key": key, "first_wall_ns": since_ns}
                connection.execute(sa.insert(table).values(**born, **values))
            else:
                connection.execute(sa.update(table).where(mine, table.c.key == key).values(**values))
            if not is_new:
                changed.append(_change(told, key, row.value if row else "", fact.value, since_ns))
        gone = [key for key in before if key not in facts] if told.is_whole else _too_many(before, facts)
        if gone:
            connection.execute(sa.delete(table).where(mine, table.c.key.in_(gone)))
        if told.is_whole:
            changed += [_change(told, key, before[key].value, "", self._arrival.now_ns) for key in gone]
        if changed:
            self._write_changes(connection, changed)
        return len(changed)

    def _write_changes(self, connection: sa.Connection, changed: Sequence[Mapping[str, object]]) -> None:
        table = device_fact_change
        connection.execute(sa.insert(table), list(changed))
        for one in changed:
            same = sa.and_(table.c.device == one["device"], table.c.source == one["source"], table.c.key == one["key"])
            newest = sa.select(table.c.id).where(same).order_by(table.c.id.desc())
            oldest_kept = newest.offset(CHANGES_PER_FACT).limit(1).scalar_subquery()
            connection.execute(sa.delete(table).where(same, table.c.id <= oldest_kept))
        oldest_ns = self._arrival.now_ns - CHANGES_KEPT_S * NS_PER_S
        connection.execute(sa.delete(table).where(table.c.wall_ns < oldest_ns))


_NEW, _KNOWN, _LATE = "new", "known", "late"


def _change(told: DeviceFacts, key: str, before: str, after: str, wall_ns: int) -> dict[str, object]:
    return {
        "device": told.device, "source": told.source, "key": key, "before": before, "after": after, "wall_ns": wall_ns,
    }  # fmt: skip


def _too_many(before: Mapping[str, sa.Row[tuple[object, ...]]], facts: Mapping[str, Fact]) -> list[str]:
    """Facts not named this time that must go so that no source says more than it may, longest unseen first."""
    silent = sorted((key for key in before if key not in facts), key=lambda key: (before[key].seen_wall_ns, key))
    return silent[: max(0, len(facts) + len(silent) - FACTS_MAX)]
