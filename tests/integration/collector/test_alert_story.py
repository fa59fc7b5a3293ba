"""From a light switch to a letter: simulated gear, the real poller, store, rules, outbox and a real mail server."""

import asyncio
import contextlib
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from agents.cameras import metrics as camera_metrics
from agents.network import metrics as network_metrics
from agents.network.device_poll import DevicePolls
from agents.network.icmp import Pinger
from agents.network.module_files import load_shipped
from agents.network.poller import Poller, Schedule
from agents.network.snmp.engine import UdpEngine
from agents.spool import metrics as spool_metrics
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from beket.app.wiring.alerts import arrivals, rules, watch
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.ids import AgentId, CommunityId, DeviceId, SiteId
from beket.kernel.inventory import Community, Device, DeviceKind, Inventory, Site
from beket.kernel.metrics import Catalogue, Instruments
from beket.kernel.secrets import SecretFolder
from beket.kernel.supervise import Backoff, keep_running
from beket.sim import gear
from beket.sim.power import Power, Supply
from beket.sim.snmp_agent import SnmpAgent
from beket.testing.process import free_udp_port, printed, running
from beket.testing.smtp import MailServer, Mode, mail_server
from collector import ingest as points_ingest
from collector import metrics as collector_metrics
from collector.alerts_view import AlertsView
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.notify import courier
from collector.notify.outbox import Outbox
from collector.notify.smtp import SmtpGate
from collector.rules import evaluator
from collector.rules.config import AlertsConfig
from collector.rules.standing import Moment, Standing, State
from collector.rules.store import AlertStore, Known, Move, Reason
from collector.store.samples import SampleStore

CATALOGUE = Catalogue(
    [*network_metrics.METRICS, *spool_metrics.METRICS, *collector_metrics.METRICS, *camera_metrics.METRICS]
)
CLUB = Site(id=SiteId("club"), name="Клуб", village="Могилів", provider="Лінк")
GEAR = (
    ("sw1", DeviceKind.SWITCH, "Комутатор у залі", Supply.MAINS),
    ("sw2", DeviceKind.SWITCH, "Комутатор на сцені", Supply.MAINS),
    ("ups1", DeviceKind.UPS, "ДБЖ клубу", Supply.UPS),
)
IMPATIENT = AlertsConfig(
    every_s=1, site_silent_after_s=5, dark_for_s=0.3, device_for_s=3, keep_firing_for_s=0.3, stale_after_s=10
)


