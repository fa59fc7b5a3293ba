"""Owns the outbox's table in facts.db; the same as migration facts_0002 makes it.

`due_*` is when a letter may be tried next and, while somebody sends it, until when that claim holds: monotonic time of
one start of the machine; after a reboot all is due.
"""

import sqlalchemy as sa

outbox = sa.Table(
    "outbox",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("message_id", sa.Text, nullable=False, unique=True),
    sa.Column("recipient", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False, index=True),
    sa.Column("episode", sa.Integer, nullable=False),
    sa.Column("is_end", sa.Boolean, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("made_boot_id", sa.Text, nullable=False),
    sa.Column("made_mono_ns", sa.BigInteger, nullable=False),
    sa.Column("made_wall_ns", sa.BigInteger, nullable=False),
    sa.Column("due_boot_id", sa.Text, nullable=False),
    sa.Column("due_mono_ns", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("claim", sa.Text, nullable=False),
    sa.Column("trouble_uk", sa.Text, nullable=False),
    sa.Column("trouble_en", sa.Text, nullable=False),
    sa.Column("done_wall_ns", sa.BigInteger),
    sqlite_autoincrement=True,
)
