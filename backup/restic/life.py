"""Owns what shows that a restic still works: what it tells, what it reads and writes, how much it computes.

Most of restic is silent between its start and its end for hours, and is well: 0.14 at all but copies, every release at
check, prune and copy. One that hangs is not quite still either: it makes its lock anew every five minutes. So work
counts once there is more of it than a lock takes. Note: backup/design/0009-restic-wrapper.md, «Ending it».
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from backup.restic.commands import Operation
from backup.restic.events import Event, Progress
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.units import KIB

# Locks made anew within a quarter of an hour take a third of this, with all that TLS says around them.
MOVED_BYTES = 64 * KIB
# Computing keeps a core busy; a program that waits, even one that collects its garbage, stays far below this.
BUSY_RATIO = 0.05
# What tells how far it is.
_TELLS = frozenset({Operation.BACKUP})
# What may take hours without a word: where nobody can look at the process, its silence means nothing.
_LONG_AND_SILENT = frozenset(
    {Operation.RESTORE, Operation.CHECK, Operation.PRUNE, Operation.COPY, Operation.FORGET, Operation.DUMP}
)
_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
# Places among what stands behind the name in /proc/<pid>/stat.
_SESSION, _USER_TICKS, _SYSTEM_TICKS = 3, 11, 12

OnProgress = Callable[[Progress], None]
# Bytes that a repository took when somebody last looked; None when nobody could.
Stored = Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Work:
    """What a process and its children have done since they began.

    Attributes:
        io_bytes: read and written: files, pipes and lines alike.
        stored_bytes: what has come to rest in the repository.
    """

    io_bytes: int = 0
    cpu_s: float = 0
    stored_bytes: int = 0


def work_of(session: int) -> Work | None:
    """What all processes of a session have done; None where nobody can tell (Windows, a closed /proc). Blocking."""
    io_bytes, ticks, found = 0, 0, False
    for stat in _PROC.glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_bytes().rpartition(b")")[2].split()
            if int(fields[_SESSION]) != session:
                continue
            ticks += int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
            found = True
            counted = dict(line.split(b": ") for line in stat.with_name("io").read_bytes().splitlines())
            io_bytes += int(counted[b"rchar"]) + int(counted[b"wchar"])
    return Work(io_bytes, ticks / _TICKS_PER_S) if found else None


class Life:
    """When one run last moved. A status line with the same numbers is no movement, nor is what we read of its words."""

    def __init__(
        self,
        operation: Operation,
        clock: Clock,
        *,
        silence_s: float | None = None,
        on_progress: OnProgress | None = None,
        stored: Stored | None = None,
    ) -> None:
        self._operation = operation
        self._clock = clock
        self._busy_s = BUSY_RATIO * (silence_s or 0)
        self._on_progress = on_progress
        self._stored = stored
        self._last: Progress | None = None
        self._heard_bytes = 0
        self._counted: Work | None = None
        self._is_seen = False
        self._moved_ns = clock.mono_ns()

    def hear(self, n_bytes: int) -> None:
        """It has said so much."""
        self._heard_bytes += n_bytes

    def see(self, event: Event) -> None:
        """What it said."""
        if isinstance(event, Progress):
            if event == self._last:
                return
            self._last = event
            if self._on_progress:
                self._on_progress(event)
        self._move()

    def look(self, work: Work | None) -> None:
        """What it has done by now; None where nobody can tell."""
        self._is_seen = work is not None
        work = work or Work()
        stored_bytes = (self._stored() if self._stored else None) or 0
        now = Work(work.io_bytes - self._heard_bytes, work.cpu_s, stored_bytes)
        if self._counted is None:
            self._counted = now
        elif self._has_worked(self._counted, now):
            self._counted = now
            self._move()

    def still_s(self) -> float:
        """For how long nothing moved; 0 where its silence means nothing."""
        if not self._is_seen and self._operation in _LONG_AND_SILENT:
            return 0
        return (self._clock.mono_ns() - self._moved_ns) / NS_PER_S

    def _has_worked(self, before: Work, now: Work) -> bool:
        # A child that ended takes its counts along: they may fall.
        if abs(now.io_bytes - before.io_bytes) >= MOVED_BYTES:
            return True
        if abs(now.stored_bytes - before.stored_bytes) >= MOVED_BYTES:
            return True
        # A copy that hangs still prints its status each second.
        return self._operation not in _TELLS and abs(now.cpu_s - before.cpu_s) > self._busy_s

    def _move(self) -> None:
        self._moved_ns = self._clock.mono_ns()
