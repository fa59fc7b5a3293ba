"""Owns what every probe has in common: a target, a deadline, and one reading with an outcome and its reason.

A probe is a coroutine that asks one service once. It returns what it found, or raises: `Found` that speaks of a
trouble, or whatever its sockets raise; `read` gives it its time, measures it and turns every failure into a reading in
people's words. Only declared targets are asked; a probe follows nobody to another host; what it reads is bounded in
bytes by itself and in time here. Note: agents/services/design/0038-service-probes.md.
"""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from agents.network.icmp import Pinger
from agents.services import metrics
from agents.services.trouble import Failed, Trouble, failure_of
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError
from beket.kernel.inventory import Service
from beket.kernel.metrics import Labels, Metric, Point
from beket.kernel.secrets import Secret, SecretStore
from beket.kernel.service_address import ServiceAddress, parse_service_address
from beket.kernel.text import Text, say

DURATION_DIGITS = 5


class Outcome(StrEnum):
    """What a person needs to know first."""

    WORKS = "works"
    ATTENTION = "attention"  # it works, and somebody has to act before long
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Tools:
    """What all probes share.

    Attributes:
        tls: trusts what the machine trusts, and the community's own authority where one is configured.
    """

    clock: Clock
    rng: random.Random
    pinger: Pinger
    secrets: SecretStore
    tls: ssl.SSLContext


@dataclass(frozen=True, slots=True)
class Target:
    """What one probe asks: the declared service, and its address taken apart.

    Attributes:
        provider: label of the site's internet provider.
    """

    service: Service
    address: ServiceAddress
    provider: str

    @property
    def host(self) -> str:
        """Name or IP."""
        return self.address.host

    @property
    def port(self) -> int:
        """TCP or UDP port."""
        return self.address.port

    def secret(self, tools: Tools) -> Secret | None:
        """The login that the inventory names, None when it names none.

        Raises:
            NotFound, InvalidConfig: it is named and cannot be read.
        """
        return tools.secrets.get(self.service.secret) if self.service.secret else None


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe found.

    Attributes:
        text: one sentence for people, with the numbers.
        trouble: what is wrong although it works; None when nothing is.
        samples: numbers beyond up and duration; their metrics have labels among site, probe and provider.
    """

    text: Text
    trouble: Trouble | None = None
    samples: tuple[tuple[Metric, float], ...] = ()


Probe = Callable[[Target, Tools], Awaitable[Found]]


@dataclass(slots=True)
class Reading:
    """What one look at a service brought."""

    service: Service
    outcome: Outcome
    text: Text
    trouble: Trouble | None = None
    points: list[Point] = field(default_factory=list)


def target_of(service: Service, *, provider: str) -> Target:
    """The service as probes take it.

    Raises:
        InvalidArgument: its address is none.
    """
    return Target(service, parse_service_address(service.address), provider)


async def read(probe: Probe, target: Target, tools: Tools, *, within_s: float) -> Reading:
    """Ask once. A service that is away, wrong or mute is a reading that fails, never an exception."""
    service, clock = target.service, tools.clock
    wall_ns, began_ns = clock.wall_ns(), clock.mono_ns()
    try:
        async with asyncio.timeout(within_s):
            found = await probe(target, tools)
    except Failed as failed:
        outcome, found = Outcome.FAILS, Found(failed.message, failed.trouble, failed.samples)
    except TimeoutError:
        text = say("Немає відповіді за {s} с.", "No answer within {s} s.", s=f"{within_s:g}")
        outcome, found = Outcome.FAILS, Found(text, Trouble.SILENT)
    except (OSError, EOFError, BeketError) as error:
        trouble, text = failure_of(error)
        outcome, found = Outcome.FAILS, Found(text, trouble)
    else:
        outcome = Outcome.ATTENTION if found.trouble else Outcome.WORKS
    duration_s = (clock.mono_ns() - began_ns) / NS_PER_S
    samples = [(metrics.PROBE_UP, float(outcome is not Outcome.FAILS)), *found.samples]
    # How long a failure took, or a burst of pings, says nothing of the service.
    if outcome is not Outcome.FAILS and not any(metric is metrics.LINK_LATENCY for metric, _ in found.samples):
        samples.append((metrics.PROBE_DURATION, round(duration_s, DURATION_DIGITS)))
    points = [Point(metric.name, labels_of(metric, target), wall_ns, value) for metric, value in samples]
    return Reading(service, outcome, found.text, found.trouble, points)


def labels_of(metric: Metric, target: Target, **more: str) -> Labels:
    """The labels that a sample of this target carries, in the metric's order."""
    known = {"site": str(target.service.site), "probe": str(target.service.id), "provider": target.provider, **more}
    return tuple((name, known[name]) for name in metric.labels)
