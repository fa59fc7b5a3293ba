"""Owns the points message as the agent sends it; the centre reads it by its own `collector.messages`.

Sender and reader share no class, they share tests/fixtures/wire/<version>/points-*.json. A batch is what one `put`
stored; its number never repeats within a spool, so the centre knows a batch that it already has.
"""

from collections.abc import Iterable, Sequence

import msgspec

from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Point

POINTS_PATH = "/agent/v1/points"
NS_PER_MS = NS_PER_S // 1000


class Series(msgspec.Struct, frozen=True):
    """Samples of one series: (wall time in ms since 1970, value); a value that is no number travels as null."""

    name: str
    labels: dict[str, str]
    samples: list[tuple[int, float]]


class Batch(msgspec.Struct, frozen=True):
    """What one `put` brought. `series` may already be JSON."""

    sequence: int
    series: Sequence[Series] | msgspec.Raw


class PointsMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Batches of one spool, in order. `sent_ms`: what our clock shows; the centre sees whether it is wrong."""

    spool: str
    batches: list[Batch]
    sent_ms: int | None = None


class PointsReceipt(msgspec.Struct, frozen=True):
    """The centre's answer: batches up to and including `through` are safe there."""

    through: int


def series_of(points: Iterable[Point]) -> list[Series]:
    """The points by series, in order of appearance; times are cut to the millisecond."""
    found: dict[tuple[object, ...], Series] = {}
    for point in points:
        key = (point.name, point.labels)
        if key not in found:
            found[key] = Series(point.name, dict(point.labels), [])
        found[key].samples.append((point.wall_ns // NS_PER_MS, point.value))
    return list(found.values())
