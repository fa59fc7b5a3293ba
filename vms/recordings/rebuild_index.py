"""Owns the SQL that only making the index anew needs; each inside its caller's transaction, each safe to do again."""

import datetime
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from beket.kernel.errors import Busy
from beket.kernel.ids import CameraId
from beket.kernel.ports import StreamFormat
from beket.kernel.text import say
from vms.recordings import index
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import Announced, StoredSegment
from vms.recordings.tables import cameras, disks, gaps, growing, held, hold_files, holds, runs, segments, unsealed

# No segment has it: what arrives again under this name is not taken for the rest of what lies there.
UNKNOWN_SHA256 = bytes(32)
_HELD = "SELECT held.*, cameras.slug FROM held JOIN cameras ON cameras.id = held.camera"


def disk_row(connection: sa.Connection, uuid: str) -> int:
    """The number of the disk, given to it when it is first seen."""
    found = connection.execute(sa.select(disks.c.id).where(disks.c.uuid == uuid)).scalar()
    return index.add_disk(connection, uuid) if found is None else int(found)


def placed(connection: sa.Connection, camera: CameraId, keys: Sequence[SegmentKey]) -> dict[SegmentKey, int]:
    """The disk of each of `keys` that is indexed already."""
    rows = connection.execute(
        sa.select(segments.c.start_90k, segments.c.sequence, segments.c.disk).where(
            segments.c.camera == index.find_camera(connection, camera),
            segments.c.start_90k.in_({key.start_90k for key in keys}),
        )
    )
    return {SegmentKey(camera, row.start_90k, row.sequence): row.disk for row in rows}


def newest(connection: sa.Connection, camera: CameraId) -> StoredSegment | None:
    """The segment with the highest number; one pass over the camera."""
    row = connection.execute(
        sa.select(segments.c.start_90k, segments.c.sequence)
        .where(segments.c.camera == index.find_camera(connection, camera))
        .order_by(segments.c.sequence.desc())
        .limit(1)
    ).first()
    return None if row is None else index.segment(connection, SegmentKey(camera, row.start_90k, row.sequence))


def add_segments(
    connection: sa.Connection, camera: CameraId, placed_on: Sequence[tuple[int, StoredSegment]], *, acknowledged: bool
) -> None:
    """Index segments, each with the number of its disk, in one statement: there may be millions."""
    camera_id = index.camera_row(connection, camera)
    rows = [
        {
            "camera": camera_id,
            "start_90k": one.start_90k,
            "sequence": one.sequence,
            "duration_90k": one.duration_90k,
            "run": one.run,
            "size_bytes": one.size_bytes,
            "disk": disk,
            "acknowledged": acknowledged,
            "sha256": one.sha256,
            "previous_sha256": one.previous_sha256,
        }
        for disk, one in placed_on
    ]
    if rows:
        connection.execute(sa.insert(segments), rows)


def take_out(connection: sa.Connection, key: SegmentKey) -> None:
    """The file is not what an index may vouch for."""
    camera_id = index.find_camera(connection, key.camera)
    for table in (segments, unsealed):
        connection.execute(
            sa.delete(table).where(
                table.c.camera == camera_id, table.c.start_90k == key.start_90k, table.c.sequence == key.sequence
            )
        )


def put_run(connection: sa.Connection, camera: CameraId, *, run: int, start_90k: int, stream: StreamFormat) -> None:
    """What the run's frames are like; it begins no later."""
    index.add_run(connection, camera, run=run, start_90k=start_90k, stream=stream)
    begin_run(connection, camera, run=run, start_90k=start_90k)


def begin_run(connection: sa.Connection, camera: CameraId, *, run: int, start_90k: int) -> None:
    """The run, if it is known, begins no later."""
    connection.execute(
        sa.update(runs)
        .where(runs.c.camera == index.find_camera(connection, camera), runs.c.run == run, runs.c.start_90k > start_90k)
        .values(start_90k=start_90k)
    )


def put_next(connection: sa.Connection, camera: CameraId, *, next_sequence: int, last_sha256: bytes) -> None:
    """What the camera's next segment is called, and chained to."""
    camera_id = index.camera_row(connection, camera)
    values = {"next_sequence": next_sequence, "last_sha256": last_sha256}
    connection.execute(sa.update(cameras).where(cameras.c.id == camera_id).values(values))


