"""What each run carried over the line, and the parts of first copies that are stored."""

import sqlalchemy as sa
from alembic import op

revision = "backup_0003"
down_revision = "backup_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("carried_bytes", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("carried_s", sa.Float, nullable=False, server_default="0"))
    op.create_table(
        "parts",
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
    )
