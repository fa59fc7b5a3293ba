"""Acts of restore drills, and what people asked hosts to put back."""

import sqlalchemy as sa
from alembic import op

revision = "repositories_0002"
down_revision = "repositories_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("ended_ns", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    op.create_index("acts_by_host", "acts", ["host", "ended_ns"])
    op.create_table(
        "orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("replace", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("ordered_by", sa.Text, nullable=False),
        sa.Column("ordered_ns", sa.BigInteger, nullable=False),
        sa.Column("given_ns", sa.BigInteger),
        sa.Column("ended_ns", sa.BigInteger),
        sa.Column("outcome", sa.Text, nullable=False, server_default=""),
        sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
        sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
        sa.Column("placed", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("orders_by_host", "orders", ["host", "ordered_ns"])
