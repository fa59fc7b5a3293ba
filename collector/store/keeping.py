"""Owns how long samples are kept in which form, and what goes first when the file grows too large. Blocking.

A day that is over is rolled into buckets of five minutes and of an hour, and rolled again when late samples come for
it. Past the byte cap go, oldest first: samples older than two days, then five minutes, then hours, then all that is
left; each is counted. A series of which nothing is left is forgotten with its name.
Note: collector/design/0042-tiers.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from beket.kernel.database import Database
from beket.kernel.units import GIB
from collector.store import reading, tiers
from collector.store.tables import BLOCKS, FIVE_MINUTES, HOURS, SACRIFICED, SERIES, UNROLLED, row_id
from collector.store.tiers import DAY_MS, HOUR_MS, Buckets

DAY_S = 86_400
HOURS_A_DAY = DAY_MS // HOUR_MS
# Series rolled in one transaction, and in one round beyond what must be rolled now.
ROLLED_AT_ONCE = 100
ROLLED_A_ROUND = 2000
# Raw samples that the byte cap takes last of all: what people look at today.
SPARED_MS = 2 * DAY_MS
RAW = "raw"


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long each form is kept, in seconds, and how many bytes all of it may take."""

    raw_s: float = 14 * DAY_S
    five_minutes_s: float = 90 * DAY_S
    hours_s: float = 2 * 365 * DAY_S
    cap_bytes: int = 8 * GIB

    @property
    def longest_s(self) -> float:
        """How old a sample may be and still stand in some form."""
        return max(self.raw_s, self.five_minutes_s, self.hours_s)


def roll(database: Database, *, boundary_ms: int, keep: Keeping, now_ms: int) -> None:
    """Make tiers of days that ended before `boundary_ms`: what is soon forgotten, and so many others a call."""
    last_day = boundary_ms // DAY_MS
    soon = (now_ms - round(keep.raw_s * 1000)) // DAY_MS + 1
    rest = ROLLED_A_ROUND
    while True:
        with database.read() as connection:
            query = sa.select(UNROLLED.c.day, UNROLLED.c.series).where(UNROLLED.c.day < last_day)
            rows = connection.execute(query.order_by(UNROLLED.c.day).limit(ROLLED_AT_ONCE)).all()
        day = rows[0].day if rows else 0
        if not rows or (rest <= 0 and day > soon):
            return
        series = [row.series for row in rows if row.day == day]
        _roll_day(database, day, series)
        rest -= len(series)


def forget(database: Database, *, keep: Keeping, now_ms: int) -> None:
    """Forget what is older than its form is kept, then what the cap does not hold."""

    def work(connection: sa.Connection) -> None:
        oldest_hour = (now_ms - round(keep.raw_s * 1000)) // HOUR_MS
        connection.execute(sa.delete(BLOCKS).where(BLOCKS.c.hour < oldest_hour))
        connection.execute(sa.delete(UNROLLED).where((UNROLLED.c.day + 1) * HOURS_A_DAY <= oldest_hour))
        for tier, kept_s in ((tiers.FIVE_MINUTES, keep.five_minutes_s), (tiers.HOURS, keep.hours_s)):
            oldest = (now_ms - round(kept_s * 1000)) // tier.period_ms
            table = reading.TABLES[tier]
            connection.execute(sa.delete(table).where(table.c.id < row_id(oldest, 0)))
        _fit(connection, keep.cap_bytes, now_ms)

    database.write(work)


