"""Which seals the centre does not have yet."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "unsent_seals",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("offset_bytes", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
