"""Owns what the samples say of services now: works, works with a trouble, or fails, and with which. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agents.services import metrics
from agents.services.trouble import Trouble
from agents.services.wording import trouble_of
from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Point


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service by its newest samples.

    Attributes:
        is_up: None when the newest word is too old.
        trouble: what is wrong, of one that works too; None when nothing is.
    """

    is_up: bool | None
    trouble: Trouble | None
    age_s: float


def service_states(points: Iterable[Point], *, now_ns: int, stale_after_s: float) -> Mapping[str, ServiceState]:
    """The state of each service of which `points`, the newest of each series, tell."""
    ups: dict[str, Point] = {}
    troubles: dict[str, Point] = {}
    for point in points:
        if point.name == metrics.PROBE_UP.name:
            ups[dict(point.labels)["probe"]] = point
        elif point.name == metrics.PROBE_TROUBLE.name and point.value > 0:
            probe = dict(point.labels)["probe"]
            if probe not in troubles or troubles[probe].wall_ns < point.wall_ns:
                troubles[probe] = point
    return {probe: _state(up, troubles.get(probe), now_ns, stale_after_s) for probe, up in ups.items()}


def _state(up: Point, trouble: Point | None, now_ns: int, stale_after_s: float) -> ServiceState:
    age_s = max(0.0, (now_ns - up.wall_ns) / NS_PER_S)
    if age_s > stale_after_s:
        return ServiceState(None, None, age_s)
    # A trouble is told at each beat together with the state; one from before the last beat is over.
    is_now = trouble is not None and trouble.wall_ns >= up.wall_ns
    return ServiceState(up.value > 0, trouble_of(dict(trouble.labels)["reason"]) if is_now and trouble else None, age_s)
