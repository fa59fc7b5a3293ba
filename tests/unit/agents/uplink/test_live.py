import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.uplink.budget import Budget
from agents.uplink.live import LiveUplink
from agents.uplink.live_messages import LiveAway, LiveKind, LiveWatch, head
from beket.kernel import wire
from beket.kernel.clock import SystemClock
from beket.kernel.errors import ProtocolError, Unreachable
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason, StreamFormat

GATE = CameraId("gate")
STREAM = StreamFormat("h264", 640, 360, b"init")
GOLDEN = Path("tests/fixtures/wire/1")


class Line:
    """A LiveLine of two queues; None cuts it."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.heard: asyncio.Queue[bytes | str] = asyncio.Queue()
        self.may_send = asyncio.Event()
        self.may_send.set()

    async def send(self, message: bytes | str) -> None:
        await self.may_send.wait()
        self.heard.put_nowait(message)

    async def receive(self) -> bytes:
        message = await self.said.get()
        if message is None:
            raise Unreachable("cut")
        return message

    def watch(self, **cameras: int) -> None:
        self.said.put_nowait(wire.encode(LiveWatch(cameras=cameras)))

    async def next(self) -> bytes | str:
        return await asyncio.wait_for(self.heard.get(), 2)


def frame(number: int, *, is_key: bool = False) -> Fragment:
    return Fragment(b"frame%d" % number, number * 9000, 9000, is_key)


@contextlib.asynccontextmanager
async def uplink_on(line: Line) -> AsyncIterator[LiveUplink]:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Line]:
        yield line

    async def open_line() -> contextlib.AbstractAsyncContextManager[Line]:
        return opened()

    uplink = LiveUplink(
        open_line,
        hello=lambda: wire.Hello(version=1, software="t", community="c", boot_id="b", wall_ns=0),
        budget=Budget(rate_bps=1_000_000, burst_bytes=1000, clock=SystemClock()),
        instruments=Instruments(site="council", unit="capture"),
    )
    running = asyncio.create_task(uplink.run_once())
    assert wire.decode(str(await line.next()).encode(), wire.Hello).version == 1
    try:
        yield uplink
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_first_viewer_starts_at_the_last_key_frame_and_nothing_leaves_before() -> None:
    async def story() -> None:
        line = Line()
        async with uplink_on(line) as uplink:
            uplink.start_run(GATE, STREAM)
            for number in range(4):
                uplink.write(GATE, frame(number, is_key=number in (0, 2)))
            await asyncio.sleep(0)
            assert line.heard.empty()
            line.watch(gate=5)
            assert await line.next() == head(LiveKind.INIT, camera=5) + b"init"
            assert await line.next() == head(LiveKind.FRAMES, camera=5, start_90k=18_000, is_key=True) + b"frame2"
            assert await line.next() == head(LiveKind.FRAMES, camera=5, start_90k=27_000) + b"frame3"
            uplink.write(GATE, frame(4))
            assert await line.next() == head(LiveKind.FRAMES, camera=5, start_90k=36_000) + b"frame4"
            line.watch()
            await asyncio.sleep(0.01)
            uplink.write(GATE, frame(5))
            await asyncio.sleep(0.01)
            assert line.heard.empty()

    asyncio.run(story())


def test_camera_without_a_picture_is_said_to_be_away_with_its_reason() -> None:
    async def story() -> None:
        line = Line()
        async with uplink_on(line) as uplink:
            line.watch(gate=0)
            assert wire.decode(str(await line.next()).encode(), LiveAway) == LiveAway(camera="gate", reason="camera")
            uplink.start_run(GATE, STREAM)
            assert (await line.next())[16:] == b"init"
            uplink.end_run(GATE, reason=GapReason.LINK)
            assert wire.decode(str(await line.next()).encode(), LiveAway).reason == "link"

    asyncio.run(story())


def test_new_index_asks_for_a_new_beginning() -> None:
    async def story() -> None:
        line = Line()
        async with uplink_on(line) as uplink:
            uplink.start_run(GATE, STREAM)
            uplink.write(GATE, frame(0, is_key=True))
            for index in (0, 1):
                line.watch(gate=index)
                assert await line.next() == head(LiveKind.INIT, camera=index) + b"init"
                assert (await line.next())[16:] == b"frame0"

    asyncio.run(story())


def test_slow_line_delays_nobody_and_goes_on_at_a_key_frame() -> None:
    async def story() -> None:
        line = Line()
        async with uplink_on(line) as uplink:
            uplink.start_run(GATE, STREAM)
            line.watch(gate=0)
            await line.next()
            line.may_send.clear()
            for number in range(60):
                uplink.write(GATE, frame(number, is_key=number % 50 == 0))
            line.may_send.set()
            payloads = [bytes((await line.next())[16:]) for _ in range(10)]  # type: ignore[arg-type]
            assert b"frame50" in payloads
            assert payloads[-9:] == [b"frame%d" % number for number in range(51, 60)]

    asyncio.run(story())


def test_cut_line_and_nonsense_end_the_round_with_the_error() -> None:
    async def story(said: bytes | None, error: type[Exception]) -> None:
        line = Line()
        async with uplink_on(line) as uplink:
            line.said.put_nowait(said)
            await asyncio.sleep(0.01)
            uplink.start_run(GATE, STREAM)
        second = Line()
        second.said.put_nowait(said)

        @contextlib.asynccontextmanager
        async def opened() -> AsyncIterator[Line]:
            yield second

        async def open_line() -> contextlib.AbstractAsyncContextManager[Line]:
            return opened()

        uplink._open_line = open_line
        with pytest.raises(error):
            await uplink.run_once()

    asyncio.run(story(None, Unreachable))
    asyncio.run(story(b'{"cameras":{"gate":99999999}}', ProtocolError))


def test_messages_are_the_golden_ones() -> None:
    assert wire.encode(LiveAway(camera="gate", reason="link")) == (GOLDEN / "live-away.json").read_bytes().strip()
    watch = wire.decode((GOLDEN / "live-watch.json").read_bytes(), LiveWatch)
    assert watch.cameras == {"gate": 0, "yard": 1}
    frames = head(LiveKind.FRAMES, camera=1, start_90k=160_000_000_000_000, is_key=True, lost=3) + b"fragment"
    assert frames.hex() == (GOLDEN / "live-frames.hex").read_text().strip()
