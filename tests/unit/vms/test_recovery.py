import random
from collections.abc import Callable

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.findings import Progress
from vms.recordings.recovery import Recovered, recover
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

CAMERAS = (CameraId("gate"), CameraId("yard"))
STREAM = made_up_stream()


def test_recovery_goes_on_where_the_camera_stopped(make_store: Callable[..., Store]) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"))
    sent = made_up_fragments(random.Random(5), start_90k=DAY_90K, seconds=5)
    recorder.start_run(CAMERAS[0], STREAM, start_90k=DAY_90K)
    recorder.write(CAMERAS[0], sent)
    assert recorder.flush(10)
    again = make_store(disk)
    assert recover(again, reason=GapReason.POWER) == Recovered(segments=1, dropped=0)
    assert recover(again) == Recovered(segments=0, dropped=0)
    second = Recorder(again, clock=SimulatedClock(), instruments=Instruments(site="school"))
    later_90k = DAY_90K + 60 * TICKS_PER_S
    second.start_run(CAMERAS[0], STREAM, start_90k=later_90k)
    second.write(CAMERAS[0], made_up_fragments(random.Random(6), start_90k=later_90k, seconds=5))
    assert second.close()
    with again.database.read() as connection:
        first, then = index.segments_between(connection, CAMERAS[0], DAY_90K, DAY_90K * 2)
        gaps = index.gaps_between(connection, CAMERAS[0], DAY_90K, DAY_90K + 3600 * TICKS_PER_S)
    assert (first.sequence, then.sequence) == (1, 2)
    assert then.previous_sha256 == first.sha256
    assert (gaps[0].reason, gaps[0].end_90k) == (GapReason.POWER, later_90k)


@pytest.mark.parametrize("tail", [b"\0" * 50, b"garbage", b"\0\0\0\x64moof", "half", "zeroed"])
def test_a_torn_tail_is_cut_at_the_last_whole_fragment(make_store: Callable[..., Store], tail: bytes | str) -> None:
    disk = CrashDisk()
    store = make_store(disk)
    announced = store.announce(CAMERAS[0], STREAM, start_90k=DAY_90K, unexplained=GapReason.CLOCK)
    growing = store.open(announced, STREAM)
    sent = made_up_fragments(random.Random(5), start_90k=DAY_90K, seconds=3)
    growing.append(b"".join(fragment.data for fragment in sent), end_90k=0)
    growing.sync()
    torn = made_up_fragments(random.Random(6), start_90k=DAY_90K, seconds=1)[0].data
    if tail == "half":
        tail = torn[: len(torn) // 2]
    elif tail == "zeroed":
        tail = torn[:140] + bytes(len(torn) - 140)
    assert isinstance(tail, bytes)
    growing.file.append(tail)
    again = make_store(disk)
    recover(again)
    with again.database.read() as connection:
        (segment,) = index.segments_between(connection, CAMERAS[0], DAY_90K, DAY_90K * 2)
    assert segment.size_bytes == growing.size_bytes == disk.size_bytes(announced.key.file_name)
    assert segment.duration_90k == 3 * TICKS_PER_S
    assert [found for found in check(again) if not isinstance(found, Progress)] == []