class Place:
    """A club with gear, its agent and its centre, all on this loop."""

    def __init__(self, folder: Path, server: MailServer) -> None:
        self.clock = SystemClock()
        self.power = Power(self.clock)
        self.instruments = Instruments(site="centre", unit="centre")
        self.facts = Database(folder / "facts.db", migrations=FACTS_MIGRATIONS)
        self.samples = SampleStore(folder / "samples.db")
        self.alerts = AlertStore(self.facts)
        self.outbox = Outbox(self.facts, recipients=("it@dolyna.ua",), community="Долина", domain="dolyna.ua")
        self.view = AlertsView(self.alerts, self.outbox, clock=self.clock, boot_id="boot", mail_is_on=True)
        self._folder = folder
        self._server = server
        ports = [free_udp_port() for _ in GEAR]
        self._agents = [SnmpAgent(self._mib(*one), is_awake=self._awake(one[3])) for one in GEAR]
        self._ports = ports
        self._inventory = Inventory(
            version=1,
            community=Community(id=CommunityId("dolyna"), name="Долина"),
            sites=(CLUB,),
            devices=tuple(
                Device(id=DeviceId(id_), site=CLUB.id, name=name, kind=kind, address=f"127.0.0.1:{port}")
                for (id_, kind, name, _), port in zip(GEAR, ports, strict=True)
            ),
        )

    def current(self) -> Inventory:
        return self._inventory

    def states(self) -> dict[str, str]:
        return {one.key: one.state for one in self.view.listing(lambda _: True).alerts}

    @contextlib.asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        """Gear answers, is polled, judged, and told of."""
        for agent, port in zip(self._agents, self._ports, strict=True):
            await agent.start("127.0.0.1", port)
        rng = random.Random(1)
        engine = UdpEngine(clock=self.clock, rng=rng)
        pinger = Pinger(clock=self.clock, rng=rng)
        tasks = [
            asyncio.create_task(keep_running(*unit, clock=self.clock, rng=rng, backoff=Backoff((0.2,))))
            for unit in self._units(engine, pinger, rng)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            engine.close()
            pinger.close()
            for agent in self._agents:
                agent.close()

    def close(self) -> None:
        self.samples.close()
        self.facts.close()

    def _units(
        self, engine: UdpEngine, pinger: Pinger, rng: random.Random
    ) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        modules, secrets = load_shipped(CATALOGUE), SecretFolder(self._folder)
        polls = DevicePolls(
            snmp=engine,
            pinger=pinger,
            modules=modules,
            secrets=secrets,
            clock=self.clock,
            timeout_s=0.2,
            ping_proves_life=False,
        )
        at_site = Instruments(site=CLUB.id, unit="polling")
        spool = Spool(self._folder / "spool", site=CLUB.id, cap_bytes=10**7, instruments=at_site)
        schedule = Schedule(interval_s=0.3, spread_s=0, flush_s=0.1)
        poller = Poller(polls=polls, sink=spool, instruments=at_site, clock=self.clock, rng=rng, schedule=schedule)
        poller.apply(self._inventory.devices)
        ingest = points_ingest.Ingest(
            catalogue=CATALOGUE,
            store=self.samples,
            instruments=self.instruments,
            clock=self.clock,
            kept_s=86_400,
        )
        who = points_ingest.Sender(CLUB.id, AgentId("agent-club"))
        sender = Sender(spool, lambda _, body: ingest.take(who, body))
        judge = evaluator.Evaluator(
            inventory=self,
            samples=self.samples,
            arrivals=lambda: arrivals(self.instruments, self.clock),
            alerts=self.alerts,
            watch=watch(IMPATIENT),
            rules=rules(IMPATIENT),
            boot_id="boot",
        )
        post = courier_of(self.outbox, self._server)

        async def judging() -> None:
            await evaluator.evaluate(
                judge, self.outbox.post, clock=self.clock, instruments=self.instruments, alerts=self.alerts, every_s=0.1
            )

        async def delivering() -> None:
            await courier.deliver(post, clock=self.clock, rng=rng, instruments=self.instruments, every_s=0.1)

        async def sending() -> None:
            await sender.run(clock=self.clock, every_s=0.1)

        return [("poll", poller.run), ("points", sending), ("alerts", judging), ("mail", delivering)]

    def _mib(self, id_: str, kind: DeviceKind, name: str, supply: Supply) -> gear.Mib:
        plate = gear.Nameplate(id_, "Simulated", "Могилів", "ІТ", 1)
        if kind is DeviceKind.UPS:
            return gear.ups(plate, power=self.power)
        return gear.network_gear(plate, (gear.Port("ge1"),), power=self.power, supply=supply)

    def _awake(self, supply: Supply) -> Callable[[], bool]:
        return lambda: self.power.feeds(supply)


def courier_of(outbox: Outbox, server: MailServer, *, lease_s: float = 30) -> courier.Courier:
    gate = SmtpGate(server.host, server.port, security="plain", timeout_s=2)
    return courier.Courier(
        outbox, gate, sender="beket@dolyna.ua", boot_id="boot", lease_s=lease_s, give_up_after_s=86_400
    )


async def until(condition: Callable[[], bool], *, what: str, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.05)
    assert condition(), what


def run_in(folder: Path, server: MailServer, story: Callable[[Place], Awaitable[None]]) -> None:
    async def body() -> None:
        place = Place(folder, server)
        try:
            async with place.alive():
                await until(lambda: len(place.samples.latest(0)) > 10, what="samples")
                await asyncio.sleep(0.5)
                assert place.states() == {}
                await story(place)
        finally:
            await asyncio.to_thread(place.close)

    asyncio.run(body())


@pytest.mark.needs("ping")
def test_a_blackout_is_one_letter_and_the_light_another(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        place.power.switch_off()
        await until(lambda: len(server.letters) == 1, what="the letter about the blackout")
        await asyncio.sleep(3.5)  # longer than a device alone would take to be told
        assert place.states() == {
            "site-dark:club": "firing",
            "device-down:sw1": "inhibited",
            "device-down:sw2": "inhibited",
        }
        place.power.switch_on()
        await until(lambda: len(server.letters) == 2, what="the letter about the light")
        await until(lambda: place.states() == {"site-dark:club": "resolved"}, what="calm")

    with mail_server() as server:
        run_in(tmp_path, server, story)
    dark, light = (letter.message() for letter in server.letters)
    assert dark["Subject"] == "Бекет: Немає світла або зв'язку — Клуб (Могилів)"
    body = dark.get_content()
    for words in ("Комутатор у залі", "ДБЖ клубу", "ЩО РОБИТИ", "Провайдер: Лінк."):
        assert words in body
    assert light["Subject"] == "Бекет: Світло і зв'язок є — Клуб (Могилів)"
    assert "Тривало: менше хвилини." in light.get_content()
    assert dark["Message-ID"] != light["Message-ID"]
    assert parsedate_to_datetime(dark["Date"]) <= parsedate_to_datetime(light["Date"])


@pytest.mark.needs("ping")
def test_while_the_mail_server_is_away_nothing_is_lost_and_the_page_says_so(tmp_path: Path) -> None:
    async def story(place: Place) -> None:
        await asyncio.to_thread(server.stop)
        place.power.switch_off()
        await until(lambda: "недоступний" in mail_of(place), what="the sentence about the mail")
        assert place.view.listing(lambda _: True).mail.waiting == 1
        server.mode = Mode.CLOSES
        await asyncio.to_thread(server.start)
        await until(lambda: "обірвав" in mail_of(place), what="the other sentence")
        server.mode = Mode.ACCEPTS
        await until(lambda: len(server.letters) == 1, what="the letter")
        await asyncio.sleep(1)
        assert mail_of(place) == "Листи надсилаються."

    def mail_of(place: Place) -> str:
        return place.view.listing(lambda _: True).mail.sentence.uk

    with mail_server() as server:
        run_in(tmp_path, server, story)
    assert len(server.letters) == 1


WORKER = """
import random, sys, time
from pathlib import Path
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.metrics import Instruments
from collector.inventory.tables import FACTS_MIGRATIONS
from collector.notify.courier import Courier
from collector.notify.outbox import Outbox
from collector.notify.smtp import SmtpGate

class Gate(SmtpGate):
    def send(self, message, *, sender, recipient):
        super().send(message, sender=sender, recipient=recipient)
        print("given to the server", flush=True)
        if sys.argv[3] == "linger":
            time.sleep(60)

facts = Database(Path(sys.argv[1]), migrations=FACTS_MIGRATIONS)
outbox = Outbox(facts, recipients=(), community="x", domain="dolyna.ua")
gate = Gate("127.0.0.1", int(sys.argv[2]), security="plain", timeout_s=2)
courier = Courier(outbox, gate, sender="beket@dolyna.ua", boot_id="boot", lease_s=1, give_up_after_s=86400)
clock = SystemClock()
while True:
    courier.run_once(clock=clock, rng=random.Random(), instruments=Instruments())
    time.sleep(0.1)
"""


def test_a_worker_killed_between_sending_and_marking_repeats_the_letter_once_with_its_id(tmp_path: Path) -> None:
    facts = Database(tmp_path / "facts.db", migrations=FACTS_MIGRATIONS)
    outbox = Outbox(facts, recipients=("it@dolyna.ua",), community="Долина", domain="dolyna.ua")
    clock = SystemClock()
    now = Moment("boot", clock.mono_ns(), clock.wall_ns())
    known = Known("site-dark:club", "site-dark", "club", CLUB.id, Standing(State.PENDING))
    move = Move(known, Standing(State.FIRING, episode=1, began=now), now, None, Reason.LASTED)
    assert AlertStore(facts).move([move], outbox.post)

    def waiting() -> int:
        return outbox.figures(Moment("boot", clock.mono_ns(), clock.wall_ns())).waiting

    with mail_server() as server:
        argv = [sys.executable, "-c", WORKER, str(tmp_path / "facts.db"), str(server.port)]
        with running([*argv, "linger"], ready=printed("given to the server")) as worker:
            worker.kill()
        assert waiting() == 1
        with running([*argv, "mark"], ready=printed("given to the server")) as worker:
            worker.wait_until(lambda _: waiting() == 0)
    ids = {letter.message()["Message-ID"] for letter in server.letters}
    assert (len(server.letters), len(ids)) == (2, 1)
    facts.close()
