"""Whether a run may have left its lock in the repository."""

import sqlalchemy as sa
from alembic import op

revision = "backup_0005"
down_revision = "backup_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("lock_may_stay", sa.Integer, nullable=False, server_default="0"))
