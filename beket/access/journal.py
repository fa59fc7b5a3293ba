"""Owns the journal: who looked, copied or changed what, when and why; append-only, each entry sealed to the one before.

Blocking. An entry is durable before `append` returns, so the act that it records comes after it. Does not decide who
may read; `permit` does. What a chain can show and what it cannot: beket/access/design/0006-access-and-trust.md.
"""

import datetime
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa

from beket.access.access_time import AccessTime
from beket.access.permit import COMMUNITY, Actor, Decision, Resource, permit
from beket.access.roles import Action
from beket.access.tables import journal
from beket.kernel.clock import utc, wall_ns_of
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden, InvalidArgument
from beket.kernel.text import say
from beket.kernel.wire import canonical

DETAILS_MAX_BYTES = 4096
WORD_MAX_CHARS = 200
READ_MAX_ENTRIES = 1000
PROGRESS_EVERY = 10_000
GENESIS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What is to be recorded.

    Attributes:
        actor: `user:<login>`, `agent:<id>` or `beket`.
        action: a word of `roles.Action`, or what else happened, dashed.
        subject: id of the camera, site, user or agent it was done to; "" for the community.
        grant: number of the grant it rests on; "" when none.
        about_police: its subject and time are for the auditor and the head only.
        details: plain JSON values; never a secret.
    """

    actor: str
    action: str
    subject: str = ""
    grant: str = ""
    about_police: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal as a reader may see it.

    Attributes:
        sequence: number in the chain; None for readers who might infer hidden entries from missing numbers.
        wall_ns: what the machine's clock said; after a blackout it may be wrong, `boot_id` and `mono_ns` keep order.
    """

    sequence: int | None
    wall_ns: int
    boot_id: str
    mono_ns: int
    event: Event


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: print it, mail it, keep it elsewhere; `verify` compares a chain with it.

    Attributes:
        hash: 64 hex digits; zeros for the empty journal.
    """

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries to read; an empty field does not narrow.

    Attributes:
        offset: how many of the newest matching entries to pass over.
    """

    actor: str = ""
    action: str = ""
    subject: str = ""
    from_at: datetime.datetime | None = None
    until_at: datetime.datetime | None = None
    offset: int = 0
    limit: int = 100


class Journal:
    """The journal in access.db."""

    def __init__(self, database: Database, time: AccessTime) -> None:
        self._database = database
        self._time = time

    def append(self, event: Event) -> int:
        """Record `event`; its sequence number, once it is durable.

        Raises:
            InvalidArgument: a field is too long, or the details are not plain JSON.
        """
        return self._database.write(lambda connection: self.append_in(connection, event))

    def append_in(self, connection: sa.Connection, event: Event) -> int:
        """Record `event` in the transaction that makes the change: both become durable, or neither."""
        details = _checked(event)
        last = _last(connection)
        row = {
            "sequence": last.sequence + 1,
            "wall_ns": self._time.wall_ns(),
            "boot_id": self._time.boot_id,
            "mono_ns": self._time.mono_ns(),
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "grant": event.grant,
            "about_police": event.about_police,
            "details": details,
            "previous": bytes.fromhex(last.hash),
        }
        connection.execute(sa.insert(journal).values(**row, hash=_hash(row)))
        self._time.save_in(connection)
        return last.sequence + 1

    def record(self, actor: Actor, action: Action, resource: Resource, decision: Decision) -> int:
        """Record that `actor` asked to do `action` and what the answer was; the act itself comes after."""
        details: dict[str, Any] = {"allowed": decision.allowed, "why": decision.reason.uk}
        if actor.reason:
            details["reason"] = actor.reason
        if resource.recorded_at is not None:
            details["recorded_at"] = resource.recorded_at.isoformat()
        return self.append(
            Event(
                actor=f"user:{actor.login}",
                action=action,
                subject=resource.name,
                grant=decision.grant,
                about_police=actor.is_police,
                details=details,
            )
        )

    def head(self) -> Head:
        """The end of the chain now."""
        with self._database.read() as connection:
            return _last(connection)

    def verify(self, *, anchor: Head | None = None, progress: Callable[[int, int], None] | None = None) -> int | None:
        """The first sequence number at which the chain is broken, or None when it is whole.

        Reads in one pass, a row at a time, with steady memory; `progress` is told (done, total) now and then. With an
        `anchor` kept elsewhere it also sees a cut tail and a chain that was rewritten from some entry on.
        """
        with self._database.read() as connection:
            total = _last(connection).sequence
            previous, expected = GENESIS, 1
            for row in _stream(connection):
                if row["sequence"] != expected or row["previous"] != previous or row["hash"] != _hash(row):
                    return expected
                if anchor is not None and anchor.sequence == expected and row["hash"].hex() != anchor.hash:
                    return expected
                previous, expected = row["hash"], expected + 1
                if progress is not None and row["sequence"] % PROGRESS_EVERY == 0:
                    progress(row["sequence"], total)
        if anchor is not None and anchor.sequence >= expected:
            return expected
        return None

    def read(self, reader: Actor, wanted: Filter) -> list[Entry]:
        """The newest entries that `reader` may see. Entries about police only for the head and the auditor, who must
        have stated a reason; that reading is itself recorded first.

        Raises:
            Forbidden: the reader may not read the journal.
        """
        at = self._time.now_at()
        ordinary = permit(reader, Action.READ_JOURNAL, COMMUNITY, at)
        if not ordinary:
            raise Forbidden(ordinary.reason)
        police = permit(reader, Action.READ_POLICE_JOURNAL, COMMUNITY, at)
        if police:
            self.record(reader, Action.READ_POLICE_JOURNAL, COMMUNITY, police)
        query = _select(wanted)
        if not police:
            query = query.where(journal.c.about_police.is_(sa.false()))
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
        return [_entry(row, numbered=bool(police)) for row in rows]

    def police_totals(self, reader: Actor) -> dict[tuple[str, str], int]:
        """How many allowed police looks rest on each grant in each month: {(grant, "2026-11"): count}; no camera, no
        moment. Whoever may read the journal may read this.

        Raises:
            Forbidden: the reader may not read the journal.
        """
        allowed = permit(reader, Action.READ_JOURNAL, COMMUNITY, self._time.now_at())
        if not allowed:
            raise Forbidden(allowed.reason)
        month_and_grant = sa.select(journal.c.wall_ns, journal.c.grant).where(
            journal.c.about_police.is_(sa.true()), journal.c.grant != ""
        )
        totals: dict[tuple[str, str], int] = {}
        with self._database.read() as connection:
            for row in connection.execute(month_and_grant):
                key = (row.grant, f"{utc(row.wall_ns):%Y-%m}")
                totals[key] = totals.get(key, 0) + 1
        return totals


