"""Puts alerts together for the centre: rules over samples and inventory, the outbox, the courier, what pages ask."""

import asyncio
import functools
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi import APIRouter, Request

from agents.cameras import metrics as cameras
from agents.network import metrics as network
from agents.services import metrics as services_metrics
from beket.access.permit import COMMUNITY, permit, site_resource
from beket.access.roles import Action
from beket.access.store import AccessStore
from beket.app.config import CentreConfig
from beket.app.web_people import actor_of
from beket.app.wiring.service_alerts import ServiceAlerts
from beket.kernel.clock import Clock, read_boot_id
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.secrets import read_secret_file
from beket.kernel.supervise import keep_running
from collector import metrics as collector
from collector import web
from collector.alerts_view import AlertsView, Sees
from collector.notify import courier
from collector.notify.config import MailConfig
from collector.notify.outbox import Outbox
from collector.notify.smtp import DELIVERY_TIMES, SmtpGate
from collector.rules import evaluator
from collector.rules.condition import Condition
from collector.rules.config import AlertsConfig
from collector.rules.judge import Rules
from collector.rules.picture import LatestSamples, Patience, Watch
from collector.rules.standing import Timing
from collector.rules.store import AlertStore

HISTORY_KEPT_S = 400 * 86_400
LETTERS_KEPT_S = 90 * 86_400
FORGET_EVERY_S = 3600
MAIL_HOUR_S = 3600
# A whole delivery with room to spare: a claim older than this is a worker that died.
LEASE_DELIVERIES = 2


@dataclass(frozen=True, slots=True)
class CentreParts:
    """What alerts take of the rest of the centre. `others`: what rules of other rooms say now."""

    facts: Database
    inventory: InventoryView
    samples: LatestSamples
    access: AccessStore
    instruments: Instruments
    others: Callable[[], list[Condition]] = list


class Alerts:
    """The room at work; `units` run until the centre stops, `stop` breaks off a letter under way."""

    def __init__(self, config: CentreConfig, parts: CentreParts, *, clock: Clock, rng: random.Random) -> None:
        self._config = config
        self._parts = parts
        self._clock = clock
        self._rng = rng
        boot_id = read_boot_id()
        mail = config.mail
        self._store = AlertStore(parts.facts)
        self._outbox = Outbox(
            parts.facts,
            recipients=mail.recipients if mail.host else (),
            community=config.community.name,
            domain=mail.sender.rpartition("@")[2] or "beket.invalid",
        )
        is_on = bool(mail.host and mail.recipients)
        self._view = AlertsView(self._store, self._outbox, clock=clock, boot_id=boot_id, mail_is_on=is_on)
        services = ServiceAlerts(parts.samples, parts.inventory, config.alerts, clock=clock)
        self._evaluator = evaluator.Evaluator(
            inventory=parts.inventory,
            samples=parts.samples,
            arrivals=functools.partial(arrivals, parts.instruments, clock),
            alerts=self._store,
            watch=watch(config.alerts),
            rules=replace(rules(config.alerts), others=lambda: [*services.conditions(), *parts.others()]),
            boot_id=boot_id,
        )
        self._gate = mail_gate(mail)
        self._courier = courier.Courier(
            self._outbox,
            self._gate,
            sender=mail.sender,
            boot_id=boot_id,
            lease_s=mail.timeout_s * DELIVERY_TIMES * LEASE_DELIVERIES,
            give_up_after_s=mail.give_up_after_h * MAIL_HOUR_S,
        )

    @property
    def view(self) -> AlertsView:
        """What may be known of alerts, for the pages."""
        return self._view

    def routers(self) -> list[APIRouter]:
        """What people call."""
        sees = status_guard(self._parts.access, self._parts.inventory)
        looks_after = everywhere_guard(self._parts.access)
        return [
            web.alerts_router(self._view, authorize=sees),
            web.dead_letters_router(self._view, guard=looks_after),
        ]

    def units(self) -> dict[str, Awaitable[None]]:
        """What runs beside the rest, each kept running."""
        clock, rng, instruments = self._clock, self._rng, self._parts.instruments
        judging = functools.partial(
            evaluator.evaluate,
            self._evaluator,
            self._outbox.post,
            clock=clock,
            instruments=instruments,
            alerts=self._store,
            every_s=self._config.alerts.every_s,
        )
        reporting = functools.partial(courier.report, self._courier, clock=clock, instruments=instruments)
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "alerts": judging,
            "alerts upkeep": self._forget_old,
            "letters": reporting,
        }
        if self._config.mail.host:
            works["mail"] = functools.partial(
                courier.deliver, self._courier, clock=clock, rng=rng, instruments=instruments
            )
        return {name: keep_running(name, work, clock=clock, rng=rng) for name, work in works.items()}

    def stop(self) -> None:
        """Let no mail server hold up the end."""
        self._gate.abort()

    async def _forget_old(self) -> None:
        while True:
            await self._clock.sleep(FORGET_EVERY_S)
            wall_ns = self._clock.wall_ns()
            await asyncio.to_thread(self._store.forget, wall_ns, keep_s=HISTORY_KEPT_S)
            await asyncio.to_thread(self._outbox.forget, wall_ns, keep_s=LETTERS_KEPT_S)


