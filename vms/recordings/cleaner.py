"""Owns retention: which segments go, by age and by free space. Blocking; wiring runs it every minute.

Age is counted in whole hours, so an hour disappears as a whole, and by `age`'s time: a wall clock that leaps makes
nothing too old. What only the edge has is never deleted, unless its camera's recordings never travel; what is held is
never deleted at all. What goes when space is short, and in which order, is `sacrifice`'s.
Notes: vms/design/0002-recording-store.md, vms/design/0027-holds-and-sacrifice.md.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.units import TICKS_PER_S
from vms import metrics
from vms.recordings import held, index
from vms.recordings.age import EPOCH_NS, Age, AgeClock
from vms.recordings.index import HOUR_90K
from vms.recordings.recovery import recover
from vms.recordings.sacrifice import Keeping, victims
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store

log = logging.getLogger(__name__)

BATCH = 200
FLOOR_HOURS = 24
EPOCH_90K = EPOCH_NS * TICKS_PER_S // NS_PER_S
# A day's segments of one camera: what a recording without a true time may be older than its number says.
DAY_OF_NUMBERS = 4320


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What one round did. `short_bytes` > 0: space is still missing and nothing more may be deleted."""

    by_age: int = 0
    for_space: int = 0
    deleted_bytes: int = 0
    failed: int = 0
    short_bytes: int = 0


def expiry_90k(now_90k: int, retention_days: int) -> int:
    """Segments that start before this moment are too old: always a whole hour.

    Example:
        >>> day = 24 * HOUR_90K
        >>> expiry_90k(30 * day + 5 * HOUR_90K + 17, 10) == 20 * day + 5 * HOUR_90K
        True
    """
    return (now_90k - retention_days * 24 * HOUR_90K) // HOUR_90K * HOUR_90K


