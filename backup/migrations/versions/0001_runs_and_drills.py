"""Runs of backups and restore drills."""

import sqlalchemy as sa
from alembic import op

revision = "backup_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("began_ns", sa.BigInteger, nullable=False),
        sa.Column("ended_ns", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
        sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
        sa.Column("restic", sa.Text, nullable=False, server_default=""),
        sa.Column("snapshot", sa.Text, nullable=False, server_default=""),
        sa.Column("files", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("added_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("duration_s", sa.Float, nullable=False, server_default="0"),
        sa.Column("evidence", sa.Text, nullable=False, server_default=""),
        sa.Column("manifest", sa.Text, nullable=False, server_default="[]"),
    )
    op.create_table(
        "drills",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("snapshot", sa.Text, nullable=False),
        sa.Column("ended_ns", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("wrong", sa.Text, nullable=False),
    )
    op.create_index("runs_by_plan", "runs", ["plan", "began_ns"])
    op.create_index("drills_by_plan", "drills", ["plan", "ended_ns"])
