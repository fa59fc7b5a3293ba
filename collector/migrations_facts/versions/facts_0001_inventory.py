"""Versions of the inventory and every identity it has ever given."""

import sqlalchemy as sa
from alembic import op

revision = "facts_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inventory_version",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("accepted_wall_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("restores", sa.Integer),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "inventory_identity",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("since_version", sa.Integer, nullable=False),
    )
