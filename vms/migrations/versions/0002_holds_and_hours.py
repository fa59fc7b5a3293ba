"""Holds, and how much of each hour is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

# SQLite keeps the sums itself, so that they agree with the segments after any crash and whoever writes.
# The names are written out: a migration stays what it was.
_COUNT_THERE = """
INSERT INTO hours (camera, hour_90k, disk, segments, size_bytes)
SELECT camera, start_90k / 324000000 * 324000000, disk, count(*), sum(size_bytes) FROM segments GROUP BY 1, 2, 3
"""
_COUNT_IN = """
CREATE TRIGGER hours_count_in AFTER INSERT ON segments BEGIN
  INSERT INTO hours (camera, hour_90k, disk, segments, size_bytes)
  VALUES (new.camera, new.start_90k / 324000000 * 324000000, new.disk, 1, new.size_bytes)
  ON CONFLICT (camera, hour_90k, disk) DO UPDATE
  SET segments = segments + 1, size_bytes = size_bytes + excluded.size_bytes;
END
"""
_COUNT_OUT = """
CREATE TRIGGER hours_count_out AFTER DELETE ON segments BEGIN
  UPDATE hours SET segments = segments - 1, size_bytes = size_bytes - old.size_bytes
  WHERE camera = old.camera AND hour_90k = old.start_90k / 324000000 * 324000000 AND disk = old.disk;
  DELETE FROM hours
  WHERE camera = old.camera AND hour_90k = old.start_90k / 324000000 * 324000000 AND disk = old.disk
  AND segments <= 0;
END
"""


def upgrade() -> None:
    op.create_table(
        "holds",
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
    op.create_table(
        "held",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("hold", sa.BigInteger, primary_key=True),
        sa.Column("start_90k", sa.BigInteger, nullable=False),
        sa.Column("end_90k", sa.BigInteger, nullable=False),
        sa.Column("until_s", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hours",
        sa.Column("camera", sa.Integer, sa.ForeignKey("cameras.id"), primary_key=True),
        sa.Column("hour_90k", sa.BigInteger, primary_key=True),
        sa.Column("disk", sa.Integer, sa.ForeignKey("disks.id"), primary_key=True),
        sa.Column("segments", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    for statement in (_COUNT_THERE, _COUNT_IN, _COUNT_OUT):
        op.execute(statement)