def put_growing(connection: sa.Connection, announced: Announced, *, arriving: bool) -> None:
    """A file that is not whole: recovery looks at it at the next start, or the site sends it anew."""
    if index.is_known(connection, announced.disk, announced.key):
        return
    unknown = {"sha256": UNKNOWN_SHA256, "size_bytes": 0, "duration_90k": 0} if arriving else {}
    connection.execute(
        sa.insert(growing).values(
            camera=index.camera_row(connection, announced.key.camera),
            start_90k=announced.key.start_90k,
            sequence=announced.key.sequence,
            run=announced.run,
            disk=announced.disk,
            **unknown,
        )
    )


def end_open_gaps(connection: sa.Connection, camera: CameraId, *, from_90k: int, until_90k: int) -> None:
    """Gaps that were open when they were told ended where the next recording begins."""
    connection.execute(
        sa.update(gaps)
        .where(
            gaps.c.camera == index.find_camera(connection, camera),
            gaps.c.end_90k.is_(None),
            gaps.c.start_90k >= from_90k,
            gaps.c.start_90k < until_90k,
        )
        .values(end_90k=until_90k)
    )


# The database that was before -----------------------------------------------------------------------------------------


def stand_alone(path: Path) -> None:
    """Make sure that nobody else has the old database open: what he wrote from here on would be lost.

    Raises:
        Busy: somebody has.
    """
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=0)) as old:
        try:
            # SQLite leaves its log, and the log alone, only to whoever has the database to himself.
            old.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_BUSY"):
                raise Busy(
                    say("Базу записів відкрито іншою програмою.", "Another program has the database open."),
                    subject=str(path),
                    hint=say("Зупиніть Бекет на цій машині.", "Stop Beket on this machine."),
                ) from error
        except sqlite3.DatabaseError:
            return  # it is damaged: that is why we are here


def carry_holds(connection: sa.Connection, lost: Path) -> int | None:
    """Take over the holds of the old database, unless the files beside the recordings know newer ones.

    Returns how many spans are held.

    None when neither can be read: then nobody knows any more what must not be deleted.
    """
    in_files = connection.execute(sa.select(hold_files.c.version)).scalar()
    count = connection.execute(sa.select(sa.func.count()).select_from(held)).scalar_one()
    try:
        with closing(sqlite3.connect(f"file:{lost}?mode=ro", uri=True)) as old:
            old.row_factory = sqlite3.Row
            asked = [dict(row) for row in old.execute("SELECT * FROM holds")]
            spans = [dict(row) for row in old.execute(_HELD)]
            version = _version_of(old)
    except sqlite3.Error:
        return None if in_files is None else int(count)
    if in_files is not None and version < in_files:
        return int(count)
    connection.execute(sa.delete(held))
    connection.execute(sa.delete(holds))
    if asked:
        connection.execute(sa.insert(holds), asked)
    for span in spans:
        camera = index.camera_row(connection, CameraId(span.pop("slug")))
        connection.execute(sa.insert(held).values({**span, "camera": camera}))
    if in_files is not None:
        # Newer than any file: the next start writes these.
        connection.execute(sa.update(hold_files).values(version=max(version, in_files) + 1))
    return len(spans)


def _version_of(old: sqlite3.Connection) -> int:
    """Which version of the holds it has; a database from before there were files has none."""
    try:
        row = old.execute("SELECT max(version) FROM hold_files").fetchone()
    except sqlite3.OperationalError:
        return 0
    return int(row[0] or 0)


def put_in_place(fresh: Path, path: Path, *, now_at: datetime.datetime) -> Path | None:
    """Let the new database take the old one's name; return where the old one lies now, None when there was none."""
    kept = None
    if path.exists():
        kept = path.with_name(f"{path.name}.lost-{now_at:%Y%m%d-%H%M%S}")
        for suffix in ("-wal", "-shm", ""):
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(kept.with_name(kept.name + suffix))
    fresh.rename(path)
    return kept
