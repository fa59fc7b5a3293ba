"""Facts of devices: what each source said last, the values as they stand, and what changed."""

import sqlalchemy as sa
from alembic import op

revision = "facts_0004"
down_revision = "facts_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_source",
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("book", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("heard_wall_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "device_fact",
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("since_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("seen_wall_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "device_fact_change",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("device", sa.Text, nullable=False, index=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("wall_ns", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
