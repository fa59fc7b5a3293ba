"""Owns maintenance: people work on the cameras until a moment, and a camera that goes away meanwhile is not broken.

A small file says so, written by `beket vms maintenance`; capture's sink is told, and calls the gaps by that name. When
the work is over, whatever is still away is so for its own reason again: nothing stays hidden.
Note: vms/design/0027-holds-and-sacrifice.md "Reasons of gaps".
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from agents.cameras.stops import read_mark
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.durable_file import put_file
from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, RunClocks, SegmentSink, StreamFormat
from beket.kernel.text import say
from beket.kernel.units import ns_to_90k

MAINTENANCE_MAX_MIN = 12 * 60
# What people at work bring about; a full disk, a set clock and a missing purpose are what they are all the same.
_THEIRS = frozenset({GapReason.CAMERA, GapReason.LINK, GapReason.POWER, GapReason.RESTART})


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody works on the cameras until this moment, in seconds since 1970."""

    until_s: int


def set_maintenance(path: Path, *, minutes: int, clock: Clock) -> None:
    """Say that people are at work for so many minutes; 0 ends it.

    Raises:
        InvalidArgument: that is longer than a day's work.
    """
    if not 0 <= minutes <= MAINTENANCE_MAX_MIN:
        raise InvalidArgument(
            say("Від 0 до {most} хвилин.", "From 0 to {most} minutes.", most=MAINTENANCE_MAX_MIN), subject="minutes"
        )
    now_s = clock.wall_ns() // NS_PER_S
    put_file(path, wire.encode(Maintenance(until_s=now_s + minutes * 60)))


def in_maintenance(path: Path, *, clock: Clock) -> bool:
    """Whether people are at work now. A clock that was set far back does not make it last for ever."""
    found = read_mark(path, Maintenance)
    left_s = found.until_s - clock.wall_ns() // NS_PER_S if found is not None else 0
    return 0 < left_s <= MAINTENANCE_MAX_MIN * 60


class ExplainedSink:
    """A `SegmentSink` that calls what people at work bring about by its name. On the capture loop, like any sink."""

    def __init__(self, sink: SegmentSink, *, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._is_on = False
        # What a camera would have had for a reason, were it not for the work: it counts again when that is over.
        self._hidden: dict[CameraId, GapReason] = {}

    def set_maintenance(self, is_on: bool) -> None:
        """People are at work, or no longer: from now on whatever is still away is so for its own reason."""
        if self._is_on and not is_on:
            for camera, reason in self._hidden.items():
                self._sink.note_gap(camera, reason=reason, start_90k=ns_to_90k(self._clock.wall_ns()))
            self._hidden.clear()
        self._is_on = is_on

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        """See `SegmentSink.start_run`."""
        self._hidden.pop(camera, None)
        self._sink.start_run(camera, stream, start_90k=start_90k, clocks=clocks)

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        """See `SegmentSink.write`."""
        self._sink.write(camera, fragments)

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """See `SegmentSink.end_run`."""
        self._sink.end_run(camera, reason=self._explained(camera, reason))

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        """See `SegmentSink.note_gap`."""
        self._sink.note_gap(camera, reason=self._explained(camera, reason), start_90k=start_90k)

    def sync(self) -> None:
        """See `SegmentSink.sync`."""
        self._sink.sync()

    def _explained(self, camera: CameraId, reason: GapReason) -> GapReason:
        if not self._is_on or reason not in _THEIRS:
            return reason
        if reason is not GapReason.RESTART:
            self._hidden[camera] = reason
        return GapReason.MAINTENANCE
