"""Owns looking back: what of a camera's time is recorded and what is missing and why, and copies of a span.

Lists come from the index alone and never open a file. Blocking. Note: vms/design/0002-recording-store.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.join import JoinedPart, join
from vms.recordings import container, index
from vms.recordings.layout import START_LIMIT_90K
from vms.recordings.segments import key_of
from vms.recordings.store import Store

SPAN_MAX_S = 31 * 24 * 3600
EXPORT_MAX_S = 2 * 3600


@dataclass(frozen=True, slots=True)
class Recorded:
    """A stretch without a hole, of one run."""

    start_90k: int
    end_90k: int
    run: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A stretch without recording; `reason` is None while this store has not been told why."""

    start_90k: int
    end_90k: int
    reason: GapReason | None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A span of a camera, every instant of it in exactly one entry, in order."""

    recorded: tuple[Recorded, ...]
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class Export:
    """A copy of a span: playable files in order of time, and what they do not show."""

    parts: tuple[JoinedPart, ...]
    missing: tuple[Missing, ...]


class Playback:
    """Reads one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def timeline(self, camera: CameraId, *, from_90k: int, until_90k: int) -> Timeline:
        """What there is of [from, until); a camera never seen is missing throughout.

        Raises:
            InvalidArgument: the span is empty, or longer than a month.
        """
        _check_span(from_90k, until_90k, SPAN_MAX_S)
        with self._store.database.read() as connection:
            stretches = index.stretches_between(connection, camera, from_90k, until_90k)
            gaps = index.gaps_between(connection, camera, from_90k, until_90k)
        recorded = cut(stretches, from_90k=from_90k, until_90k=until_90k)
        return Timeline(tuple(recorded), tuple(missing_in(recorded, gaps, from_90k=from_90k, until_90k=until_90k)))

    def export(self, camera: CameraId, *, from_90k: int, until_90k: int) -> Export:
        """Plan a copy of [from, until); a part begins at the key frame at or before its wanted start.

        Raises:
            InvalidArgument: the span is empty, or longer than `EXPORT_MAX_S`.
            NotFound: nothing of that time is here; the sentence says why when that is known.
            ProtocolError: a file is damaged.
            DiskFailure: its disk does not give it, or is away.
        """
        _check_span(from_90k, until_90k, EXPORT_MAX_S)
        timeline = self.timeline(camera, from_90k=from_90k, until_90k=until_90k)
        with self._store.database.read() as connection:
            segments = list(index.segments_between(connection, camera, from_90k, until_90k))
        openers = [partial(container.open_segment, self._store.disk_of(one), key_of(one)) for one in segments]
        parts = join(openers, from_90k=from_90k, until_90k=until_90k)
        if not parts:
            raise NotFound(
                say("Запису за цей час тут немає.", "There is no recording of that time here."), subject=camera
            )
        return Export(tuple(parts), timeline.missing)


def cut(stretches: Sequence[tuple[int, int, int, int]], *, from_90k: int, until_90k: int) -> list[Recorded]:
    """What of (start, end, run, bytes) lies in the span; one that reaches over an edge counts with all its bytes."""
    inside = ((max(start, from_90k), min(end, until_90k), run, size) for start, end, run, size in stretches)
    return [Recorded(*stretch) for stretch in inside if stretch[0] < stretch[1]]


def missing_in(
    recorded: Sequence[Recorded], gaps: Sequence[GapInfo], *, from_90k: int, until_90k: int
) -> Iterator[Missing]:
    """What of the span `recorded` leaves open, split where the reason changes; what was recorded outweighs any gap."""
    at_90k = from_90k
    for span in sorted(recorded, key=lambda r: r.start_90k):
        if span.start_90k > at_90k:
            yield from _explained(at_90k, span.start_90k, gaps)
        at_90k = max(at_90k, span.end_90k)
    if at_90k < until_90k:
        yield from _explained(at_90k, until_90k, gaps)


def _explained(start_90k: int, end_90k: int, gaps: Sequence[GapInfo]) -> Iterator[Missing]:
    at_90k = start_90k
    for gap in gaps:
        gap_end_90k = end_90k if gap.end_90k is None else min(gap.end_90k, end_90k)
        gap_start_90k = max(gap.start_90k, at_90k)
        if gap_end_90k <= gap_start_90k:
            continue
        if gap_start_90k > at_90k:
            yield Missing(at_90k, gap_start_90k, None)
        yield Missing(gap_start_90k, gap_end_90k, gap.reason)
        at_90k = gap_end_90k
    if at_90k < end_90k:
        yield Missing(at_90k, end_90k, None)


def _check_span(from_90k: int, until_90k: int, limit_s: int) -> None:
    if 0 <= from_90k < until_90k <= min(START_LIMIT_90K, from_90k + limit_s * TICKS_PER_S):
        return
    raise InvalidArgument(
        say(
            "Проміжок часу має бути не порожній і не довший за {hours} год.",
            "The span of time must not be empty nor longer than {hours} h.",
            hours=limit_s // 3600,
        )
    )
