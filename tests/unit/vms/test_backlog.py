import random
from collections.abc import Callable

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NotFound
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import Camera, Community, Inventory, Site, Upload
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason, SegmentBacklog, SegmentInfo
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings.backlog import Backlog
from vms.recordings.held import HeldSpan
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

ALWAYS, REQUESTED, REMOVED = CameraId("gate"), CameraId("yard"), CameraId("roof")


class FixedInventory:
    def current(self) -> Inventory:
        return Inventory(
            version=1,
            community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
            sites=(Site(id=SiteId("school"), name="Школа", village="Добрянка"),),
            cameras=(
                Camera(id=ALWAYS, site=SiteId("school"), name="Ворота", url="rtsp://a/1"),
                Camera(id=REQUESTED, site=SiteId("school"), name="Двір", url="rtsp://a/2", upload=Upload.ON_REQUEST),
            ),
        )


@pytest.fixture
def backlog(make_store: Callable[..., Store]) -> SegmentBacklog:
    store = make_store(CrashDisk())
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school", unit="test"))
    for camera in (ALWAYS, REQUESTED, REMOVED):
        recorder.start_run(camera, made_up_stream(), start_90k=DAY_90K)
        recorder.write(camera, made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=50))
        recorder.end_run(camera, reason=GapReason.POWER)
    assert recorder.close()
    return Backlog(store, FixedInventory())


def test_what_travels_is_pending_newest_first_until_acknowledged(backlog: SegmentBacklog) -> None:
    segments = backlog.pending(10)
    assert [(segment.camera, segment.sequence) for segment in segments] == [(ALWAYS, 3), (ALWAYS, 2), (ALWAYS, 1)]
    assert backlog.pending(1) == segments[:1]
    backlog.acknowledge(segments[1])
    assert backlog.pending(10) == [segments[0], segments[2]]


def test_a_segment_with_another_hash_is_not_acknowledged(backlog: SegmentBacklog) -> None:
    (newest,) = backlog.pending(1)
    wrong = SegmentInfo(ALWAYS, newest.start_90k, newest.duration_90k, newest.sequence, newest.size_bytes, bytes(32))
    with pytest.raises(NotFound):
        backlog.acknowledge(wrong)
    assert backlog.pending(1) == [newest]


def test_a_segment_is_read_in_pieces(backlog: SegmentBacklog) -> None:
    (newest,) = backlog.pending(1)
    whole = backlog.read(newest, 0, newest.size_bytes + 10)
    assert len(whole) == newest.size_bytes
    assert b"".join(backlog.read(newest, at, 1000) for at in range(0, newest.size_bytes, 1000)) == whole


def test_gaps_of_known_cameras_are_told_once(backlog: SegmentBacklog) -> None:
    gaps = backlog.pending_gaps(10)
    assert {gap.camera for gap in gaps} == {ALWAYS, REQUESTED}
    assert {(gap.start_90k, gap.end_90k) for gap in gaps} == {(DAY_90K + 50 * TICKS_PER_S, None)}
    backlog.acknowledge_gaps(gaps)
    assert backlog.pending_gaps(10) == []


def test_what_is_held_travels_first_even_of_a_camera_that_sends_only_on_request(
    make_store: Callable[..., Store], backlog: SegmentBacklog
) -> None:
    assert isinstance(backlog, Backlog)
    store = backlog._store
    span = HeldSpan(REQUESTED, 1, DAY_90K + 5 * TICKS_PER_S, DAY_90K + 25 * TICKS_PER_S)
    store.hold_exactly([span, HeldSpan(ALWAYS, 2, DAY_90K, DAY_90K + TICKS_PER_S, until_s=99)])
    first = [(REQUESTED, 2), (REQUESTED, 1)]  # the released one has no hurry
    rest = [(ALWAYS, 3), (ALWAYS, 2), (ALWAYS, 1)]
    assert [(one.camera, one.sequence) for one in backlog.pending(10)] == first + rest
    assert [(one.camera, one.sequence) for one in backlog.pending(1)] == first[:1]
    for segment in backlog.pending(2):
        backlog.acknowledge(segment)
    assert [(one.camera, one.sequence) for one in backlog.pending(10)] == rest
