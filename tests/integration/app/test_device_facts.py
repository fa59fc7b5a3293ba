"""Facts of a device from a real snmpd and a real sshd, over HTTP, to the lines of its page."""

import asyncio
import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agents.facts.book import FactBook
from agents.facts.teller import FactTeller
from agents.hosts.families import shipped_families
from agents.hosts.reader import read_facts
from agents.network.device_poll import DevicePolls
from agents.network.icmp import Pinger
from agents.network.module_files import load_shipped
from agents.network.snmp.engine import UdpEngine
from beket.app import web_edge
from beket.app.wiring.catalogue import full_catalogue
from beket.app.wiring.devices import Devices
from beket.app.wiring.gear import FACT_KEYS
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.errors import ProtocolError, Unauthenticated
from beket.kernel.ids import AgentId, CommunityId, SiteId
from beket.kernel.inventory import Community, Device, Inventory
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import Secret, SecretFolder, write_secret_file
from beket.testing.snmpd import snmpd
from collector.devices import sheet
from collector.ingest import Sender
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.store.samples import SampleStore
from tests.integration.agents.hosts.gear_kit import ROUTER, gear_at_hand

SITE = SiteId("council")
CONTACT = "sysContact Ivan, 097 123 45 67\n"


@dataclass
class Site:
    """A device of one site and the centre that hears of it."""

    device: Device
    devices: Devices
    client: TestClient
    samples: SampleStore

    def current(self) -> Inventory:
        return Inventory(
            version=1, community=Community(id=CommunityId("c"), name="c"), sites=(), devices=(self.device,)
        )

    def post(self, path: str, body: bytes) -> bytes:
        answer = self.client.post(path, content=body)
        if answer.status_code != 200:
            raise ProtocolError(answer.text[:200])
        return answer.content

    def lines(self) -> dict[str, str]:
        return {line.key: line.value for line in sheet.lines(self.devices.store.facts(ROUTER))}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    device = Device(id=ROUTER, site=SITE, name="Р", kind="router", address="", snmp="v2c", secret="snmp")
    database = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    samples = SampleStore(tmp_path / "samples.db")
    made = Site(device, None, None, samples)  # type: ignore[arg-type]
    made.devices = Devices(database, made, samples, None, Instruments(), clock=SystemClock())
    app = web_edge.new_app()
    app.include_router(made.devices.agent_router(authenticate=lambda: Sender(SITE, AgentId("council-1"))))
    made.client = TestClient(app)
    yield made
    samples.close()
    database.close()


def poll(site: Site, book: FactBook, address: str, folder: Path) -> None:
    """Ask the real agent once, as the polling process does."""

    async def once() -> None:
        clock, rng = SystemClock(), random.Random(1)
        with contextlib.closing(UdpEngine(clock=clock, rng=rng)) as engine, contextlib.closing(
            Pinger(clock=clock, rng=rng)
        ) as pinger:  # fmt: skip
            polls = DevicePolls(
                snmp=engine, pinger=pinger, modules=load_shipped(full_catalogue()),
                secrets=SecretFolder(folder / "secrets"), clock=clock, timeout_s=10,
            )  # fmt: skip
            polls.tell_to(lambda reading: book.note(reading.device.id, "snmp", reading.facts))
            device = Device(id=ROUTER, site=SITE, name="Р", kind="router", address=address, snmp="v2c", secret="snmp")
            reading = await polls.poll(device)
            assert reading.snmp_is_up, reading.error

    asyncio.run(once())


@pytest.mark.needs("snmpd", "ssh", "sshd", "pam_wrapper")
def test_what_a_device_says_over_snmp_and_ssh_stands_on_its_page_with_what_changed(site: Site, tmp_path: Path) -> None:
    write_secret_file(tmp_path / "secrets" / "snmp", Secret("public"))
    book = FactBook(tmp_path / "facts.json", clock=SystemClock())
    teller = FactTeller(book, site.post)
    state = tmp_path / "snmpd-state"
    state.mkdir()
    with snmpd(sys_location="Серверна, 2 поверх", extra_config=CONTACT, state=state) as agent:
        poll(site, book, agent.address, tmp_path)
        assert teller.tell() == 0
        assert site.lines()["location"] == "Серверна, 2 поверх"
        assert site.lines()["contact"] == "Ivan, 097 123 45 67"
    with snmpd(sys_location="Горище", extra_config=CONTACT, state=state) as agent:
        poll(site, book, agent.address, tmp_path)
        assert teller.tell() == 1
    files = {
        "resource": "  version: 6.48\n  board-name: hEX S\n",
        "routerboard": "  model: RB760iGS\n  serial-number: HC1\n",
    }
    with gear_at_hand(tmp_path / "ssh", "routeros", "mikrotik", files=files) as gear:
        for version in ("6.48", "6.49"):
            (gear.state / "resource").write_text(f"  version: {version}\n  board-name: hEX S\n")
            read = read_facts(
                gear.shells, SITE, ROUTER, shipped_families()["mikrotik"], clock=SystemClock(), only_texts=True
            )
            book.note(ROUTER, "ssh", {FACT_KEYS.get(name, name): text for name, text in read.texts.items()})
            teller.tell()
    assert "/system health print" not in gear.asked(), "who is asked for texts is not asked for numbers"
    lines = site.lines()
    assert (lines["firmware"], lines["serial"], lines["board"], lines["location"]) == ("6.49", "HC1", "hEX S", "Горище")
    told = [(turn.words.uk, turn.before, turn.after) for turn in sheet.turns(site.devices.store.changes(ROUTER))]
    assert told == [
        ("Прошивку змінено", "6.48", "6.49"), ("Запис про місце змінено", "Серверна, 2 поверх", "Горище"),
    ]  # fmt: skip
    assert teller.tell() == 0, "the same again is no change"
    site.devices.inform()
    (info,) = [point for point in site.samples.latest(0) if point.name == "device_info"]
    assert dict(info.labels) == {
        "site": SITE, "device": ROUTER, "model": "RB760iGS", "firmware": "unknown",  # it has just changed
    }  # fmt: skip
    assert "HC1" not in str(info.labels)


def test_who_did_not_prove_who_it_is_tells_nothing(site: Site) -> None:
    def stranger() -> None:
        raise Unauthenticated("no")

    app = web_edge.new_app()
    app.include_router(site.devices.agent_router(authenticate=stranger))
    assert TestClient(app).post("/agent/v1/facts", content=b"{}").status_code == 401
    assert site.client.post("/agent/v1/facts", content=b"\xff").status_code == 502
