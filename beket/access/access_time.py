"""Owns what time it is for access, when the machine's own clock may lie after a blackout.

Two times, both only growing. `elapsed_ns` counts lifetimes and waits: monotonic while the machine runs; of the time it
was off, as much as the wall clock says if that is plausible, else nothing. `now_at` is the date that grants are judged
by: it runs with the monotonic clock, follows the wall clock forward when the leap is plausible and never back.
Thread-safe. Note: beket/access/design/0006-access-and-trust.md.
"""

import datetime
import threading
from dataclasses import dataclass

import sqlalchemy as sa

from beket.access.tables import access_time
from beket.kernel.clock import NS_PER_S, Clock, utc, wall_ns_of
from beket.kernel.database import Database

# A community may be dark for weeks; a clock that leaps farther has lost its battery rather than a month.
LEAP_MAX_S = 30 * 86_400
# Before this program existed: a clock that says so is wrong, and any later date is nearer to the truth.
EARLIEST_NS = wall_ns_of(datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC))


@dataclass(frozen=True, slots=True)
class _Mark:
    boot_id: str
    mono_ns: int
    elapsed_ns: int
    believed_ns: int


class AccessTime:
    """Time for grants, sessions and waits, kept in access.db."""

    def __init__(self, database: Database, *, clock: Clock, boot_id: str) -> None:
        """Take up where the last run left off; `boot_id` tells whether the machine restarted since. Blocking."""
        self._database = database
        self._clock = clock
        self.boot_id = boot_id
        self._lock = threading.Lock()
        with database.read() as connection:
            row = connection.execute(sa.select(access_time)).one_or_none()
        wall_ns, mono_ns = clock.wall_ns(), clock.mono_ns()
        if row is None:
            self._mark = _Mark(boot_id, mono_ns, 0, wall_ns)
        elif row.boot_id == boot_id and row.mono_ns <= mono_ns:
            self._mark = _Mark(boot_id, row.mono_ns, row.elapsed_ns, row.believed_ns)
        else:
            off_ns = _plausible_leap_ns(wall_ns - row.believed_ns)
            self._mark = _Mark(boot_id, mono_ns, row.elapsed_ns + off_ns, row.believed_ns + off_ns)
        self.save()

    def elapsed_ns(self) -> int:
        """Nanoseconds that have passed for access since its database was made."""
        return self._advance().elapsed_ns

    def now_at(self) -> datetime.datetime:
        """The moment that grants are judged by."""
        return utc(self._advance().believed_ns)

    def wall_ns(self) -> int:
        """What the machine's clock says, for people and for the journal."""
        return self._clock.wall_ns()

    def mono_ns(self) -> int:
        """The machine's monotonic clock."""
        return self._clock.mono_ns()

    def disagreement_s(self) -> float:
        """How far the machine's clock is ahead of the date believed here; beyond `LEAP_MAX_S`, or well below zero,
        somebody should look at a calendar and call `trust_wall`.
        """
        believed_ns = self._advance().believed_ns
        return (self._clock.wall_ns() - believed_ns) / NS_PER_S

    def save(self) -> None:
        """Remember the time; call it about once a minute, so that a power cut forgets no more than that. Blocking."""
        self._database.write(self.save_in)

    def save_in(self, connection: sa.Connection) -> None:
        """Remember the time within a transaction that writes anyway."""
        mark = self._advance()
        connection.execute(sa.delete(access_time))
        connection.execute(
            sa.insert(access_time).values(
                one=1,
                boot_id=mark.boot_id,
                mono_ns=mark.mono_ns,
                elapsed_ns=mark.elapsed_ns,
                believed_ns=mark.believed_ns,
            )
        )

    def trust_wall(self) -> None:
        """Take the wall clock's date as the truth: a person has looked at it. Lifetimes are not touched. Blocking."""
        with self._lock:
            mark = self._mark
            passed_ns = self._clock.mono_ns() - mark.mono_ns
            self._mark = _Mark(
                mark.boot_id, mark.mono_ns + passed_ns, mark.elapsed_ns + passed_ns, self._clock.wall_ns()
            )
        self.save()

    def _advance(self) -> _Mark:
        with self._lock:
            mono_ns, mark = self._clock.mono_ns(), self._mark
            passed_ns = mono_ns - mark.mono_ns
            believed_ns = mark.believed_ns + passed_ns
            leap_ns = self._clock.wall_ns() - believed_ns
            believed_ns += max(0, leap_ns) if believed_ns < EARLIEST_NS else _plausible_leap_ns(leap_ns)
            self._mark = _Mark(mark.boot_id, mono_ns, mark.elapsed_ns + passed_ns, believed_ns)
            return self._mark


def _plausible_leap_ns(leap_ns: int) -> int:
    return leap_ns if 0 < leap_ns <= LEAP_MAX_S * NS_PER_S else 0
