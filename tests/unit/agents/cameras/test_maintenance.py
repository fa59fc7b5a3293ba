from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cameras.maintenance import ExplainedSink, in_maintenance, set_maintenance
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import InvalidArgument
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, RunClocks, StreamFormat
from beket.kernel.units import ns_to_90k
from beket.testing.fragments import made_up_stream

GATE, YARD = CameraId("gate"), CameraId("yard")
NOW_S = 1_795_651_200
CLOCK = SimulatedClock(wall_ns=NOW_S * NS_PER_S)
NOW_90K = ns_to_90k(CLOCK.wall_ns())


def at(seconds: int) -> SimulatedClock:
    return SimulatedClock(wall_ns=(NOW_S + seconds) * NS_PER_S)


class Sink:
    """Remembers why each camera is not recorded."""

    def __init__(self) -> None:
        self.events: list[tuple[CameraId, str]] = []

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        self.events.append((camera, "start"))

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        self.events.append((camera, "write"))

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        self.events.append((camera, f"end {reason}"))

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        self.events.append((camera, f"gap {reason} {start_90k}"))

    def sync(self) -> None:
        self.events.append((GATE, "sync"))


def test_while_people_work_a_camera_that_goes_away_is_in_maintenance_and_afterwards_broken() -> None:
    sink = Sink()
    explained = ExplainedSink(sink, clock=CLOCK)
    explained.set_maintenance(True)
    explained.start_run(GATE, made_up_stream(), start_90k=1)
    explained.write(GATE, [])
    explained.end_run(GATE, reason=GapReason.LINK)
    explained.note_gap(YARD, reason=GapReason.CAMERA, start_90k=7)
    explained.set_maintenance(True)
    explained.start_run(YARD, made_up_stream(), start_90k=9)  # this one is back in time
    explained.set_maintenance(False)
    explained.end_run(YARD, reason=GapReason.CAMERA)
    explained.sync()
    assert sink.events == [
        (GATE, "start"), (GATE, "write"), (GATE, "end maintenance"), (YARD, "gap maintenance 7"), (YARD, "start"),
        (GATE, f"gap link {NOW_90K}"), (YARD, "end camera"), (GATE, "sync"),
    ]  # fmt: skip


@pytest.mark.parametrize("reason", list(GapReason))
def test_only_what_people_at_work_bring_about_is_called_maintenance(reason: GapReason) -> None:
    sink = Sink()
    explained = ExplainedSink(sink, clock=CLOCK)
    explained.end_run(GATE, reason=reason)
    explained.set_maintenance(True)
    explained.end_run(GATE, reason=reason)
    kept = reason in (GapReason.DISK, GapReason.CLOCK, GapReason.NO_PURPOSE, GapReason.UPDATE)
    assert sink.events == [(GATE, f"end {reason}"), (GATE, f"end {reason}" if kept else "end maintenance")]


def test_work_ends_by_itself_or_when_somebody_says_so(tmp_path: Path) -> None:
    file = tmp_path / "maintenance.json"
    assert not in_maintenance(file, clock=CLOCK)
    set_maintenance(file, minutes=30, clock=CLOCK)
    assert in_maintenance(file, clock=at(29 * 60))
    assert not in_maintenance(file, clock=at(30 * 60))
    assert not in_maintenance(file, clock=at(-86_400))  # a clock that was wrong when it was said
    set_maintenance(file, minutes=0, clock=at(60))
    assert not in_maintenance(file, clock=at(60))
    file.write_bytes(b"not json")
    assert not in_maintenance(file, clock=CLOCK)


@given(st.one_of(st.integers(max_value=-1), st.integers(min_value=721)))
def test_nobody_works_longer_than_half_a_day(minutes: int) -> None:
    with pytest.raises(InvalidArgument):
        set_maintenance(Path("/nonexistent"), minutes=minutes, clock=CLOCK)
