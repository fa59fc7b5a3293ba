"""The police's software at our relay: real players, a real upstream, passwords, grants and the journal."""

import asyncio
import contextlib
import hashlib
import re
import struct
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
                await condition(lambda: units.count > before + 10, within_s=60)
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


def test_dialogue_of_vlc_plays_word_for_word(village) -> None:
    """VLC's own RTSP library is in no registry (Debian builds VLC without it); this is what it says, in its order: MD5
    of the oldest kind, UDP first, the base address with its slash, a question to keep alive."""

    async def story() -> None:
        async with station(village) as here:
            vlc = await Vlc.call(f"rtsp://127.0.0.1:{here.relay.port}/gate", OFFICER, here.password)
            assert "GET_PARAMETER" in (await vlc.ask("OPTIONS", vlc.url))[1]["public"]
            status, fields, sdp = await vlc.ask("DESCRIBE", vlc.url, "Accept: application/sdp")
            base = fields["content-base"]
            track = base + re.findall(r"a=control:(\S+)", sdp)[-1]
            by_udp = "Transport: RTP/AVP;unicast;client_port=51000-51001"
            assert (status, (await vlc.ask("SETUP", track, by_udp))[0]) == (200, 461)
            status, fields, _ = await vlc.ask("SETUP", track, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            session = f"Session: {fields['session'].partition(';')[0]}"
            assert status == 200
            assert (await vlc.ask("PLAY", base, session, "Range: npt=0.000-"))[0] == 200
            assert await vlc.packets(20) >= 20
            assert (await vlc.ask("GET_PARAMETER", base, session))[0] == 200
            assert (await vlc.ask("TEARDOWN", base, session))[0] == 200
            await condition(lambda: here.journal("end-view-live"))
            await vlc.hang_up()

    asyncio.run(story())


class Vlc:
    """The requests of LIVE555 2016.11.28 inside VLC 3, and nothing of its decoders."""

    def __init__(self, url: str, login: str, password: Secret, reader, writer) -> None:
        self.url = url
        self._login, self._password = login, password
        self._reader, self._writer = reader, writer
        self._challenge: dict[str, str] = {}
        self._cseq = 1

    @classmethod
    async def call(cls, url: str, login: str, password: Secret) -> "Vlc":
        port = int(re.findall(r":(\d+)/", url)[0])
        return cls(url, login, password, *await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, method: str, url: str, *fields: str) -> tuple[int, dict[str, str], str]:
        status, answer, body = await self._ask_once(method, url, *fields)
        if status == 401:
            # It reads the first challenge that it can, by the letter, and takes no heed of algorithm and qop.
            self._challenge = dict(re.findall(r'(realm|nonce)="([^"]*)"', answer["www-authenticate"]))
            status, answer, body = await self._ask_once(method, url, *fields)
        return status, answer, body

    async def hang_up(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def packets(self, wanted: int) -> int:
        """How many RTP packets came on the channel of the pictures."""
        async with asyncio.timeout(10):
            count = 0
            while count < wanted:
                sign, channel, size = struct.unpack(">cBH", await self._reader.readexactly(4))
                await self._reader.readexactly(size)
                assert sign == b"$"
                count += channel == 0
            return count

    async def _ask_once(self, method: str, url: str, *fields: str) -> tuple[int, dict[str, str], str]:
        self._cseq += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._cseq}", *self._authorization(method, url)]
        lines += ["User-Agent: LibVLC/3.0.23 (LIVE555 Streaming Media v2016.11.28)", *fields, "", ""]
        self._writer.write("\r\n".join(lines).encode())
        async with asyncio.timeout(10):
            head = await self._head()
            first, *rest = head.split("\r\n")
            answer: dict[str, str] = {}
            for name, _, value in (line.partition(": ") for line in rest):
                if value and not (name.lower() == "www-authenticate" and "MD5" not in value):
                    answer[name.lower()] = value
            body = await self._reader.readexactly(int(answer.get("content-length", 0)))
        assert answer["cseq"] == str(self._cseq)
        return int(first.split()[1]), answer, body.decode()

    async def _head(self) -> str:
        while (begun := await self._reader.readexactly(1)) == b"$":  # pictures go on between answers
            _, size = struct.unpack(">BH", await self._reader.readexactly(3))
            await self._reader.readexactly(size)
        return (begun + await self._reader.readuntil(b"\r\n\r\n")).decode()

    def _authorization(self, method: str, url: str) -> list[str]:
        if not self._challenge:
            return []
        realm, nonce = self._challenge["realm"], self._challenge["nonce"]
        ha1, ha2 = _md5(f"{self._login}:{realm}:{self._password.reveal()}"), _md5(f"{method}:{url}")
        response = _md5(f"{ha1}:{nonce}:{ha2}")
        who = f'username="{self._login}", realm="{realm}", nonce="{nonce}"'
        return [f'Authorization: Digest {who}, uri="{url}", response="{response}"']


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


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
