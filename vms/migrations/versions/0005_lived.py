"""The time that age is counted by, as far as it is proved."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "lived",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("until_ns", sa.BigInteger, nullable=False),
        sa.Column("credit_ns", sa.BigInteger, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("mono_ns", sa.BigInteger, nullable=False),
    )
