"""Puts together the part of an agent that logs in to gear: copies of configurations and facts, told to the centre.

A process of its own: paramiko and the waiting for slow command lines stay away from polling.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agents.facts.book import FactBook
from agents.facts.teller import FactTeller
from agents.hosts import families as manners
from agents.hosts.config import GearConfig, parse_ssh_address
from agents.hosts.host_keys import HostKeys
from agents.hosts.listed import listed_gear
from agents.hosts.reader import read_facts
from agents.hosts.sessions import Gear, SshShells
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from agents.uplink.config import UplinkConfig
from agents.uplink.connection import CentreConnection
from backup.configs import exchange, families, messages
from backup.configs.copier import Copier, load_marks
from backup.configs.store import GOOD, KEPT_AT_SITE, ConfigStore, Look
from beket.app.config import AgentConfig
from beket.app.process import run_until
from beket.app.wiring.agent_side import AgentFiles, Identity, InventoryOnDisk, connect, load_identity
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock, is_set_within
from beket.kernel.durable_file import put_file
from beket.kernel.errors import BeketError
from beket.kernel.ids import DeviceId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.secrets import SecretFolder
from beket.kernel.supervise import keep_running

log = logging.getLogger(__name__)

TELL_EVERY_S = 30
NS_PER_HOUR = 3600 * NS_PER_S
# A device that was away is tried again sooner than its turn, but not as often as it is polled.
AGAIN_AFTER_HOURS = 1.0
SENT_AT_ONCE = 20
TEXTS_EVERY_S = 6 * 3600
# What a command line calls a version, SNMP calls firmware: one word for both, so that a page shows them together.
FACT_KEYS = {"version": "firmware"}


@dataclass(frozen=True, slots=True)
class GearFiles:
    """Where this part keeps what must survive."""

    files: AgentFiles

    @property
    def host_keys(self) -> HostKeys:
        """Which key each device is known by."""
        return HostKeys(self.files.data / "host-keys")

    @property
    def centre_key(self) -> "_CentreKey":
        """The centre's public key to full copies, as it told us last."""
        return _CentreKey(self.files)

    @contextmanager
    def store(self) -> Iterator[ConfigStore]:
        """configs.db. Blocking."""
        store = ConfigStore(self.files.data / "configs.db", kept=KEPT_AT_SITE)
        try:
            yield store
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class _CentreKey:
    files: AgentFiles

    def ask(self, centre: CentreConnection) -> str:
        """The key as the centre says it now; kept. Blocking.

        Raises:
            BeketError: it cannot be asked.
        """
        reply = centre.request("GET", messages.KEY_PATH).raise_for_status(messages.KEY_PATH)
        key = wire.decode(reply.body, messages.GearKey)
        put_file(self._path, msgspec.json.encode(key))
        return key.public

    def kept(self) -> str | None:
        """The key of the last time; None before the first. Blocking."""
        try:
            return wire.decode(self._path.read_bytes(), messages.GearKey).public
        except FileNotFoundError:
            return None

    @property
    def _path(self) -> Path:
        return self.files.data / "identity" / "gear-key.json"


def gear_at(config: AgentConfig, inventory: InventoryOnDisk) -> tuple[GearConfig, ...]:
    """The gear of this site that we log in to, as the inventory and the agent's file list it."""
    return listed_gear(config.hosts.gear, inventory.current().devices)


def shells_of(listed: Iterable[GearConfig], config: AgentConfig, *, clock: Clock) -> SshShells:
    """What opens command lines of the gear that is listed."""
    gear = {}
    for one in listed:
        host, port = parse_ssh_address(one.address)
        gear[DeviceId(one.device)] = Gear(
            DeviceId(one.device),
            one.family,
            host,
            port,
            one.login,
            one.secret,
            enable_secret=one.enable_secret,
            host_key=one.host_key,
            may_be_weak=one.weak_allowed,
            timeout_s=config.hosts.timeout_s,
        )
    return SshShells(
        gear,
        families=manners.shipped_families(),
        keys=GearFiles(AgentFiles(config.data)).host_keys,
        secrets=SecretFolder(config.secrets),
        clock=clock,
    )


def copier_of(
    listed: Iterable[GearConfig],
    config: AgentConfig,
    site: SiteId,
    store: ConfigStore,
    public_key: str,
    *,
    clock: Clock,
) -> Copier:
    """What looks at the gear of this site. Blocking."""
    return Copier(
        site=site,
        shells=shells_of(listed, config, clock=clock),
        families=families.shipped_families(),
        store=store,
        marks=load_marks(config.data / "identity" / "gear-marks.key"),
        public_key=public_key,
        clock=clock,
    )


async def run_gear(config: AgentConfig, *, clock: Clock, rng: random.Random, stop: asyncio.Event) -> None:
    """Be the gear process until `stop` is set.

    Raises:
        NotFound: this agent has not joined a centre.
    """
    files = AgentFiles(config.data)
    identity = load_identity(files)
    site = identity.enrolled.site
    instruments = Instruments(site=site, unit="gear")
    with GearFiles(files).store() as store, ExitStack() as stack:
        supervised = functools.partial(keep_running, clock=clock, rng=rng)
        news = asyncio.Event()
        spool = Spool(files.spool("gear"), site=site, cap_bytes=config.spool.cap_bytes, instruments=instruments)
        sender = Sender(spool, stack.enter_context(connect(identity, config.uplink)).post)
        book = FactBook(files.facts("gear"), clock=clock)
        teller = FactTeller(book, stack.enter_context(connect(identity, config.uplink)).post)
        await run_until(
            stop,
            {
                "gear": supervised(
                    "gear", functools.partial(follow_gear, config, identity, store, news, clock=clock, rng=rng)
                ),
                "telling": supervised(
                    "telling", functools.partial(tell, store, identity, config.uplink, news, clock=clock)
                ),
                "facts": supervised(
                    "facts", functools.partial(follow_facts, config, identity, spool, instruments, book, clock=clock)
                ),
                "device facts": supervised("device facts", functools.partial(teller.run, clock=clock)),
                "points": supervised(
                    "points", functools.partial(sender.run, clock=clock, every_s=config.spool.every_s)
                ),
            },
        )


