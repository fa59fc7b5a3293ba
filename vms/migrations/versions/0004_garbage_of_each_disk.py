"""Garbage of each disk: a file that one disk cannot let go may be recorded anew on another."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.rename_table("garbage", "garbage_before")
    op.create_table(
        "garbage",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("start_90k", sa.BigInteger, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO garbage SELECT camera, start_90k, sequence, disk FROM garbage_before")
    op.drop_table("garbage_before")
