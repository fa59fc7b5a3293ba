"""Tiers of five minutes and of an hour, days that are not in them yet, and what the byte cap took."""

import sqlalchemy as sa
from alembic import op

revision = "samples_0002"
down_revision = "samples_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("series", sa.Column("newest_day", sa.Integer, nullable=True))
    for name in ("five_minutes", "hours"):
        op.create_table(
            name,
            sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
            sa.Column("buckets", sa.Integer, nullable=False),
            sa.Column("data", sa.LargeBinary, nullable=False),
        )
    op.create_table(
        "unrolled",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("series", sa.Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO unrolled SELECT DISTINCT hour / 24, series FROM blocks")
    op.create_table(
        "sacrificed",
        sa.Column("tier", sa.Text, primary_key=True),
        sa.Column("samples", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