async def follow_gear(
    config: AgentConfig,
    identity: Identity,
    store: ConfigStore,
    news: asyncio.Event,
    *,
    clock: Clock,
    rng: random.Random,
) -> None:
    """Look at each device when its turn has come, one after the other, for ever."""
    site, files = identity.enrolled.site, AgentFiles(config.data)
    public_key = await asyncio.to_thread(public_key_of, identity, config.uplink, files)
    inventory = await asyncio.to_thread(InventoryOnDisk, files, identity.enrolled)
    listed = gear_at(config, inventory)
    copier = await asyncio.to_thread(copier_of, listed, config, site, store, public_key, clock=clock)
    await clock.sleep(config.gear_copies.random_delay_s * rng.random())
    while True:
        if await asyncio.to_thread(inventory.reload):
            listed = gear_at(config, inventory)
            copier = await asyncio.to_thread(copier_of, listed, config, site, store, public_key, clock=clock)
        for one in listed:
            before = await asyncio.to_thread(store.look, site, one.device)
            if is_due(before, every_hours=config.gear_copies.every_hours, wall_ns=clock.wall_ns()):
                look = await asyncio.to_thread(copier.look, DeviceId(one.device), one.family)
                log.info("configuration of %s: %s", one.device, look.outcome)
                news.set()
        await clock.sleep(config.gear_copies.look_every_s)


async def follow_facts(
    config: AgentConfig,
    identity: Identity,
    sink: PointSink,
    instruments: Instruments,
    book: FactBook,
    *,
    clock: Clock,
) -> None:
    """Ask each device for its facts, one after the other, for ever. What SNMP measures is not measured twice: only
    devices that the inventory asks by nothing else give points; the others are asked for texts, a few times a day.
    """
    files = AgentFiles(config.data)
    site = identity.enrolled.site
    known = manners.shipped_families()
    inventory = await asyncio.to_thread(InventoryOnDisk, files, identity.enrolled)
    texts_read_ns: dict[DeviceId, int] = {}
    while True:
        await asyncio.to_thread(inventory.reload)
        listed = gear_at(config, inventory)
        if inventory.current().version:  # before the first copy came nobody knows whom the inventory lists
            book.keep_only(DeviceId(one.device) for one in listed)
        shells = shells_of(listed, config, clock=clock)
        by_snmp = {device.id for device in inventory.current().devices if device.snmp != "off"}
        for one in listed:
            device, family = DeviceId(one.device), known.get(one.family)
            now_ns, is_by_snmp = clock.mono_ns(), device in by_snmp
            is_read = device in texts_read_ns and now_ns - texts_read_ns[device] < TEXTS_EVERY_S * NS_PER_S
            if family is None or (is_by_snmp and is_read):
                continue
            reading = functools.partial(read_facts, shells, site, device, family, clock=clock, only_texts=is_by_snmp)
            try:
                facts = await asyncio.to_thread(reading)
            except BeketError as error:
                log.info("facts of %s: %s", device, error.message.en)
                continue
            texts_read_ns[device] = now_ns
            book.note(device, "ssh", {FACT_KEYS.get(name, name): text for name, text in facts.texts.items()})
            await asyncio.to_thread(sink.put, facts.points)
        await asyncio.to_thread(sink.put, instruments.read(clock.wall_ns()))
        await clock.sleep(config.hosts.facts_every_s)


def is_due(before: Look | None, *, every_hours: float, wall_ns: int) -> bool:
    """Whether the device's turn has come; a clock that was set back makes it come at once.

    Example:
        >>> is_due(None, every_hours=6, wall_ns=0)
        True
    """
    if before is None or before.looked_ns > wall_ns:
        return True
    hours = every_hours if before.outcome in GOOD else min(every_hours, AGAIN_AFTER_HOURS)
    return wall_ns - before.looked_ns >= hours * NS_PER_HOUR


def public_key_of(identity: Identity, uplink: UplinkConfig, files: AgentFiles) -> str:
    """The centre's key, asked now; that of the last time while the centre is away.

    Raises:
        BeketError: it was never told and cannot be asked.
    """
    key = GearFiles(files).centre_key
    try:
        with connect(identity, uplink) as centre:
            return key.ask(centre)
    except BeketError:
        kept = key.kept()
        if kept is None:
            raise
        return kept


async def tell(
    store: ConfigStore, identity: Identity, uplink: UplinkConfig, news: asyncio.Event, *, clock: Clock
) -> None:
    """Bring the centre what it lacks, and say how the looks went, for ever."""
    with connect(identity, uplink) as centre:
        while True:
            news.clear()
            await asyncio.to_thread(tell_once, store, centre, wall_ns=clock.wall_ns())
            await is_set_within(news, TELL_EVERY_S, clock=clock)


def tell_once(store: ConfigStore, centre: CentreConnection, *, wall_ns: int) -> None:
    """Copies first, oldest first, then the looks. Blocking.

    Raises:
        BeketError: the centre cannot be told.
    """
    for copy in store.unsent(SENT_AT_ONCE):
        centre.post(messages.COPY_PATH, wire.encode(exchange.copy_message(copy, wall_ns=wall_ns)))
        store.mark_sent(copy.id)
    centre.post(messages.LOOKS_PATH, wire.encode(exchange.looks_message(store.looks(), wall_ns=wall_ns)))
