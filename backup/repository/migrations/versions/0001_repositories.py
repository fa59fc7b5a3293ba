"""Repositories of hosts: accounts, keys, what agents say, hash walks, sizes, the centre's own work."""

import sqlalchemy as sa
from alembic import op

revision = "repositories_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hosts",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("added_ns", sa.BigInteger, nullable=False),
        sa.Column("credential", sa.Text, nullable=False, server_default=""),
        sa.Column("suspended", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "keys",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("made_ns", sa.BigInteger, nullable=False),
        sa.Column("tried_ns", sa.BigInteger),
    )
    op.create_table(
        "claims",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("plan", sa.Text, primary_key=True),
        sa.Column("heard_ns", sa.BigInteger, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_table(
        "walks",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("began_ns", sa.BigInteger, nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("ended_ns", sa.BigInteger),
        sa.Column("whole_files", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("whole_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("config_sha256", sa.Text, nullable=False, server_default=""),
    )
    op.create_table(
        "damages",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("file", sa.Text, primary_key=True),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("found_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sizes",
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("snapshots", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "works",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("work", sa.Text, nullable=False),
        sa.Column("ended_ns", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason_uk", sa.Text, nullable=False),
        sa.Column("reason_en", sa.Text, nullable=False),
    )
    op.create_index("works_by_host", "works", ["host", "work", "ended_ns"])
