"""Owns the spans that nothing may delete, as the store knows them: at the centre its own holds, at the edge what the
centre has told. Works inside its caller's transaction. Who places holds and why: `holds`.

Note: vms/design/0027-holds-and-sacrifice.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from vms.recordings.tables import cameras, held


@dataclass(frozen=True, slots=True, order=True)
class HeldSpan:
    """Time of one camera that a hold covers.

    Attributes:
        hold: the centre's number of the hold.
        until_s: None while the hold is in force; once released, when its days of grace end (seconds since 1970).
    """

    camera: CameraId
    hold: int
    start_90k: int
    end_90k: int
    until_s: int | None = None


def is_free(table: sa.Table) -> sa.ColumnElement[bool]:
    """Whether no hold covers any of the row's time; `table` has `camera`, `start_90k` and `duration_90k`."""
    return ~sa.exists().where(
        held.c.camera == table.c.camera,
        held.c.start_90k < table.c.start_90k + table.c.duration_90k,
        held.c.end_90k > table.c.start_90k,
    )


def spans(connection: sa.Connection) -> list[HeldSpan]:
    """All that is held, by camera and hold."""
    rows = connection.execute(
        sa.select(cameras.c.slug, held.c.hold, held.c.start_90k, held.c.end_90k, held.c.until_s)
        .join(cameras, cameras.c.id == held.c.camera)
        .order_by(cameras.c.slug, held.c.hold)
    )
    return [HeldSpan(CameraId(slug), *rest) for slug, *rest in rows]


def replace(connection: sa.Connection, wanted: Iterable[HeldSpan], camera_rows: dict[CameraId, int]) -> None:
    """Hold exactly `wanted` from now on; `camera_rows` gives the number of each of their cameras."""
    connection.execute(sa.delete(held))
    rows = [
        {
            "camera": camera_rows[span.camera],
            "hold": span.hold,
            "start_90k": span.start_90k,
            "end_90k": span.end_90k,
            "until_s": span.until_s,
        }
        for span in wanted
    ]
    if rows:
        connection.execute(sa.insert(held), rows)


def forget_released(connection: sa.Connection, now_s: int) -> int:
    """Let go what was released and whose days of grace are over; how many spans that were."""
    return connection.execute(sa.delete(held).where(held.c.until_s <= now_s)).rowcount


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same time in spans that do not touch, in order.

    Example:
        >>> merged([(5, 9), (1, 3), (3, 6)])
        [(1, 9)]
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
