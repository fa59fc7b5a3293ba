"""The first tables of access.db. The journal refuses UPDATE and DELETE: against bugs, not against an intruder."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("login", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("disabled_ns", sa.BigInteger),
        sa.Column("disabled_reason", sa.Text, nullable=False),
    )
    op.create_table(
        "grants",
        sa.Column("number", sa.Text, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.Column("revoked_reason", sa.Text, nullable=False),
    )
    op.create_table(
        "login_tries",
        sa.Column("login", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_elapsed_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("used_ns", sa.BigInteger, nullable=False),
        sa.Column("created_elapsed_ns", sa.BigInteger, nullable=False),
        sa.Column("used_elapsed_ns", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reason_elapsed_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.Column("revoked_reason", sa.Text, nullable=False),
    )
    op.create_table(
        "one_time_logins",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("until_elapsed_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "join_tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_ns", sa.BigInteger, nullable=False),
        sa.Column("until_elapsed_ns", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("agent", sa.Text),
        sa.Column("revoked_ns", sa.BigInteger),
    )
    op.create_table(
        "agents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("public_key", sa.Text, nullable=False, unique=True),
        sa.Column("software", sa.Text, nullable=False),
        sa.Column("enrolled_ns", sa.BigInteger, nullable=False),
        sa.Column("revoked_ns", sa.BigInteger),
        sa.Column("revoked_reason", sa.Text, nullable=False),
    )
    op.create_table(
        "community_key",
        sa.Column("public_key", sa.Text, primary_key=True),
        sa.Column("first_used_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "access_time",
        sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("mono_ns", sa.BigInteger, nullable=False),
        sa.Column("elapsed_ns", sa.BigInteger, nullable=False),
        sa.Column("believed_ns", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("wall_ns", sa.BigInteger, nullable=False),
        sa.Column("boot_id", sa.Text, nullable=False),
        sa.Column("mono_ns", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("grant", sa.Text, nullable=False),
        sa.Column("about_police", sa.Boolean, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("previous", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_grants_user", "grants", ["user"])
    op.create_index("ix_sessions_user", "sessions", ["user"])
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER journal_refuses_{verb.lower()} BEFORE {verb} ON journal "
            "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        )
