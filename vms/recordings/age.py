"""Owns which time age is counted by: what has been lived, and not whatever the wall clock says. Blocking.

A wall clock that leaps ten years ahead would make all that is kept too old at once. So age is counted by a moment of
its own, which runs with monotonic time and is durable. It follows the wall clock ahead on credit alone: `CREDIT_NS`,
and again a day for each day lived. Further ahead it follows at once when a witness (the centre) agrees; when only NTP
does, at twice the pace of time; else not at all. Back it follows at once, since that deletes nothing; a clock that has
lost its time altogether is waited out. Note: vms/design/0027-holds-and-sacrifice.md "Which time age is counted by".
"""

import threading
from dataclasses import dataclass

import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.units import TICKS_PER_S
from vms.recordings import index
from vms.recordings.store import Store
from vms.recordings.tables import lived

DAY_NS = 86_400 * NS_PER_S
# A night without power, and the next one.
CREDIT_NS = 2 * DAY_NS
# 1 January 2026 UTC: there was no Beket before, so a clock that shows less has lost its time.
EPOCH_NS = 1_767_225_600 * NS_PER_S
WITNESS_AGREES_NS = 120 * NS_PER_S
WITNESS_LASTS_NS = 600 * NS_PER_S
_ROW = 1


@dataclass(frozen=True, slots=True)
class Lived:
    """How far time is proved, as of one start of the machine and its monotonic time."""

    until_ns: int
    credit_ns: int
    boot_id: str
    mono_ns: int


@dataclass(frozen=True, slots=True)
class Age:
    """Now, for who deletes.

    Attributes:
        now_ns: what age is counted by: the earlier of what is proved and what the wall clock says.
        order_ns: what is proved; what goes first for space is told by this, whatever the wall clock says.
        ahead_ns: by how much the wall clock is ahead of what is proved; 0 when it is believed.
    """

    now_ns: int
    order_ns: int
    ahead_ns: int

    @property
    def is_known(self) -> bool:
        """Whether anything may be too old at all: not while the clock shows a time before Beket."""
        return self.now_ns >= EPOCH_NS


def live_on(before: Lived, *, wall_ns: int, mono_ns: int, boot_id: str, is_set: bool, is_witnessed: bool) -> Lived:
    """What is proved after some time has passed; `is_set`: NTP holds the wall clock, `is_witnessed`: another agrees."""
    passed_ns = max(0, mono_ns - before.mono_ns) if boot_id == before.boot_id else 0
    until_ns = before.until_ns + passed_ns
    credit_ns = min(CREDIT_NS, before.credit_ns + passed_ns)
    ahead_ns = wall_ns - until_ns
    if ahead_ns <= 0:
        if is_set or is_witnessed or -ahead_ns <= CREDIT_NS:
            until_ns, credit_ns = wall_ns, min(CREDIT_NS, credit_ns - ahead_ns)
    elif is_witnessed:
        until_ns = wall_ns
    elif ahead_ns <= credit_ns:
        until_ns, credit_ns = wall_ns, credit_ns - ahead_ns
    elif is_set:
        until_ns, credit_ns = until_ns + min(ahead_ns, passed_ns), before.credit_ns
    return Lived(until_ns, credit_ns, boot_id, mono_ns)


class AgeClock:
    """The time of one store's age; `look` moves it on, and is asked before anything is deleted."""

    def __init__(self, store: Store, *, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        # What the witness's clock is ahead of our monotonic time, and when it said so.
        self._witness: tuple[int, int] | None = None

    def hear(self, wall_ns: int) -> None:
        """A witness that proves its own time says that it is now `wall_ns`. Safe from any thread."""
        mono_ns = self._clock.mono_ns()
        with self._lock:
            self._witness = (wall_ns - mono_ns, mono_ns)

    def look(self) -> Age:
        """What time it is for age; durable before it is said, so a credit is spent once."""
        wall_ns, mono_ns = self._clock.wall_ns(), self._clock.mono_ns()
        origin = self._store.origin
        is_set = origin.clock_is_set()
        with self._store.database.read() as connection:
            before = _read(connection) or self._begin(connection, wall_ns, mono_ns, is_set=is_set)
        now = live_on(
            before,
            wall_ns=wall_ns,
            mono_ns=mono_ns,
            boot_id=origin.boot_id,
            is_set=is_set,
            is_witnessed=self._agrees(wall_ns, mono_ns),
        )
        self._store.database.write(lambda connection: _write(connection, now))
        return Age(min(wall_ns, now.until_ns), now.until_ns, max(0, wall_ns - now.until_ns))

    def proved_ns(self) -> int | None:
        """What is proved as of the last look, for other machines to hear; None before the first one."""
        with self._store.database.read() as connection:
            last = _read(connection)
        if last is None or last.boot_id != self._store.origin.boot_id:
            return None
        return last.until_ns + max(0, self._clock.mono_ns() - last.mono_ns)

    def _begin(self, connection: sa.Connection, wall_ns: int, mono_ns: int, *, is_set: bool) -> Lived:
        """The first look at a store: a clock that nothing has set proves no more than the newest recording does."""
        ends = [index.last_end_90k(connection, camera) for camera in index.camera_slugs(connection)]
        newest_90k = max((end for end in ends if end is not None), default=None)
        if not is_set and newest_90k is not None:
            wall_ns = min(wall_ns, newest_90k * NS_PER_S // TICKS_PER_S)
        return Lived(wall_ns, CREDIT_NS, self._store.origin.boot_id, mono_ns)

    def _agrees(self, wall_ns: int, mono_ns: int) -> bool:
        with self._lock:
            witness = self._witness
        if witness is None or mono_ns - witness[1] > WITNESS_LASTS_NS:
            return False
        return abs(witness[0] + mono_ns - wall_ns) <= WITNESS_AGREES_NS


def _read(connection: sa.Connection) -> Lived | None:
    row = connection.execute(sa.select(lived).where(lived.c.id == _ROW)).first()
    return None if row is None else Lived(row.until_ns, row.credit_ns, row.boot_id, row.mono_ns)


def _write(connection: sa.Connection, now: Lived) -> None:
    values = {
        "until_ns": now.until_ns,
        "credit_ns": now.credit_ns,
        "boot_id": now.boot_id,
        "mono_ns": now.mono_ns,
    }
    if connection.execute(sa.update(lived).where(lived.c.id == _ROW).values(values)).rowcount == 0:
        connection.execute(sa.insert(lived).values(id=_ROW, **values))
