import asyncio
import contextlib
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from agents.network.snmp import ber, codec
from agents.network.snmp.engine import UdpEngine
from agents.network.snmp.oid import format_oid, parse_oid
from agents.network.snmp.port import Target, Walk
from beket.kernel.clock import SystemClock
from beket.kernel.errors import BeketError, ProtocolError, TimedOut, Unreachable
from beket.kernel.secrets import Secret
from beket.testing.process import free_udp_port, output_of
from beket.testing.snmpd import Snmpd, snmpd

UPTIME, NAME = parse_oid("1.3.6.1.2.1.1.3.0"), parse_oid("1.3.6.1.2.1.1.5.0")
IF_DESCR, IF_IN = parse_oid("1.3.6.1.2.1.2.2.1.2"), parse_oid("1.3.6.1.2.1.2.2.1.10")
NO_SUCH = parse_oid("1.3.6.1.4.1.99999.1.0")

pytestmark = pytest.mark.needs("snmpd", "snmpwalk")


def ask(
    work: Callable[[UdpEngine], Awaitable[object]], odd: Counter[str] | None = None, rows_max: int = 20_000
) -> object:
    async def run() -> object:
        counted = odd if odd is not None else Counter()
        engine = UdpEngine(
            clock=SystemClock(), rng=random.Random(), on_odd=lambda why: counted.update([why]), rows_max=rows_max
        )
        try:
            return await work(engine)
        finally:
            engine.close()

    return asyncio.run(run())


def walk(target: Target, columns: list[bytes], odd: Counter[str] | None = None, rows_max: int = 20_000) -> Walk:
    result = ask(lambda engine: engine.walk(target, columns), odd, rows_max)
    assert isinstance(result, Walk)
    return result


# Against the real agent -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd(community="dolyna-read") as running:
        yield running


def target_of(agent: Snmpd, version: codec.Version) -> Target:
    return Target(agent.host, agent.port, version, Secret(agent.community))


@pytest.mark.parametrize("version", [codec.Version.V1, codec.Version.V2C])
def test_scalars_come_and_absent_ones_are_left_out(agent: Snmpd, version: codec.Version) -> None:
    values = ask(lambda engine: engine.get(target_of(agent, version), [UPTIME, NO_SUCH, NAME]))
    assert isinstance(values, dict)
    assert values.keys() == {UPTIME, NAME}
    assert values[NAME] == b"switch-council"
    assert isinstance(values[UPTIME], int)


@pytest.mark.parametrize("version", [codec.Version.V1, codec.Version.V2C])
def test_a_walk_brings_what_net_snmp_brings(agent: Snmpd, version: codec.Version) -> None:
    # Not all of mib-2: its tables of connections change from one walk to the next.
    for dotted in ("1.3.6.1.2.1.1", "1.3.6.1.2.1.2", "1.3.6.1.2.1.31"):
        ours = walk(target_of(agent, version), [parse_oid(dotted)])
        assert ours.error is None
        flag = "-v1" if version is codec.Version.V1 else "-v2c"
        theirs = output_of("snmpwalk", flag, "-c", agent.community, "-On", "-m", "", agent.address, dotted)
        names = re.findall(r"^\.([0-9.]+) = ", theirs, re.MULTILINE)
        assert len(names) > 5
        assert [format_oid(parse_oid(dotted) + index) for index in ours.columns[0]] == names


def test_several_columns_are_walked_together(agent: Snmpd) -> None:
    ours = walk(target_of(agent, codec.Version.V2C), [IF_DESCR, NO_SUCH, IF_IN])
    descriptions, nothing, octets = ours.columns
    assert b"lo" in descriptions.values()
    assert descriptions.keys() == octets.keys()
    assert nothing == {}
    assert ours.error is None


def test_a_wrong_community_is_a_silence_that_says_what_to_check(agent: Snmpd) -> None:
    target = Target(agent.host, agent.port, community=Secret("wrong"), timeout_s=0.1, attempts=2)
    with pytest.raises(TimedOut) as caught:
        ask(lambda engine: engine.get(target, [UPTIME]))
    assert "community" in caught.value.sentence().uk
    assert "wrong" not in caught.value.sentence().uk


def test_a_port_where_nobody_listens_fails_at_once() -> None:
    began_s = time.monotonic()
    with pytest.raises(Unreachable):
        ask(lambda engine: engine.get(Target("127.0.0.1", free_udp_port(), timeout_s=60), [UPTIME]))
    assert time.monotonic() - began_s < 30


def test_a_name_that_is_no_host_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        ask(lambda engine: engine.get(Target("no-such-host.invalid"), [UPTIME]))


