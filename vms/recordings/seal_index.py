"""Owns the SQL of the chain: what is sealed, what waits for a seal, what was deleted, and what a check asks of it."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason
from vms.recordings.index import HOUR_90K, camera_row, find_camera
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import StoredSegment
from vms.recordings.tables import cameras, gaps, hours, removed, sealed, segments, unsealed, unsent_seals


@dataclass(frozen=True, slots=True)
class Head:
    """A camera's newest seal; `number` 0 before the first."""

    number: int = 0
    seal_sha256: str = ""
    gaps_from_90k: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much of a camera is in no seal yet."""

    camera: CameraId
    segments: int
    oldest_90k: int


_AWAIT_SEAL = sa.insert(unsealed)


def await_seal(connection: sa.Connection, segment: StoredSegment) -> None:
    """A segment was recorded here; the next seal is to name it."""
    row = {
        "camera": camera_row(connection, segment.camera),
        "sequence": segment.sequence,
        "start_90k": segment.start_90k,
        "duration_90k": segment.duration_90k,
        "run": segment.run,
        "size_bytes": segment.size_bytes,
        "sha256": segment.sha256,
        "previous_sha256": segment.previous_sha256,
    }
    connection.execute(_AWAIT_SEAL, row)


def waiting(connection: sa.Connection) -> list[Waiting]:
    """Cameras with something to seal."""
    rows = connection.execute(
        sa.select(cameras.c.slug, sa.func.count(), sa.func.min(unsealed.c.start_90k))
        .join(cameras, cameras.c.id == unsealed.c.camera)
        .group_by(cameras.c.slug)
        .order_by(cameras.c.slug)
    )
    return [Waiting(CameraId(slug), count, oldest) for slug, count, oldest in rows]


def unsealed_segments(connection: sa.Connection, camera: CameraId, limit: int) -> list[StoredSegment]:
    """The camera's segments that wait for a seal, by their numbers."""
    rows = connection.execute(
        sa.select(unsealed)
        .where(unsealed.c.camera == find_camera(connection, camera))
        .order_by(unsealed.c.sequence)
        .limit(limit)
    )
    return [
        StoredSegment(
            camera=camera,
            start_90k=row.start_90k,
            duration_90k=row.duration_90k,
            sequence=row.sequence,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            run=row.run,
            previous_sha256=row.previous_sha256,
        )
        for row in rows
    ]


def head(connection: sa.Connection, camera: CameraId) -> Head:
    """The camera's newest seal."""
    row = connection.execute(sa.select(sealed).where(sealed.c.camera == find_camera(connection, camera))).first()
    return Head() if row is None else Head(row.number, row.seal_sha256.hex(), row.gaps_from_90k)


def gaps_to_tell(connection: sa.Connection, camera: CameraId, from_90k: int, limit: int) -> list[GapInfo]:
    """Gaps from `from_90k` on, oldest first: what may have changed since the seal before."""
    rows = connection.execute(
        sa.select(gaps.c.start_90k, gaps.c.end_90k, gaps.c.reason)
        .where(gaps.c.camera == find_camera(connection, camera), gaps.c.start_90k >= from_90k)
        .order_by(gaps.c.start_90k)
        .limit(limit)
    )
    return [GapInfo(camera, row.start_90k, row.end_90k, GapReason(row.reason)) for row in rows]


def put_head(connection: sa.Connection, camera: CameraId, newest: Head, sequences: Sequence[int] = ()) -> None:
    """A seal is in the ledger: remember it, and forget what waited for it."""
    camera_id = camera_row(connection, camera)
    values = {
        "number": newest.number,
        "seal_sha256": bytes.fromhex(newest.seal_sha256),
        "gaps_from_90k": newest.gaps_from_90k,
    }
    if connection.execute(sa.update(sealed).where(sealed.c.camera == camera_id).values(values)).rowcount == 0:
        connection.execute(sa.insert(sealed).values(camera=camera_id, **values))
    if sequences:
        connection.execute(
            sa.delete(unsealed).where(
                unsealed.c.camera == sa.bindparam("its_camera"), unsealed.c.sequence == sa.bindparam("its_sequence")
            ),
            [{"its_camera": camera_id, "its_sequence": sequence} for sequence in sequences],
        )


# Travelling -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class UnsentSeal:
    """A seal that the centre does not have yet, and where in the ledger it lies."""

    camera: CameraId
    number: int
    disk: int
    name: str
    offset_bytes: int
    size_bytes: int


def await_sending(connection: sa.Connection, seal: UnsentSeal) -> None:
    """A seal is in the ledger and has to travel; one of the same number that a cut left is told no more."""
    camera_id = camera_row(connection, seal.camera)
    connection.execute(
        sa.delete(unsent_seals).where(unsent_seals.c.camera == camera_id, unsent_seals.c.number == seal.number)
    )
    connection.execute(
        sa.insert(unsent_seals).values(
            camera=camera_id,
            number=seal.number,
            disk=seal.disk,
            name=seal.name,
            offset_bytes=seal.offset_bytes,
            size_bytes=seal.size_bytes,
        )
    )


def unsent(connection: sa.Connection, known: Sequence[CameraId], limit: int) -> list[UnsentSeal]:
    """Seals of these cameras that have to travel, each camera's by their numbers."""
    rows = connection.execute(
        sa.select(
            cameras.c.slug,
            unsent_seals.c.number,
            unsent_seals.c.disk,
            unsent_seals.c.name,
            unsent_seals.c.offset_bytes,
            unsent_seals.c.size_bytes,
        )
        .join(cameras, cameras.c.id == unsent_seals.c.camera)
        .where(cameras.c.slug.in_(known))
        .order_by(cameras.c.slug, unsent_seals.c.number)
        .limit(limit)
    )
    return [UnsentSeal(CameraId(slug), *rest) for slug, *rest in rows]


