"""Records of restore drills: number, everything that an act tells, whether the centre has it."""

import sqlalchemy as sa
from alembic import op

revision = "backup_0002"
down_revision = "backup_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("drills", sa.Column("number", sa.BigInteger))
    op.add_column("drills", sa.Column("record", sa.Text, nullable=False, server_default=""))
    op.add_column("drills", sa.Column("told", sa.Integer, nullable=False, server_default="0"))
