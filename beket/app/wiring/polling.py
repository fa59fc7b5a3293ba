"""The polling process of a site agent: gear is polled, services are asked, samples travel, the inventory is kept fresh.

Stays small (import budget 70 MB): nothing of video, of tables or of the centre is loaded here.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from agents.facts.book import FactBook
from agents.facts.messages import FactValue
from agents.facts.teller import FactTeller
from agents.inventory.cache import InventoryCache
from agents.network.detection import fingerprint
from agents.network.device_poll import DevicePolls, Reading
from agents.network.icmp import Pinger
from agents.network.known_devices import KnownDevices
from agents.network.metrics import SNMP_ODD_ANSWERS
from agents.network.module_files import Module, join, load_own, load_shipped
from agents.network.neighbours.arp import read_arp
from agents.network.neighbours.look import Looker
from agents.network.neighbours.rounds import LookPace, Rounds
from agents.network.poller import Poller, Schedule
from agents.network.snmp.backends import Backends
from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.port import SnmpPort
from agents.network.traps import Traps
from agents.services.config import ServicesConfig
from agents.services.light import SiteLight
from agents.services.probe import Tools
from agents.services.watch import Pace, ServiceWatch
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from agents.uplink.connection import CentreConnection
from beket.app.config import AgentConfig
from beket.app.process import run_until
from beket.app.wiring.agent_side import AgentFiles, connect, load_identity, open_inventory_cache
from beket.app.wiring.catalogue import full_catalogue
from beket.app.wiring.service_trust import trust
from beket.kernel.clock import Clock
from beket.kernel.errors import NotFound
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.secrets import SecretFolder
from beket.kernel.supervise import keep_running

log = logging.getLogger(__name__)

INVENTORY_EVERY_S = 10
MEMORY_SAVED_EVERY_S = 300
# A name that nobody answers for keeps a thread for half a minute: a dead line must leave some for the spool's disk.
THREADS_MAX = 32


async def run_polling(config: AgentConfig, *, clock: Clock, rng: random.Random, stop: asyncio.Event) -> None:
    """Be the polling process until `stop` is set.

    Raises:
        NotFound: this agent has not joined a centre.
        InvalidConfig: the authority's file cannot be read.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS_MAX))
    files = AgentFiles(config.data)
    identity = load_identity(files)
    site = identity.enrolled.site
    instruments = Instruments(site=site, unit="polling")
    with ExitStack() as stack:
        cache = open_inventory_cache(files, identity.enrolled)
        spool = Spool(files.spool("polling"), site=site, cap_bytes=config.spool.cap_bytes, instruments=instruments)
        connection = stack.enter_context(connect(identity, config.uplink))
        inventory_connection = stack.enter_context(connect(identity, config.uplink))
        memory = BulkMemory(clock, files.bulk_memory)
        modules = all_modules(config)
        known = KnownDevices(clock, files.known_devices, rules=fingerprint(modules))
        stack.callback(memory.save)
        stack.callback(known.save)
        engine = Backends(clock=clock, rng=rng, memory=memory, on_odd=functools.partial(_count_odd, instruments))
        pinger = Pinger(clock=clock, rng=rng)
        stack.callback(engine.close)
        stack.callback(pinger.close)
        polls = DevicePolls(
            snmp=engine,
            pinger=pinger,
            modules=modules,
            secrets=SecretFolder(config.secrets),
            clock=clock,
            timeout_s=config.network.timeout_s,
            ping_proves_life=config.network.ping_proves_life,
        )
        polls.remember_in(known)
        book = FactBook(files.facts("polling"), clock=clock)
        schedule = Schedule(interval_s=config.network.interval_s, at_once=config.network.at_once)
        poller = Poller(polls=polls, sink=spool, instruments=instruments, clock=clock, rng=rng, schedule=schedule)
        rounds = neighbour_rounds(config, engine, polls, book, modules, clock=clock, rng=rng)
        light = SiteLight(clock)
        polls.tell_to(functools.partial(note_reading, book, rounds, light))
        tools = Tools(
            clock=clock, rng=rng, pinger=pinger, secrets=SecretFolder(config.secrets), tls=trust(config.services)
        )
        services = service_watch(config.services, spool, tools, light=lambda: light.is_on(poller.last_readings()))

        def soon(device: DeviceId) -> None:
            poller.poll_soon(device)
            rounds.look_soon(device)

        traps = trap_listener(config, site, soon, clock=clock, instruments=instruments)

        def apply(inventory: Inventory) -> None:
            poller.apply(inventory.devices)
            book.keep_only(device.id for device in inventory.devices)
            rounds.apply(inventory)
            if traps is not None:
                traps.apply(inventory.devices)
            services.apply(inventory)

        sender = Sender(spool, connection.post)
        teller = FactTeller(book, stack.enter_context(connect(identity, config.uplink)).post)
        refresh = functools.partial(refresh_inventory, cache, inventory_connection, apply=apply, clock=clock)
        supervised = functools.partial(keep_running, clock=clock, rng=rng)
        await run_until(
            stop,
            {
                "polling": supervised("polling", poller.run),
                "services": supervised("services", services.run),
                **({"neighbours": supervised("neighbours", rounds.run)} if config.network.neighbours_every_min else {}),
                **({"traps": supervised("traps", traps.run)} if traps is not None else {}),
                "points": supervised(
                    "points", functools.partial(sender.run, clock=clock, every_s=config.spool.every_s)
                ),
                "device facts": supervised("device facts", functools.partial(teller.run, clock=clock)),
                "inventory": supervised("inventory", refresh),
                "memory": supervised("memory", functools.partial(_remember, (memory, known), clock)),
            },
        )


