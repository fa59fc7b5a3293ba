"""Owns the SQL of `video.db`. Each function works inside its caller's transaction; the order of things is `store`'s."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason, RunClocks, StreamFormat
from beket.kernel.units import TICKS_PER_S
from vms.recordings.held import is_free
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import Announced, StoredSegment, key_of
from vms.recordings.tables import cameras, disks, gaps, garbage, growing, held, hours, runs, segments

FIRST_SEQUENCE = 1
HOUR_90K = 3600 * TICKS_PER_S

_SEGMENT_COLUMNS = (
    segments.c.start_90k,
    segments.c.duration_90k,
    segments.c.sequence,
    segments.c.size_bytes,
    segments.c.sha256,
    segments.c.run,
    segments.c.previous_sha256,
    segments.c.disk,
)

# Statements that each segment of each camera needs are built once: building one costs several times what SQLite does.
_CAMERA = sa.select(cameras.c.id).where(cameras.c.slug == sa.bindparam("slug"))
_NUMBER_NEXT = (
    sa.update(cameras)
    .where(cameras.c.slug == sa.bindparam("of"))
    .values(next_sequence=cameras.c.next_sequence + 1)
    .returning(cameras.c.id, cameras.c.next_sequence, cameras.c.last_sha256)
)
_CHAIN_TO = sa.update(cameras).where(cameras.c.id == sa.bindparam("of")).values(last_sha256=sa.bindparam("sha256"))
_EXPECT, _ADD = sa.insert(growing), sa.insert(segments)
_EXPECT_NO_MORE = sa.delete(growing).where(
    growing.c.camera == sa.bindparam("camera"),
    growing.c.start_90k == sa.bindparam("start_90k"),
    growing.c.sequence == sa.bindparam("sequence"),
)

# Cameras and disks ----------------------------------------------------------------------------------------------------


def camera_row(connection: sa.Connection, camera: CameraId) -> int:
    """The camera's number, given to it when it is first seen."""
    found = find_camera(connection, camera)
    if found is not None:
        return found
    added = sa.insert(cameras).values(slug=camera, next_sequence=FIRST_SEQUENCE, last_sha256=b"")
    return _new_id(connection, added)


# What touches a span, by run: one pass over the key, nothing sorted, no row handed out.
_TOUCHING = """
FROM segments
WHERE camera = :camera AND start_90k < :until AND start_90k + duration_90k > :start
  AND start_90k >= coalesce(
    (SELECT max(start_90k) FROM segments WHERE camera = :camera AND start_90k <= :start), :start)
"""
_BY_RUN = (
    "SELECT min(start_90k), max(start_90k + duration_90k), run, sum(size_bytes), "
    f"max(sequence) - min(sequence) + 1 - count(*) {_TOUCHING} GROUP BY run ORDER BY 1"
)
_OF_RUN = (
    f"SELECT start_90k, start_90k + duration_90k, sequence, size_bytes {_TOUCHING} AND run = :run ORDER BY sequence"
)


def find_camera(connection: sa.Connection, camera: CameraId) -> int | None:
    """The camera's number, or None when nothing of it was ever stored."""
    return connection.execute(_CAMERA, {"slug": camera}).scalar()


def camera_slugs(connection: sa.Connection) -> list[CameraId]:
    """All cameras ever stored."""
    return [CameraId(slug) for slug in connection.execute(sa.select(cameras.c.slug).order_by(cameras.c.slug)).scalars()]


def known_disks(connection: sa.Connection) -> dict[int, str]:
    """UUIDs of all disks that were ever in use, by number."""
    return {row.id: row.uuid for row in connection.execute(sa.select(disks.c.id, disks.c.uuid))}


def held_by_disk(connection: sa.Connection) -> dict[int, tuple[int, int]]:
    """(segments, bytes) that lie on each disk, by its number."""
    sums = sa.select(hours.c.disk, sa.func.sum(hours.c.segments), sa.func.sum(hours.c.size_bytes))
    return {disk: (count, size_bytes) for disk, count, size_bytes in connection.execute(sums.group_by(hours.c.disk))}


def add_disk(connection: sa.Connection, uuid: str) -> int:
    """Remember a new disk."""
    return _new_id(connection, sa.insert(disks).values(uuid=uuid))


