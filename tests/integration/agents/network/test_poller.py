import asyncio
import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest

from agents.network import metrics
from agents.network.device_poll import DevicePolls, Reading, parse_address
from agents.network.icmp import Pinger
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.poller import Poller, Schedule
from agents.network.snmp.engine import UdpEngine
from beket.kernel.clock import SystemClock
from beket.kernel.errors import InvalidArgument, NoSpace, NotFound, ProtocolError, TimedOut
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Catalogue, Instruments, Point
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.testing.process import free_udp_port, wait_for
from beket.testing.snmpd import Snmpd, snmpd

CATALOGUE = Catalogue(METRICS)

pytestmark = pytest.mark.needs("snmpd", "ping")


@pytest.fixture(scope="module")
def agent() -> Iterator[Snmpd]:
    with snmpd(community="dolyna-read") as running:
        yield running


@pytest.fixture
def secrets(tmp_path: Path) -> SecretFolder:
    write_secret_file(tmp_path / "secrets" / "snmp-school", Secret("dolyna-read"))
    return SecretFolder(tmp_path / "secrets")


class Kept:
    """A sink that keeps points, or refuses them `failures` times first."""

    def __init__(self, failures: int = 0) -> None:
        self.points: list[Point] = []
        self.failures = failures
        self.threads: set[str] = set()

    def put(self, points: Sequence[Point]) -> None:
        self.threads.add(threading.current_thread().name)
        if self.failures:
            self.failures -= 1
            raise NoSpace("the disk is full")
        self.points += points

    def names(self) -> Counter[str]:
        return Counter(point.name for point in self.points)


def device(address: str, *, id: str = "sw", snmp: str = "v2c", secret: str = "snmp-school") -> Device:  # noqa: A002
    return Device(
        id=DeviceId(id), site=SiteId("school"), name="Комутатор школи", address=address, snmp=snmp, secret=secret
    )


@contextlib.asynccontextmanager
async def polls_with(secrets: SecretFolder) -> AsyncIterator[DevicePolls]:
    clock, rng = SystemClock(), random.Random()
    engine, pinger = UdpEngine(clock=clock, rng=rng), Pinger(clock=clock, rng=rng)
    try:
        yield DevicePolls(
            snmp=engine, pinger=pinger, modules=load_shipped(CATALOGUE), secrets=secrets, clock=clock, timeout_s=0.2
        )
    finally:
        engine.close()
        pinger.close()


def poll(secrets: SecretFolder, wanted: Device) -> Reading:
    async def run() -> Reading:
        async with polls_with(secrets) as polls:
            return await polls.poll(wanted)

    return asyncio.run(run())


def values(reading: Reading, name: str) -> list[float]:
    return [point.value for point in reading.points if point.name == name]


def test_a_real_agent_gives_its_system_its_ports_and_no_error(agent: Snmpd, secrets: SecretFolder) -> None:
    reading = poll(secrets, device(agent.address))
    assert reading.error is None
    assert reading.is_up
    assert reading.facts["name"] == "switch-council"
    assert reading.facts["model-oid"].startswith("1.3.6.1.4.1.8072.")
    assert "lo" in {port.name for port in reading.ports}
    lo = {point.name: point.value for point in reading.points if ("port", "lo") in point.labels}
    assert lo["port_up_ratio"] == 1
    assert lo["port_in_bytes_total"] > 0
    assert values(reading, "device_up_ratio") == values(reading, "device_snmp_up_ratio") == [1]
    assert values(reading, "device_ping_loss_ratio") == [0]
    assert all(CATALOGUE.accepts(point) for point in reading.points)
    series = [(point.name, point.labels) for point in reading.points]
    assert len(series) == len(set(series))


def test_an_agent_of_v1_gives_the_short_counters_instead(agent: Snmpd, secrets: SecretFolder) -> None:
    reading = poll(secrets, device(agent.address, snmp="v1"))
    assert reading.error is None
    lo = {point.name: point.value for point in reading.points if ("port", "lo") in point.labels}
    assert lo["port_in_bytes_total"] > 0
    series = [(point.name, point.labels) for point in reading.points]
    assert len(series) == len(set(series))


