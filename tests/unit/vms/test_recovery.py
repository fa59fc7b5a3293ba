import random
from collections.abc import Callable

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason, StreamFormat
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.rtp.depacketizer import depacketizer_for
from beket.media.rtp.packetize import OutgoingStream, packetize
from beket.media.rtp.parameter_sets import format_of
from beket.testing.crash_disk import CrashDisk
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.findings import Progress
from vms.recordings.recovery import Recovered, is_sound, recover
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

CAMERAS = (CameraId("gate"), CameraId("yard"))
STREAM = made_up_stream()
SETS = (bytes.fromhex("6742c00bd90141fb011000000300100000030140f142a480"), bytes.fromhex("68cb83cb20"))


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


@pytest.mark.parametrize("max_bytes", [60, 1400])  # in fragments, and whole
def test_a_camera_that_leaves_zeros_after_its_nal_units_loses_nothing_to_a_cut(
    make_store: Callable[..., Store], max_bytes: int
) -> None:
    video = format_of("h264", SETS)
    stream = StreamFormat(codec="h264", width=video.width, height=video.height, init=init_segment(video))
    depacketizer, sender = depacketizer_for("h264", parameter_sets=SETS), OutgoingStream("h264", 7, max_bytes=max_bytes)
    disk = CrashDisk()
    store = make_store(disk)
    announced = store.announce(CAMERAS[0], stream, start_90k=DAY_90K, unexplained=GapReason.CLOCK)
    growing = store.open(announced, stream)
    frames = 0
    packet_number = 0
    for number in range(20):
        nal = (b"\x65\x88" if number == 0 else b"\x41\x9a") + bytes((number + 1,)) * 200 + b"\x80" + bytes(number % 4)
        sized = len(nal).to_bytes(4, "big") + nal
        for packet in packetize(sender, sized, timestamp=number * 9000, first_sequence=packet_number):
            packet_number += 1
            unit = depacketizer.push(bytearray(packet), 0, len(packet))
            if unit is not None:
                data = fragment(unit, sequence=frames + 1, decode_time_90k=frames * 9000, duration_90k=9000)
                growing.append(data, end_90k=DAY_90K + (frames + 1) * 9000)
                frames += 1
    growing.sync()
    assert frames == 20
    assert is_sound(disk, announced.key)
    again = make_store(disk)
    assert recover(again) == Recovered(segments=1, dropped=0)
    with again.database.read() as connection:
        (segment,) = index.segments_between(connection, CAMERAS[0], DAY_90K, DAY_90K * 2)
    assert (segment.duration_90k, segment.size_bytes) == (20 * 9000, growing.size_bytes)
