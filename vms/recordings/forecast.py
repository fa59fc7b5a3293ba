"""Owns looking ahead: for how many days recordings will really be kept at today's rate, when the disk is full, and what
a hold costs everybody else in days. From sums by hour and free space; no list of segments is read.

When space is short all cameras lose the same share of their term (`sacrifice`), so one number says it: the share.
Note: vms/design/0027-holds-and-sacrifice.md "Forecast".
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.text import Text, counted, say
from beket.kernel.units import TICKS_PER_S
from vms import metrics
from vms.recordings import held, hourly
from vms.recordings.index import HOUR_90K
from vms.recordings.sacrifice import DAY_90K, DEFAULT_DAYS, Keeping
from vms.recordings.store import Store
from vms.recordings.tables import cameras, hours

# Long enough for a quiet night not to count as the rule, short enough for a new bit rate to be seen in days.
RATE_90K = 72 * HOUR_90K
FAR_DAYS = 400
DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraAhead:
    """One camera.

    Attributes:
        promised_days: its term.
        daily_bytes: what it takes a day at today's rate.
        by_day: bytes kept now by age in whole days; `by_day[0]` is the newest.
        oldest_90k: where its oldest recording starts.
    """

    camera: CameraId
    promised_days: int
    daily_bytes: int
    by_day: tuple[int, ...]
    oldest_90k: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """One store.

    Attributes:
        room_bytes: what recordings that are not held may take in all, the free floor left free.
        held_bytes: what holds keep here.
    """

    cameras: tuple[CameraAhead, ...]
    room_bytes: int
    held_bytes: int

    def share(self, *, more_held_bytes: int = 0) -> float:
        """The part of each camera's term that there is room for, at most 1; with so many more bytes held."""
        wanted_bytes = sum(one.daily_bytes * one.promised_days for one in self.cameras)
        room_bytes = max(0, self.room_bytes - more_held_bytes)
        return 1.0 if wanted_bytes <= room_bytes else room_bytes / wanted_bytes

    @property
    def longest_days(self) -> int:
        """The longest term of a camera that records."""
        return max((one.promised_days for one in self.cameras if one.daily_bytes), default=0)

    def full_in_days(self) -> int | None:
        """After how many days something has to go before its term; None: not within `FAR_DAYS`."""
        if self.share() >= 1:
            return None
        kept = [list(one.by_day) for one in self.cameras]
        for day in range(FAR_DAYS):
            if sum(map(sum, kept)) > self.room_bytes:
                return day
            for one, days in zip(self.cameras, kept, strict=True):
                days.insert(0, one.daily_bytes)
                del days[one.promised_days :]
        return None

    def days_lost(self, more_held_bytes: int) -> int:
        """How many days the archive of the longest term becomes shorter by holding so much more."""
        return _days(self.share(), self.longest_days) - _days(
            self.share(more_held_bytes=more_held_bytes), self.longest_days
        )

    def sentence(self) -> Text:
        """How long recordings will be kept, for people."""
        if not self.longest_days:
            return say("Ще нічого не записано.", "Nothing is recorded yet.")
        if (share := self.share()) >= 1:
            return say("Місця вистачає на весь строк зберігання.", "There is room for the whole term.")
        full_in = self.full_in_days()
        when = (
            say("Далі раніше строку стиратиметься найстаріше.", "Then the oldest goes before its term.")
            if full_in is None or full_in <= 0
            else say(
                "Диск заповниться за {days}.",
                "The disk is full in {n} days.",
                days=counted(full_in, "день", "дні", "днів"),
                n=full_in,
            )
        )
        kept_days = _days(share, self.longest_days)
        return say(
            "За теперішнього запису місця вистачить на {kept} замість {promised}. {when}",
            "At today's rate there is room for {n} days instead of {promised}. {when}",
            kept=counted(kept_days, "день", "дні", "днів"),
            n=kept_days,
            promised=self.longest_days,
            when=when,
        )

    def holds_sentence(self) -> Text | None:
        """What all holds together cost everybody else; None when that is less than a day."""
        with_holds = _days(self.share(), self.longest_days)
        without = _days(self.share(more_held_bytes=-self.held_bytes), self.longest_days)
        if without <= with_holds:
            return None
        return say(
            "Через заборони стирати архів решти камер — {kept} замість {more}.",
            "Because of holds the archive of the other cameras is {n} days instead of {more}.",
            kept=counted(with_holds, "день", "дні", "днів"),
            n=with_holds,
            more=without,
        )


