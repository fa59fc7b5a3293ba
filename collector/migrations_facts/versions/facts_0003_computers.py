"""Computers as they told of themselves last, and what changed between two reports."""

import sqlalchemy as sa
from alembic import op

revision = "facts_0003"
down_revision = "facts_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "computer",
        sa.Column("agent", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("first_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("heard_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("changed_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "computer_event",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("agent", sa.Text, nullable=False, index=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("wall_ns", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
