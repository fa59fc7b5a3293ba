"""How long a camera that comes and goes is not recorded, by a clock that is simulated and so exact."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from agents.cameras import camera_unit
from agents.cameras.capture import Capture, Pace
from agents.cameras.stream import Stream
from beket.kernel.clock import NS_PER_S, Clock, SimulatedClock
from beket.kernel.errors import BeketError, NotFound, ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.inventory import AccessClass, Camera
from beket.kernel.secrets import Secret
from beket.kernel.units import TICKS_PER_S, ns_to_90k
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.rtcp import SenderReport
from beket.media.rtsp.client import CONNECT_S
from beket.media.rtsp.digest import Credentials
from tests.unit.agents.cameras.remembering_sink import RememberingSink

SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")
FORMAT = VideoFormat("h264", 1280, 720, (SPS, bytes.fromhex("68ce3c80")))
GATE = Camera(
    id=CameraId("gate"), site=SiteId("council"), name="Ворота", url="rtsp://10.0.0.5/1", purpose="охорона",
    basis="№ 1", retention_days=30, access=AccessClass.STREET, secret="gate",
)  # fmt: skip


class Film:
    """A stream that has a key frame for each tick until it ends with `error` after `lasts_s`."""

    def __init__(self, began_ns: int, *, lasts_s: float, error: BeketError) -> None:
        self.clock_rate = TICKS_PER_S
        self.received_bytes = self.late_packets = 0
        self.sender_report: SenderReport | None = None
        self._format: VideoFormat | None = FORMAT
        self._began_ns, self._ends_ns, self._error = began_ns, began_ns + round(lasts_s * NS_PER_S), error

    def drain(self, scratch: bytearray, *, mono_ns: int) -> list[AccessUnit]:
        if mono_ns >= self._ends_ns:
            raise self._error
        timestamp = ns_to_90k(mono_ns - self._began_ns)
        first, self._format = self._format, None
        return [AccessUnit(bytearray(b"\0\0\0\2\x65\x88"), timestamp, True, 0, first)]

    def close(self) -> None: ...


class Village:
    """Capture of one camera that behaves as `answer(now_s, credentials)` says; that returns or raises at each call."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, answer: Callable[[float, Credentials | None], Awaitable[Film]]
    ) -> None:
        self.clock = SimulatedClock()
        self.sink = RememberingSink()
        self.password = "admin:wrong"
        self.calls_s: list[float] = []
        self._answer = answer
        monkeypatch.setattr(camera_unit, "open_stream", self._open)

    def get(self, name: str) -> Secret:
        return Secret(self.password)

    async def _open(self, url: str, *, credentials: Credentials | None, clock: Clock) -> Stream:
        self.calls_s.append(self.now_s())
        return await self._answer(self.now_s(), credentials)

    def now_s(self) -> float:
        return self.clock.mono_ns() / NS_PER_S

    def film(self, *, lasts_s: float = 1e6, error: BeketError | None = None) -> Film:
        return Film(self.clock.mono_ns(), lasts_s=lasts_s, error=error or Unreachable("cut"))

    def live_for(self, *stretches: float | Callable[[], None]) -> None:
        """Let so many seconds pass; what can be called is, in between."""

        async def story() -> None:
            pace = Pace(idle_tick_s=0.1, rpo_s=600)
            capture = Capture(sink=self.sink, secrets=self, clock=self.clock, rng=random.Random(1), pace=pace)
            capture.apply([GATE])
            running = asyncio.create_task(capture.run())
            for stretch in stretches:
                if callable(stretch):
                    stretch()
                else:
                    await self.clock.advance(stretch)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

        asyncio.run(story())

    def recorded_s(self) -> float:
        return sum(sum(f.duration_90k for f in run) for _, run in self.sink.runs) / TICKS_PER_S

    def first_frame_s(self) -> float:
        return self.sink.runs[0][0] / TICKS_PER_S - 1_700_000_000


@pytest.mark.parametrize("error", [Unreachable("cut"), ProtocolError("garbage"), TimedOut("silent")])
def test_camera_that_drops_every_three_seconds_for_ten_minutes_is_waited_for_a_fifth_of_the_time(
    monkeypatch: pytest.MonkeyPatch, error: BeketError
) -> None:
    async def answer(now_s: float, credentials: Credentials | None) -> Film:
        return village.film(lasts_s=3, error=error)

    village = Village(monkeypatch, answer)
    village.live_for(600)
    assert village.recorded_s() > 0.8 * 600
    assert len(village.calls_s) > 150


@pytest.mark.parametrize("is_without_power", [False, True])
@pytest.mark.parametrize("away_s", [1, 60, 1000])
def test_camera_is_recorded_two_seconds_after_its_return_however_long_it_was_away(
    monkeypatch: pytest.MonkeyPatch, is_without_power: bool, away_s: float
) -> None:
    async def answer(now_s: float, credentials: Credentials | None) -> Film:
        if is_without_power and now_s < away_s:  # the kernel asks again after a second; then we give up
            await village.clock.sleep(1)
            if village.now_s() < away_s:
                await village.clock.sleep(CONNECT_S - 1)
                raise Unreachable("no answer")
        elif now_s < away_s:
            raise Unreachable("refused")
        return village.film()

    village = Village(monkeypatch, answer)
    village.live_for(away_s + 5)
    assert away_s <= village.first_frame_s() <= away_s + 2
    assert len(village.calls_s) <= 2 + (away_s + 5) / 0.6


@pytest.mark.parametrize("error", [ProtocolError("garbage"), NotFound("no such stream")])
def test_camera_that_answers_and_refuses_is_asked_ever_more_rarely_but_each_six_seconds(
    monkeypatch: pytest.MonkeyPatch, error: BeketError
) -> None:
    async def answer(now_s: float, credentials: Credentials | None) -> Film:
        if now_s < 300:
            raise Unreachable("off")
        if now_s < 600:
            raise error  # a camera that boots says such things
        return village.film()

    village = Village(monkeypatch, answer)
    village.live_for(610)
    assert 600 <= village.first_frame_s() <= 600 + 5 * 1.25 + 0.1
    assert sum(300 <= at_s < 600 for at_s in village.calls_s) <= 300 / 5 + 4


def test_refused_password_is_not_repeated_and_a_corrected_one_is_tried_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def answer(now_s: float, credentials: Credentials | None) -> Film:
        assert credentials is not None
        if credentials.password != Secret("right"):
            raise Unauthenticated("wrong")
        return village.film()

    def correct() -> None:
        village.password = "admin:right"

    village = Village(monkeypatch, answer)
    village.live_for(3600.2, correct, 1.2)
    assert len(village.calls_s) == 6 + 1  # six an hour, so that no camera locks the login; then the right one
    assert village.recorded_s() > 0