# Segments that grow ---------------------------------------------------------------------------------------------------


def announce(
    connection: sa.Connection, disk: int, camera: CameraId, *, start_90k: int, run: int | None = None
) -> Announced:
    """Give the camera's next segment its number; without `run` it begins a new one."""
    row = connection.execute(_NUMBER_NEXT, {"of": camera}).first()
    if row is None:
        camera_row(connection, camera)
        row = connection.execute(_NUMBER_NEXT, {"of": camera}).one()
    sequence = row.next_sequence - 1
    run = sequence if run is None else run
    connection.execute(
        _EXPECT, {"camera": row.id, "start_90k": start_90k, "sequence": sequence, "run": run, "disk": disk}
    )
    return Announced(SegmentKey(camera, start_90k, sequence), run, row.last_sha256, disk)


def announce_incoming(connection: sa.Connection, disk: int, segment: StoredSegment) -> None:
    """Expect the bytes of a segment that another store has recorded."""
    connection.execute(
        sa.insert(growing).values(
            camera=camera_row(connection, segment.camera),
            start_90k=segment.start_90k,
            sequence=segment.sequence,
            run=segment.run,
            disk=disk,
            duration_90k=segment.duration_90k,
            size_bytes=segment.size_bytes,
            sha256=segment.sha256,
        )
    )


def incoming(connection: sa.Connection, key: SegmentKey) -> StoredSegment | None:
    """What was announced of a segment that is still arriving."""
    row = connection.execute(
        sa.select(growing)
        .join(cameras, cameras.c.id == growing.c.camera)
        .where(
            cameras.c.slug == key.camera,
            growing.c.start_90k == key.start_90k,
            growing.c.sequence == key.sequence,
            growing.c.sha256.is_not(None),
        )
    ).first()
    if row is None:
        return None
    return StoredSegment(
        camera=key.camera,
        start_90k=key.start_90k,
        duration_90k=row.duration_90k,
        sequence=key.sequence,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        run=row.run,
        previous_sha256=b"",
        disk=row.disk,
    )


def incoming_keys(connection: sa.Connection, camera: CameraId, *, before_90k: int | None = None) -> list[SegmentKey]:
    """Segments of the camera that have begun to arrive and are not whole, oldest first.

    With `before_90k` only those that start before it and that no hold covers.
    """
    rows = connection.execute(
        sa.select(growing.c.start_90k, growing.c.sequence)
        .where(
            growing.c.camera == find_camera(connection, camera),
            growing.c.sha256.is_not(None),
            *(() if before_90k is None else (growing.c.start_90k < before_90k, is_free(growing))),
        )
        .order_by(growing.c.start_90k)
    )
    return [SegmentKey(camera, row.start_90k, row.sequence) for row in rows]


def unfinished(connection: sa.Connection, on_disks: Collection[int]) -> list[Announced]:
    """Recordings on those disks that were growing when the process ended, oldest first."""
    rows = connection.execute(
        sa.select(growing, cameras.c.slug, cameras.c.last_sha256)
        .join(cameras, cameras.c.id == growing.c.camera)
        .where(growing.c.sha256.is_(None), growing.c.disk.in_(on_disks))
        .order_by(cameras.c.slug, growing.c.sequence)
    )
    return [
        Announced(SegmentKey(CameraId(row.slug), row.start_90k, row.sequence), row.run, row.last_sha256, row.disk)
        for row in rows
    ]


def growing_disk(connection: sa.Connection, key: SegmentKey) -> int | None:
    """Number of the disk that the segment grows on; None when it is not growing."""
    return connection.execute(sa.select(growing.c.disk).where(*row_of(growing, connection, key))).scalar()


def remove_growing(connection: sa.Connection, key: SegmentKey) -> None:
    """The segment is no longer expected."""
    place = {"camera": find_camera(connection, key.camera), "start_90k": key.start_90k, "sequence": key.sequence}
    connection.execute(_EXPECT_NO_MORE, place)


# Segments in the index ------------------------------------------------------------------------------------------------