def _checked(event: Event) -> str:
    details = canonical(dict(event.details))
    words = (event.actor, event.action, event.subject, event.grant)
    if len(details) > DETAILS_MAX_BYTES or any(len(word) > WORD_MAX_CHARS for word in words):
        raise InvalidArgument(
            say("Запис до журналу задовгий.", "The journal entry is too long."), subject=event.action[:WORD_MAX_CHARS]
        )
    return details.decode()


def _hash(row: Mapping[Any, Any]) -> bytes:
    # A JSON list has one spelling and no two lists share it; the details are hashed as the very text that is stored.
    sealed = [
        "beket-journal/1",
        row["sequence"],
        row["wall_ns"],
        row["boot_id"],
        row["mono_ns"],
        row["actor"],
        row["action"],
        row["subject"],
        row["grant"],
        bool(row["about_police"]),
        row["details"],
        row["previous"].hex(),
    ]
    return hashlib.sha256(msgspec.json.encode(sealed)).digest()


def _last(connection: sa.Connection) -> Head:
    query = sa.select(journal.c.sequence, journal.c.hash).order_by(journal.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Head(0, GENESIS.hex()) if row is None else Head(row.sequence, row.hash.hex())


def _stream(connection: sa.Connection) -> Iterator[sa.RowMapping]:
    query = sa.select(journal).order_by(journal.c.sequence)
    with connection.execution_options(yield_per=1000).execute(query) as rows:
        yield from rows.mappings()


def _select(wanted: Filter) -> sa.Select[Any]:
    query = sa.select(journal).order_by(journal.c.sequence.desc())
    for column, value in ((journal.c.actor, wanted.actor), (journal.c.action, wanted.action)):
        if value:
            query = query.where(column == value)
    if wanted.subject:
        query = query.where(journal.c.subject == wanted.subject)
    if wanted.from_at is not None:
        query = query.where(journal.c.wall_ns >= wall_ns_of(wanted.from_at))
    if wanted.until_at is not None:
        query = query.where(journal.c.wall_ns < wall_ns_of(wanted.until_at))
    return query.offset(max(0, wanted.offset)).limit(max(0, min(wanted.limit, READ_MAX_ENTRIES)))


def _entry(row: sa.RowMapping, *, numbered: bool) -> Entry:
    return Entry(
        sequence=row["sequence"] if numbered else None,
        wall_ns=row["wall_ns"],
        boot_id=row["boot_id"],
        mono_ns=row["mono_ns"],
        event=Event(
            actor=row["actor"],
            action=row["action"],
            subject=row["subject"],
            grant=row["grant"],
            about_police=row["about_police"],
            details=msgspec.json.decode(row["details"]),
        ),
    )
