import hashlib
import io
import itertools
import random
import threading
from collections.abc import Callable, Iterator

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import Busy, NoSpace
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapInfo, GapReason, RunClocks, SegmentSink
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4 import reader
from beket.testing.crash_disk import CrashDisk, Operation
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms import metrics
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.disk import DiskFailure
from vms.recordings.findings import Progress
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE, YARD = CameraId("gate"), CameraId("yard")
STREAM = made_up_stream()
DAY_END_90K = DAY_90K + 24 * 3600 * TICKS_PER_S


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock()


@pytest.fixture
def instruments() -> Instruments:
    return Instruments(site="school")


@pytest.fixture
def make_recorder(clock: SimulatedClock, instruments: Instruments) -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def make(store: Store, **sizes: int) -> Recorder:
        made.append(Recorder(store, clock=clock, instruments=instruments, **sizes))
        return made[-1]

    yield make
    for recorder in made:
        assert recorder.close(timeout_s=10)


def noise(seconds: int, *, start_90k: int = DAY_90K, seed: int = 1) -> list[Fragment]:
    return made_up_fragments(random.Random(seed), start_90k=start_90k, seconds=seconds)


def stored(store: Store, camera: CameraId = GATE) -> list[StoredSegment]:
    with store.database.read() as connection:
        return list(index.segments_between(connection, camera, 0, 2 * DAY_END_90K))


def gaps(store: Store, camera: CameraId = GATE) -> list[GapInfo]:
    with store.database.read() as connection:
        return index.gaps_between(connection, camera, 0, 2 * DAY_END_90K)


def content(store: Store, segment: StoredSegment) -> bytes:
    return store.read(segment, 0, segment.size_bytes + 1)


def record(sink: SegmentSink, fragments: list[Fragment], camera: CameraId = GATE) -> None:
    sink.start_run(camera, STREAM, start_90k=fragments[0].start_90k)
    for at in range(0, len(fragments), 3):
        sink.write(camera, fragments[at : at + 3])


def findings(store: Store) -> list[object]:
    return [found for found in check(store) if not isinstance(found, Progress)]


