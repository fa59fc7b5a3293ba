import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from agents.network.device_poll import DevicePolls, Reading
from agents.network.icmp import Pinger
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.snmp.codec import Version
from agents.network.snmp.credentials import Auth, Priv, V3User
from agents.network.snmp.engine import UdpEngine
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import SilentToUser, Target
from agents.network.snmp.usm import Refused, Report
from beket.kernel.clock import SystemClock
from beket.kernel.errors import BeketError, InvalidArgument, TimedOut
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Catalogue
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.testing.process import free_udp_port
from beket.testing.snmpd import Snmpd, snmpd, v3_user

pytestmark = pytest.mark.needs("snmpd")

NAME, SYSTEM = parse_oid("1.3.6.1.2.1.1.5.0"), parse_oid("1.3.6.1.2.1.1")
SIGN, SEAL = Secret("signing-words"), Secret("sealing-words")
NET_SNMP_NAMES = {
    Auth.SHA1: "SHA",
    Auth.SHA224: "SHA-224",
    Auth.SHA256: "SHA-256",
    Auth.SHA384: "SHA-384",
    Auth.SHA512: "SHA-512",
}
USERS = [
    V3User("u-none"),
    *(V3User(f"u-{auth}", auth, SIGN) for auth in NET_SNMP_NAMES),
    *(V3User(f"u-{auth}-aes", auth, SIGN, Priv.AES128, SEAL) for auth in NET_SNMP_NAMES),
]


def line(user: V3User) -> str:
    return v3_user(
        user.name,
        NET_SNMP_NAMES.get(user.auth, ""),
        SIGN.reveal() if user.auth_password else "",
        "AES" if user.priv_password else "",
        SEAL.reveal() if user.priv_password else "",
    )


CONFIG = "".join(map(line, USERS))
SAFE = USERS[-1]


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd(extra_config=CONFIG) as running:
        yield running


def ask(work: Callable[[UdpEngine], Awaitable[object]], odd: Counter[str] | None = None) -> object:
    async def run() -> object:
        counted = odd if odd is not None else Counter()
        engine = UdpEngine(clock=SystemClock(), rng=random.Random(), on_odd=lambda why: counted.update([why]))
        try:
            return await work(engine)
        finally:
            engine.close()

    return asyncio.run(run())


def target(agent: Snmpd, user: V3User) -> Target:
    return Target(agent.host, agent.port, Version.V3, user=user, timeout_s=0.2)


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_a_device_is_read_with_every_way_of_signing_and_sealing(agent: Snmpd, user: V3User) -> None:
    async def read(engine: UdpEngine) -> None:
        assert await engine.get(target(agent, user), [NAME]) == {NAME: b"switch-council"}
        walk = await engine.walk(target(agent, user), [SYSTEM])
        assert walk.error is None
        assert len(walk.columns[0]) > 10

    ask(read)


@pytest.mark.parametrize(
    ("user", "report", "word"),
    [
        (V3User("nobody", Auth.SHA256, SIGN), Report.UNKNOWN_USER, "user"),
        (V3User("u-sha256", Auth.SHA256, Secret("other-words")), Report.WRONG_DIGEST, "auth_password"),
        (V3User("u-sha256", Auth.SHA1, SIGN), Report.WRONG_DIGEST, "auth"),
        (V3User("u-sha256", Auth.SHA256, SIGN, Priv.AES128, SEAL), Report.UNSUPPORTED_LEVEL, "priv"),
    ],
)
def test_a_refusal_says_what_to_check_and_never_the_password(
    agent: Snmpd, user: V3User, report: Report, word: str
) -> None:
    async def twice(engine: UdpEngine) -> None:
        for _ in range(2):
            with pytest.raises(Refused) as caught:
                await engine.get(target(agent, user), [NAME])
            assert caught.value.report is report
            sentence = caught.value.sentence()
            assert word in sentence.uk
            assert "words" not in sentence.uk + sentence.en

    ask(twice)


def test_a_wrong_sealing_password_is_not_mistaken_for_a_dead_device(agent: Snmpd) -> None:
    wrong = V3User(SAFE.name, SAFE.auth, SIGN, Priv.AES128, Secret("other-words"))
    with pytest.raises(SilentToUser) as caught:
        ask(lambda engine: engine.get(target(agent, wrong), [NAME]))
    assert "priv_password" in caught.value.sentence().uk