def add_segment(
    connection: sa.Connection, segment: StoredSegment, *, acknowledged: bool, is_newest: bool = True
) -> None:
    """Index a closed segment in place of its announcement; when it is the newest, the next will be chained to it."""
    key = key_of(segment)
    remove_growing(connection, key)
    camera_id = camera_row(connection, segment.camera)
    row = {
        "camera": camera_id,
        "start_90k": segment.start_90k,
        "sequence": segment.sequence,
        "duration_90k": segment.duration_90k,
        "run": segment.run,
        "size_bytes": segment.size_bytes,
        "disk": segment.disk,
        "acknowledged": acknowledged,
        "sha256": segment.sha256,
        "previous_sha256": segment.previous_sha256,
    }
    connection.execute(_ADD, row)
    if is_newest:
        connection.execute(_CHAIN_TO, {"of": camera_id, "sha256": segment.sha256})


def segment(connection: sa.Connection, key: SegmentKey) -> StoredSegment | None:
    """The segment with this key."""
    row = connection.execute(sa.select(*_SEGMENT_COLUMNS).where(*row_of(segments, connection, key))).first()
    return None if row is None else _segment(key.camera, row)


def segments_between(
    connection: sa.Connection, camera: CameraId, start_90k: int, end_90k: int
) -> Iterator[StoredSegment]:
    """Segments with a frame in [start, end), by start: one index range, plus the one that may reach into it."""
    camera_id = find_camera(connection, camera)
    before = (
        sa.select(sa.func.max(segments.c.start_90k))
        .where(segments.c.camera == camera_id, segments.c.start_90k <= start_90k)
        .scalar_subquery()
    )
    rows = connection.execute(
        sa.select(*_SEGMENT_COLUMNS)
        .where(
            segments.c.camera == camera_id,
            segments.c.start_90k >= sa.func.coalesce(before, start_90k),
            segments.c.start_90k < end_90k,
        )
        .order_by(segments.c.start_90k, segments.c.sequence)
    )
    for row in rows:
        if row.start_90k + row.duration_90k > start_90k:
            yield _segment(camera, row)


def stretches_between(
    connection: sa.Connection, camera: CameraId, start_90k: int, end_90k: int
) -> Sequence[tuple[int, int, int, int]]:
    """(start, end, run, bytes) of what was recorded without a hole and touches [start, end), by start, not cut to it.

    The database joins what follows in one run: a day is 4,320 rows, and none passes through Python. Only a run that
    retention has broken is looked at row by row.
    """
    span = {"camera": find_camera(connection, camera), "start": start_90k, "until": end_90k}
    stretches: list[tuple[int, int, int, int]] = []
    for first_90k, last_90k, run, size_bytes, absent in connection.exec_driver_sql(_BY_RUN, span).fetchall():
        if absent:
            rows = connection.exec_driver_sql(_OF_RUN, {**span, "run": run}).fetchall()
            stretches += [(begin, end, run, size) for begin, end, size in _unbroken([tuple(row) for row in rows])]
        else:
            stretches.append((first_90k, last_90k, run, size_bytes))
    return sorted(stretches)


