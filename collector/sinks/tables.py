"""Owns the table of sinks.db, the same as migration sinks_0001 makes it."""

import sqlalchemy as sa

METADATA = sa.MetaData()

# One row a put, in order of arrival: deflated line protocol.
QUEUE = sa.Table(
    "queue",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("arrived_ms", sa.BigInteger, nullable=False),
    sa.Column("samples", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
