"""Owns the computers' tables in facts.db; the same as migration facts_0003 makes them.

`computer` holds the newest report of each agent, `computer_event` what changed between two, kept for years.
"""

import sqlalchemy as sa

_metadata = sa.MetaData()

computer = sa.Table(
    "computer",
    _metadata,
    sa.Column("agent", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("heard_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("changed_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("report", sa.LargeBinary, nullable=False),
)

computer_event = sa.Table(
    "computer_event",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("agent", sa.Text, nullable=False, index=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("wall_ns", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("details", sa.LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)
