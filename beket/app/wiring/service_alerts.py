"""Puts services among the alerts: what does not work, what will not for long, and what a dead line explains.

A site's line (a `ping://` service) stands before the services that are reached over it and may explain them. The newest
samples are asked for every 20 s at most: services are judged by minutes.
"""

import ipaddress
import threading
from collections.abc import Mapping

from agents.services.states import ServiceState, service_states
from agents.services.trouble import Trouble
from agents.services.wording import TO_DO, WHAT
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import InvalidArgument
from beket.kernel.inventory import Inventory, Service, Site
from beket.kernel.ports import InventoryView
from beket.kernel.service_address import ServiceKind, parse_service_address
from beket.kernel.text import Text, say
from collector.rules import wording
from collector.rules.condition import Condition, Words, alert_key, said
from collector.rules.config import AlertsConfig
from collector.rules.judge import SITE_DARK, SITE_SILENT
from collector.rules.picture import LatestSamples
from collector.rules.standing import Timing

DOWN, ATTENTION = "service-down", "service-attention"
# What ends in days need not be told tonight, and a lossy minute is none.
ATTENTION_FOR_S = 1800
LOOK_EVERY_S = 20
GAP_MAX_S = 120


class ServiceAlerts:
    """The rules of services; blocking, safe from any thread."""

    def __init__(self, samples: LatestSamples, inventory: InventoryView, config: AlertsConfig, *, clock: Clock) -> None:
        self._samples = samples
        self._inventory = inventory
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_mono_ns: int | None = None
        self._states: Mapping[str, ServiceState] = {}

    def conditions(self) -> list[Condition]:
        """What the rules say now, of each service of the inventory."""
        return conditions_of(self._inventory.current(), self._look(), self._config)

    def _look(self) -> Mapping[str, ServiceState]:
        with self._lock:
            now = self._clock.mono_ns()
            if self._looked_mono_ns is None or now - self._looked_mono_ns >= LOOK_EVERY_S * NS_PER_S:
                wall_ns, stale_s = self._clock.wall_ns(), self._config.stale_after_s
                points = self._samples.latest(wall_ns - round(2 * stale_s * NS_PER_S))
                self._states = service_states(points, now_ns=wall_ns, stale_after_s=stale_s)
                self._looked_mono_ns = now
            return self._states


def conditions_of(inventory: Inventory, states: Mapping[str, ServiceState], config: AlertsConfig) -> list[Condition]:
    """What each rule says of each service; lines stand first, for they may explain others. Pure."""
    sites = {site.id: site for site in inventory.sites}
    ordered = sorted(inventory.services, key=lambda service: not _is_line(service))
    lines: dict[str, list[str]] = {}
    found: list[Condition] = []
    for service in ordered:
        site = sites[service.site]
        above = [alert_key(SITE_SILENT, site.id), alert_key(SITE_DARK, site.id)]
        if _is_line(service):
            lines.setdefault(site.id, []).append(alert_key(DOWN, service.id))
        elif _is_beyond(service):
            above += lines.get(site.id, [])
        call = whom_to_call(inventory, site, service, config.contact)
        found += _of_service(service, site, states.get(service.id), tuple(above), call, config)
    return found


def whom_to_call(inventory: Inventory, site: Site, service: Service, contact: str) -> Text:
    """Who can mend it; for a line first of all the provider, with phone and contract where they are known."""
    provider = inventory.provider_of(site)
    if not _is_line(service) or provider is None:
        return wording.whom_to_call(contact, site)
    return say("Провайдер: {who}", "Provider: {who}", who=provider.contacts)


def _of_service(
    service: Service,
    site: Site,
    state: ServiceState | None,
    above: tuple[str, ...],
    call: Text,
    config: AlertsConfig,
) -> list[Condition]:
    is_up = state.is_up if state else None
    trouble = state.trouble if state else None
    down = None if is_up is None else not is_up
    worse = None if is_up is None else is_up and trouble is not None
    keep_s = config.keep_firing_for_s
    return [
        Condition(
            DOWN, service.id, site.id, down, Timing(config.device_for_s, keep_s, GAP_MAX_S), above,
            _down(service, site, trouble or Trouble.OTHER, call) if down else None,
        ),
        Condition(
            ATTENTION, service.id, site.id, worse, Timing(ATTENTION_FOR_S, keep_s, GAP_MAX_S), above,
            _attention(service, site, trouble or Trouble.OTHER, call) if worse else None,
        ),
    ]  # fmt: skip


def _down(service: Service, site: Site, trouble: Trouble, call: Text) -> Words:
    name, where = service.name, wording.place(site)
    return Words(
        title=said(say("Не працює «{name}» — {site}", "“{name}” does not work: {site}", name=name, site=where)),
        what=said(
            say(
                "«{name}» не працює, якщо дивитися з об'єкта «{site}»: {what}.",
                "Seen from the site “{site}”, “{name}” does not work: {what}.",
                name=name,
                site=where,
                what=WHAT[trouble],
            )
        ),
        why=said(_why_line() if _is_line(service) else _why_service()),
        todo=said(_what_to_do_with_a_line() if _is_line(service) else TO_DO[trouble]),
        call=said(call),
        over=said(say("Знову працює «{name}» — {site}", "“{name}” works again: {site}", name=name, site=where)),
    )


def _attention(service: Service, site: Site, trouble: Trouble, call: Text) -> Words:
    name, where = service.name, wording.place(site)
    return Words(
        title=said(say("Зверніть увагу: «{name}» — {site}", "Look at “{name}”: {site}", name=name, site=where)),
        what=said(say("«{name}» працює, але: {what}.", "“{name}” works, but: {what}.", name=name, what=WHAT[trouble])),
        why=said(
            say(
                "Поки що люди цього не помічають. Якщо нічого не робити, помітять.",
                "People do not notice yet. If nothing is done, they will.",
            )
        ),
        todo=said(TO_DO[trouble]),
        call=said(call),
        over=said(say("Гаразд: «{name}» — {site}", "In order: “{name}”, {site}", name=name, site=where)),
    )


def _why_line() -> Text:
    return say(
        "Вузол за лінією провайдера мовчить: не працює лінія або сам той вузол.",
        "The host beyond the provider's line is silent: the line is down, or that host.",
    )


def _what_to_do_with_a_line() -> Text:
    return say(
        "Перезапустіть маршрутизатор об'єкта. Не допомогло — дзвоніть провайдерові.",
        "Restart the site's router. If that does not help, call the provider.",
    )


def _why_service() -> Text:
    return say(
        "Лінія об'єкта працює. Отже, справа в самій службі або в її сервері.",
        "The site's line works, so it is the service itself, or its server.",
    )


def _is_line(service: Service) -> bool:
    return service.address.startswith(f"{ServiceKind.PING.value}://")


def _is_beyond(service: Service) -> bool:
    """Whether the service is reached over the site's line: its host is no address of a private network."""
    try:
        return not ipaddress.ip_address(parse_service_address(service.address).host).is_private
    except InvalidArgument:
        return False
    except ValueError:
        return True  # a name
