import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agents.network import metrics
from agents.network.traps import HEARD_PER_S, Traps
from beket.kernel.clock import SystemClock
from beket.kernel.errors import InvalidConfig
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import SecretFolder
from beket.testing.process import free_udp_port

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
SCHOOL = SiteId("school")
V3 = ("-v", "3", "-u", "olena", "-l", "authPriv", "-a", "SHA-256", "-A", "auth-auth", "-x", "AES", "-X", "priv-priv")
V3_SECRET = (
    'user = "olena"\nauth = "sha256"\nauth_password = "auth-auth"\npriv = "aes128"\npriv_password = "priv-priv"\n'
)
DEVICES = (
    Device(id=DeviceId("switch"), site=SCHOOL, name="Комутатор", address="127.0.0.1:1161", secret="community"),
    Device(id=DeviceId("router"), site=SCHOOL, name="Маршрутизатор", address="127.0.0.3", snmp="v3", secret="user"),
    Device(id=DeviceId("lost"), site=SCHOOL, name="Без імені", address="no-such-name.invalid", secret="none"),
)

pytestmark = pytest.mark.needs("snmptrap")


class Listener:
    """A site that listens, and which devices it was told to ask."""

    def __init__(self, folder: Path) -> None:
        self.port = free_udp_port()
        self.asked: list[str] = []
        self.instruments = Instruments(site=SCHOOL, unit="polling")
        secrets = folder / "secrets"
        secrets.mkdir(mode=0o700)
        for name, content in (("community", "hromada"), ("user", V3_SECRET)):
            (secrets / name).write_text(content)
            (secrets / name).chmod(0o600)
        self.traps = Traps(
            f"127.0.0.1:{self.port}",
            site=SCHOOL,
            secrets=SecretFolder(secrets),
            clock=SystemClock(),
            instruments=self.instruments,
            poll_soon=self.asked.append,
        )

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        self.traps.apply(DEVICES)
        running = asyncio.create_task(self.traps.run())
        while not self.is_open():
            assert not running.done(), running
            await asyncio.sleep(0.05)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def is_open(self) -> bool:
        return f":{self.port:04X} " in Path("/proc/net/udp").read_text()

    async def send(self, program: str, *how: str) -> int:
        sending = await asyncio.create_subprocess_exec(
            program,
            "-t",
            "3",
            "-r",
            "3",
            *how,
            f"127.0.0.1:{self.port}",
            *self._what(how),
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await asyncio.wait_for(sending.wait(), 60)

    def counted(self, name: str) -> float:
        return sum(point.value for point in self.instruments.read(0) if point.name == name)

    @staticmethod
    def _what(how: tuple[str, ...]) -> tuple[str, ...]:
        return (LINK_DOWN, "127.0.0.1", "2", "0", "") if "1" in how else ("", LINK_DOWN)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    "how",
    [
        ("snmptrap", "-v", "1", "-c", "hromada"),
        ("snmptrap", "-v", "2c", "-c", "hromada"),
        ("snmptrap", "-v", "2c", "-c", "not ours"),
        ("snmptrap", "-e", "0x8000000001020304", *V3),
    ],
    ids=["v1", "v2c", "v2c of another community", "v3 of an engine that nobody knows"],
)
def test_any_trap_from_a_known_address_asks_for_a_poll(how: tuple[str, ...], tmp_path: Path) -> None:
    listener = Listener(tmp_path)

    async def story() -> None:
        async with listener.listening():
            assert await listener.send(*how) == 0
            await until(lambda: listener.asked)

    asyncio.run(story())
    assert set(listener.asked) == {"switch"}
    assert listener.counted(metrics.TRAPS_HEARD.name) == len(listener.asked)


@pytest.mark.parametrize("how", [("-v", "2c", "-c", "hromada"), V3], ids=["v2c", "v3"])
def test_informs_are_acknowledged(how: tuple[str, ...], tmp_path: Path) -> None:
    listener = Listener(tmp_path)

    async def story() -> int:
        async with listener.listening():
            return await listener.send("snmpinform", *how)

    assert asyncio.run(story()) == 0
    assert set(listener.asked) == {"switch"}


def test_an_inform_with_a_wrong_community_is_a_hint_but_gets_no_answer(tmp_path: Path) -> None:
    listener = Listener(tmp_path)

    async def story() -> int:
        async with listener.listening():
            sending = await asyncio.create_subprocess_exec(
                "snmpinform", "-t", "1", "-r", "0", "-v", "2c", "-c", "guess", f"127.0.0.1:{listener.port}", "",
                LINK_DOWN,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            return await asyncio.wait_for(sending.wait(), 60)

    assert asyncio.run(story()) != 0
    assert set(listener.asked) == {"switch"}


def test_strangers_are_counted_and_hostile_bytes_do_not_stop_the_listening(tmp_path: Path) -> None:
    listener = Listener(tmp_path)
    rng = random.Random(1)

    async def story() -> None:
        async with listener.listening():
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as stranger:
                stranger.bind(("127.0.0.9", 0))
                stranger.sendto(b"\x30\x00", ("127.0.0.1", listener.port))
            await until(lambda: listener.counted(metrics.TRAPS_STRANGE.name) == 1)
            with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as hostile:
                hostile.bind(("127.0.0.3", 0))
                for _ in range(5 * HEARD_PER_S):
                    hostile.sendto(b"\x30" + rng.randbytes(rng.randrange(200)), ("127.0.0.1", listener.port))
                hostile.sendto(b"GET / HTTP/1.1", ("127.0.0.1", listener.port))
            await until(lambda: listener.asked.count("router") == 5 * HEARD_PER_S)
            assert await listener.send("snmpinform", "-v", "2c", "-c", "hromada") == 0

    asyncio.run(story())
    assert "switch" in listener.asked


def test_a_port_that_is_taken_or_no_address_is_said_in_a_sentence(tmp_path: Path) -> None:
    listener = Listener(tmp_path)

    async def story() -> None:
        listener.traps.apply(DEVICES)
        await listener.traps.run()

    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
        taken.bind(("127.0.0.1", listener.port))
        with pytest.raises(InvalidConfig) as caught:
            asyncio.run(story())
    assert str(listener.port) in caught.value.sentence().uk
    with pytest.raises(InvalidConfig) as caught:
        Traps("127.0.0.1:trap", site=SCHOOL, secrets=SecretFolder(tmp_path), clock=SystemClock(),
              instruments=Instruments(site=SCHOOL, unit="polling"), poll_soon=listener.asked.append)  # fmt: skip
    assert "network.traps" in caught.value.sentence().uk or caught.value.subject == "network.traps"