def idle_series(connection: sa.Connection, *, keep: Keeping, now_ms: int) -> list[int]:
    """Series of which no form can hold anything any more."""
    # The longest form goes by whole stretches.
    longest_ms = round(keep.longest_s * 1000) + tiers.HOURS.period_ms
    old = connection.scalars(sa.select(SERIES.c.id).where(SERIES.c.newest_day < (now_ms - longest_ms) // DAY_MS)).all()
    if not old:
        return []
    busy = set(connection.scalars(sa.select(UNROLLED.c.series).distinct()))
    return [id_ for id_ in old if id_ not in busy]


def forget_series(connection: sa.Connection, ids: Sequence[int]) -> None:
    """Forget names of series."""
    connection.execute(sa.delete(SERIES).where(SERIES.c.id == sa.bindparam("gone")), [{"gone": id_} for id_ in ids])


def used_bytes(connection: sa.Connection) -> int:
    """Bytes of the file that hold something; SQLite uses the others again before it grows."""
    pages, free, size = (
        connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def sacrificed(connection: sa.Connection) -> dict[str, int]:
    """Samples and buckets that the cap took so far, by the tier that they lay in."""
    return {row.tier: row.samples for row in connection.execute(sa.select(SACRIFICED))}


def _roll_day(database: Database, day: int, series: Sequence[int]) -> None:
    stretch = day * DAY_MS // tiers.HOURS.period_ms
    with database.read() as connection:
        raw = reading.read_blocks(connection, series, range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY))
        fine_before = reading.read_buckets(connection, tiers.FIVE_MINUTES, series, [day])
        hours_before = reading.read_buckets(connection, tiers.HOURS, series, [stretch])
    nothing = Buckets([], [], [], [], [])
    fine_rows, hour_rows = [], []
    for id_, (times, values) in raw.items():
        fine = tiers.merge(fine_before.get(id_, nothing), tiers.fold(times, values, tiers.FIVE_MINUTES.step_ms))
        hours = tiers.merge(hours_before.get(id_, nothing), tiers.coarsen(fine, tiers.HOURS.step_ms))
        data = tiers.encode(fine, tiers.FIVE_MINUTES, stretch=day)
        fine_rows.append({"id": row_id(day, id_), "buckets": len(fine), "data": data})
        data = tiers.encode(hours, tiers.HOURS, stretch=stretch)
        hour_rows.append({"id": row_id(stretch, id_), "buckets": len(hours), "data": data})

    def work(connection: sa.Connection) -> None:
        if fine_rows:
            connection.execute(sa.insert(FIVE_MINUTES).prefix_with("OR REPLACE"), fine_rows)
            connection.execute(sa.insert(HOURS).prefix_with("OR REPLACE"), hour_rows)
        connection.execute(sa.delete(UNROLLED).where(UNROLLED.c.day == day, UNROLLED.c.series.in_(series)))
        newest = sa.func.max(sa.func.coalesce(SERIES.c.newest_day, day), day)
        connection.execute(sa.update(SERIES).where(SERIES.c.id.in_(series)).values(newest_day=newest))

    database.write(work)


def _fit(connection: sa.Connection, cap_bytes: int, now_ms: int) -> None:
    spared_hour = (now_ms - SPARED_MS) // HOUR_MS
    steps = (
        (RAW, BLOCKS, BLOCKS.c.hour, 1, BLOCKS.c.samples, spared_hour),
        ("5min", FIVE_MINUTES, FIVE_MINUTES.c.id, 1 << 32, FIVE_MINUTES.c.buckets, None),
        ("1h", HOURS, HOURS.c.id, 1 << 32, HOURS.c.buckets, None),
        (RAW, BLOCKS, BLOCKS.c.hour, 1, BLOCKS.c.samples, None),
    )
    for tier, table, key, ids_at_once, amount, limit in steps:
        while used_bytes(connection) > cap_bytes:
            oldest = connection.scalar(sa.select(sa.func.min(key)))
            if oldest is None or (limit is not None and oldest >= limit):
                break
            these = key < (oldest // ids_at_once + 1) * ids_at_once
            gone = connection.scalar(sa.select(sa.func.sum(amount)).where(these)) or 0
            connection.execute(sa.delete(table).where(these))
            before = sacrificed(connection).get(tier, 0)
            row = {"tier": tier, "samples": before + gone}
            connection.execute(sa.insert(SACRIFICED).prefix_with("OR REPLACE").values(row))
