"""Of which times the queued samples are, and what never reached the engine."""

import sqlalchemy as sa
from alembic import op

revision = "sinks_0002"
down_revision = "sinks_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("oldest_ms", "newest_ms"):
        op.add_column("queue", sa.Column(name, sa.BigInteger, nullable=True))
    op.execute("UPDATE queue SET oldest_ms = arrived_ms, newest_ms = arrived_ms")
    op.create_table(
        "lost",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("reason", sa.Text, primary_key=True),
        sa.Column("samples", sa.BigInteger, nullable=False),
        sa.Column("oldest_ms", sa.BigInteger, nullable=False),
        sa.Column("newest_ms", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