def test_a_dead_port_does_not_disturb_others(agent: Snmpd) -> None:
    dead = Target("127.0.0.1", free_udp_port(), timeout_s=5)

    async def both(engine: UdpEngine) -> list[object]:
        good = target_of(agent, codec.Version.V2C)
        calls = [engine.get(dead if i % 2 else good, [UPTIME]) for i in range(40)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = ask(both)
    assert isinstance(results, list)
    assert all(isinstance(result, dict) for result in results[::2])
    assert all(isinstance(result, Unreachable) for result in results[1::2])


# Against agents that misbehave ----------------------------------------------------------------------------------------


class Request:
    """What a responder sees."""

    def __init__(self, data: bytes, number: int) -> None:
        self.data, self.number = data, number
        _, at, _ = ber.open_element(data, 0, ber.TAG_SEQUENCE)
        _, _, at = ber.open_element(data, at, ber.TAG_INTEGER)
        _, _, at = ber.open_element(data, at, ber.TAG_OCTETS)
        self.pdu, at, _ = ber.open_element(data, at, None)
        self.request_id, at = ber.read_number(data, at)
        _, at = ber.read_number(data, at)
        self.repetitions, at = ber.read_number(data, at)
        _, at, end = ber.open_element(data, at, ber.TAG_SEQUENCE)
        self.names = [name for name, _, _ in codec._varbinds(data, at, end)]


def reply(
    request: Request,
    names: list[bytes],
    *,
    request_id: int | None = None,
    status: int = 0,
    value: bytes = b"\x41\x01\x07",
) -> bytes:
    bindings = b"".join(ber.tlv(0x30, ber.tlv(6, name) + value) for name in names)
    chosen = request.request_id if request_id is None else request_id
    numbers = ber.tlv(2, chosen.to_bytes(4)) + b"\x02\x01" + bytes((status,)) + b"\x02\x01\x00"
    head = codec.message_head(codec.Version.V2C, b"public")
    return ber.tlv(0x30, head + ber.tlv(0xA2, numbers + ber.tlv(0x30, bindings)))


def row(n: int) -> bytes:
    return IF_IN + parse_oid(f"1.3.{n}")[1:]


def row_number(name: bytes) -> int:
    return int(format_oid(b"\x2b" + name[len(IF_IN) :]).split(".")[-1]) if name != IF_IN else 0


def honest(request: Request, last: int = 30) -> bytes:
    """Rows 1 to `last`, then the end of the table."""
    start = row_number(request.names[0])
    repetitions = max(1, request.repetitions)
    names = [row(n) if n <= last else parse_oid("1.3.6.1.2.1.99") for n in range(start + 1, start + 1 + repetitions)]
    return reply(request, names)


Behaviour = Callable[[Request, socket.socket, tuple[str, int]], None]


@contextlib.contextmanager
def misbehaving(behave: Behaviour) -> Iterator[Target]:
    """A UDP responder on its own thread, which does to each request what `behave` says."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        ends = threading.Event()

        def serve() -> None:
            for number in range(1, 1_000_000):
                data, address = sock.recvfrom(65_535)
                if ends.is_set():
                    return
                behave(Request(data, number), sock, address)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Target("127.0.0.1", port, timeout_s=0.15, attempts=2, deadline_s=10)
        finally:
            ends.set()
            sock.sendto(b"end", ("127.0.0.1", port))
            thread.join()


def answering(make: Callable[[Request], bytes | None]) -> Behaviour:
    def behave(request: Request, sock: socket.socket, address: tuple[str, int]) -> None:
        data = make(request)
        if data is not None:
            sock.sendto(data, address)

    return behave


def whole(result: Walk, last: int = 30) -> bool:
    return result.error is None and [row_number(IF_IN + index) for index in result.columns[0]] == [*range(1, last + 1)]


@pytest.mark.parametrize("cycle", [[1, 2, 3], [5]])
def test_rows_that_come_round_and_round_end_the_walk_with_what_came(cycle: list[int]) -> None:
    with misbehaving(answering(lambda request: reply(request, [row(n) for n in cycle * 4]))) as target:
        result = walk(target, [IF_IN])
    assert len(result.columns[0]) == len(cycle)
    assert isinstance(result.error, ProtocolError)


def test_a_table_without_end_stops_at_its_bound() -> None:
    with misbehaving(answering(lambda request: honest(request, last=10**9))) as target:
        result = walk(target, [IF_IN], rows_max=500)
    assert 500 < len(result.columns[0]) < 700
    assert isinstance(result.error, ProtocolError)


def test_too_big_is_answered_with_a_smaller_bulk_that_is_remembered() -> None:
    asked: list[int] = []

    def make(request: Request) -> bytes:
        asked.append(request.repetitions)
        return reply(request, [], status=codec.ErrorStatus.TOO_BIG) if request.repetitions > 5 else honest(request)

    with misbehaving(answering(make)) as target:

        async def twice(engine: UdpEngine) -> list[Walk]:
            return [await engine.walk(target, [IF_IN]), await engine.walk(target, [IF_IN])]

        results = ask(twice)
    assert isinstance(results, list)
    assert all(whole(result) for result in results)
    assert asked[:5] == [60, 30, 15, 7, 3]
    assert set(asked[5:]) == {3}


def test_an_agent_that_is_silent_or_cuts_its_answer_when_asked_for_much_is_asked_for_less() -> None:
    for trouble in (lambda request: None, lambda request: honest(request)[:200]):

        def make(request: Request, trouble: Callable[[Request], bytes | None] = trouble) -> bytes | None:
            return trouble(request) if request.repetitions > 5 else honest(request)

        with misbehaving(answering(make)) as target:
            assert whole(walk(target, [IF_IN]))


def test_an_agent_that_always_cuts_its_answers_is_a_protocol_error() -> None:
    odd: Counter[str] = Counter()
    with misbehaving(answering(lambda request: honest(request)[:-3])) as target:
        result = walk(target, [IF_IN], odd)
    assert isinstance(result.error, ProtocolError)
    assert result.columns == [{}]
    assert odd["malformed"] == 3


def test_every_second_datagram_lost_costs_time_only() -> None:
    with misbehaving(answering(lambda request: honest(request) if request.number % 2 == 0 else None)) as target:
        assert whole(walk(target, [IF_IN]))


def test_partial_results_keep_their_reason_when_the_device_falls_silent() -> None:
    def make(request: Request) -> bytes | None:
        return reply(request, [row(n) for n in (1, 2, 3)]) if row_number(request.names[0]) < 3 else None

    with misbehaving(answering(make)) as target:
        result = walk(target, [IF_IN])
    assert len(result.columns[0]) == 3
    assert isinstance(result.error, TimedOut)


def test_answers_to_other_questions_are_ignored_and_counted() -> None:
    odd: Counter[str] = Counter()

    def behave(request: Request, sock: socket.socket, address: tuple[str, int]) -> None:
        sock.sendto(reply(request, [row(999)], request_id=request.request_id ^ 1), address)
        sock.sendto(b"\x30\x03abc", address)
        sock.sendto(honest(request), address)
        sock.sendto(honest(request), address)

    with misbehaving(behave) as target:

        async def walk_and_linger(engine: UdpEngine) -> Walk:
            result = await engine.walk(target, [IF_IN])
            await engine.walk(target, [IF_IN])  # the duplicates of the first arrive at the latest now
            return result

        result = ask(walk_and_linger, odd)
    assert isinstance(result, Walk)
    assert whole(result)
    assert odd["late"] >= 3
    assert odd["malformed"] >= 2


def test_an_answer_from_another_port_of_the_host_counts_and_one_from_another_host_does_not() -> None:
    for source, odd_name, is_taken in (("127.0.0.1", "other-port", True), ("127.0.0.2", "other-host", False)):
        odd: Counter[str] = Counter()

        def behave(request: Request, _: socket.socket, address: tuple[str, int], source: str = source) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind((source, 0))
                other.sendto(honest(request), address)

        with misbehaving(behave) as target:
            result = walk(target, [IF_IN], odd)
        assert whole(result) == is_taken
        assert odd[odd_name] >= 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [(b"\x41\x04\xff\xff\xff\xff", 2**32 - 1), (b"\x46\x08" + b"\xff" * 8, 2**64 - 1), (b"\x12\x02hi", b"hi")],
)
def test_values_that_break_libraries_are_read(value: bytes, expected: object) -> None:
    with misbehaving(answering(lambda request: reply(request, [*request.names], value=value))) as target:
        assert ask(lambda engine: engine.get(target, [UPTIME])) == {UPTIME: expected}


def test_an_empty_answer_is_a_reason_not_an_empty_table() -> None:
    with misbehaving(answering(lambda request: reply(request, []))) as target:
        assert isinstance(walk(target, [IF_IN]).error, ProtocolError)


def test_a_refusal_is_a_protocol_error() -> None:
    with misbehaving(answering(lambda request: reply(request, [], status=16))) as target:
        with pytest.raises(ProtocolError):
            ask(lambda engine: engine.get(target, [UPTIME]))
        assert isinstance(walk(target, [IF_IN]).error, ProtocolError)


def test_scalars_that_are_too_big_together_are_asked_in_halves() -> None:
    def make(request: Request) -> bytes:
        return reply(request, [], status=1) if len(request.names) > 1 else reply(request, request.names)

    with misbehaving(answering(make)) as target:
        assert ask(lambda engine: engine.get(target, [UPTIME, NAME, IF_IN])) == {UPTIME: 7, NAME: 7, IF_IN: 7}


def test_garbage_of_any_kind_never_breaks_the_engine() -> None:
    rng = random.Random(5)

    def behave(request: Request, sock: socket.socket, address: tuple[str, int]) -> None:
        whole_answer = bytearray(honest(request))
        for _ in range(5):
            damaged = bytearray(whole_answer)
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            sock.sendto(damaged[: rng.randrange(len(damaged) + 1)], address)
        sock.sendto(whole_answer, address)

    with misbehaving(behave) as target:

        async def many(engine: UdpEngine) -> list[object]:
            return await asyncio.gather(
                *(engine.get(target, [row(n)]) for n in range(100)),
                *(engine.walk(target, [IF_IN]) for _ in range(10)),
                return_exceptions=True,
            )

        results = ask(many)
    assert isinstance(results, list)
    assert all(isinstance(result, dict | Walk | BeketError) for result in results)
