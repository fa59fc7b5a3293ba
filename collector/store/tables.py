"""Owns the tables of samples.db, the same as the migrations make them.

Rows of `blocks` are ordered by hour, so that sealing appends and forgetting cuts.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

# Each series once; `labels` is a JSON list of [name, value] pairs in the metric's order. `newest_day` is its last in
# the tiers: long after it nothing of the series is left.
SERIES = sa.Table(
    "series",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
    sa.Column("newest_day", sa.Integer, nullable=True),
    sa.UniqueConstraint("name", "labels"),
)

# One row per (hour, series): `store.block`. `hour` counts hours since 1970 UTC.
BLOCKS = sa.Table(
    "blocks",
    METADATA,
    sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# What came and is not sealed yet, one row a put: `store.journal`.
JOURNAL = sa.Table(
    "journal",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("newest_ms", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)

# How far each agent's spool has been taken.
SPOOLS = sa.Table(
    "spools",
    METADATA,
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("spool", sa.Text, primary_key=True),
    sa.Column("through", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def _tier_table(name: str) -> sa.Table:
    return sa.Table(
        name,
        METADATA,
        # `row_id`: rows lie in order of time, and of 2 KB two share a page, which a key of two columns would not allow.
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("buckets", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )


# `store.tiers`: a row is one series in one stretch of time.
FIVE_MINUTES = _tier_table("five_minutes")
HOURS = _tier_table("hours")

# Days of series with blocks that the tiers do not hold yet, or not with their late samples.
UNROLLED = sa.Table(
    "unrolled",
    METADATA,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# Samples that the byte cap took before their time, by the tier that they lay in.
SACRIFICED = sa.Table(
    "sacrificed",
    METADATA,
    sa.Column("tier", sa.Text, primary_key=True),
    sa.Column("samples", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def row_id(stretch: int, series: int) -> int:
    """The id of a tier's row."""
    return stretch << 32 | series