def test_a_run_becomes_segments_cut_at_the_first_key_frame_after_20_s(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store)
    sent = noise(50)
    record(recorder, sent)
    recorder.end_run(GATE, reason=GapReason.LINK)
    assert recorder.flush(10)
    segments = stored(store)
    assert [segment.duration_90k // TICKS_PER_S for segment in segments] == [20, 20, 10]
    assert [segment.sequence for segment in segments] == [1, 2, 3]
    assert {segment.run for segment in segments} == {1}
    bodies = b""
    for segment, previous in zip(segments, [b"", *(s.sha256 for s in segments)], strict=False):
        data = content(store, segment)
        assert hashlib.sha256(data).digest() == segment.sha256
        assert len(data) == segment.size_bytes
        assert segment.previous_sha256 == previous
        parsed = reader.read_segment(io.BytesIO(data))
        assert parsed.init == STREAM.init
        assert parsed.identity is not None
        assert (parsed.identity.sequence, parsed.identity.run) == (segment.sequence, 1)
        assert parsed.identity.previous_sha256 == previous.hex()
        assert parsed.fragments[0].is_key
        bodies += data[parsed.fragments[0].offset :]
    assert bodies == b"".join(fragment.data for fragment in sent)
    assert gaps(store) == [GapInfo(GATE, sent[-1].start_90k + sent[-1].duration_90k, None, GapReason.LINK)]
    assert findings(store) == []


def test_a_gap_ends_where_the_next_run_begins(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store)
    record(recorder, noise(4))
    recorder.end_run(GATE, reason=GapReason.CAMERA)
    later_90k = DAY_90K + 60 * TICKS_PER_S
    record(recorder, noise(4, start_90k=later_90k))
    assert recorder.flush(10)
    assert gaps(store) == [GapInfo(GATE, DAY_90K + 4 * TICKS_PER_S, later_90k, GapReason.CAMERA)]


def test_a_change_of_format_leaves_no_gap_but_a_jump_of_the_clock_does(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store)
    record(recorder, noise(4))
    record(recorder, noise(4, start_90k=DAY_90K + 4 * TICKS_PER_S))
    assert recorder.flush(10)
    assert gaps(store) == []
    record(recorder, noise(4, start_90k=DAY_90K + 3600 * TICKS_PER_S))
    assert recorder.flush(10)
    assert gaps(store) == [GapInfo(GATE, DAY_90K + 8 * TICKS_PER_S, DAY_90K + 3600 * TICKS_PER_S, GapReason.CLOCK)]
    assert recorder.close()
    assert [segment.run for segment in stored(store)] == [1, 2, 3]


def test_a_camera_that_stays_away_after_a_restart_is_not_put_down_to_the_restart_for_ever(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    recorder = make_recorder(make_store())
    record(recorder, noise(4))
    assert recorder.close()
    store = make_store()
    recorder = make_recorder(store)
    end_90k = DAY_90K + 4 * TICKS_PER_S
    away_90k, back_90k = end_90k + 10 * TICKS_PER_S, end_90k + 600 * TICKS_PER_S
    for reason in (GapReason.LINK, GapReason.LINK):
        recorder.note_gap(GATE, reason=reason, start_90k=away_90k)
    recorder.note_gap(YARD, reason=GapReason.NO_PURPOSE, start_90k=away_90k)
    record(recorder, noise(4, start_90k=back_90k))
    recorder.note_gap(GATE, reason=GapReason.CAMERA, start_90k=back_90k + 1)  # it records: no effect
    assert recorder.flush(10)
    assert gaps(store) == [
        GapInfo(GATE, end_90k, away_90k, GapReason.RESTART),
        GapInfo(GATE, away_90k, back_90k, GapReason.LINK),
    ]
    assert gaps(store, YARD) == [GapInfo(YARD, away_90k, None, GapReason.NO_PURPOSE)]


def test_closing_ends_all_runs_as_a_restart(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store)
    record(recorder, noise(4))
    record(recorder, noise(4), YARD)
    assert recorder.close(timeout_s=10)
    for camera in (GATE, YARD):
        assert len(stored(store, camera)) == 1
        assert [gap.reason for gap in gaps(store, camera)] == [GapReason.RESTART]


def test_a_run_without_a_frame_leaves_no_segment_and_no_file(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store)
    recorder.start_run(GATE, STREAM, start_90k=DAY_90K)
    recorder.end_run(GATE, reason=GapReason.CAMERA)
    recorder.end_run(YARD, reason=GapReason.CAMERA)
    assert recorder.flush(10)
    assert stored(store) == []
    assert findings(store) == []


def test_what_was_known_of_the_clocks_is_kept_beside_the_run_that_began_with_it(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    store = make_store()
    recorder = make_recorder(store, segment_s=4)
    told = [None, RunClocks(-(10**9) * 3 * 3600, 7), RunClocks(None, None)]
    for at, clocks in enumerate(told):
        fragments = noise(10, start_90k=DAY_90K + at * 60 * TICKS_PER_S)
        recorder.start_run(GATE, STREAM, start_90k=fragments[0].start_90k, clocks=clocks)
        recorder.write(GATE, fragments)
    recorder.end_run(GATE, reason=GapReason.CAMERA)
    assert recorder.flush(10)
    with store.database.read() as connection:
        kept = index.clocks_of_runs(connection, GATE)
    assert [clocks for _, clocks in kept] == [RunClocks(None, None), *told[1:]]
    assert [run for run, _ in kept] == sorted({segment.run for segment in stored(store)})
    assert findings(store) == []


def test_a_full_disk_keeps_whole_fragments_says_so_once_and_recording_resumes_when_there_is_space(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder], clock: SimulatedClock
) -> None:
    disk = CrashDisk(capacity_bytes=6000)
    store = make_store(disk)
    recorder = make_recorder(store)
    sent = noise(30)
    recorder.start_run(GATE, STREAM, start_90k=DAY_90K)
    for fragment in sent[:75]:
        try:
            recorder.write(GATE, [fragment])
        except NoSpace:
            break
        recorder.flush(10)
    else:
        pytest.fail("nobody said that the disk is full")
    recorder.write(GATE, [sent[74]])
    assert recorder.flush(10)
    (segment,) = stored(store)
    parsed = reader.read_segment(io.BytesIO(content(store, segment)))
    assert not parsed.is_torn
    assert disk.size_bytes(key_of(segment).file_name) == segment.size_bytes
    assert [gap.reason for gap in gaps(store)] == [GapReason.DISK]
    disk.capacity_bytes = 1 << 40
    clock.pass_time(11)
    recorder.write(GATE, sent[75:])
    assert recorder.flush(10)
    resumed = next(fragment for fragment in sent[75:] if fragment.is_key)
    assert gaps(store) == [GapInfo(GATE, segment.end_90k, resumed.start_90k, GapReason.DISK)]
    recorder.end_run(GATE, reason=GapReason.CAMERA)
    assert recorder.flush(10)
    assert [segment.run for segment in stored(store)] == [1, stored(store)[-1].sequence]
    store.collect_garbage()
    assert findings(store) == []


def test_a_disk_that_stays_full_leaves_one_gap_however_often_it_is_tried(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder], clock: SimulatedClock
) -> None:
    disk = CrashDisk(capacity_bytes=3000)
    store = make_store(disk)
    recorder = make_recorder(store)
    recorder.start_run(GATE, STREAM, start_90k=DAY_90K)
    told = 0
    for fragment in noise(60):
        try:
            recorder.write(GATE, [fragment])
        except NoSpace:
            told += 1
        recorder.flush(10)
        clock.pass_time(0.2)
    assert 3 <= told <= 8
    assert len(gaps(store)) == 1
    store.collect_garbage()
    assert findings(store) == []


@pytest.mark.parametrize("kind", ["sync", "write", "create", "sync_folder"])
def test_a_failing_disk_costs_what_no_sync_had_covered_and_no_other_camera_a_thing(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder], kind: str, instruments: Instruments
) -> None:
    failing = threading.Event()

    def fail(operation: Operation) -> None:
        if failing.is_set() and operation.kind == kind and operation.name.startswith("gate"):
            raise DiskFailure("an I/O error")

    store = make_store(CrashDisk(fail=fail))
    recorder = make_recorder(store)
    sent = noise(30)
    record(recorder, sent[:20])
    record(recorder, sent[:20], YARD)
    assert recorder.flush(10)
    failing.set()
    recorder.write(GATE, sent[20:])
    recorder.write(YARD, sent[20:])
    assert recorder.flush(10)
    failing.clear()
    assert recorder.close()
    assert sum(segment.duration_90k for segment in stored(store, YARD)) == 30 * TICKS_PER_S
    kept_s = 20 if kind in ("create", "sync_folder") else 4
    assert gaps(store) == [GapInfo(GATE, DAY_90K + kept_s * TICKS_PER_S, None, GapReason.DISK)]
    store.keep_owed()  # a file whose sync fails cannot be cut before the disk serves again
    assert [segment.duration_90k for segment in stored(store)] == [kept_s * TICKS_PER_S]
    store.collect_garbage()
    assert findings(store) == []