def test_a_host_without_snmp_is_up_and_says_what_is_missing(secrets: SecretFolder) -> None:
    reading = poll(secrets, device(f"127.0.0.1:{free_udp_port()}"))
    assert reading.is_up
    assert reading.error is not None
    assert values(reading, "device_up_ratio") == [1]
    assert values(reading, "device_snmp_up_ratio") == [0]


def test_a_device_that_is_only_pinged_needs_no_secret(secrets: SecretFolder) -> None:
    reading = poll(secrets, device("127.0.0.1", snmp="off", secret="no-such"))
    assert (reading.is_up, reading.error) == (True, None)
    assert values(reading, "device_snmp_up_ratio") == []


def test_a_dead_device_costs_one_time_out_and_a_sentence_for_people(secrets: SecretFolder) -> None:
    began_s = time.monotonic()
    reading = poll(secrets, device("no-such-host.invalid"))
    assert time.monotonic() - began_s < 20
    assert not reading.is_up
    assert isinstance(reading.error, TimedOut)
    sentence = reading.error.sentence().uk
    assert "Комутатор школи" in sentence
    assert "no-such-host.invalid" in sentence
    assert "Перевірте" in sentence
    assert values(reading, "device_up_ratio") == [0]
    assert values(reading, "device_ping_loss_ratio") == [1]


def test_of_a_device_with_a_wrong_address_nothing_is_known_but_that(secrets: SecretFolder) -> None:
    for wrong in (device(""), device("sw:0"), device("sw:70000"), device("sw:x"), device("sw:x", snmp="off")):
        reading = poll(secrets, wrong)
        assert isinstance(reading.error, InvalidArgument)
        assert values(reading, "device_up_ratio") == []
        assert values(reading, "device_poll_values_count") == [0]
    assert parse_address("[fd00::1]") == ("fd00::1", 161)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (device("127.0.0.1", secret="not-written"), "chmod 600"),
        (device("127.0.0.1", secret="readable-by-all"), "Секрет можуть прочитати інші."),
        (device("127.0.0.1", snmp="v3"), "Користувача SNMPv3 записано неправильно"),
        (device("127.0.0.1", snmp="v9"), "Невідома версія SNMP «v9»."),
    ],
)
def test_a_living_device_that_cannot_be_asked_is_up_and_says_what_is_wrong(
    secrets: SecretFolder, tmp_path: Path, wanted: Device, says: str
) -> None:
    open_to_all = tmp_path / "secrets" / "readable-by-all"
    open_to_all.write_text("dolyna-read")
    open_to_all.chmod(0o644)
    reading = poll(secrets, wanted)
    assert reading.is_up
    assert values(reading, "device_up_ratio") == [1]
    assert values(reading, "device_snmp_up_ratio") == []  # nobody asked
    assert reading.error is not None
    assert says in reading.error.sentence().uk


def test_a_device_that_cannot_be_asked_and_does_not_answer_pings_is_down_and_says_what_is_wrong(
    secrets: SecretFolder,
) -> None:
    reading = poll(secrets, device("no-such-host.invalid", secret="not-written"))
    assert values(reading, "device_up_ratio") == [0]
    assert isinstance(reading.error, NotFound)


# The poller -----------------------------------------------------------------------------------------------------------


def run_poller(
    secrets: SecretFolder,
    sink: Kept,
    story: Callable[[Poller], Awaitable[None]],
    on_change: Callable[[Reading], None] | None = None,
) -> Instruments:
    instruments = Instruments()

    async def run() -> None:
        async with polls_with(secrets) as polls:
            poller = Poller(
                polls=polls,
                sink=sink,
                instruments=instruments,
                clock=SystemClock(),
                rng=random.Random(),
                schedule=Schedule(interval_s=0.2, spread_s=0.1, flush_s=0.05),
                on_change=on_change,
            )
            running = asyncio.create_task(poller.run())
            try:
                await story(poller)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    return instruments


