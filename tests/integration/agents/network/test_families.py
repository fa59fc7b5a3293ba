import asyncio
import contextlib
import random
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from agents.network.detection import NOBODYS
from agents.network.device_poll import DevicePolls, Reading
from agents.network.icmp import Method, Ping
from agents.network.metrics import METRICS
from agents.network.module_files import load_shipped
from agents.network.snmp.engine import UdpEngine
from agents.network.snmp.port import SnmpPort
from agents.network.snmp.recording import Recording, load_recording
from beket.kernel.clock import SystemClock
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Device
from beket.kernel.metrics import Catalogue
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.testing.recordings import BY_HAND, recording, snmpsim
from beket.testing.source_tree import PROJECT
from tests.gear_families import FAMILIES, Family

CATALOGUE = Catalogue(METRICS)
MODULES = load_shipped(CATALOGUE)
NOTE = PROJECT / "agents/design/0036-capture-and-try.md"
# Small enough for snmpsim to index at once.
PLAYED = (
    "UPS/phoenixtec-power",
    "UPS/eaton-93e-80",
    "UPS/ingrasys-power-switch",
    "camera/hikvision",
    "camera/hikvision-network-video-recorder",
    "network/wifi/ubiquiti-m5",
    "mikrotik",
    "printer",
)


class NoPing:
    async def ping(self, host: str, *, timeout_s: float) -> Ping:
        return Ping(method=Method.TCP, sent=1, times_s=())


def device(name: str, address: str = "10.0.0.2", snmp: str = "v2c") -> Device:
    return Device(id=DeviceId(name), site=SiteId("s"), name=name, address=address, snmp=snmp, secret=name)


def polls_of(port: SnmpPort, secrets: SecretFolder) -> DevicePolls:
    return DevicePolls(
        snmp=port,
        pinger=NoPing(),  # type: ignore[arg-type]
        modules=MODULES,
        secrets=secrets,
        clock=SystemClock(),
        timeout_s=5,
    )


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> SecretFolder:
    folder = tmp_path_factory.mktemp("secrets")
    for name in (family.recording for family in FAMILIES):
        write_secret_file(folder / name.replace("/", "-").lower(), Secret(name.replace("/", "-").lower()))
    return SecretFolder(folder)


@contextlib.asynccontextmanager
async def engine() -> AsyncIterator[UdpEngine]:
    own = UdpEngine(clock=SystemClock(), rng=random.Random())
    try:
        yield own
    finally:
        own.close()


def series(reading: Reading) -> dict[str, float]:
    return {
        f"{point.name} {dict(point.labels)['part']}" if "part" in dict(point.labels) else point.name: point.value
        for point in reading.points
    }


def check(family: Family, reading: Reading) -> None:
    assert reading.error is None
    assert reading.modules == family.modules
    assert {name: reading.facts.get(name) for name in family.facts} == family.facts
    found = series(reading)
    assert {name: found.get(name) for name in family.values} == family.values
    assert all(CATALOGUE.accepts(point) for point in reading.points)
    assert len({(point.name, point.labels) for point in reading.points}) == len(reading.points)
    if family.ports:
        assert len(reading.ports) == family.ports


def read(family: Family, secrets: SecretFolder) -> Reading:
    one = device(family.recording.replace("/", "-").lower())
    return asyncio.run(polls_of(load_recording(recording(family.recording)), secrets).poll(one))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.recording)
def test_a_recorded_device_is_known_by_itself_and_tells_what_it_has(family: Family, secrets: SecretFolder) -> None:
    check(family, read(family, secrets))


def test_every_module_is_checked_and_everything_that_a_family_can_tell_comes_out_of_some_recording(
    secrets: SecretFolder,
) -> None:
    given: dict[str, set[str]] = {module.name: set() for module in MODULES}
    for family in FAMILIES:
        names = {point.name for point in read(family, secrets).points}
        for name in ("system", *family.modules):
            given[name] |= names
    lacking = {
        module.name: wanted - given[module.name]
        for module in MODULES
        if (wanted := {source.measure.metric for source in module.sources()}) - given[module.name]
    }
    assert lacking == {}


def test_the_note_tells_which_recording_each_family_was_checked_on() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", NOTE.read_text(), re.MULTILINE)
    told = {name: set(re.findall(r"`([^`]+)`", cell)) for name, cell in rows}
    checked: dict[str, set[str]] = {}
    for family in FAMILIES:
        for name in family.modules:
            by_hand = (BY_HAND / f"{family.recording}.snmprec").exists()
            checked.setdefault(name, set()).add(f"by hand: {family.recording}" if by_hand else family.recording)
    assert set(told) == {module.name for module in MODULES} - {"system"}
    assert {name: recordings - checked[name] for name, recordings in told.items() if recordings - checked[name]} == {}


@pytest.fixture(scope="module")
def played() -> Iterator[str]:
    with snmpsim({name.replace("/", "-").lower(): recording(name) for name in PLAYED}) as address:
        yield address


@pytest.mark.parametrize("version", ["v1", "v2c"])
def test_the_same_comes_over_the_wire_from_a_real_simulator(played: str, secrets: SecretFolder, version: str) -> None:
    async def run() -> dict[str, Reading]:
        async with engine() as own:
            polls = polls_of(own, secrets)
            readings = {}
            for name in PLAYED:
                one = device(name.replace("/", "-").lower(), played, version)
                await polls.poll(one)
                readings[name] = await polls.poll(one)  # the second time by what is remembered
            return readings

    readings = asyncio.run(run())
    by_name = {family.recording: family for family in FAMILIES}
    for name, reading in readings.items():
        check(by_name[name], reading)


def test_a_device_that_says_yes_to_everything_has_only_what_its_model_says(secrets: SecretFolder) -> None:
    real = load_recording(recording("UPS/phoenixtec-power"))
    yes = Recording([*real.rows, (NOBODYS, 2, 1)])
    reading = asyncio.run(polls_of(yes, secrets).poll(device("ups-phoenixtec-power")))
    assert reading.modules == ("interfaces",)