def _unbroken(rows: Iterable[tuple[int, int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """(start, end, bytes) of each row without a hole in its numbers, among (start, end, sequence, bytes) of a run."""
    start_90k = end_90k = size_bytes = 0
    following = -1
    for begin_90k, until_90k, sequence, its_bytes in rows:
        if sequence != following:
            if following >= 0:
                yield start_90k, end_90k, size_bytes
            start_90k, size_bytes = begin_90k, 0
        end_90k, size_bytes, following = until_90k, size_bytes + its_bytes, sequence + 1
    if following >= 0:
        yield start_90k, end_90k, size_bytes


def oldest(
    connection: sa.Connection,
    camera: CameraId,
    *,
    limit: int,
    before_90k: int | None,
    acknowledged_only: bool,
    timeless: tuple[int, int] | None = None,
) -> list[StoredSegment]:
    """The camera's oldest segments that no hold covers, those that start before `before_90k` alone if it is given.

    `timeless` (moment, number): of those before the moment, only the ones with lower numbers.
    """
    query = sa.select(*_SEGMENT_COLUMNS).where(segments.c.camera == find_camera(connection, camera), is_free(segments))
    if before_90k is not None:
        query = query.where(segments.c.start_90k < before_90k)
    if acknowledged_only:
        query = query.where(segments.c.acknowledged.is_(True))
    if timeless is not None:
        query = query.where(sa.or_(segments.c.start_90k >= timeless[0], segments.c.sequence < timeless[1]))
    rows = connection.execute(query.order_by(segments.c.start_90k, segments.c.sequence).limit(limit))
    return [_segment(camera, row) for row in rows]


def first_number(connection: sa.Connection, camera: CameraId, start_90k: int, end_90k: int) -> int | None:
    """The least number of the camera's segments that start in [start, end]; one pass over them."""
    return connection.execute(
        sa.select(sa.func.min(segments.c.sequence)).where(
            segments.c.camera == find_camera(connection, camera),
            segments.c.start_90k >= start_90k,
            segments.c.start_90k <= end_90k,
        )
    ).scalar()


def expendable(
    connection: sa.Connection,
    camera: CameraId,
    *,
    from_90k: int,
    running_90k: int,
    acknowledged: bool | None,
    not_on: Collection[int] = (),
) -> list[StoredSegment]:
    """The first hour at or after `from_90k` that has segments which no hold covers: those of it, by start.

    Of the hour that began at `running_90k` only the first one: it is being recorded.
    """
    where = [segments.c.camera == find_camera(connection, camera), is_free(segments)]
    if acknowledged is not None:
        where.append(segments.c.acknowledged.is_(acknowledged))
    if not_on:
        where.append(segments.c.disk.not_in(not_on))
    first = sa.select(segments.c.start_90k).where(*where, segments.c.start_90k >= from_90k)
    start_90k = connection.execute(first.order_by(segments.c.start_90k).limit(1)).scalar()
    if start_90k is None:
        return []
    end_90k = (start_90k // HOUR_90K + 1) * HOUR_90K
    query = sa.select(*_SEGMENT_COLUMNS).where(
        *where, segments.c.start_90k >= start_90k, segments.c.start_90k < end_90k
    )
    query = query.order_by(segments.c.start_90k, segments.c.sequence)
    rows = connection.execute(query if start_90k < running_90k else query.limit(1))
    return [_segment(camera, row) for row in rows]


def pending(connection: sa.Connection, travelling: Sequence[CameraId], limit: int) -> list[StoredSegment]:
    """Unacknowledged segments of `travelling` cameras, newest first."""
    rows = connection.execute(
        sa.select(cameras.c.slug, *_SEGMENT_COLUMNS)
        .join(cameras, cameras.c.id == segments.c.camera)
        .where(segments.c.acknowledged.is_(False), cameras.c.slug.in_(travelling))
        .order_by(segments.c.start_90k.desc())
        .limit(limit)
    )
    return [_segment(CameraId(row.slug), row) for row in rows]


def pending_held(connection: sa.Connection, limit: int) -> list[StoredSegment]:
    """Unacknowledged segments that a hold in force covers, newest first: of any camera, they travel before all else."""
    rows = connection.execute(
        sa.select(cameras.c.slug, *_SEGMENT_COLUMNS)
        .join_from(held, segments, held.c.camera == segments.c.camera)
        .join(cameras, cameras.c.id == segments.c.camera)
        .where(
            held.c.until_s.is_(None),
            segments.c.acknowledged.is_(False),
            segments.c.start_90k < held.c.end_90k,
            segments.c.start_90k > held.c.start_90k - HOUR_90K,  # no segment is longer: bounds the search
            segments.c.start_90k + segments.c.duration_90k > held.c.start_90k,
        )
        .distinct()
        .order_by(segments.c.start_90k.desc())
        .limit(limit)
    )
    return [_segment(CameraId(row.slug), row) for row in rows]


def acknowledge(connection: sa.Connection, key: SegmentKey, sha256: bytes) -> bool:
    """Mark the segment as held by the centre; False when the index has none with this hash."""
    done = connection.execute(
        sa.update(segments)
        .where(*row_of(segments, connection, key), segments.c.sha256 == sha256)
        .values(acknowledged=True)
    )
    return done.rowcount == 1


def last_end_90k(connection: sa.Connection, camera: CameraId) -> int | None:
    """Where the camera's newest segment ends."""
    row = connection.execute(
        sa.select(segments.c.start_90k, segments.c.duration_90k)
        .where(segments.c.camera == find_camera(connection, camera))
        .order_by(segments.c.start_90k.desc())
        .limit(1)
    ).first()
    return None if row is None else row.start_90k + row.duration_90k


def last_sha256(connection: sa.Connection, camera: CameraId) -> bytes:
    """Hash of the camera's newest segment; empty before the first."""
    found = connection.execute(sa.select(cameras.c.last_sha256).where(cameras.c.slug == camera)).scalar()
    return bytes(found or b"")


def page(connection: sa.Connection, camera: CameraId, *, after: SegmentKey | None, limit: int) -> list[StoredSegment]:
    """The camera's next segments after a key, in the order of the index."""
    query = sa.select(*_SEGMENT_COLUMNS).where(segments.c.camera == find_camera(connection, camera))
    if after is not None:
        place = sa.tuple_(segments.c.start_90k, segments.c.sequence)
        query = query.where(place > sa.tuple_(sa.literal(after.start_90k), sa.literal(after.sequence)))
    rows = connection.execute(query.order_by(segments.c.start_90k, segments.c.sequence).limit(limit))
    return [_segment(camera, row) for row in rows]


def is_known(connection: sa.Connection, disk: int, key: SegmentKey) -> bool:
    """Whether a file of this name on that disk is accounted for: indexed, growing, or garbage."""
    return any(
        connection.execute(
            sa.select(table.c.sequence).where(*row_of(table, connection, key), table.c.disk == disk)
        ).first()
        is not None
        for table in (segments, growing, garbage)
    )


def add_run(
    connection: sa.Connection,
    camera: CameraId,
    *,
    run: int,
    start_90k: int,
    stream: StreamFormat,
    clocks: RunClocks | None = None,
) -> None:
    """Remember what the run's frames are like, and what `clocks` were as it began; known already is no error."""
    where = (runs.c.camera == camera_row(connection, camera), runs.c.run == run)
    if connection.execute(sa.select(runs.c.run).where(*where)).first() is None:
        connection.execute(
            sa.insert(runs).values(
                camera=camera_row(connection, camera),
                run=run,
                start_90k=start_90k,
                codec=stream.codec,
                width=stream.width,
                height=stream.height,
                correction_ns=clocks.correction_ns if clocks else None,
                camera_offset_ns=clocks.camera_offset_ns if clocks else None,
            )
        )


def clocks_of_runs(connection: sa.Connection, camera: CameraId) -> list[tuple[int, RunClocks]]:
    """What was known of the clocks as each of the camera's runs began, oldest run first, by the run's number."""
    rows = connection.execute(
        sa.select(runs.c.run, runs.c.correction_ns, runs.c.camera_offset_ns)
        .where(runs.c.camera == find_camera(connection, camera))
        .order_by(runs.c.run)
    )
    return [(row.run, RunClocks(row.correction_ns, row.camera_offset_ns)) for row in rows]


# Gaps -----------------------------------------------------------------------------------------------------------------


def put_gap(connection: sa.Connection, gap: GapInfo, *, acknowledged: bool) -> None:
    """Write the gap, or replace what was known of the one that starts there."""
    camera_id = camera_row(connection, gap.camera)
    values = {"end_90k": gap.end_90k, "reason": gap.reason.value, "acknowledged": acknowledged}
    where = (gaps.c.camera == camera_id, gaps.c.start_90k == gap.start_90k)
    if connection.execute(sa.update(gaps).where(*where).values(values)).rowcount == 0:
        connection.execute(sa.insert(gaps).values(camera=camera_id, start_90k=gap.start_90k, **values))


def reopen_gap(connection: sa.Connection, gap: GapInfo) -> bool:
    """Let the gap that ended where `gap` starts, for the same reason, go on; False when there is none.

    So a full disk that is tried again every few seconds leaves one gap, not hundreds.
    """
    where = (
        gaps.c.camera == find_camera(connection, gap.camera),
        gaps.c.end_90k == gap.start_90k,
        gaps.c.reason == gap.reason.value,
    )
    return connection.execute(sa.update(gaps).where(*where).values(end_90k=None, acknowledged=False)).rowcount > 0


def open_gap(connection: sa.Connection, camera: CameraId) -> GapInfo | None:
    """The camera's gap that still goes on."""
    row = connection.execute(
        sa.select(gaps.c.start_90k, gaps.c.reason)
        .where(gaps.c.camera == find_camera(connection, camera), gaps.c.end_90k.is_(None))
        .order_by(gaps.c.start_90k.desc())
        .limit(1)
    ).first()
    return None if row is None else GapInfo(camera, row.start_90k, None, GapReason(row.reason))


def gaps_between(connection: sa.Connection, camera: CameraId, start_90k: int, end_90k: int) -> list[GapInfo]:
    """Gaps that touch [start, end), by start."""
    rows = connection.execute(
        sa.select(gaps.c.start_90k, gaps.c.end_90k, gaps.c.reason)
        .where(
            gaps.c.camera == find_camera(connection, camera),
            gaps.c.start_90k < end_90k,
            sa.or_(gaps.c.end_90k.is_(None), gaps.c.end_90k > start_90k),
        )
        .order_by(gaps.c.start_90k)
    )
    return [GapInfo(camera, row.start_90k, row.end_90k, GapReason(row.reason)) for row in rows]


def explain_open_gaps(connection: sa.Connection, *, before: GapReason, after: GapReason) -> int:
    """Let the gaps that still go on for one reason have another; how many."""
    done = connection.execute(
        sa.update(gaps)
        .where(gaps.c.end_90k.is_(None), gaps.c.reason == before.value)
        .values(reason=after.value, acknowledged=False)
    )
    return done.rowcount


def pending_gaps(connection: sa.Connection, known: Sequence[CameraId], limit: int) -> list[GapInfo]:
    """Gaps of `known` cameras that the centre does not know as they are here, newest first."""
    rows = connection.execute(
        sa.select(cameras.c.slug, gaps.c.start_90k, gaps.c.end_90k, gaps.c.reason)
        .join(cameras, cameras.c.id == gaps.c.camera)
        .where(gaps.c.acknowledged.is_(False), cameras.c.slug.in_(known))
        .order_by(gaps.c.start_90k.desc())
        .limit(limit)
    )
    return [GapInfo(CameraId(slug), start, end, GapReason(reason)) for slug, start, end, reason in rows]


def acknowledge_gap(connection: sa.Connection, gap: GapInfo) -> None:
    """Mark the gap as known at the centre, unless it has changed since."""
    connection.execute(
        sa.update(gaps)
        .where(
            gaps.c.camera == find_camera(connection, gap.camera),
            gaps.c.start_90k == gap.start_90k,
            gaps.c.end_90k.is_not_distinct_from(gap.end_90k),
        )
        .values(acknowledged=True)
    )


def forget_gaps(connection: sa.Connection, camera: CameraId, *, before_90k: int) -> None:
    """Drop gaps that ended before anything that is kept; beside what is held, they tell why the rest is missing."""
    beside = sa.exists().where(
        held.c.camera == gaps.c.camera, held.c.start_90k <= gaps.c.end_90k, held.c.end_90k >= gaps.c.start_90k
    )
    connection.execute(
        sa.delete(gaps).where(gaps.c.camera == find_camera(connection, camera), gaps.c.end_90k < before_90k, ~beside)
    )


def _new_id(connection: sa.Connection, added: sa.Insert) -> int:
    key = connection.execute(added).inserted_primary_key
    assert key is not None  # both tables have one integer key
    return int(key[0])


def row_of(table: sa.Table, connection: sa.Connection, key: SegmentKey) -> tuple[sa.ColumnElement[bool], ...]:
    """What selects the segment's row in a table that has its key."""
    camera_id = find_camera(connection, key.camera)
    return (table.c.camera == camera_id, table.c.start_90k == key.start_90k, table.c.sequence == key.sequence)


def _segment(camera: CameraId, row: Any) -> StoredSegment:  # a row with `_SEGMENT_COLUMNS`
    return StoredSegment(
        camera=camera,
        start_90k=row.start_90k,
        duration_90k=row.duration_90k,
        sequence=row.sequence,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        run=row.run,
        previous_sha256=row.previous_sha256,
        disk=row.disk,
    )
