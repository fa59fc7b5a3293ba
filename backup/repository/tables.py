"""Owns the tables of repositories.db, the centre's memory of its repositories, as its migrations make them.

Times are the centre's wall clock, ns since 1970. A `host` is whose snapshots a repository holds: its folder's name.
"""

import sqlalchemy as sa

METADATA = sa.MetaData()

HOSTS = sa.Table(
    "hosts",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("added_ns", sa.BigInteger, nullable=False),
    # `{SHA}…` as a htpasswd file spells it; "" for a repository that no server lets anybody into.
    sa.Column("credential", sa.Text, nullable=False, server_default=""),
    # Why the server lets the host in no longer: "" or a word of `accounts.Suspension`.
    sa.Column("suspended", sa.Text, nullable=False, server_default=""),
)

# Keys that the centre knows of: file name of the key in the repository, and whom it was made for.
KEYS = sa.Table(
    "keys",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("made_ns", sa.BigInteger, nullable=False),
    # When somebody last opened the repository with it, to see that it does.
    sa.Column("tried_ns", sa.BigInteger),
)

# What each host's agent last said of a plan.
CLAIMS = sa.Table(
    "claims",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, primary_key=True),
    sa.Column("heard_ns", sa.BigInteger, nullable=False),
    # JSON of `backup.messages.PlanReport`.
    sa.Column("report", sa.Text, nullable=False),
)

# The hash walk of each repository: where it stands, and how the last whole one ended.
WALKS = sa.Table(
    "walks",
    METADATA,
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

DAMAGES = sa.Table(
    "damages",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("file", sa.Text, primary_key=True),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("found_ns", sa.BigInteger, nullable=False),
)

# How large each repository was, once a day (days since 1970, UTC): history and the forecast of growth.
SIZES = sa.Table(
    "sizes",
    METADATA,
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("snapshots", sa.BigInteger, nullable=False),
)

# Work of the centre itself: forget, prune, second copy; one row each time.
WORKS = sa.Table(
    "works",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("work", sa.Text, nullable=False),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason_uk", sa.Text, nullable=False),
    sa.Column("reason_en", sa.Text, nullable=False),
    sa.Index("works_by_host", "host", "work", "ended_ns"),
)

# Records of restore drills, as hosts sent them or the centre made them; a row is never rewritten.
ACTS = sa.Table(
    "acts",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    # Which key opened the repository: acts of each are counted by themselves.
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    # JSON of `acts.record.Record`.
    sa.Column("record", sa.Text, nullable=False),
    sa.Index("acts_by_host", "host", "ended_ns"),
)

# What people asked hosts to put back from copies.
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("snapshot", sa.Text, nullable=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("replace", sa.Integer, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("ordered_by", sa.Text, nullable=False),
    sa.Column("ordered_ns", sa.BigInteger, nullable=False),
    # When the host was first told; null before.
    sa.Column("given_ns", sa.BigInteger),
    sa.Column("ended_ns", sa.BigInteger),
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
    sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
    sa.Column("placed", sa.Text, nullable=False, server_default=""),
    sa.Index("orders_by_host", "host", "ordered_ns"),
)
