"""Owns the sums of recordings by hour, kept by the database itself: sizes and rates without reading millions of rows.

Inside the caller's transaction. Note: vms/design/0027-holds-and-sacrifice.md "Sums by hour".
"""

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from vms.recordings import index
from vms.recordings.index import HOUR_90K
from vms.recordings.tables import hours as _hours


def bytes_since(connection: sa.Connection, camera: CameraId, hour_90k: int) -> int:
    """Bytes of the camera's segments that start in the hour `hour_90k` or later."""
    total = sa.select(sa.func.coalesce(sa.func.sum(_hours.c.size_bytes), 0)).where(
        _hours.c.camera == index.find_camera(connection, camera), _hours.c.hour_90k >= hour_90k
    )
    return int(connection.execute(total).scalar_one())


def bytes_between(connection: sa.Connection, camera: CameraId, start_90k: int, end_90k: int) -> int:
    """Bytes of the segments with a frame in [start, end): whole hours by their sums, the edges row by row."""
    first_90k, last_90k = -(-start_90k // HOUR_90K) * HOUR_90K, end_90k // HOUR_90K * HOUR_90K
    if first_90k >= last_90k:
        return sum(one.size_bytes for one in index.segments_between(connection, camera, start_90k, end_90k))
    inner = bytes_since(connection, camera, first_90k) - bytes_since(connection, camera, last_90k)
    reaching = index.segments_between(connection, camera, start_90k, first_90k)
    edges = sum(one.size_bytes for one in reaching if one.start_90k < first_90k)
    tail = index.segments_between(connection, camera, last_90k, end_90k)
    return inner + edges + sum(one.size_bytes for one in tail if one.start_90k >= last_90k)


def bytes_an_hour(connection: sa.Connection, camera: CameraId, *, hours: int) -> int:
    """What the camera's newest `hours` with any recording took on average, the hour that goes on left out."""
    newest = (
        sa.select(_hours.c.hour_90k, sa.func.sum(_hours.c.size_bytes).label("size_bytes"))
        .where(_hours.c.camera == index.find_camera(connection, camera))
        .group_by(_hours.c.hour_90k)
        .order_by(_hours.c.hour_90k.desc())
        .limit(hours + 1)
    )
    sizes = [row.size_bytes for row in connection.execute(newest)]
    known = sizes[1:] or sizes
    return round(sum(known) / len(known)) if known else 0
