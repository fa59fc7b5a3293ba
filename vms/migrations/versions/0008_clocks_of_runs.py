"""What was known of the clocks as a run began."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("runs", sa.Column("correction_ns", sa.BigInteger))
    op.add_column("runs", sa.Column("camera_offset_ns", sa.BigInteger))