def neighbour_rounds(
    config: AgentConfig,
    snmp: SnmpPort,
    polls: DevicePolls,
    book: FactBook,
    modules: Sequence[Module],
    *,
    clock: Clock,
    rng: random.Random,
) -> Rounds:
    """Who looks at what is plugged into which port; what is found goes into the book."""
    ports = next(table for module in modules for table in module.tables if table.label == "port")

    def tell(device: DeviceId, source: str, facts: Mapping[str, FactValue], is_whole: bool) -> None:
        book.note(device, source, facts, is_whole=is_whole)

    return Rounds(
        looker=Looker(snmp, ports),
        target_of=polls.target,
        tell=tell,
        arp=read_arp,
        clock=clock,
        rng=rng,
        pace=LookPace(every_s=60 * config.network.neighbours_every_min),
    )


def note_reading(book: FactBook, rounds: Rounds, light: SiteLight, reading: Reading) -> None:
    """What SNMP says of a device goes into the book; one that is silent, or says nothing, changes nothing there."""
    rounds.heard(reading)
    light.hear(reading)
    if reading.snmp_is_up:
        book.note(reading.device.id, "snmp", reading.facts)


def trap_listener(
    config: AgentConfig,
    site: SiteId,
    soon: Callable[[DeviceId], None],
    *,
    clock: Clock,
    instruments: Instruments,
) -> Traps | None:
    """Who hears the gear's own notifications; None when nobody is to."""
    if not config.network.traps:
        return None
    return Traps(
        config.network.traps,
        site=site,
        secrets=SecretFolder(config.secrets),
        clock=clock,
        instruments=instruments,
        poll_soon=soon,
    )


def service_watch(
    config: ServicesConfig, sink: PointSink, tools: Tools, *, light: Callable[[], bool | None]
) -> ServiceWatch:
    """Who asks the site's services; `light`: whether the site has mains power, as far as its gear tells."""
    pace = Pace(config.interval_s, config.timeout_s, config.at_once)
    return ServiceWatch(tools=tools, sink=sink, rng=tools.rng, pace=pace, light=light)


def _count_odd(instruments: Instruments, reason: str) -> None:
    instruments.add(SNMP_ODD_ANSWERS, reason=reason)


def all_modules(config: AgentConfig) -> list[Module]:
    """The modules that come with Beket and the community's own; what is wrong with a file of the latter is told."""
    catalogue = full_catalogue()
    own: list[Module] = []
    if config.network.modules is not None:
        own, mistakes = load_own(config.network.modules, catalogue)
        for error in mistakes:
            log.error("%s", error.sentence().en)
    return join(load_shipped(catalogue), own)


async def _remember(kept: tuple[BulkMemory, KnownDevices], clock: Clock) -> None:
    while True:
        await clock.sleep(MEMORY_SAVED_EVERY_S)
        for memory in kept:
            await asyncio.to_thread(memory.save)


async def refresh_inventory(
    cache: InventoryCache, connection: CentreConnection, *, apply: Callable[[Inventory], None], clock: Clock
) -> None:
    """Apply what is cached, then ask the centre for newer parts for ever; cut off, the cached part stays in force."""
    applied = -1
    while True:
        try:
            current = cache.current()
        except NotFound as error:
            log.info("%s", error.sentence().en)
        else:
            if current.version != applied:
                apply(current)
                applied = current.version
                log.info(
                    "inventory version %d: %d devices, %d services",
                    applied,
                    len(current.devices),
                    len(current.services),
                )
        part = await asyncio.to_thread(fetch_part, connection, applied)
        if part is None or not await asyncio.to_thread(cache.put, part):
            await clock.sleep(INVENTORY_EVERY_S)


def fetch_part(connection: CentreConnection, have: int) -> bytes | None:
    """The centre's signed part, or None when the version at hand is in force. Blocking."""
    answer = connection.request("GET", f"/agent/v1/inventory?have={have}")
    return None if answer.status == 304 else answer.body