def has_unsent(connection: sa.Connection, disk: int, name: str) -> bool:
    """Whether a seal in this file of the ledger has still to travel."""
    found = sa.select(sa.exists().where(unsent_seals.c.disk == disk, unsent_seals.c.name == name))
    return bool(connection.execute(found).scalar())


def forget_sent(connection: sa.Connection, camera: CameraId, number: int) -> None:
    """The centre has the seal."""
    connection.execute(
        sa.delete(unsent_seals).where(
            unsent_seals.c.camera == find_camera(connection, camera), unsent_seals.c.number == number
        )
    )


# Deleted --------------------------------------------------------------------------------------------------------------


def note_removed(connection: sa.Connection, keys: Sequence[SegmentKey]) -> None:
    """Segments were deleted on purpose: a few rows, however many there were."""
    for camera, its in itertools.groupby(sorted(keys, key=lambda key: key.camera), key=lambda key: key.camera):
        camera_id = camera_row(connection, camera)
        for first, last in _ranges(sorted({key.sequence for key in its})):
            _extend(connection, camera_id, first, last)


def note_removed_range(connection: sa.Connection, camera: CameraId, first: int, last: int) -> None:
    """`note_removed` of all numbers from `first` to `last`."""
    _extend(connection, camera_row(connection, camera), first, last)


def removed_ranges(connection: sa.Connection, camera: CameraId) -> list[tuple[int, int]]:
    """First and last number of each stretch of deleted segments."""
    rows = connection.execute(
        sa.select(removed.c.first_sequence, removed.c.last_sequence)
        .where(removed.c.camera == find_camera(connection, camera))
        .order_by(removed.c.first_sequence)
    )
    return [(first, last) for first, last in rows]


def _extend(connection: sa.Connection, camera_id: int, first: int, last: int) -> None:
    of_camera = removed.c.camera == camera_id
    touching = (of_camera, removed.c.first_sequence <= last + 1, removed.c.last_sequence >= first - 1)
    rows = connection.execute(sa.select(removed.c.first_sequence, removed.c.last_sequence).where(*touching)).fetchall()
    if rows:
        first = min(first, *(row.first_sequence for row in rows))
        last = max(last, *(row.last_sequence for row in rows))
        connection.execute(sa.delete(removed).where(*touching))
    connection.execute(sa.insert(removed).values(camera=camera_id, first_sequence=first, last_sequence=last))


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for number in numbers:
        if last is not None and number != last + 1:
            yield first or 0, last
            first = number
        first = number if first is None else first
        last = number
    if first is not None and last is not None:
        yield first, last


# Checking -------------------------------------------------------------------------------------------------------------


def present(connection: sa.Connection, camera: CameraId, keys: Sequence[SegmentKey]) -> dict[SegmentKey, bytes]:
    """Hashes of those of `keys` that are in the index; as many as a seal has."""
    rows = connection.execute(
        sa.select(segments.c.start_90k, segments.c.sequence, segments.c.sha256).where(
            segments.c.camera == find_camera(connection, camera),
            segments.c.start_90k.in_({key.start_90k for key in keys}),
        )
    )
    return {SegmentKey(camera, row.start_90k, row.sequence): row.sha256 for row in rows}


def signable(connection: sa.Connection, camera: CameraId, from_sequence: int, to_sequence: int) -> int:
    """How many segments of these numbers are in the index and do not wait for a seal; one pass over the camera."""
    camera_id = find_camera(connection, camera)
    of_camera = (segments.c.camera == camera_id, segments.c.sequence.between(from_sequence, to_sequence))
    total = connection.execute(sa.select(sa.func.count()).select_from(segments).where(*of_camera)).scalar_one()
    both = segments.join(
        unsealed,
        sa.and_(
            unsealed.c.camera == segments.c.camera,
            unsealed.c.sequence == segments.c.sequence,
            unsealed.c.start_90k == segments.c.start_90k,
        ),
    )
    still = connection.execute(sa.select(sa.func.count()).select_from(both).where(*of_camera)).scalar_one()
    return int(total - still)


def known_hashes(connection: sa.Connection, camera: CameraId, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of `hashes` that a segment of the camera has; one pass over the camera."""
    rows = connection.execute(
        sa.select(segments.c.sha256).where(
            segments.c.camera == find_camera(connection, camera), segments.c.sha256.in_(hashes)
        )
    )
    return set(rows.scalars())


def keys_by_number(connection: sa.Connection, camera: CameraId) -> list[SegmentKey]:
    """All segments of the camera in the order in which they were recorded."""
    rows = connection.execute(
        sa.select(segments.c.sequence, segments.c.start_90k)
        .where(segments.c.camera == find_camera(connection, camera))
        .order_by(segments.c.sequence)
    )
    return [SegmentKey(camera, start, sequence) for sequence, start in rows]


def bytes_from(connection: sa.Connection, camera: CameraId, start_90k: int) -> int:
    """Bytes of the camera in the hours from that of `start_90k` on."""
    hour_90k = start_90k - start_90k % HOUR_90K
    return int(
        connection.execute(
            sa.select(sa.func.coalesce(sa.func.sum(hours.c.size_bytes), 0)).where(
                hours.c.camera == find_camera(connection, camera), hours.c.hour_90k >= hour_90k
            )
        ).scalar_one()
    )
