"""The police's software at our relay: real players, a real upstream, passwords, grants and the journal."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator

import pytest

from beket.access.journal import Event, Filter
from beket.access.permit import Actor
from beket.access.roles import Role
from beket.app.wiring.relay import PoliceDoor
from beket.kernel.clock import SystemClock
from beket.kernel.errors import BeketError
from beket.kernel.ids import UserId
from beket.kernel.secrets import Secret
from beket.media.rtsp.client import connect
from beket.media.rtsp.digest import Credentials
from beket.media.rtsp.session import make_scratch
from beket.testing.process import ProgramFailed, output_of
from vms.relay.relay import Relay

CLOCK = SystemClock()
OFFICER = "patrol"


class Station:
    """A village with a relay and one officer who holds a password and a grant for the gate."""

    def __init__(self, village, relay: Relay, door: PoliceDoor, password: Secret) -> None:
        self.village = village
        self.relay = relay
        self.door = door
        self.password = password

    def url(self, camera: str = "gate", *, login: str = OFFICER, password: str = "") -> str:
        return f"rtsp://{login}:{password or self.password.reveal()}@127.0.0.1:{self.relay.port}/{camera}"

    def police(self, login: str, cameras: list[str]) -> str:
        self.village.person(login, role=Role.POLICE, cameras=cameras)
        password = self.village.access.relay_passwords.renew(self.village.access.users.find(login), by="test")
        self.door.refresh()
        return password.reveal()

    def journal(self, action: str) -> list[Event]:
        reader = Actor(user=UserId("a"), login="a", role=Role.AUDITOR, reason="перевірка журналу")
        return [entry.event for entry in self.village.access.journal.read(reader, Filter(action=action))]


@contextlib.asynccontextmanager
async def station(village, *, check_every_s: float = 15) -> AsyncIterator[Station]:
    async with village() as there:
        there.person(OFFICER, role=Role.POLICE, cameras=["gate", "yard"])
        password = there.access.relay_passwords.renew(there.access.users.find(OFFICER), by="test")
        door = PoliceDoor(there.access, there.known)
        door.refresh()
        relay = Relay(
            there.live.hub, door, host="127.0.0.1", port=0, clock=CLOCK, check_every_s=check_every_s,
            picture_within_s=2,
        )  # fmt: skip
        serving = asyncio.create_task(relay.run())
        while not relay.port:
            await asyncio.sleep(0.01)
        try:
            yield Station(there, relay, door, password)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def call(*argv: str, within_s: float = 30) -> str:
    return await asyncio.to_thread(output_of, *argv, within_s=within_s)


async def condition(holds, *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.05)


def ffprobe(url: str, *more: str) -> tuple[str, ...]:
    return ("ffprobe", "-v", "error", "-rtsp_transport", "tcp", *more, "-i", url)


@pytest.mark.needs("ffprobe")
def test_ffprobe_plays_and_the_journal_has_the_look_and_its_end(village) -> None:
    async def story() -> None:
        async with station(village) as here:
            entries = "stream=codec_name,width,height"
            assert (await call(*ffprobe(here.url(), "-show_entries", entries, "-of", "csv=p=0"))).strip() == (
                "h264,640,360"
            )
            (look,) = here.journal("view-live")
            assert (look.actor, look.subject, look.grant) == (f"user:{OFFICER}", "gate", f"G-{OFFICER}")
            assert look.about_police
            assert look.details["allowed"]
            await condition(lambda: here.journal("end-view-live"))
            (end,) = here.journal("end-view-live")
            assert end.about_police
            assert end.details["via"] == "relay"

    asyncio.run(story())


@pytest.mark.needs("gst-launch-1.0")
def test_gstreamer_decodes_what_the_relay_sends(village) -> None:
    async def story() -> None:
        async with station(village) as here:
            told = await call(
                "gst-launch-1.0", "-v", "rtspsrc", f"location={here.url()}", "protocols=tcp", "!", "rtph264depay",
                "!", "h264parse", "!", "identity", "eos-after=25", "!", "fakesink", "silent=false",
            )  # fmt: skip
            assert len(re.findall(r"last-message = chain ", told)) >= 24
            assert "width=(int)640" in told

    asyncio.run(story())


@pytest.mark.needs("ffprobe")
def test_whoever_may_not_look_gets_nothing(village) -> None:
    async def story() -> None:
        async with station(village) as here:
            other = here.police("other", [])
            for url, why in (
                (here.url(password="wrong"), "401"),
                (here.url(login="nobody"), "401"),
                (here.url(login="other", password=other), "403"),
                (here.url("nowhere"), "404"),
                (here.url("../gate"), "404"),
            ):
                with pytest.raises(ProgramFailed, match=why):
                    await call(*ffprobe(url))
            assert here.village.number("live_watched_cameras") == 0
            (refused,) = here.journal("view-live")
            assert (refused.actor, refused.details["allowed"]) == ("user:other", False)
            old = here.password.reveal()
            here.village.access.relay_passwords.renew(here.village.access.users.find(OFFICER), by="test")
            here.door.refresh()
            with pytest.raises(ProgramFailed, match="401"):
                await call(*ffprobe(here.url(password=old)))

    asyncio.run(story())


@pytest.mark.needs("ffprobe")
def test_camera_that_is_away_is_refused_for_now_and_a_reader_outlasts_a_short_absence(village) -> None:
    async def story() -> None:
        async with station(village) as here:
            with pytest.raises(ProgramFailed, match="503"):
                await call(*ffprobe(here.url("yard")))
            units = Units(here)
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(units.read())
                await condition(lambda: units.count > 3)
                here.village.camera.switch_off()
                await condition(lambda: not here.village.camera.is_serving)
                await asyncio.sleep(2)
                before = units.count
                here.village.camera.switch_on()
                await condition(lambda: units.count > before + 10, within_s=20)
                reading.cancel()
            assert not units.lost_the_session
            assert len(here.journal("end-view-live")) == 1  # of the camera that was away; the reader is still there

    asyncio.run(story())


def test_withdrawn_grant_cuts_the_reader(village) -> None:
    async def story() -> None:
        async with station(village, check_every_s=0.2) as here:
            units = Units(here)
            reading = asyncio.create_task(units.read())
            await condition(lambda: units.count > 3)
            await asyncio.to_thread(here.village.access.users.revoke_grant, f"G-{OFFICER}", reason="test", by="test")
            await asyncio.wait_for(reading, 10)
            assert units.lost_the_session

    asyncio.run(story())


class Units:
    """Our own RTSP client at the relay."""

    def __init__(self, here: Station) -> None:
        self._here = here
        self.count = 0
        self.lost_the_session = False

    async def read(self) -> None:
        scratch = make_scratch()
        url = f"rtsp://127.0.0.1:{self._here.relay.port}/gate"
        session = await connect(url, credentials=Credentials(OFFICER, self._here.password), clock=CLOCK)
        try:
            while True:
                await asyncio.sleep(0.02)
                # Our client takes silence of 8 s for a dead camera; the police's may be more patient.
                self.count += len(session.drain(scratch, mono_ns=CLOCK.mono_ns()))
        except BeketError:
            self.lost_the_session = True
        finally:
            session.close()
