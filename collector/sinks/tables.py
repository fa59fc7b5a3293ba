"""Owns the tables of sinks.db, the same as the migrations make them."""

import sqlalchemy as sa

METADATA = sa.MetaData()

# One row a put, in order of arrival: deflated line protocol of samples from `oldest_ms` to `newest_ms`.
QUEUE = sa.Table(
    "queue",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("arrived_ms", sa.BigInteger, nullable=False),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("oldest_ms", sa.BigInteger, nullable=True),
    sa.Column("newest_ms", sa.BigInteger, nullable=True),
    sqlite_autoincrement=True,
)

# What the engine will never get: a row a day of arrival and reason.
LOST = sa.Table(
    "lost",
    METADATA,
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, primary_key=True),
    sa.Column("samples", sa.BigInteger, nullable=False),
    sa.Column("oldest_ms", sa.BigInteger, nullable=False),
    sa.Column("newest_ms", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
