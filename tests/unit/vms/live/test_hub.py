import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NotFound, ProtocolError, Unreachable
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.kernel.text import Text
from beket.testing.fragments import made_up_stream
from vms.live.hub import Hub
from vms.live.protocol import SITE_AWAY, Batch, LiveWatch, Mode, Stream

HEADER = struct.Struct(">BBBxHHQ")
GATE, YARD, CLINIC = CameraId("gate"), CameraId("yard"), CameraId("clinic-door")
COUNCIL = SiteId("council")
HELLO = wire.encode(wire.Hello(version=1, software="t", community="c", boot_id="b", wall_ns=0)).decode()
INIT = HEADER.pack(1, 1, 0, 0, 0, 0) + made_up_stream().init


class Known:
    def current(self) -> Inventory:
        sites = tuple(Site(id=SiteId(i), name=i, village="v") for i in ("council", "clinic"))
        cameras = tuple(
            Camera(id=camera, site=SiteId(site), name=camera, url="rtsp://c/1")
            for camera, site in ((GATE, "council"), (YARD, "council"), (CLINIC, "clinic"))
        )
        return Inventory(version=1, community=Community(id=CommunityId("c"), name="c"), sites=sites, cameras=cameras)


@dataclass(eq=False)
class Eyes:
    mode: Mode = "large"
    seen: list[object] = field(default_factory=list)

    def start(self, stream: Stream) -> None:
        self.seen.append("start")

    def take(self, batch: Batch) -> None:
        self.seen.append(batch.fragments)

    def away(self, why: Text) -> None:
        self.seen.append(why)


class Line:
    def __init__(self) -> None:
        self.incoming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.told: list[dict[str, int]] = []

    async def send(self, message: str) -> None:
        self.told.append(wire.decode(message.encode(), LiveWatch).cameras)

    async def receive(self) -> str | bytes:
        message = await self.incoming.get()
        if message is None:
            raise Unreachable("cut")
        return message

    def frame(self, index: int, payload: bytes, *, key: bool = True) -> None:
        self.incoming.put_nowait(HEADER.pack(1, 2, int(key), index, 0, 9) + payload)


class World:
    def __init__(self) -> None:
        self.clock = SimulatedClock()
        self.instruments = Instruments(site="centre")
        self.hub = Hub(Known(), clock=self.clock, instruments=self.instruments)

    @contextlib.asynccontextmanager
    async def site(self, name: SiteId = COUNCIL) -> AsyncIterator[Line]:
        line = Line()
        line.incoming.put_nowait(HELLO)
        serving = asyncio.create_task(self.hub.serve_site(name, line))
        await self.clock.advance(0)
        try:
            yield line
        finally:
            line.incoming.put_nowait(None)
            await serving


def test_site_is_told_what_is_watched_once_however_many_watch_and_when_nobody_does() -> None:
    async def story() -> None:
        world = World()
        async with world.site() as line:
            assert line.told == [{}]
            one, two = Eyes(), Eyes()
            world.hub.watch(GATE, one)
            world.hub.watch(GATE, two)
            await world.clock.advance(0)
            assert line.told[1:] == [{"gate": 0}]
            world.hub.leave(GATE, one)
            await world.clock.advance(60)
            assert len(line.told) == 2
            world.hub.leave(GATE, two)
            await world.clock.advance(9)
            assert len(line.told) == 2
            await world.clock.advance(2)
            assert line.told[2:] == [{}]

    asyncio.run(story())


def test_viewer_who_comes_back_soon_finds_the_picture_still_there() -> None:
    async def story() -> None:
        world, eyes = World(), Eyes()
        async with world.site() as line:
            world.hub.watch(GATE, eyes)
            line.incoming.put_nowait(INIT)
            line.frame(0, b"key")
            await world.clock.advance(0)
            world.hub.leave(GATE, eyes)
            await world.clock.advance(9)
            again = Eyes()
            world.hub.watch(GATE, again)
            assert again.seen == ["start", b"key"]
            await world.clock.advance(60)
            assert line.told == [{}, {"gate": 0}]
            world.hub.leave(GATE, again)
            await world.clock.advance(11)
            world.hub.watch(GATE, again)
            await world.clock.advance(0)
            assert line.told[-1] == {"gate": 1}

    asyncio.run(story())


def test_viewer_stays_while_the_site_is_away_and_goes_on_when_it_is_back() -> None:
    async def story() -> None:
        world, eyes = World(), Eyes()
        world.hub.watch(GATE, eyes)
        assert eyes.seen == [SITE_AWAY]
        async with world.site() as line:
            await world.clock.advance(0)
            assert line.told[-1] == {"gate": 0}
            line.incoming.put_nowait(INIT)
            line.frame(0, b"one")
            line.incoming.put_nowait('{"camera":"gate","reason":"power"}')
            await world.clock.advance(0)
        assert eyes.seen[1:3] == ["start", b"one"]
        assert isinstance(eyes.seen[3], Text)
        assert "світла" in eyes.seen[3].uk
        assert eyes.seen[4:] == [SITE_AWAY]
        async with world.site() as line:
            line.incoming.put_nowait(INIT)
            await world.clock.advance(0)
            assert eyes.seen[5:] == ["start"]
        await world.hub.close()

    asyncio.run(story())


def test_site_cannot_speak_for_another_ones_camera_nor_for_what_nobody_watches() -> None:
    async def story() -> None:
        world, eyes = World(), Eyes()
        async with world.site(SiteId("clinic")), world.site() as line:
            world.hub.watch(CLINIC, eyes)
            line.incoming.put_nowait(INIT)
            line.frame(0, b"forged")
            line.frame(77, b"nobody")
            line.incoming.put_nowait('{"camera":"clinic-door","reason":"power"}')
            line.incoming.put_nowait('{"camera":"unheard-of","reason":"power"}')
            await world.clock.advance(0)
            assert eyes.seen == []

    asyncio.run(story())


def test_newer_line_of_a_site_takes_the_place_of_the_older() -> None:
    async def story() -> None:
        world, eyes = World(), Eyes()
        async with world.site():
            world.hub.watch(GATE, eyes)
            async with world.site() as newer:
                newer.incoming.put_nowait(INIT)
                await world.clock.advance(0)
                assert eyes.seen == ["start"]
                assert newer.told == [{"gate": 0}]

    asyncio.run(story())


@pytest.mark.parametrize(
    "said", ["nonsense", b"\x01\x07binary that is nothing", '{"camera":5}', '{"camera":"' + "x" * 5000 + '"}']
)
def test_nonsense_ends_the_line_with_a_protocol_error(said: str | bytes) -> None:
    async def story() -> None:
        world = World()
        line = Line()
        for message in (HELLO, said):
            line.incoming.put_nowait(message)
        with pytest.raises(ProtocolError):
            await world.hub.serve_site(COUNCIL, line)
        first = Line()
        first.incoming.put_nowait(said)
        with pytest.raises(ProtocolError):
            await world.hub.serve_site(COUNCIL, first)

    asyncio.run(story())


def test_unknown_camera_is_not_found() -> None:
    with pytest.raises(NotFound):
        World().hub.watch(CameraId("nowhere"), Eyes())