class Forecaster:
    """Looks ahead for one store, and says it as metrics."""

    def __init__(
        self,
        store: Store,
        keeping: Callable[[], Mapping[CameraId, Keeping]],
        *,
        clock: Clock,
        instruments: Instruments | None = None,
    ) -> None:
        self._store = store
        self._keeping = keeping
        self._clock = clock
        self._instruments = instruments
        self._newest: Ahead | None = None

    def newest(self) -> Ahead:
        """What was seen last; looked up now if nobody did."""
        return self._newest or self.run_once()

    def run_once(self) -> Ahead:
        """Look, and say it."""
        now_90k = self._clock.wall_ns() * TICKS_PER_S // NS_PER_S
        free_bytes = self._store.shelf.room_of_all_bytes()
        with self._store.database.read() as connection:
            away = self._store.shelf.of_no_use()
            ahead = look_ahead(connection, self._keeping(), now_90k=now_90k, free_bytes=free_bytes, away=away)
        self._newest = ahead
        if self._instruments is not None:
            self._tell(ahead, self._instruments, now_90k)
        return ahead

    def _tell(self, ahead: Ahead, instruments: Instruments, now_90k: int) -> None:
        full_in = ahead.full_in_days()
        instruments.set(metrics.KEPT_RATIO, ahead.share())
        instruments.set(metrics.FULL_IN, (FAR_DAYS if full_in is None else full_in) * DAY_S)
        instruments.set(metrics.HELD_BYTES, ahead.held_bytes)
        for one in ahead.cameras:
            age_s = max(0, now_90k - one.oldest_90k) // TICKS_PER_S
            instruments.set(metrics.OLDEST_AGE, age_s, camera=one.camera)


def look_ahead(
    connection: sa.Connection,
    keeping: Mapping[CameraId, Keeping],
    *,
    now_90k: int,
    free_bytes: int,
    away: Collection[int] = (),
) -> Ahead:
    """What the sums by hour say; `free_bytes` is what is free above the floor, negative when it is undercut.

    `away`: disks on which nothing can be deleted to make room.
    """
    age_days = ((now_90k - hours.c.hour_90k - 1) // DAY_90K).label("age_days")
    recent = sa.case((hours.c.hour_90k >= now_90k - RATE_90K, hours.c.size_bytes), else_=0)
    rows = connection.execute(
        sa.select(
            cameras.c.slug,
            age_days,
            sa.func.sum(hours.c.size_bytes).label("size_bytes"),
            sa.func.sum(recent).label("recent_bytes"),
            sa.func.min(hours.c.hour_90k).label("first_90k"),
        )
        .join(cameras, cameras.c.id == hours.c.camera)
        .group_by(cameras.c.slug, age_days)
    )
    days_of: dict[CameraId, list[_Day]] = {}
    for slug, age, size_bytes, recent_bytes, first_90k in rows:
        days_of.setdefault(CameraId(slug), []).append(_Day(max(0, age), size_bytes, recent_bytes, first_90k))
    # What cameras left that are not in the inventory stays until somebody decides: it is no room for others.
    found = [_camera(one, days_of[one], keeping[one], now_90k) for one in sorted(days_of) if one in keeping]
    held_bytes = _held_bytes(connection)
    used_bytes = sum(sum(one.by_day) for one in found) - _bytes_on(connection, away)
    return Ahead(tuple(found), max(0, free_bytes + used_bytes - held_bytes), held_bytes)


def _bytes_on(connection: sa.Connection, disks: Collection[int]) -> int:
    total = sa.select(sa.func.coalesce(sa.func.sum(hours.c.size_bytes), 0)).where(hours.c.disk.in_(disks))
    return int(connection.execute(total).scalar_one())


class _Day(NamedTuple):
    age_days: int
    size_bytes: int
    recent_bytes: int
    first_90k: int


def _camera(camera: CameraId, days: list[_Day], keep: Keeping, now_90k: int) -> CameraAhead:
    by_day = [0] * (max(day.age_days for day in days) + 1)
    for day in days:
        by_day[day.age_days] += day.size_bytes
    oldest_90k = min(day.first_90k for day in days)
    seen_90k = max(HOUR_90K, min(RATE_90K, now_90k - oldest_90k))
    return CameraAhead(
        camera=camera,
        promised_days=keep.retention_days or DEFAULT_DAYS,
        daily_bytes=sum(day.recent_bytes for day in days) * DAY_90K // seen_90k,
        by_day=tuple(by_day),
        oldest_90k=oldest_90k,
    )


def _held_bytes(connection: sa.Connection) -> int:
    spans = held.spans(connection)
    return sum(
        hourly.bytes_between(connection, camera, start_90k, end_90k)
        for camera in {span.camera for span in spans}
        for start_90k, end_90k in held.merged((s.start_90k, s.end_90k) for s in spans if s.camera == camera)
    )


def _days(share: float, promised_days: int) -> int:
    return int(share * promised_days + 1e-9)
