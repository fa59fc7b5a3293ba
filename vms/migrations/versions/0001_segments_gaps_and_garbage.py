"""Segments, what is still growing, garbage, runs and gaps."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "cameras",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("slug", sa.Text, nullable=False, unique=True),
        sa.Column("next_sequence", sa.BigInteger, nullable=False),
        sa.Column("last_sha256", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "disks",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("uuid", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "segments",
        *_key(),
        sa.Column("duration_90k", sa.BigInteger, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        _disk(),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("previous_sha256", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    _index_pending("segments")
    op.create_table(
        "growing",
        *_key(),
        sa.Column("run", sa.BigInteger, nullable=False),
        _disk(),
        sa.Column("duration_90k", sa.BigInteger),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_table("garbage", *_key(), _disk(), sqlite_with_rowid=False)
    op.create_table(
        "runs",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("run", sa.BigInteger, primary_key=True),
        sa.Column("start_90k", sa.BigInteger, nullable=False),
        sa.Column("codec", sa.Text, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "gaps",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("start_90k", sa.BigInteger, primary_key=True),
        sa.Column("end_90k", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("acknowledged", sa.Boolean, nullable=False),
        sqlite_with_rowid=False,
    )
    _index_pending("gaps")


def _key() -> list[sa.Column[Any]]:
    return [
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("start_90k", sa.BigInteger, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
    ]


def _disk() -> sa.Column[Any]:
    return sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), nullable=False)


def _index_pending(table: str) -> None:
    pending = sa.column("acknowledged", sa.Boolean).is_(False)
    op.create_index(f"{table}_pending", table, ["start_90k"], sqlite_where=pending, postgresql_where=pending)
