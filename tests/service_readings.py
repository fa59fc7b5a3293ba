"""One reading of one declared service, as an agent takes it; for tests of probes."""

import asyncio
import random
import ssl
from pathlib import Path

from agents.network.icmp import Pinger
from agents.services import metrics
from agents.services.kinds import PROBES
from agents.services.probe import Outcome, Reading, Tools, read, target_of
from agents.services.trouble import Trouble
from beket.kernel.clock import NS_PER_S, SystemClock
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Service
from beket.kernel.metrics import Metric
from beket.kernel.secrets import SecretFolder

WITHIN_S = 30.0


class ClockAhead(SystemClock):
    """The machine's clock, set wrong by some seconds."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_ns = round(ahead_s * NS_PER_S)

    def wall_ns(self) -> int:
        return super().wall_ns() + self._ahead_ns


def ask(
    address: str,
    *,
    expect: str = "",
    secret: str = "",
    secrets: Path = Path("/nonexistent"),
    tls: ssl.SSLContext | None = None,
    clock: SystemClock | None = None,
    within_s: float = WITHIN_S,
) -> Reading:
    """One reading of one service."""

    async def run() -> Reading:
        pinger = Pinger(clock=SystemClock(), rng=random.Random())
        try:
            tools = Tools(
                clock or SystemClock(),
                random.Random(),
                pinger,
                SecretFolder(secrets),
                tls or ssl.create_default_context(),
            )
            service = Service(
                id=ServiceId("it"), site=SiteId("rada"), name="Воно", address=address, expect=expect, secret=secret
            )
            target = target_of(service, provider="steplink")
            return await read(PROBES[target.address.kind], target, tools, within_s=within_s)
        finally:
            pinger.close()

    return asyncio.run(run())


def value(reading: Reading, metric: Metric) -> float:
    """The one sample of `metric`."""
    (found,) = [point for point in reading.points if point.name == metric.name]
    assert tuple(name for name, _ in found.labels) == metric.labels
    return found.value


def fails(reading: Reading, trouble: Trouble) -> bool:
    assert value(reading, metrics.PROBE_UP) == float(reading.outcome is not Outcome.FAILS)
    assert reading.text.uk
    assert reading.text.en
    return reading.outcome is Outcome.FAILS and reading.trouble is trouble


def works(reading: Reading) -> bool:
    if reading.outcome is not Outcome.WORKS:
        return False
    timed = metrics.LINK_LATENCY if reading.service.address.startswith("ping://") else metrics.PROBE_DURATION
    return value(reading, timed) > 0
