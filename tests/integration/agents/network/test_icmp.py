import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from agents.network.icmp import Method, Ping, Pinger
from beket.kernel.clock import SystemClock

pytestmark = pytest.mark.needs("ping")


def with_pinger(work: Callable[[Pinger], Awaitable[Ping]], methods: tuple[Method, ...] = tuple(Method)) -> Ping:
    async def run() -> Ping:
        pinger = Pinger(clock=SystemClock(), rng=random.Random(), methods=methods)
        try:
            return await work(pinger)
        finally:
            pinger.close()

    return asyncio.run(run())


def test_loopback_answers_by_the_best_way_that_is_allowed_and_it_says_which() -> None:
    ping = with_pinger(lambda pinger: pinger.ping("127.0.0.1"))
    assert ping.method in (Method.DATAGRAM, Method.RAW, Method.PROGRAM)
    assert ping.loss_ratio == 0
    assert ping.latency_s is not None
    assert 0 <= ping.latency_s < 0.5


@pytest.mark.parametrize("method", [Method.PROGRAM, Method.TCP])
def test_the_lesser_ways_see_a_living_host_too(method: Method) -> None:
    ping = with_pinger(lambda pinger: pinger.ping("127.0.0.1", count=2), (method,))
    assert ping.method is method
    assert ping.loss_ratio == 0
    assert ping.latency_s is not None


@pytest.mark.parametrize("methods", [tuple(Method), (Method.PROGRAM,), (Method.TCP,)])
@pytest.mark.parametrize("host", ["no-such-host.invalid", "-f", "x" * 300])
def test_a_host_that_is_none_is_a_loss_not_an_error(methods: tuple[Method, ...], host: str) -> None:
    ping = with_pinger(lambda pinger: pinger.ping(host, count=1, timeout_s=0.2), methods)
    assert ping.loss_ratio == 1
    assert ping.latency_s is None


def test_many_hosts_are_told_apart() -> None:
    async def many(pinger: Pinger) -> Ping:
        pings = await asyncio.gather(*(pinger.ping(f"127.0.0.{n}", count=2, gap_s=0.01) for n in range(1, 60)))
        assert all(ping.loss_ratio == 0 for ping in pings)
        return pings[0]

    with_pinger(many)


def test_an_interrupted_ping_leaves_nothing_behind() -> None:
    async def interrupted(pinger: Pinger) -> Ping:
        pinging = asyncio.create_task(pinger.ping("127.0.0.1", count=50, gap_s=0.01))
        await asyncio.sleep(0.05)
        pinging.cancel()
        await asyncio.gather(pinging, return_exceptions=True)
        assert not pinger._waiting
        return await pinger.ping("127.0.0.1", count=1)

    assert with_pinger(interrupted).loss_ratio == 0