async def until(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(wait_for, condition, within_s=60)


def test_devices_are_polled_at_their_beat_and_stored_off_the_loop(agent: Snmpd, secrets: SecretFolder) -> None:
    sink, heard = Kept(), list[Reading]()

    async def story(poller: Poller) -> None:
        poller.apply([device(agent.address)])
        await until(lambda: sink.names()["device_uptime_seconds"] >= 3)

    run_poller(secrets, sink, story, heard.append)
    assert "MainThread" not in sink.threads
    assert [reading.facts["name"] for reading in heard] == ["switch-council"]  # told once, not at each poll


def test_a_new_inventory_starts_changes_and_ends_polls(agent: Snmpd, secrets: SecretFolder) -> None:
    sink = Kept()

    def polled(id_: str) -> int:
        return sum(p.name == "device_up_ratio" and ("device", id_) in p.labels for p in sink.points)

    async def story(poller: Poller) -> None:
        poller.apply([device(agent.address, id="a"), device(agent.address, id="b")])
        await until(lambda: polled("a") > 0 and polled("b") > 0)
        poller.apply([device("127.0.0.1", id="a", snmp="off"), device(agent.address, id="c")])
        await until(lambda: polled("c") > 0)
        await until(lambda: sink.points[-1] is not None and polled("a") > 2)
        before = polled("b")
        await until(lambda: polled("a") > 5)
        assert polled("b") == before

    run_poller(secrets, sink, story)


def test_a_dead_device_is_counted_told_once_and_does_not_delay_the_others(agent: Snmpd, secrets: SecretFolder) -> None:
    sink, heard = Kept(), list[Reading]()

    async def story(poller: Poller) -> None:
        dead = [device(f"no-such-{i}.invalid", id=f"dead-{i}") for i in range(5)]
        poller.apply([*dead, device(agent.address)])
        await until(lambda: sink.names()["device_uptime_seconds"] >= 4)
        await until(lambda: sink.names()[metrics.DEVICE_POLL_INCOMPLETE.name] > 10)

    instruments = run_poller(secrets, sink, story, heard.append)
    assert Counter(reading.device.id for reading in heard) == Counter(["sw", *(f"dead-{i}" for i in range(5))])
    reasons = {dict(p.labels)["reason"] for p in instruments.read(0) if p.name == metrics.DEVICE_POLL_INCOMPLETE.name}
    assert reasons == {"timed_out"}


def test_points_wait_while_the_disk_is_full(agent: Snmpd, secrets: SecretFolder) -> None:
    sink = Kept(failures=1)

    async def story(poller: Poller) -> None:
        poller.apply([device(agent.address)])
        await until(lambda: sink.names()["device_uptime_seconds"] >= 6)

    run_poller(secrets, sink, story)
    moments = [p.wall_ns for p in sink.points if p.name == "device_uptime_seconds"]
    assert moments == sorted(moments)
    assert sink.failures == 0


def test_why_a_device_cannot_be_asked_is_counted_and_it_is_asked_as_soon_as_it_can_be(
    agent: Snmpd, secrets: SecretFolder, tmp_path: Path
) -> None:
    sink, heard = Kept(), list[Reading]()

    def counted(id_: str, reason: str) -> bool:
        labels = {("device", id_), ("reason", reason)}
        return any(p.name == metrics.DEVICE_POLL_INCOMPLETE.name and labels <= set(p.labels) for p in sink.points)

    async def story(poller: Poller) -> None:
        poller.apply([device("sw:x", id="broken"), device(agent.address, id="keyless", secret="later")])
        await until(lambda: counted("broken", "invalid_argument") and counted("keyless", "not_found"))
        write_secret_file(tmp_path / "secrets" / "later", Secret("dolyna-read"))
        await until(lambda: sink.names()["device_uptime_seconds"] >= 2)

    run_poller(secrets, sink, story, heard.append)
    up = [point for point in sink.points if point.name == "device_up_ratio"]
    assert {(dict(point.labels)["device"], point.value) for point in up} == {("keyless", 1)}
    assert [one.error is None for one in heard if one.device.id == "keyless"] == [False, True]


def test_nonsense_is_an_answer_too(secrets: SecretFolder) -> None:
    class Nonsense:
        async def get(self, *_: object) -> dict[bytes, int | bytes | None]:
            raise ProtocolError("nonsense")

    async def run() -> Reading:
        async with polls_with(secrets) as polls:
            polls._snmp = Nonsense()  # type: ignore[assignment]
            return await polls.poll(device("no-such-host.invalid"))

    reading = asyncio.run(run())
    assert reading.is_up
    assert isinstance(reading.error, ProtocolError)
