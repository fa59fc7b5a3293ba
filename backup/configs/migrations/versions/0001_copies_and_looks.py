"""Copies of configurations of gear, and how the last look at each device went."""

import sqlalchemy as sa
from alembic import op

revision = "configs_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "copies",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("device", sa.Text, nullable=False),
        sa.Column("taken_ns", sa.BigInteger, nullable=False),
        sa.Column("since_ns", sa.BigInteger),
        sa.Column("sealed_ns", sa.BigInteger, nullable=False),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("added", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.Column("masked", sa.Text, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("sent", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_table(
        "looks",
        sa.Column("site", sa.Text, primary_key=True),
        sa.Column("device", sa.Text, primary_key=True),
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("looked_ns", sa.BigInteger, nullable=False),
        sa.Column("good_ns", sa.BigInteger),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
        sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
        sa.Column("is_weak", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_index("copies_by_device", "copies", ["site", "device", "taken_ns"])