def test_a_dead_device_is_silent_as_under_any_version(agent: Snmpd) -> None:
    odd = Counter[str]()
    with pytest.raises(BeketError) as caught:
        ask(lambda engine: engine.get(Target("127.0.0.1", free_udp_port(), Version.V3, user=SAFE), [NAME]), odd)
    assert not isinstance(caught.value, SilentToUser | Refused)


def test_an_algorithm_that_this_engine_does_not_speak_is_refused_before_anything_is_sent(agent: Snmpd) -> None:
    for user in (V3User("u", Auth.MD5, SIGN), V3User("u", Auth.SHA1, SIGN, Priv.DES, SEAL), None):
        with pytest.raises(InvalidArgument):
            ask(lambda engine, user=user: engine.get(Target("127.0.0.1", 9, Version.V3, user=user), [NAME]))


def test_many_questions_at_once_share_what_is_known_of_the_device(agent: Snmpd) -> None:
    async def many(engine: UdpEngine) -> list[object]:
        return await asyncio.gather(*(engine.get(target(agent, SAFE), [NAME]) for _ in range(50)))

    assert ask(many) == [{NAME: b"switch-council"}] * 50


def test_a_device_that_restarts_is_read_on(tmp_path: Path) -> None:
    # The same engine with one start more: what we knew of its clock is out of its window.
    port = free_udp_port()

    async def story(engine: UdpEngine) -> None:
        asked = Target("127.0.0.1", port, Version.V3, user=SAFE, timeout_s=0.5, attempts=3)
        for _ in range(2):
            with snmpd(extra_config=CONFIG, port=port, state=tmp_path):
                assert await engine.get(asked, [NAME]) == {NAME: b"switch-council"}

    ask(story)


def test_a_device_that_was_replaced_is_read_on(tmp_path: Path) -> None:
    port = free_udp_port()

    async def story(engine: UdpEngine) -> None:
        asked = Target("127.0.0.1", port, Version.V3, user=SAFE, timeout_s=0.5, attempts=3)
        for name in ("old", "new"):
            with snmpd(extra_config=CONFIG + f"engineID {name}\n", port=port, sys_name=name):
                assert await engine.get(asked, [NAME]) == {NAME: name.encode()}

    ask(story)


# As a poll uses it ----------------------------------------------------------------------------------------------------


SECRET_FILE = f"""
user = "{SAFE.name}"
auth = "{SAFE.auth}"
auth_password = "{SIGN.reveal()}"
priv = "aes128"
priv_password = "{SEAL.reveal()}"
"""


def poll(folder: Path, text: str, address: str) -> Reading:
    write_secret_file(folder / "snmp-school", Secret(text))
    device = Device(
        id=DeviceId("sw"),
        site=SiteId("school"),
        name="Комутатор",
        address=address,
        snmp="v3",
        secret="snmp-school",
    )

    async def run() -> Reading:
        clock, rng = SystemClock(), random.Random()
        engine, pinger = UdpEngine(clock=clock, rng=rng), Pinger(clock=clock, rng=rng)
        try:
            polls = DevicePolls(
                snmp=engine,
                pinger=pinger,
                modules=load_shipped(Catalogue(METRICS)),
                secrets=SecretFolder(folder),
                clock=clock,
                timeout_s=0.2,
                ping_proves_life=False,
            )
            return await polls.poll(device)
        finally:
            engine.close()
            pinger.close()

    return asyncio.run(run())


def test_a_poll_takes_its_user_from_the_secret_file(agent: Snmpd, tmp_path: Path) -> None:
    reading = poll(tmp_path, SECRET_FILE, agent.address)
    assert reading.error is None
    assert reading.facts["name"] == "switch-council"
    assert {"lo"} <= {port.name for port in reading.ports}


@pytest.mark.parametrize(
    "wrong", [SECRET_FILE.replace("sealing", "leaking"), SECRET_FILE.replace("signing", "singing")]
)
def test_a_device_that_will_not_have_our_user_is_alive(agent: Snmpd, tmp_path: Path, wrong: str) -> None:
    reading = poll(tmp_path, wrong, agent.address)
    assert reading.is_up
    assert not reading.snmp_is_up
    assert reading.error is not None
    assert "password" in reading.error.sentence().uk


def test_a_device_that_is_away_is_told_as_ever(tmp_path: Path) -> None:
    reading = poll(tmp_path, SECRET_FILE, "no-such-host.invalid")
    assert not reading.is_up
    assert isinstance(reading.error, TimedOut)