class Cleaner:
    """Deletes what may no longer be kept, and what cannot."""

    def __init__(
        self,
        store: Store,
        keeping: Callable[[], Mapping[CameraId, Keeping]],
        *,
        clock: Clock,
        instruments: Instruments,
        floor_hours: int = FLOOR_HOURS,
    ) -> None:
        """`keeping` gives the cameras in the inventory; what others left stays until somebody decides.

        `floor_hours`: the newest hours of each camera, which go only when there is nothing older of any.
        """
        self._store = store
        self._keeping = keeping
        self.age = AgeClock(store, clock=clock)
        self._instruments = instruments
        self._floor_hours = floor_hours

    def run_once(self) -> Cleaned:
        """Delete by age, then for space, then the files; what failed is counted and tried again next time."""
        self._look_at_disks()
        keeping = self._keeping()
        age = self.age.look()
        self._instruments.set(metrics.CLOCK_AHEAD, age.ahead_ns // NS_PER_S)
        by_age = age_bytes = 0
        if age.is_known:
            self._let_go(age)
            by_age, age_bytes = self._delete_by_age(keeping, _ticks(age.now_ns))
        failed = self._remove_files()
        for_space, space_bytes, more_failed = self._delete_for_space(keeping, _ticks(age.order_ns))
        if (free_bytes := self._store.shelf.free_bytes()) is not None:
            self._instruments.set(metrics.DISK_FREE_BYTES, free_bytes)
        short_bytes = max(0, -self._store.shelf.room_bytes())
        self._instruments.set(metrics.SHORT_BYTES, short_bytes)
        return Cleaned(
            by_age=by_age,
            for_space=for_space,
            deleted_bytes=age_bytes + space_bytes,
            failed=self._count_failed(failed + more_failed),
            short_bytes=short_bytes,
        )

    def _let_go(self, age: Age) -> None:
        """End the days of grace of what was released."""
        now_s = age.now_ns // NS_PER_S
        with self._store.database.read() as connection:
            over = any(span.until_s is not None and span.until_s <= now_s for span in held.spans(connection))
        if over:
            self._store.change_holds(lambda c: held.forget_released(c, now_s))

    def _remove_files(self) -> int:
        """Remove what is garbage, all of it: what still lies there takes the space that others would be deleted for."""
        removed, failed = 1, 0
        while removed and not failed:
            removed, failed = self._store.collect_garbage()
        return failed

    def _look_at_disks(self) -> None:
        """Take back a disk that failed or was away, and bring in order what a fault or a crash left on it."""
        joined = self._store.shelf.look_again()
        if joined:
            recover(self._store, volumes=joined)
        self._store.keep_owed()
        self._store.settle_holds()
        self._instruments.set(metrics.DISKS_IN_TROUBLE, self._store.shelf.count_troubled())

    def _delete_by_age(self, keeping: Mapping[CameraId, Keeping], now_90k: int) -> tuple[int, int]:
        count = size_bytes = 0
        for camera, keep in keeping.items():
            if keep.retention_days <= 0:
                continue
            before_90k = expiry_90k(now_90k, keep.retention_days)
            while batch := self._too_old(camera, keep, before_90k, now_90k):
                self._discard(batch, "age")
                count += len(batch)
                size_bytes += sum(segment.size_bytes for segment in batch)
            self._forget_arrivals_and_gaps(camera, before_90k)
        return count, size_bytes

    def _delete_for_space(self, keeping: Mapping[CameraId, Keeping], now_90k: int) -> tuple[int, int, int]:
        count = size_bytes = failed = 0
        while (short_bytes := -self._store.shelf.room_bytes()) > 0 and not failed:
            batch = self._next_victims(keeping, short_bytes, now_90k)
            if not batch:
                break
            self._discard(batch, "space")
            failed = self._remove_files()
            count += len(batch)
            size_bytes += sum(segment.size_bytes for segment in batch)
        return count, size_bytes, failed

    def _next_victims(self, keeping: Mapping[CameraId, Keeping], short_bytes: int, now_90k: int) -> list[StoredSegment]:
        batch: list[StoredSegment] = []
        order = victims(
            self._store.database.read,
            keeping,
            now_90k=now_90k,
            floor_hours=self._floor_hours,
            not_on=self._store.shelf.of_no_use(),
        )
        for victim in order:
            batch += victim.segments
            short_bytes -= victim.size_bytes
            if short_bytes <= 0 or len(batch) >= BATCH:
                break
        return batch

    def _too_old(self, camera: CameraId, keep: Keeping, before_90k: int, now_90k: int) -> list[StoredSegment]:
        """The next to go by age.

        Recorded by a clock that had lost its time, a segment counts as old as those recorded after it.
        """
        with self._store.database.read() as connection:
            found = index.oldest(
                connection, camera, limit=BATCH, before_90k=before_90k, acknowledged_only=keep.needs_acknowledgement
            )
            if not found or found[0].start_90k >= EPOCH_90K:
                return found
            first = index.first_number(connection, camera, before_90k, now_90k)
            return index.oldest(
                connection,
                camera,
                limit=BATCH,
                before_90k=before_90k,
                acknowledged_only=keep.needs_acknowledgement,
                timeless=(EPOCH_90K, 0 if first is None else first - DAY_OF_NUMBERS),
            )

    def _discard(self, batch: list[StoredSegment], reason: str) -> None:
        self._store.discard([key_of(segment) for segment in batch])
        self._instruments.add(metrics.DELETED_BYTES, sum(segment.size_bytes for segment in batch), reason=reason)

    def _forget_arrivals_and_gaps(self, camera: CameraId, before_90k: int) -> None:
        with self._store.database.read() as connection:
            stale = index.incoming_keys(connection, camera, before_90k=before_90k)
        if stale:
            self._store.discard(stale)
        self._store.database.write(lambda c: index.forget_gaps(c, camera, before_90k=before_90k))

    def _count_failed(self, failed: int) -> int:
        if failed:
            log.error("%d files of deleted recordings could not be removed; they will be tried again", failed)
            self._instruments.add(metrics.DELETE_ERRORS, failed)
        return failed


def _ticks(moment_ns: int) -> int:
    return moment_ns * TICKS_PER_S // NS_PER_S