def rules(config: AlertsConfig) -> Rules:
    """How patient each rule is."""
    keep_s, gap_max_s = config.keep_firing_for_s, max(30, 3 * config.every_s)
    return Rules(
        silent=Timing(0, keep_s, gap_max_s),
        dark=Timing(config.dark_for_s, keep_s, gap_max_s),
        device=Timing(config.device_for_s, keep_s, gap_max_s),
        camera=Timing(config.camera_for_s, keep_s, gap_max_s),
        contact=config.contact,
    )


def watch(config: AlertsConfig) -> Watch:
    """What to look for in the samples."""
    patience = Patience(config.site_silent_after_s, config.stale_after_s)
    return Watch(
        patience,
        device_up=network.DEVICE_UP.name,
        incomplete=network.DEVICE_POLL_INCOMPLETE.name,
        camera_up=cameras.UP.name,
        light=services_metrics.SITE_LIGHT.name,
    )


def mail_gate(mail: MailConfig) -> SmtpGate:
    """The way to the mail server."""
    path: Path | None = mail.password_file
    return SmtpGate(
        mail.host,
        mail.port,
        security=mail.security,
        login=mail.login,
        password=functools.partial(read_secret_file, path) if path else None,
        timeout_s=mail.timeout_s,
    )


def arrivals(instruments: Instruments, clock: Clock) -> Mapping[SiteId, float]:
    """How many points ever came from each site, good or refused, since this process started."""
    counted = {collector.POINTS_ACCEPTED.name, collector.POINTS_REFUSED.name}
    taken: dict[SiteId, float] = defaultdict(float)
    for point in instruments.read(clock.wall_ns()):
        if point.name in counted:
            taken[SiteId(dict(point.labels)["site"])] += point.value
    return taken


def status_guard(access: AccessStore, inventory: InventoryView) -> Callable[..., Awaitable[Sees]]:
    """A FastAPI dependency: of which sites the person may see the state.

    Raises:
        Unauthenticated, Forbidden: no session, or nothing at all may be seen.
    """

    async def authorize(request: Request) -> Sees:
        actor = await actor_of(access, request)
        now_at = access.time.now_at()
        sites = inventory.current().sites
        seen = {site.id for site in sites if permit(actor, Action.SEE_STATUS, site_resource(site), now_at)}
        everything = permit(actor, Action.SEE_STATUS, COMMUNITY, now_at)
        if not seen and not everything:
            raise Forbidden(everything.reason)
        return lambda site: bool(everything) or site in seen

    return authorize


def everywhere_guard(access: AccessStore) -> Callable[..., Awaitable[None]]:
    """A FastAPI dependency: passes who may see the state of the whole community."""

    async def authorize(request: Request) -> None:
        decision = permit(await actor_of(access, request), Action.SEE_STATUS, COMMUNITY, access.time.now_at())
        if not decision:
            raise Forbidden(decision.reason)

    return authorize
