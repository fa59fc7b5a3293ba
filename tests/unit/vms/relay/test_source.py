import asyncio
import random
from dataclasses import dataclass, field

import pytest

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import TimedOut
from beket.kernel.ids import CameraId
from beket.kernel.text import say
from beket.media.fmp4.reader import read_format
from beket.media.rtp.access_unit import VideoFormat
from beket.testing.fragments import made_up_fragments, made_up_stream
from vms.live.protocol import Batch, Stream
from vms.relay.source import AWAY_MAX_S, Source

FORMAT = read_format(made_up_stream().init)
STREAM = Stream(FORMAT, b"", "")
AWAY = say("немає", "away")
START_90K = 160_000_000_000_000


@dataclass(eq=False)
class Connection:
    """A Reader of a mount."""

    rtp_channel: int = 0
    rtcp_channel: int = 1
    framed: list[bytes] = field(default_factory=list)
    is_closed: bool = False

    def offer(self, framed: bytes, *, is_key: bool, mono_ns: int) -> None:
        self.framed.append(framed)

    def close(self) -> None:
        self.is_closed = True


def source() -> tuple[Source, SimulatedClock]:
    clock = SimulatedClock()
    return Source(CameraId("gate"), clock=clock), clock


def test_fragments_leave_as_packets_with_wall_time_packetised_once_for_all() -> None:
    async def story() -> None:
        of, _ = source()
        of.start(STREAM)
        mount = await of.mount(within_s=1)
        one, two = Connection(), Connection()
        mount.attach(one)  # type: ignore[arg-type]
        mount.attach(two)  # type: ignore[arg-type]
        for made in made_up_fragments(random.Random(1), start_90k=START_90K, seconds=1):
            of.take(Batch(made.start_90k.to_bytes(8, "big") + made.data, made.start_90k, made.is_key, 1, 0))
        of.take(Batch(bytes(8) + b"not a fragment of ours", START_90K, True, 1, 0))
        assert len(one.framed) == 5
        assert all(a is b for a, b in zip(one.framed, two.framed, strict=True))
        last = one.framed[-1]
        assert int.from_bytes(last[8:12], "big") == (START_90K + 4 * 18_000) & 0xFFFFFFFF

    asyncio.run(story())


def test_short_absence_cuts_nobody_and_a_long_one_does() -> None:
    async def story() -> None:
        of, clock = source()
        of.start(STREAM)
        mount = await of.mount(within_s=1)
        reader = Connection()
        mount.attach(reader)  # type: ignore[arg-type]
        of.away(AWAY)
        clock.pass_time(30)
        of.let_go_of_the_silent()
        assert not reader.is_closed
        of.start(STREAM)
        assert await of.mount(within_s=1) is mount
        of.away(AWAY)
        of.away(AWAY)
        clock.pass_time(AWAY_MAX_S + 1)
        of.let_go_of_the_silent()
        assert reader.is_closed
        with pytest.raises(TimedOut):
            await of.mount(within_s=0.01)

    asyncio.run(story())


def test_new_parameter_sets_are_described_and_another_codec_lets_readers_come_anew() -> None:
    async def story() -> None:
        of, _ = source()
        of.start(STREAM)
        mount = await of.mount(within_s=1)
        reader = Connection()
        mount.attach(reader)  # type: ignore[arg-type]
        other = VideoFormat("h264", 8, 8, (*FORMAT.parameter_sets[:1], b"\x68\x01"))
        of.start(Stream(other, b"", ""))
        assert mount.format is other
        assert not reader.is_closed
        of.start(Stream(VideoFormat("h265", 8, 8, ()), b"", ""))
        assert reader.is_closed
        assert await of.mount(within_s=1) is not mount

    asyncio.run(story())
