"""Owns the order of sacrifice: what goes first when space is short, and what never goes. Reads only.

1. What the centre has too: nothing is lost. 2. Older than the floor: the hour that has lived the greatest share of its
promised days, so all cameras keep the same part of what was promised. 3. Within the floor: the oldest hour of whoever
takes most room there, so one greedy camera does not eat everybody's day. 4. The hour that is being recorded: so a disk
too small for anything still keeps the newest minutes. Never: what is held, and what has still to travel.
Note: vms/design/0027-holds-and-sacrifice.md.
"""

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import IntEnum

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from vms.recordings import hourly, index
from vms.recordings.index import HOUR_90K
from vms.recordings.segments import StoredSegment

DAY_90K = 24 * HOUR_90K
# A camera that is kept by space alone counts as if this had been promised.
DEFAULT_DAYS = 30

Read = Callable[[], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True, slots=True)
class Keeping:
    """How one camera's recordings are kept.

    Attributes:
        retention_days: age at which they go; 0 keeps them by space alone.
        needs_acknowledgement: at the edge, True when they travel: not deleted before the centre has them.
        has_copies: at the edge: what is acknowledged lies at the centre too.
    """

    retention_days: int
    needs_acknowledgement: bool
    has_copies: bool = False

    def lines(self) -> tuple[bool | None, ...]:
        """Which segments may go at all, in lines of their own: acknowledged or not; None: that does not matter."""
        if self.needs_acknowledgement:
            return (True,)
        return (True, False) if self.has_copies else (None,)


class Rank(IntEnum):
    """The classes of the order; the least goes first."""

    COPIED = 1
    BEYOND_FLOOR = 2
    WITHIN_FLOOR = 3
    BEING_RECORDED = 4


@dataclass(frozen=True, slots=True)
class Victim:
    """What goes next: segments of one camera that start in one hour."""

    rank: Rank
    segments: tuple[StoredSegment, ...]

    @property
    def size_bytes(self) -> int:
        """What their files hold."""
        return sum(segment.size_bytes for segment in self.segments)


def victims(
    read: Read, keeping: Mapping[CameraId, Keeping], *, now_90k: int, floor_hours: int, not_on: Collection[int] = ()
) -> Iterator[Victim]:
    """Everything that may go for space, in its order; nothing of the disks `not_on`: it would free nothing there."""
    lines = [
        _Line(read, camera, keep, acknowledged, now_90k=now_90k, floor_hours=floor_hours, not_on=not_on)
        for camera, keep in keeping.items()
        for acknowledged in keep.lines()
    ]
    heap = [(key, number) for number, line in enumerate(lines) if (key := line.key()) is not None]
    heapq.heapify(heap)
    while heap:
        _, number = heapq.heappop(heap)
        yield lines[number].take()
        key = lines[number].key()
        if key is not None:
            heapq.heappush(heap, (key, number))


class _Line:
    """One camera's hours, oldest first: of what the centre has confirmed, of what it has not, or of all."""

    def __init__(
        self,
        read: Read,
        camera: CameraId,
        keep: Keeping,
        acknowledged: bool | None,
        *,
        now_90k: int,
        floor_hours: int,
        not_on: Collection[int],
    ) -> None:
        self._read = read
        self._camera = camera
        self._copied = acknowledged is True
        self._acknowledged = acknowledged
        self._promised_90k = (keep.retention_days or DEFAULT_DAYS) * DAY_90K
        self._now_90k = now_90k
        self._running_90k = now_90k // HOUR_90K * HOUR_90K
        self._floor_90k = self._running_90k - floor_hours * HOUR_90K
        self._not_on = not_on
        self._hour: tuple[StoredSegment, ...] = ()
        self._within_bytes: int | None = None
        self._advance(0)

    def key(self) -> tuple[int, float, str] | None:
        """Where the next hour stands in the order; None at the end."""
        if not self._hour:
            return None
        rank = self._rank()
        return rank, self._urgency(rank), self._camera

    def take(self) -> Victim:
        """The next hour; the one after it comes next."""
        taken = Victim(self._rank(), self._hour)
        if self._within_bytes is not None:
            self._within_bytes -= taken.size_bytes
        last = self._hour[-1].start_90k
        # Of the hour that is being recorded, segment after segment; any other goes as a whole.
        self._advance(last + 1 if taken.rank is Rank.BEING_RECORDED else last // HOUR_90K * HOUR_90K + HOUR_90K)
        return taken

    def _rank(self) -> Rank:
        start_90k = self._hour[0].start_90k
        if self._copied:
            return Rank.COPIED
        if start_90k < self._floor_90k:
            return Rank.BEYOND_FLOOR
        return Rank.WITHIN_FLOOR if start_90k < self._running_90k else Rank.BEING_RECORDED

    def _urgency(self, rank: Rank) -> float:
        start_90k = self._hour[0].start_90k
        if rank is Rank.WITHIN_FLOOR:
            if self._within_bytes is None:
                with self._read() as connection:
                    self._within_bytes = hourly.bytes_since(connection, self._camera, self._floor_90k)
            return -self._within_bytes
        if rank is Rank.BEING_RECORDED:
            return start_90k
        return -(self._now_90k - start_90k // HOUR_90K * HOUR_90K) / self._promised_90k

    def _advance(self, from_90k: int) -> None:
        with self._read() as connection:
            found = index.expendable(
                connection,
                self._camera,
                from_90k=from_90k,
                running_90k=self._running_90k,
                acknowledged=self._acknowledged,
                not_on=self._not_on,
            )
        self._hour = tuple(found)
