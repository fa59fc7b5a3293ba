"""Puts the centre together: every room over its own database, two listeners, and the upkeep between them.

Agents speak to one port, by TLS; people and Prometheus to another, which stays on loopback or a VPN. One process for
now: the two applications share nothing but the rooms, so that `--rooms` can split them. Blocking work goes to threads.
"""

import asyncio
import functools
import logging
import random
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

from fastapi import APIRouter, FastAPI, Request

from backup.repository.ledger import Ledger
from backup.repository.overview import HostView
from backup.web import agent_router
from beket.access import tls
from beket.access.community_key import CommunityKey
from beket.access.signing import Purpose
from beket.access.store import AccessStore
from beket.app import listen, web_agents, web_edge, web_people
from beket.app.config import CentreConfig
from beket.app.process import run_until
from beket.app.wiring.access import open_access
from beket.app.wiring.alerts import Alerts, CentreParts
from beket.app.wiring.backup_alerts import backup_conditions
from beket.app.wiring.backup_view import backups_for_pages
from beket.app.wiring.catalogue import full_catalogue
from beket.app.wiring.computers import Computers
from beket.app.wiring.devices import Devices
from beket.app.wiring.gear_centre import GearConfigurations, open_gear
from beket.app.wiring.hold_alerts import hold_conditions
from beket.app.wiring.inventory import inventory_in, open_facts
from beket.app.wiring.live import SITE_MESSAGE_MAX_BYTES, Live
from beket.app.wiring.pages import PageParts, hold_book, pages_router
from beket.app.wiring.recordings import CENTRE, open_recordings
from beket.app.wiring.relay import relay_units
from beket.app.wiring.repositories import Repositories
from beket.app.wiring.repository_service import service_if_it_can, service_units
from beket.app.wiring.retention import Retention
from beket.app.wiring.sinks import open_sink
from beket.kernel.clock import Clock
from beket.kernel.errors import Forbidden
from beket.kernel.ids import CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import PointSink
from beket.kernel.supervise import keep_running
from beket.kernel.text import say
from collector import web as collector_web
from collector.ingest import Ingest as PointIngest
from collector.inventory.signed import signed_part
from collector.inventory.store import InventoryStore
from collector.rules.condition import Condition
from collector.sinks.exposition import Exposition
from collector.store.samples import SampleStore
from collector.upkeep import keep_in_order
from dashboards.web.session import is_loopback
from vms import web as vms_web
from vms.hold_news import HoldNews
from vms.ingest import Ingest as SegmentIngest
from vms.recordings.holds import Holds
from vms.recordings.playback import Playback
from vms.recordings.store import Store
from vms.seal_ingest import SealIngest

log = logging.getLogger(__name__)

INVENTORY_EVERY_S = 2
ACCESS_TIME_EVERY_S = 60


