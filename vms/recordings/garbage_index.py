"""Owns the SQL of what is no longer a recording but may still have its file; each inside its caller's transaction."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from vms.recordings.index import camera_row, row_of
from vms.recordings.layout import SegmentKey
from vms.recordings.tables import cameras, garbage, growing, segments


def add(connection: sa.Connection, keys: Sequence[SegmentKey]) -> None:
    """Take segments out of the index; from here on only their files are left to remove, each on its disk."""
    if not keys:
        return
    for table in (segments, growing):
        _add_garbage(connection, table, keys)
        connection.execute(sa.delete(table).where(*_is_bound(table)), _bound(connection, keys))


def _add_garbage(connection: sa.Connection, table: sa.Table, keys: Sequence[SegmentKey]) -> None:
    columns = ["camera", "start_90k", "sequence", "disk"]
    rows = sa.select(*(table.c[name] for name in columns)).where(*_is_bound(table))
    connection.execute(sa.insert(garbage).from_select(columns, rows), _bound(connection, keys))


def files(connection: sa.Connection, on_disks: Collection[int], limit: int) -> list[tuple[int, SegmentKey]]:
    """Files still to be removed from those disks, each with its disk's number."""
    rows = connection.execute(
        sa.select(garbage.c.disk, cameras.c.slug, garbage.c.start_90k, garbage.c.sequence)
        .join(cameras, cameras.c.id == garbage.c.camera)
        .where(garbage.c.disk.in_(on_disks))
        .limit(limit)
    )
    return [(disk, SegmentKey(CameraId(slug), start, sequence)) for disk, slug, start, sequence in rows]


def disks_with(connection: sa.Connection, key: SegmentKey) -> set[int]:
    """The disks on which a file of this name is still to be removed."""
    return set(connection.execute(sa.select(garbage.c.disk).where(*row_of(garbage, connection, key))).scalars())


def forget(connection: sa.Connection, disk: int, keys: Sequence[SegmentKey]) -> None:
    """The files are gone for good from that disk."""
    if not keys:
        return
    gone = sa.delete(garbage).where(*_is_bound(garbage), garbage.c.disk == disk)
    connection.execute(gone, _bound(connection, keys))


_BOUND: dict[str, sa.BindParameter[int]] = {
    name: sa.bindparam(f"its_{name}") for name in ("camera", "start_90k", "sequence")
}


def _is_bound(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """The row of each of `_bound`, in one statement for all: an hour of sixty cameras is 10,800 rows."""
    return [table.c[name] == parameter for name, parameter in _BOUND.items()]


def _bound(connection: sa.Connection, keys: Sequence[SegmentKey]) -> list[dict[str, int]]:
    numbers = {camera: camera_row(connection, camera) for camera in {key.camera for key in keys}}
    return [
        {"its_camera": numbers[key.camera], "its_start_90k": key.start_90k, "its_sequence": key.sequence}
        for key in keys
    ]


def move_growing(connection: sa.Connection, key: SegmentKey, disk: int) -> None:
    """The segment grows on another disk than was announced; what may lie on that one is garbage."""
    _add_garbage(connection, growing, [key])
    connection.execute(sa.update(growing).where(*row_of(growing, connection, key)).values(disk=disk))
