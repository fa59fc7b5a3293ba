"""Owns the tables of backup.db, the same as its migrations make them. Times are wall clock, ns since 1970."""

import sqlalchemy as sa

METADATA = sa.MetaData()

# One row a run, written before it starts and again when it is over; `outcome` is null while it runs.
RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("boot", sa.Text, nullable=False),
    sa.Column("began_ns", sa.BigInteger, nullable=False),
    sa.Column("ended_ns", sa.BigInteger),
    sa.Column("outcome", sa.Text),
    sa.Column("reason_uk", sa.Text, nullable=False, server_default=""),
    sa.Column("reason_en", sa.Text, nullable=False, server_default=""),
    sa.Column("restic", sa.Text, nullable=False, server_default=""),
    sa.Column("snapshot", sa.Text, nullable=False, server_default=""),
    sa.Column("files", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("size_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("added_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("duration_s", sa.Float, nullable=False, server_default="0"),
    sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    # JSON list of `manifest.Entry`.
    sa.Column("manifest", sa.Text, nullable=False, server_default="[]"),
    # What the run brought into the repository, and how long restic was at it.
    sa.Column("carried_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("carried_s", sa.Float, nullable=False, server_default="0"),
    # 1 where restic ended in a way that leaves its lock in the repository.
    sa.Column("lock_may_stay", sa.Integer, nullable=False, server_default="0"),
    sa.Index("runs_by_plan", "plan", "began_ns"),
)

# What the centre ordered to be put back, and what came of it: an order that comes twice is done once.
PUT_BACK = sa.Table(
    "put_back",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    # JSON of `messages.RestoreResult`.
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("told", sa.Integer, nullable=False, server_default="0"),
)

# One row a restore drill.
DRILLS = sa.Table(
    "drills",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("snapshot", sa.Text, nullable=False),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("files", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # JSON list of paths that did not come back the same.
    sa.Column("wrong", sa.Text, nullable=False),
    # Counts the acts of this host from 1; null for drills older than acts.
    sa.Column("number", sa.BigInteger),
    # JSON of `acts.record.Record`, "" for drills older than acts.
    sa.Column("record", sa.Text, nullable=False, server_default=""),
    # 1 once the centre has the record.
    sa.Column("told", sa.Integer, nullable=False, server_default="0"),
    sa.Index("drills_by_plan", "plan", "ended_ns"),
)

# One row a path of a first copy whose part is stored; gone when the whole copy is.
PARTS = sa.Table(
    "parts",
    METADATA,
    sa.Column("plan", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, primary_key=True),
)
