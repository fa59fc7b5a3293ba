import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import InvalidArgument, NotFound
from beket.kernel.ids import CameraId, new_uuid
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import index
from vms.recordings.playback import Missing, Playback, Recorded, cut, missing_in
from vms.recordings.segments import StoredSegment
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE = CameraId("gate")
S = TICKS_PER_S


def record(store: Store, *stretches: tuple[int, int], reason: GapReason = GapReason.LINK) -> None:
    """Record (from, until) in seconds of the day, each as one run that ends with `reason`."""
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    for start_s, end_s in stretches:
        start_90k = DAY_90K + start_s * S
        recorder.start_run(GATE, made_up_stream(), start_90k=start_90k)
        recorder.write(GATE, made_up_fragments(random.Random(1), start_90k=start_90k, seconds=end_s - start_s))
        recorder.end_run(GATE, reason=reason)
    assert recorder.close()


def at(second: float) -> int:
    return DAY_90K + round(second * S)


def test_a_timeline_merges_runs_and_gives_gaps_their_reason(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    record(store, (10, 70), (100, 130))
    timeline = Playback(store).timeline(GATE, from_90k=at(0), until_90k=at(140))
    assert [(span.start_90k, span.end_90k) for span in timeline.recorded] == [(at(10), at(70)), (at(100), at(130))]
    assert timeline.missing == (
        Missing(at(0), at(10), None),
        Missing(at(70), at(100), GapReason.LINK),
        Missing(at(130), at(140), GapReason.LINK),
    )


def test_a_timeline_sees_the_segment_that_reaches_into_its_span(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    record(store, (0, 60))
    timeline = Playback(store).timeline(GATE, from_90k=at(30), until_90k=at(50))
    assert [(span.start_90k, span.end_90k) for span in timeline.recorded] == [(at(30), at(50))]
    assert timeline.missing == ()


def test_a_camera_never_seen_is_missing_throughout(make_store: Callable[..., Store]) -> None:
    timeline = Playback(make_store(CrashDisk())).timeline(GATE, from_90k=at(0), until_90k=at(9))
    assert timeline.recorded == ()
    assert timeline.missing == (Missing(at(0), at(9), None),)


def test_an_export_joins_segments_and_says_what_it_lacks(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    record(store, (0, 60), (90, 120))
    export = Playback(store).export(GATE, from_90k=at(30), until_90k=at(100))
    assert [(part.start_90k, part.duration_90k) for part in export.parts] == [(at(30), 30 * S), (at(90), 10 * S)]
    assert export.missing == (Missing(at(60), at(90), GapReason.LINK),)
    assert b"".join(export.parts[0].chunks()).startswith(made_up_stream().init)


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (0, 7201), (-DAY_90K, 0)])
def test_a_senseless_span_is_refused(make_store: Callable[..., Store], start: int, end: int) -> None:
    with pytest.raises(InvalidArgument):
        Playback(make_store(CrashDisk())).export(GATE, from_90k=at(start), until_90k=at(end))


def test_an_export_of_nothing_is_not_found(make_store: Callable[..., Store]) -> None:
    store = make_store(CrashDisk())
    record(store, (0, 30))
    with pytest.raises(NotFound):
        Playback(store).export(GATE, from_90k=at(40), until_90k=at(50))


extents = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9), st.integers(1, 2)), max_size=12)
gap_lists = st.lists(
    st.tuples(st.integers(0, 60), st.none() | st.integers(0, 30), st.sampled_from(GapReason)), max_size=6
)


@given(extents, gap_lists, st.integers(0, 30), st.integers(1, 40))
def test_every_instant_of_a_span_is_recorded_or_missing_and_never_both(
    pieces: list[tuple[int, int, int]], raw_gaps: list[tuple[int, int | None, GapReason]], start: int, length: int
) -> None:
    made, now, sequence = [], 0, 1
    for pause, duration, step in pieces:
        now += pause
        made.append((now, now + duration, sequence, 10))
        now += duration
        sequence += step
    gaps = [GapInfo(GATE, s, None if n is None else s + n, reason) for s, n, reason in sorted(raw_gaps, key=str)]
    gaps.sort(key=lambda gap: gap.start_90k)
    until = start + length
    spans: list[Recorded] = cut(made, from_90k=start, until_90k=until)
    missing = list(missing_in(spans, gaps, from_90k=start, until_90k=until))
    covered = sorted([(s.start_90k, s.end_90k) for s in spans] + [(m.start_90k, m.end_90k) for m in missing])
    assert covered[0][0] == start
    assert covered[-1][1] == until
    assert all(a[1] == b[0] for a, b in itertools.pairwise(covered))
    truth = {t for s, e, *_ in made for t in range(s, e) if start <= t < until}
    assert {t for s in spans for t in range(s.start_90k, s.end_90k)} == truth
    for hole in missing:
        for t in range(hole.start_90k, hole.end_90k):
            reasons = {g.reason for g in gaps if g.start_90k <= t and (g.end_90k is None or t < g.end_90k)}
            assert hole.reason in reasons if reasons else hole.reason is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    runs=st.lists(st.lists(st.booleans(), min_size=1, max_size=6), max_size=4),
    start=st.integers(0, 40),
    length=st.integers(1, 40),
)
def test_what_follows_in_a_run_is_one_stretch_and_what_retention_broke_is_not(
    make_store: Callable[..., Store], runs: list[list[bool]], start: int, length: int
) -> None:
    """Each run is a list of segments of 2 s, some of which retention has taken; a second lies between runs."""
    store = make_store(CrashDisk(), name=f"video{new_uuid()}")
    wanted: list[tuple[int, int]] = []
    now, sequence = 0, 0
    for kept in runs:
        run = sequence + 1
        for number, is_there in enumerate(kept):
            sequence += 1
            if is_there:
                add_row(store, start_90k=at(now), sequence=sequence, run=run)
                joins = number and kept[number - 1]
                wanted.append((wanted.pop()[0] if joins else now, now + 2))
            now += 2
        now += 1
    timeline = Playback(store).timeline(GATE, from_90k=at(start), until_90k=at(start + length))
    inside = [(max(s, start), min(e, start + length)) for s, e in wanted]
    assert [(one.start_90k, one.end_90k) for one in timeline.recorded] == [(at(s), at(e)) for s, e in inside if s < e]


def add_row(store: Store, *, start_90k: int, sequence: int, run: int) -> None:
    row = StoredSegment(
        camera=GATE, start_90k=start_90k, duration_90k=2 * TICKS_PER_S, sequence=sequence, size_bytes=10,
        sha256=bytes(32), run=run, previous_sha256=b"", disk=store.shelf.volumes[0].id,
    )  # fmt: skip
    store.database.write(lambda connection: index.add_segment(connection, row, acknowledged=True))
