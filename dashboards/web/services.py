"""Owns what the equipment page says of services and providers: each service's state, and what is wrong in a phrase."""

from collections.abc import Iterable
from dataclasses import dataclass

from agents.services.states import ServiceState, service_states
from agents.services.wording import WHAT
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Inventory, Service
from beket.kernel.text import Text, say
from dashboards.web.ports import Parts
from dashboards.web.states import STATE_WORDS, Known, State

LOOK_BACK_S = 3600
# Services are told of once a minute, other things more often.
STALE_MIN_S = 300
SERVICE_WORDS = {**STATE_WORDS, State.SILENT: say("Не працює", "Does not work")}


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service as the page shows it; `trouble`: what is wrong, of one that works too."""

    service: Service
    known: Known
    trouble: Text | None


def service_rows(parts: Parts, inventory: Inventory, seen: Iterable[SiteId]) -> dict[SiteId, list[ServiceRow]]:
    """The services of the sites that a person sees, in order of names. Blocking."""
    rows: dict[SiteId, list[ServiceRow]] = {site: [] for site in seen}
    mine = sorted((one for one in inventory.services if one.site in rows), key=lambda one: one.name)
    if mine:
        now_ns = parts.clock.wall_ns()
        points = parts.samples.latest(now_ns - LOOK_BACK_S * NS_PER_S)
        states = service_states(points, now_ns=now_ns, stale_after_s=max(STALE_MIN_S, parts.stale_after_s))
        for service in mine:
            rows[service.site].append(_row(service, states.get(service.id)))
    return rows


def _row(service: Service, state: ServiceState | None) -> ServiceRow:
    if state is None:
        return ServiceRow(service, Known(State.UNKNOWN, None), None)
    words = {True: State.WORKS, False: State.SILENT, None: State.UNKNOWN}
    known = Known(words[state.is_up], state.age_s)
    return ServiceRow(service, known, WHAT[state.trouble] if state.trouble else None)
