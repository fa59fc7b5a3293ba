"""Owns the tables of `video.db`: what is on the disks, what is missing and why.

Integers and raw hashes only, and the clustered key (camera, start_90k, sequence), so that a camera's day is one index
range however large the table. Changed only together with a migration (vms/migrations). Note: 0002-recording-store.md.
"""

from pathlib import Path

import sqlalchemy as sa

MIGRATIONS = Path(__file__).parents[1] / "migrations"

metadata = sa.MetaData()

# `last_sha256` is the hash of the camera's newest segment: what the next one is chained to; empty before the first.
cameras = sa.Table(
    "cameras",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("next_sequence", sa.BigInteger, nullable=False),
    sa.Column("last_sha256", sa.LargeBinary, nullable=False),
)

disks = sa.Table(
    "disks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("uuid", sa.Text, nullable=False, unique=True),
)

# Closed, durable, hashed. `run` is the sequence of the run's first segment: unique in its camera at both ends of the
# wire. In one run, sequence n is followed without a hole by n + 1.
segments = sa.Table(
    "segments",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("start_90k", sa.BigInteger, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("duration_90k", sa.BigInteger, nullable=False),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), nullable=False),
    # False: only this disk has it. At the centre, where it arrives for good, always True.
    sa.Column("acknowledged", sa.Boolean, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("previous_sha256", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index(
    "segments_pending",
    segments.c.start_90k,
    sqlite_where=segments.c.acknowledged.is_(False),
    postgresql_where=segments.c.acknowledged.is_(False),
)

# Announced before the file is created, removed in the transaction that indexes it: what a crash left behind is here,
# and nowhere else. With `sha256` it is an upload still coming; without, a recording still growing.
growing = sa.Table(
    "growing",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("start_90k", sa.BigInteger, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), nullable=False),
    sa.Column("duration_90k", sa.BigInteger),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("sha256", sa.LargeBinary),
    sqlite_with_rowid=False,
)

# No longer a recording; its file may still be there until the unlink is durable. One of the same name may by then be
# a recording on another disk.
garbage = sa.Table(
    "garbage",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("start_90k", sa.BigInteger, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), primary_key=True),
    sqlite_with_rowid=False,
)

# The last two are what the site knew of the clocks as the run began (`RunClocks`); NULL at the centre, after a rebuild,
# and where there was nothing to know.
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("run", sa.BigInteger, primary_key=True),
    sa.Column("start_90k", sa.BigInteger, nullable=False),
    sa.Column("codec", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("correction_ns", sa.BigInteger),
    sa.Column("camera_offset_ns", sa.BigInteger),
    sqlite_with_rowid=False,
)

# `end_90k` is NULL while the gap goes on.
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("start_90k", sa.BigInteger, primary_key=True),
    sa.Column("end_90k", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("acknowledged", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)
sa.Index(
    "gaps_pending",
    gaps.c.start_90k,
    sqlite_where=gaps.c.acknowledged.is_(False),
    postgresql_where=gaps.c.acknowledged.is_(False),
)

# A hold as people know it; only at the centre. `review_at_s`: when somebody has to look at it again; since 1970.
holds = sa.Table(
    "holds",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("start_90k", sa.BigInteger, nullable=False),
    sa.Column("end_90k", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("case_number", sa.Text, nullable=False),
    sa.Column("placed_by", sa.Text, nullable=False),
    sa.Column("by_police", sa.Boolean, nullable=False),
    sa.Column("placed_at_s", sa.BigInteger, nullable=False),
    sa.Column("review_at_s", sa.BigInteger, nullable=False),
    sa.Column("released_at_s", sa.BigInteger),
    sa.Column("released_by", sa.Text, nullable=False),
)

# What nothing may delete, at the centre and at the edge; `hold` is the centre's number. `until_s` is NULL while the
# hold is in force, and the end of the days of grace once it was released.
held = sa.Table(
    "held",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("hold", sa.BigInteger, primary_key=True),
    sa.Column("start_90k", sa.BigInteger, nullable=False),
    sa.Column("end_90k", sa.BigInteger, nullable=False),
    sa.Column("until_s", sa.BigInteger),
    sqlite_with_rowid=False,
)

# Sums of `segments` by the hour in which they start, kept by the database itself (triggers of migration 0002): rates
# and sizes are known without reading millions of rows.
hours = sa.Table(
    "hours",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("hour_90k", sa.BigInteger, primary_key=True),
    sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), primary_key=True),
    sa.Column("segments", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Recorded here and in no seal yet: what a seal will say of it, even when retention comes first. Note: 0025.
unsealed = sa.Table(
    "unsealed",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    sa.Column("start_90k", sa.BigInteger, nullable=False),
    sa.Column("duration_90k", sa.BigInteger, nullable=False),
    sa.Column("run", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("previous_sha256", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# The newest seal of each camera; the seals themselves lie beside the recordings. Gaps from `gaps_from_90k` on may have
# changed since.
sealed = sa.Table(
    "sealed",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("seal_sha256", sa.LargeBinary, nullable=False),
    sa.Column("gaps_from_90k", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Numbers of segments that were here and were deleted on purpose: why their place in the chain is empty.
removed = sa.Table(
    "removed",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("first_sequence", sa.BigInteger, primary_key=True),
    sa.Column("last_sequence", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# One row: the moment that age is counted by (`vms.recordings.age`), how far ahead of it the wall clock is still
# followed, and when that was: in which start of the machine, at which of its monotonic time.
lived = sa.Table(
    "lived",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("until_ns", sa.BigInteger, nullable=False),
    sa.Column("credit_ns", sa.BigInteger, nullable=False),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("mono_ns", sa.BigInteger, nullable=False),
)

# One row: which version of `holds` and `held` the files beside the recordings are to have (`hold_files`).
hold_files = sa.Table(
    "hold_files",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# Seals made here that the centre does not have yet, and where in the ledger each lies.
unsent_seals = sa.Table(
    "unsent_seals",
    metadata,
    sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("offset_bytes", sa.BigInteger, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
