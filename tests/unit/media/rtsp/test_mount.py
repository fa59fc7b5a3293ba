import asyncio

from beket.kernel.clock import SimulatedClock
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtsp.mount import BUFFER_MAX_BYTES, STALL_S, Mount, Reader

FORMAT = VideoFormat("h264", 640, 360, (b"\x67abc", b"\x68d"))


class Pipe(asyncio.Transport):
    """A transport whose far end takes nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = bytearray()
        self.is_cut = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += data

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def abort(self) -> None:
        self.is_cut = True

    def close(self) -> None:
        self.is_cut = True


def unit(size: int, *, is_key: bool) -> bytes:
    return size.to_bytes(4, "big") + (b"\x65" if is_key else b"\x41") + bytes(size - 1)


def packets_in(data: bytes | bytearray) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((data[at + 1], bytes(data[at + 4 : at + 4 + size])))
        at += 4 + size
    return found


def test_readers_begin_at_a_key_frame_each_on_the_channels_it_asked_for() -> None:
    mount = Mount("/1", FORMAT, clock=SimulatedClock())
    first, second = Pipe(), Pipe()
    mount.attach(Reader(first, rtp_channel=0, rtcp_channel=1))
    mount.attach(Reader(second, rtp_channel=4, rtcp_channel=5))
    mount.send(unit(10, is_key=False), 0, False)
    assert first.waiting == b""
    mount.send(unit(10, is_key=True), 3600, True)
    assert [channel for channel, _ in packets_in(first.waiting)] == [1, 0, 0]  # report, parameter sets, frame
    assert [channel for channel, _ in packets_in(second.waiting)] == [5, 4, 4]
    assert [packet for _, packet in packets_in(first.waiting)] == [packet for _, packet in packets_in(second.waiting)]
    assert mount.readers == 2


def test_slow_reader_misses_frames_up_to_a_key_frame_and_the_others_do_not() -> None:
    mount = Mount("/1", FORMAT, clock=SimulatedClock())
    slow, fast = Pipe(), Pipe()
    slow_reader = Reader(slow, rtp_channel=0, rtcp_channel=1)
    mount.attach(slow_reader)
    mount.attach(Reader(fast, rtp_channel=0, rtcp_channel=1))
    fast_bytes = 0
    for number in range(20):
        mount.send(unit(BUFFER_MAX_BYTES // 5, is_key=number == 0), number * 3600, number == 0)
        fast_bytes += len(fast.waiting)
        fast.waiting.clear()
    assert len(slow.waiting) <= BUFFER_MAX_BYTES
    assert slow_reader.missed_units == 16
    assert fast_bytes > 3 * BUFFER_MAX_BYTES
    slow.waiting.clear()
    mount.send(unit(10, is_key=False), 0, False)
    assert slow.waiting == b""
    mount.send(unit(10, is_key=True), 0, True)
    assert slow.waiting != b""


def test_reader_that_takes_nothing_at_all_is_cut_off() -> None:
    clock = SimulatedClock(mono_ns=1)
    mount = Mount("/1", FORMAT, clock=clock)
    stuck = Pipe()
    mount.attach(Reader(stuck, rtp_channel=0, rtcp_channel=1))
    for _ in range(STALL_S + 5):
        mount.send(unit(BUFFER_MAX_BYTES // 3, is_key=True), 0, True)
        clock.pass_time(1)
    assert stuck.is_cut


def test_closing_the_readers_cuts_them_all() -> None:
    mount = Mount("/1", FORMAT, clock=SimulatedClock())
    pipe = Pipe()
    mount.attach(Reader(pipe, rtp_channel=0, rtcp_channel=1))
    mount.close_readers()
    assert (pipe.is_cut, mount.readers) == (True, 0)
