"""One suite for every back end of SNMP: what our engine reads, pysnmp reads the same, and the other way round."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator

import pytest

from agents.network.snmp.backends import Backends
from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.codec import Version
from agents.network.snmp.credentials import Auth, Priv, V3User
from agents.network.snmp.engine import UdpEngine
from agents.network.snmp.oid import parse_oid
from agents.network.snmp.port import SilentToUser, SnmpPort, Target, Walk
from agents.network.snmp.pysnmp_backend import PysnmpBackend
from agents.network.snmp.usm import Refused, Report
from beket.kernel.clock import SystemClock
from beket.kernel.errors import InvalidArgument, TimedOut, Unreachable
from beket.kernel.secrets import Secret
from beket.testing.process import free_udp_port
from beket.testing.snmpd import Snmpd, snmpd, v3_user

pytestmark = pytest.mark.needs("snmpd")

NAME, UPTIME = parse_oid("1.3.6.1.2.1.1.5.0"), parse_oid("1.3.6.1.2.1.1.3.0")
NO_SUCH = parse_oid("1.3.6.1.4.1.99999.1.0")
IF_DESCR, IF_TYPE, IF_SPEED, IF_PHYS = (parse_oid(f"1.3.6.1.2.1.2.2.1.{column}") for column in (2, 3, 5, 6))
SIGN, SEAL = Secret("signing-words"), Secret("sealing-words")
NET_SNMP = {
    Auth.MD5: "MD5",
    Auth.SHA1: "SHA",
    Auth.SHA256: "SHA-256",
    Priv.DES: "DES",
    Priv.AES128: "AES",
    Priv.AES192: "AES-192",
    Priv.AES256: "AES-256",
    Priv.AES192_CISCO: "AES-192-C",
    Priv.AES256_CISCO: "AES-256-C",
}
BOTH = V3User("both", Auth.SHA256, SIGN, Priv.AES128, SEAL)
OLD = V3User("old", Auth.MD5, SIGN, Priv.DES, SEAL)
OLDER = [
    V3User("md5", Auth.MD5, SIGN),
    OLD,
    V3User("md5-aes", Auth.MD5, SIGN, Priv.AES128, SEAL),
    V3User("aes192", Auth.SHA256, SIGN, Priv.AES192, SEAL),
    V3User("aes256", Auth.SHA256, SIGN, Priv.AES256, SEAL),
    V3User("aes256c", Auth.SHA256, SIGN, Priv.AES256_CISCO, SEAL),
]


def line(user: V3User) -> str:
    sealing = (NET_SNMP[user.priv], SEAL.reveal()) if user.priv_password else ()
    return v3_user(user.name, NET_SNMP[user.auth], SIGN.reveal(), *sealing)


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd(extra_config="".join(map(line, [BOTH, *OLDER]))) as running:
        yield running


def target(agent: Snmpd, user: V3User, port: int = 0) -> Target:
    return Target(agent.host, port or agent.port, Version.V3, user=user, timeout_s=0.5)


Make = Callable[[], "UdpEngine | PysnmpBackend | Backends"]


def ours() -> UdpEngine:
    return UdpEngine(clock=SystemClock(), rng=random.Random())


def pysnmp() -> PysnmpBackend:
    return PysnmpBackend(clock=SystemClock())


def either() -> Backends:
    return Backends(clock=SystemClock(), rng=random.Random())


def ask(make: Make, work: Callable[[SnmpPort], Awaitable[object]]) -> object:
    async def run() -> object:
        backend = make()
        try:
            return await work(backend)
        finally:
            backend.close()

    return asyncio.run(run())


BACK_ENDS = pytest.mark.parametrize("make", [ours, pysnmp])


@BACK_ENDS
def test_scalars_come_and_absent_ones_are_left_out(agent: Snmpd, make: Make) -> None:
    values = ask(make, lambda snmp: snmp.get(target(agent, BOTH), [UPTIME, NO_SUCH, NAME]))
    assert isinstance(values, dict)
    assert values.keys() == {UPTIME, NAME}
    assert values[NAME] == b"switch-council"
    assert isinstance(values[UPTIME], int)


@BACK_ENDS
def test_a_wrong_user_is_told_apart(agent: Snmpd, make: Make) -> None:
    for user, report in (
        (V3User("nobody", Auth.SHA256, SIGN), Report.UNKNOWN_USER),
        (V3User("both", Auth.SHA256, Secret("other-words"), Priv.AES128, SEAL), Report.WRONG_DIGEST),
    ):
        with pytest.raises(Refused) as caught:
            ask(make, lambda snmp, user=user: snmp.get(target(agent, user), [NAME]))
        assert caught.value.report is report


@BACK_ENDS
def test_a_device_that_is_away_is_silent_or_unreachable(agent: Snmpd, make: Make) -> None:
    with pytest.raises((TimedOut, Unreachable)) as caught:
        ask(make, lambda snmp: snmp.get(target(agent, BOTH, free_udp_port()), [NAME]))
    assert not isinstance(caught.value, SilentToUser)
    walked = ask(make, lambda snmp: snmp.walk(Target("no-such-host.invalid", version=Version.V3, user=BOTH), [NAME]))
    assert isinstance(walked, Walk)
    assert isinstance(walked.error, Unreachable)


def test_both_walk_a_table_to_the_same_values(agent: Snmpd) -> None:
    walks = [
        ask(make, lambda snmp: snmp.walk(target(agent, BOTH), [IF_DESCR, NO_SUCH, IF_TYPE, IF_SPEED, IF_PHYS]))
        for make in (ours, pysnmp)
    ]
    assert walks[0] == walks[1]
    assert isinstance(walks[0], Walk)
    assert walks[0].error is None
    assert b"lo" in walks[0].columns[0].values()


@pytest.mark.parametrize("user", OLDER, ids=lambda user: user.name)
def test_older_algorithms_are_read_through_pysnmp(agent: Snmpd, user: V3User) -> None:
    async def read(snmp: SnmpPort) -> None:
        assert await snmp.get(target(agent, user), [NAME]) == {NAME: b"switch-council"}
        walked = await snmp.walk(target(agent, user), [IF_DESCR])
        assert walked.error is None
        assert b"lo" in walked.columns[0].values()

    ask(either, read)


def test_users_of_one_name_and_other_passwords_do_not_mix(agent: Snmpd) -> None:
    async def read(snmp: SnmpPort) -> None:
        wrong = V3User("old", Auth.MD5, Secret("other-words"), Priv.DES, SEAL)
        assert await snmp.get(target(agent, OLD), [NAME])
        with pytest.raises(Refused):
            await snmp.get(target(agent, wrong), [NAME])
        assert await snmp.get(target(agent, OLD), [NAME])

    ask(either, read)


def test_a_wrong_sealing_password_is_not_mistaken_for_a_dead_device(agent: Snmpd) -> None:
    wrong = V3User("old", Auth.MD5, SIGN, Priv.DES, Secret("other-words"))
    with pytest.raises((SilentToUser, Refused)) as caught:
        ask(either, lambda snmp: snmp.get(target(agent, wrong), [NAME]))
    assert "priv_password" in caught.value.sentence().uk


def test_pysnmp_without_a_user_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        ask(pysnmp, lambda snmp: snmp.get(Target("127.0.0.1", version=Version.V3), [NAME]))


def test_what_a_device_bears_is_remembered_for_both(agent: Snmpd) -> None:
    memory = BulkMemory(SystemClock(), full_varbinds=3)

    def make() -> PysnmpBackend:
        return PysnmpBackend(clock=SystemClock(), memory=memory)

    walked = ask(make, lambda snmp: snmp.walk(target(agent, BOTH), [IF_DESCR, IF_TYPE]))
    assert isinstance(walked, Walk)
    assert walked.error is None
    assert len(walked.columns[0]) == len(walked.columns[1]) > 1
