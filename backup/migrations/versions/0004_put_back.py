"""What was put back by order of the centre."""

import sqlalchemy as sa
from alembic import op

revision = "backup_0004"
down_revision = "backup_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "put_back",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("ended_ns", sa.BigInteger, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.Column("told", sa.Integer, nullable=False, server_default="0"),
    )