async def run_centre(config: CentreConfig, *, clock: Clock, rng: random.Random, stop: asyncio.Event) -> None:
    """Be the centre until `stop` is set.

    Raises:
        Busy: a port is taken.
        InvalidConfig, DataLoss: a database, a key or the recordings' folder is not right; the sentence says which.
    """
    with ExitStack() as stack:
        agents_socket = stack.enter_context(listen.bind(config.agents.host, config.agents.port, place="agents.port"))
        pages_socket = stack.enter_context(listen.bind(config.pages.host, config.pages.port, place="pages.port"))
        access = stack.enter_context(open_access(config, clock=clock))
        facts = stack.enter_context(open_facts(config))
        inventory = inventory_in(facts, config, clock=clock)
        samples = SampleStore(config.data / "samples.db")
        stack.callback(samples.close)
        community = CommunityId(config.community.id)
        opened = open_recordings(config.recordings, database=config.data / "video.db", community=community)
        recordings = stack.enter_context(opened)
        instruments = Instruments(site=CENTRE, unit="centre")
        sinking = open_sink(config.sinks, config.data, community=community, clock=clock, instruments=instruments)
        sink = stack.enter_context(sinking)
        ledger = Ledger(config.data / "repositories.db")
        stack.callback(ledger.close)
        service = await service_if_it_can(config, access, ledger, clock=clock)
        gear = stack.enter_context(open_gear(config, facts, inventory, clock=clock))
        backups = backups_for_pages(config, ledger, service, gear.for_pages(), clock=clock)
        holds = Holds(recordings, clock=clock, budget_bytes=config.recordings.hold_budget_bytes)
        hold_news = HoldNews(holds, inventory)
        computers = Computers(config.computers, facts, inventory, clock=clock)
        devices = Devices(facts, inventory, samples, sink.queue, instruments, clock=clock)
        unwell = functools.partial(_conditions, config, backups.views, holds, gear, inventory, clock)
        room = CentreParts(facts, inventory, samples, access, instruments, unwell)
        alerts = Alerts(config, room, clock=clock, rng=rng)
        stack.callback(alerts.stop)
        live = Live(access, inventory, clock=clock, instruments=instruments)
        parts = _Parts(config, clock, access, inventory, samples, recordings, instruments)
        archive = Retention(recordings, inventory, config.recordings, edge=False, clock=clock, instruments=instruments)
        book = hold_book(holds, hold_news, archive.forecaster)
        asked = PageParts(
            Playback(recordings), alerts.view, backups, book, computers.view, devices.book, devices.topology.current
        )
        pages = pages_router(config, room, asked, clock=clock)
        people = (pages, *alerts.routers(), live.people_router())
        cert, key, _ = tls.server_files(config.keys, config.agents.names)
        supervised = functools.partial(keep_running, clock=clock, rng=rng)
        upkeep = functools.partial(_keep_samples, samples, config, instruments, clock=clock)
        repositories = Repositories(config.repositories, ledger, service, instruments, clock=clock)
        log.info("the centre of %s listens for agents on port %d", community, agents_socket.getsockname()[1])
        await run_until(
            stop,
            {
                "agents": listen.serve(
                    parts.agents_app(
                        live,
                        sink.queue,
                        functools.partial(agent_router, ledger, service, clock=clock),
                        computers.agent_router,
                        devices.agent_router,
                        functools.partial(vms_web.holds_router, hold_news, proved_ns=archive.age.proved_ns),
                        gear.agent_router,
                    ),
                    agents_socket,
                    stop,
                    tls=(cert, key),
                    websocket_max_bytes=SITE_MESSAGE_MAX_BYTES,
                ),
                "pages": listen.serve(parts.pages_app(people), pages_socket, stop),
                "inventory": supervised("inventory", functools.partial(_follow, inventory, clock=clock)),
                "samples": supervised("samples", upkeep),
                "access time": supervised("access time", functools.partial(_keep_time, access, clock=clock)),
                **archive.units(rng=rng),
                **relay_units(config.relay, access, inventory, live.hub, clock=clock, rng=rng),
                **repositories.units(rng=rng),
                **computers.units(instruments, rng=rng),
                **devices.units(rng=rng),
                **service_units(config, service, access, clock=clock, rng=rng),
                **alerts.units(),
                **sink.units(clock=clock, rng=rng),
            },
        )


