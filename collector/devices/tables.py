"""Owns the tables of device facts in facts.db; the same as migration facts_0004 makes them.

`device_source` is what each source last said of a device, `device_fact` the values as they stand, `device_fact_change`
what changed, kept for years.
"""

import sqlalchemy as sa

_metadata = sa.MetaData()

device_source = sa.Table(
    "device_source",
    _metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("book", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("heard_wall_ns", sa.BigInteger, nullable=False),
)

device_fact = sa.Table(
    "device_fact",
    _metadata,
    sa.Column("device", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("since_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("seen_wall_ns", sa.BigInteger, nullable=False),
)

device_fact_change = sa.Table(
    "device_fact_change",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("device", sa.Text, nullable=False, index=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("wall_ns", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
