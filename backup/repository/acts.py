"""Owns the records of drills that hosts have sent, in repositories.db. Blocking."""

import msgspec
import sqlalchemy as sa

from backup.acts.record import Record
from backup.repository.tables import ACTS
from beket.kernel.database import Database

KEPT_A_HOST = 500


class Acts:
    """The acts of all hosts. What a host sends again changes nothing: a record is never rewritten."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, record: Record) -> None:
        """Keep a record; the oldest of a host give way to many new ones."""

        def work(connection: sa.Connection) -> None:
            if connection.execute(sa.select(ACTS.c.id).where(ACTS.c.id == record.id)).first() is None:
                self._insert(connection, record)

        self._database.write(work)

    def keep_own(self, record: Record) -> Record:
        """Keep a record of a drill that the centre made, under its next number; what is kept."""

        def work(connection: sa.Connection) -> Record:
            mine = (ACTS.c.host == record.host) & (ACTS.c.key == record.key.value)
            highest = connection.execute(sa.select(sa.func.max(ACTS.c.number)).where(mine)).scalar()
            kept = msgspec.structs.replace(record, number=(highest or 0) + 1)
            self._insert(connection, kept)
            return kept

        return self._database.write(work)

    def of(self, host: str, *, limit: int = 100) -> list[Record]:
        """The newest records of a host."""
        query = sa.select(ACTS.c.record).where(ACTS.c.host == host).order_by(ACTS.c.ended_ns.desc()).limit(limit)
        with self._database.read() as connection:
            return [msgspec.json.decode(row, type=Record) for row in connection.execute(query).scalars()]

    def newest(self, *, limit: int = 200) -> list[Record]:
        """The newest records of all hosts."""
        query = sa.select(ACTS.c.record).order_by(ACTS.c.ended_ns.desc()).limit(limit)
        with self._database.read() as connection:
            return [msgspec.json.decode(row, type=Record) for row in connection.execute(query).scalars()]

    def one(self, host: str, record: str) -> Record | None:
        """One record of a host, by its id."""
        query = sa.select(ACTS.c.record).where(ACTS.c.host == host, ACTS.c.id == record)
        with self._database.read() as connection:
            row = connection.execute(query).scalar()
        return msgspec.json.decode(row, type=Record) if row else None

    def hosts(self) -> set[str]:
        """Hosts that have any."""
        with self._database.read() as connection:
            return set(connection.execute(sa.select(ACTS.c.host).distinct()).scalars())

    def _insert(self, connection: sa.Connection, record: Record) -> None:
        values = {
            "id": record.id,
            "host": record.host,
            "plan": record.plan,
            "key": record.key.value,
            "number": record.number,
            "ended_ns": record.ended_ns,
            "verdict": record.verdict.value,
            "record": msgspec.json.encode(record).decode(),
        }
        connection.execute(sa.insert(ACTS).values(values))
        mine = sa.select(ACTS.c.id).where(ACTS.c.host == record.host).order_by(ACTS.c.ended_ns.desc())
        old = mine.offset(KEPT_A_HOST)
        connection.execute(sa.delete(ACTS).where(ACTS.c.id.in_(old)))
