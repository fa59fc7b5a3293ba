"""Owns the shape of access.db.

Times ending in `_ns` are wall time for people; `_elapsed_ns` is `AccessTime.elapsed_ns`, the only time that lifetimes
and waits are counted in. Hashes are SHA-256 of a random secret, never the secret.
"""

import sqlalchemy as sa

metadata = sa.MetaData()

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
    sa.Column("disabled_ns", sa.BigInteger),
    sa.Column("disabled_reason", sa.Text, nullable=False),
)

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("revoked_ns", sa.BigInteger),
    sa.Column("revoked_reason", sa.Text, nullable=False),
)

# What a person's own relay password hashes to (RFC 7616 HA1, hex); it opens the RTSP relay and nothing else.
relay_passwords = sa.Table(
    "relay_passwords",
    metadata,
    sa.Column("user", sa.Text, sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("md5", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
)

login_tries = sa.Table(
    "login_tries",
    metadata,
    sa.Column("login", sa.Text, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_elapsed_ns", sa.BigInteger, nullable=False),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False, index=True),
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

one_time_logins = sa.Table(
    "one_time_logins",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("user", sa.Text, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("until_elapsed_ns", sa.BigInteger, nullable=False),
)

join_tokens = sa.Table(
    "join_tokens",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("created_ns", sa.BigInteger, nullable=False),
    sa.Column("until_elapsed_ns", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("agent", sa.Text),
    sa.Column("revoked_ns", sa.BigInteger),
)

agents = sa.Table(
    "agents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("public_key", sa.Text, nullable=False, unique=True),
    sa.Column("software", sa.Text, nullable=False),
    sa.Column("enrolled_ns", sa.BigInteger, nullable=False),
    sa.Column("revoked_ns", sa.BigInteger),
    sa.Column("revoked_reason", sa.Text, nullable=False),
)

# One row: the public half of the key that every enrolled agent believes.
community_key = sa.Table(
    "community_key",
    metadata,
    sa.Column("public_key", sa.Text, primary_key=True),
    sa.Column("first_used_ns", sa.BigInteger, nullable=False),
)

# One row: what `AccessTime` remembers across restarts.
access_time = sa.Table(
    "access_time",
    metadata,
    sa.Column("one", sa.Integer, sa.CheckConstraint("one = 1"), primary_key=True),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("mono_ns", sa.BigInteger, nullable=False),
    sa.Column("elapsed_ns", sa.BigInteger, nullable=False),
    sa.Column("believed_ns", sa.BigInteger, nullable=False),
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
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
