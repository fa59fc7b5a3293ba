"""Series, their sealed blocks, the journal of what is not sealed, and how far each spool was taken."""

import sqlalchemy as sa
from alembic import op

revision = "samples_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.UniqueConstraint("name", "labels"),
    )
    op.create_table(
        "blocks",
        sa.Column("hour", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("samples", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("newest_ms", sa.BigInteger, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "spools",
        sa.Column("agent", sa.Text, primary_key=True),
        sa.Column("spool", sa.Text, primary_key=True),
        sa.Column("through", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
