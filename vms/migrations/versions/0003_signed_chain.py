"""What is signed of the chain, what still waits to be, and what was deleted from it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "unsealed",
        _camera(),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("start_90k", sa.BigInteger, nullable=False),
        sa.Column("duration_90k", sa.BigInteger, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("previous_sha256", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sealed",
        _camera(),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("seal_sha256", sa.LargeBinary, nullable=False),
        sa.Column("gaps_from_90k", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "removed",
        _camera(),
        sa.Column("first_sequence", sa.BigInteger, primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _camera() -> sa.Column[int]:
    return sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True)