def test_a_stuck_disk_never_holds_up_capture_and_costs_a_gap(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder], instruments: Instruments
) -> None:
    goes_on = threading.Event()
    goes_on.set()

    def hang(operation: Operation) -> None:
        if operation.kind == "write":
            assert goes_on.wait(20)

    store = make_store(CrashDisk(fail=hang))
    recorder = make_recorder(store, queue_max_bytes=20_000)
    sent = noise(60)
    record(recorder, sent[:10])
    assert recorder.flush(10)
    goes_on.clear()
    recorder.sync()
    told = 0
    for fragment in sent[10:250]:
        try:
            recorder.write(GATE, [fragment])
        except Busy:
            told += 1
        recorder.sync()
    assert told == 1
    assert recorder._queued_bytes <= 20_000
    goes_on.set()
    assert recorder.flush(10)
    recorder.write(GATE, sent[250:])
    assert recorder.close()
    lost = [point for point in instruments.read(0) if point.name == metrics.LOST_BYTES.name]
    assert sum(point.value for point in lost) > 0
    (disk_gap,) = [gap for gap in gaps(store) if gap.reason is GapReason.DISK]
    assert disk_gap.end_90k == next(f.start_90k for f in sent[250:] if f.is_key)
    kept = stored(store)
    assert {segment.run for segment in kept if segment.end_90k <= disk_gap.start_90k} == {1}
    assert findings(store) == []


def test_syncs_are_grouped_and_counted(
    make_store: Callable[..., Store], make_recorder: Callable[..., Recorder]
) -> None:
    disk = CrashDisk()
    recorder = make_recorder(make_store(disk))
    begun = len(disk.log)
    recorder.start_run(GATE, STREAM, start_90k=DAY_90K)
    for second, group in itertools.groupby(noise(62), key=lambda f: (f.start_90k - DAY_90K) // TICKS_PER_S):
        recorder.write(GATE, list(group))
        if second % 2:
            assert recorder.flush(10)
    kinds = [operation.kind for operation in disk.log[begun:]]
    # A minute: 30 times the RPO, and for each segment its name and its end; the first also made three folders.
    assert kinds.count("sync") + kinds.count("sync_folder") <= 30 + 2 * 3 + 4