class _Parts:
    """What both applications are made of."""

    def __init__(
        self,
        config: CentreConfig,
        clock: Clock,
        access: AccessStore,
        inventory: InventoryStore,
        samples: SampleStore,
        recordings: Store,
        instruments: Instruments,
    ) -> None:
        self._config = config
        self._clock = clock
        self._access = access
        self._inventory = inventory
        self._recordings = recordings
        self._instruments = instruments
        catalogue = full_catalogue()
        self._catalogue = catalogue
        self._samples = samples
        self._exposition = Exposition(
            community=CommunityId(config.community.id),
            catalogue=catalogue,
            store=samples,
            instruments=self._instruments,
            clock=clock,
            stale_after_s=config.samples.stale_after_s,
        )

    def agents_app(self, live: Live, forward: PointSink | None, *others: Callable[..., APIRouter]) -> FastAPI:
        """What agents call; `others` are routers of the rooms that need nothing else of this."""
        app = web_edge.new_app()
        authenticate = web_agents.authenticate_with(self._access.enrolment)
        points = PointIngest(
            catalogue=self._catalogue,
            store=self._samples,
            instruments=self._instruments,
            clock=self._clock,
            kept_s=self._config.samples.keeping.longest_s,
            forward=forward,
        )
        segments = SegmentIngest(self._recordings, self._inventory, instruments=self._instruments)
        app.include_router(
            web_agents.router(self._access.enrolment, authenticate=authenticate, inventory_part=self._signed_part())
        )
        app.include_router(collector_web.agent_router(points, authenticate=authenticate))
        app.include_router(vms_web.agent_router(segments, authenticate=authenticate))
        seals = SealIngest(self._recordings, self._inventory, clock=self._clock, instruments=self._instruments)
        key_of = self._access.enrolment.public_key_of
        app.include_router(vms_web.seals_router(seals, authenticate=authenticate, key_of=key_of))
        app.include_router(live.agent_router(authenticate))
        for other in others:
            app.include_router(other(authenticate=authenticate))
        return app

    def pages_app(self, routers: Iterable[APIRouter]) -> FastAPI:
        """What people and Prometheus call."""
        app = web_edge.new_app()
        archive = web_people.archive_guard(self._access, self._inventory)
        app.include_router(web_people.router(self._access))
        app.include_router(vms_web.people_router(Playback(self._recordings), authorize=archive))
        for router in routers:
            app.include_router(router)
        app.include_router(collector_web.metrics_router(self._exposition, guard=only_from_this_machine))
        return app

    def _signed_part(self) -> web_agents.InventoryPart:
        key = CommunityKey.load_or_create(self._config.keys / "community.key")
        sign = functools.partial(key.sign, Purpose.INVENTORY_PART)

        def part(site: SiteId) -> tuple[int, bytes]:
            current = self._inventory.current()
            return current.version, signed_part(current, site, sign)

        return part


async def _keep_samples(samples: SampleStore, config: CentreConfig, instruments: Instruments, *, clock: Clock) -> None:
    every_s, keep = config.samples.maintain_every_s, config.samples.keeping
    await keep_in_order(samples, clock=clock, keep=keep, instruments=instruments, every_s=every_s)


def _conditions(
    config: CentreConfig,
    views: Callable[[], Sequence[HostView]],
    holds: Holds,
    gear: GearConfigurations,
    inventory: InventoryStore,
    clock: Clock,
) -> list[Condition]:
    contact = config.alerts.contact
    return [
        *backup_conditions(views, inventory, contact=contact),
        *hold_conditions(holds, clock, contact=contact),
        *gear.conditions(contact=contact),
    ]


async def only_from_this_machine(request: Request) -> None:
    """A FastAPI dependency: `/metrics` is for a Prometheus on the same machine.

    Raises:
        Forbidden: the caller is elsewhere.
    """
    host = request.client.host if request.client else ""
    if not is_loopback(host):
        raise Forbidden(say("/metrics — лише для цієї машини.", "/metrics is for this machine only."))


async def _follow(inventory: InventoryStore, *, clock: Clock) -> None:
    while True:
        await clock.sleep(INVENTORY_EVERY_S)
        if await asyncio.to_thread(inventory.refresh):
            log.info("inventory version %d is in force", inventory.current().version)


async def _keep_time(access: AccessStore, *, clock: Clock) -> None:
    while True:
        await asyncio.to_thread(access.time.save)
        await clock.sleep(ACCESS_TIME_EVERY_S)
