"""Alerts, their transitions, the sites that have spoken, and the letters that wait to be sent."""

import sqlalchemy as sa
from alembic import op

revision = "facts_0002"
down_revision = "facts_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
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
    op.create_table(
        "alert_transition",
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
    op.create_table(
        "alert_heard",
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
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
