"""Owns the tables of samples.db, the same as migration samples_0001 makes them.

Rows of `blocks` are ordered by hour, so that sealing appends and forgetting cuts.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

# Each series once; `labels` is a JSON list of [name, value] pairs in the metric's order.
SERIES = sa.Table(
    "series",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("labels", sa.Text, nullable=False),
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
