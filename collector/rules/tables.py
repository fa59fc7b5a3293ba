"""Owns the alerts' tables in facts.db; the same as migration facts_0002 makes them.

`alert` holds how each alert stands now, `alert_transition` every change with its reason and times, `alert_heard` the
sites that have ever spoken. A moment is three columns: start of the machine, monotonic and wall time.
"""

import sqlalchemy as sa

_metadata = sa.MetaData()

alert = sa.Table(
    "alert",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("standing", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("changed_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("ended_wall_ns", sa.BigInteger),
    sa.Column("lasted_ns", sa.BigInteger),
    sa.Column("words", sa.LargeBinary),
)

alert_transition = sa.Table(
    "alert_transition",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("before", sa.Text, nullable=False),
    sa.Column("after", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("mono_ns", sa.BigInteger, nullable=False),
    sa.Column("wall_ns", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

alert_heard = sa.Table(
    "alert_heard",
    _metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
)
