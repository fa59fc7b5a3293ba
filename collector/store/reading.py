"""Owns how blocks and tiers are read from the tables; the store adds what is still in memory. Blocking."""

from collections.abc import Sequence

import sqlalchemy as sa

from collector.store import block, tiers
from collector.store.tables import BLOCKS, FIVE_MINUTES, HOURS, UNROLLED, row_id
from collector.store.tiers import HOUR_MS, Buckets, Tier

# Series in one query.
SERIES_AT_ONCE = 500
TABLES: dict[Tier, sa.Table] = {tiers.FIVE_MINUTES: FIVE_MINUTES, tiers.HOURS: HOURS}


def read_blocks(connection: sa.Connection, series: Sequence[int], hours: Sequence[int]) -> dict[int, block.Samples]:
    """Sealed samples of these hours, in order of time.

    Hours are named, not a range of them: the key is (hour, series), and each pair is one look-up.
    """
    found: dict[int, block.Samples] = {}
    for start in range(0, len(series), SERIES_AT_ONCE):
        part = series[start : start + SERIES_AT_ONCE]
        query = sa.select(BLOCKS).where(BLOCKS.c.hour.in_(hours), BLOCKS.c.series.in_(part))
        for hour, id_, _, data in connection.execute(query.order_by(BLOCKS.c.hour)):
            times, values = block.decode(data, start_ms=hour * HOUR_MS)
            columns = found.setdefault(id_, ([], []))
            columns[0].extend(times)
            columns[1].extend(values)
    return found


def ends_of(connection: sa.Connection, column: sa.Column[int]) -> tuple[int | None, int | None]:
    """The least and the greatest of an indexed column: two look-ups, where asking for both at once reads the table."""
    ends = (sa.select(sa.func.min(column)).scalar_subquery(), sa.select(sa.func.max(column)).scalar_subquery())
    oldest, newest = connection.execute(sa.select(*ends)).one()
    return oldest, newest


def stored_hours(connection: sa.Connection, start_ms: int, end_ms: int) -> range:
    """The hours of [start, end) that may have blocks."""
    oldest, newest = ends_of(connection, BLOCKS.c.hour)
    if oldest is None or newest is None:
        return range(0)
    return range(max(oldest, start_ms // HOUR_MS), min(newest, (end_ms - 1) // HOUR_MS) + 1)


def read_buckets(
    connection: sa.Connection, tier: Tier, series: Sequence[int], stretches: Sequence[int]
) -> dict[int, Buckets]:
    """Buckets of these stretches, in order of time."""
    table = TABLES[tier]
    found: dict[int, Buckets] = {}
    for stretch in stretches:
        for start in range(0, len(series), SERIES_AT_ONCE):
            ids = [row_id(stretch, id_) for id_ in series[start : start + SERIES_AT_ONCE]]
            for id_, data in connection.execute(sa.select(table.c.id, table.c.data).where(table.c.id.in_(ids))):
                known = found.setdefault(id_ & 0xFFFF_FFFF, Buckets([], [], [], [], []))
                known.extend(tiers.decode(data, tier, stretch=stretch))
    return found


def stored_periods(connection: sa.Connection, tier: Tier, start_ms: int, end_ms: int) -> range:
    """The stretches of [start, end) that may have rows."""
    table = TABLES[tier]
    oldest, newest = ends_of(connection, table.c.id)
    if oldest is None or newest is None:
        return range(0)
    return range(max(oldest >> 32, start_ms // tier.period_ms), min(newest >> 32, (end_ms - 1) // tier.period_ms) + 1)


def unrolled_days(connection: sa.Connection, series: Sequence[int]) -> set[int]:
    """Days that any of these series has outside the tiers."""
    oldest, newest = ends_of(connection, UNROLLED.c.day)
    days: set[int] = set()
    if oldest is not None and newest is not None:
        for start in range(0, len(series), SERIES_AT_ONCE):
            part = UNROLLED.c.series.in_(series[start : start + SERIES_AT_ONCE])
            query = sa.select(UNROLLED.c.day).where(UNROLLED.c.day.in_(range(oldest, newest + 1)), part)
            days.update(connection.scalars(query.distinct()))
    return days
