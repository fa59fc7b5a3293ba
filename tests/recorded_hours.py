"""A store filled by hand, for tests of retention: files of any size with their rows, held spans, what is left."""

import hashlib
import itertools
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from beket.kernel.units import TICKS_PER_S
from beket.testing.fragments import DAY_90K
from vms.recordings import held, index
from vms.recordings.disk import Disk
from vms.recordings.index import HOUR_90K
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import StoredSegment
from vms.recordings.store import Store
from vms.recordings.tables import garbage, hours, segments

SEGMENT_90K = 20 * TICKS_PER_S
_sequences = itertools.count(1)


def hour_90k(hour: float) -> int:
    """Where an hour of the day of the tests starts; hours before it are negative, those of later days above 23."""
    return DAY_90K + round(hour * HOUR_90K)


def lay(
    store: Store, camera: CameraId, hour: float, *sizes_bytes: int, acknowledged: bool = True
) -> list[StoredSegment]:
    """Segments of twenty seconds with these sizes, one after the other from the hour's start."""
    return lay_at(store, camera, hour_90k(hour), *sizes_bytes, acknowledged=acknowledged)


def lay_at(
    store: Store, camera: CameraId, start_90k: int, *sizes_bytes: int, acknowledged: bool = True
) -> list[StoredSegment]:
    """The same from any moment."""
    laid = []
    for number, size_bytes in enumerate(sizes_bytes):
        volume = store.shelf.place()[0]
        key = SegmentKey(camera, start_90k + number * SEGMENT_90K, next(_sequences))
        folder = ""
        for part in key.folder.split("/"):
            folder = f"{folder}/{part}".lstrip("/")
            volume.disk.make_folder(folder)
        file = volume.disk.create(key.file_name)
        file.append(bytes(size_bytes))
        file.close()
        digest = hashlib.sha256(bytes(size_bytes)).digest()
        segment = StoredSegment(
            camera=camera, start_90k=key.start_90k, duration_90k=SEGMENT_90K, sequence=key.sequence,
            size_bytes=size_bytes, sha256=digest, run=key.sequence, previous_sha256=b"", disk=volume.id,
        )  # fmt: skip
        laid.append(segment)
    store.database.write(lambda c: [index.add_segment(c, one, acknowledged=acknowledged) for one in laid])
    return laid


def stored(store: Store, *cameras: CameraId) -> list[StoredSegment]:
    """What the index lists of the cameras, by camera and start."""
    with store.database.read() as connection:
        return [one for camera in cameras for one in index.page(connection, camera, after=None, limit=100_000)]


def hold(store: Store, camera: CameraId, start_90k: int, end_90k: int, *, number: int = 1) -> None:
    """Let nothing of the span be deleted."""

    def put(connection: sa.Connection) -> None:
        before = held.spans(connection)
        rows = {one: index.camera_row(connection, one) for one in {camera, *(span.camera for span in before)}}
        held.replace(connection, [*before, held.HeldSpan(camera, number, start_90k, end_90k)], rows)

    store.database.write(put)


def held_among(found: Sequence[StoredSegment], spans: Mapping[CameraId, tuple[int, int]]) -> list[StoredSegment]:
    """Those that a span covers, be it in part."""
    return [
        one
        for one in found
        if one.camera in spans and one.start_90k < spans[one.camera][1] and one.end_90k > spans[one.camera][0]
    ]


def forget_everything(store: Store) -> None:
    """Rows and files away, for the next example of a property."""

    def empty(connection: sa.Connection) -> None:
        connection.exec_driver_sql("DELETE FROM held")
        connection.execute(sa.delete(segments))
        connection.execute(sa.delete(garbage))

    (volume,) = store.shelf.volumes
    for name in _names(store, volume.disk):
        volume.disk.unlink(name)
    store.database.write(empty)


def sums_by_hour(store: Store) -> dict[tuple[int, int], tuple[int, int]]:
    """(camera, hour) → (segments, bytes) as the database keeps them."""
    with store.database.read() as connection:
        return {
            (row.camera, row.hour_90k): (row.segments, row.size_bytes) for row in connection.execute(sa.select(hours))
        }


def counted_by_hour(store: Store) -> dict[tuple[int, int], tuple[int, int]]:
    """The same, counted from the segments."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    with store.database.read() as connection:
        for row in connection.execute(sa.select(segments)):
            at = (row.camera, row.start_90k // HOUR_90K * HOUR_90K)
            count, size_bytes = found.get(at, (0, 0))
            found[at] = (count + 1, size_bytes + row.size_bytes)
    return found


def _names(store: Store, disk: Disk) -> list[str]:
    with store.database.read() as connection:
        slugs = index.camera_slugs(connection)
    return [
        f"{slug}/{day}/{hour}/{name}"
        for slug in slugs
        for day in disk.names(slug)
        for hour in disk.names(f"{slug}/{day}")
        for name in disk.names(f"{slug}/{day}/{hour}")
    ]
