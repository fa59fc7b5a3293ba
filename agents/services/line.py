"""Owns the probe of a line: a burst of pings to a host beyond it, for what is lost, how long and how steady.

A `ping://` service is meant for a host on the far side of the site's internet line (the provider's gateway, the
centre, a well-known server), so its numbers carry the provider; gear at the site is pinged as a device.
"""

from agents.network.icmp import Ping
from agents.services import metrics
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble
from beket.kernel.metrics import Metric
from beket.kernel.text import say

# Ten pings in two seconds tell 10 % of loss apart from none, and cost 30 bytes a second of the line once a minute.
BURST = 10
GAP_S = 0.2
WAIT_S = 2.0
LOSS_BAD_RATIO = 0.2


async def probe_line(target: Target, tools: Tools) -> Found:
    """Ping in a burst; see `probe.Probe`."""
    ping = await tools.pinger.ping(target.host, count=BURST, gap_s=GAP_S, timeout_s=WAIT_S)
    return judged(ping)


def judged(ping: Ping) -> Found:
    """What a burst tells.

    Raises:
        Failed: nothing came back.
    """
    samples: list[tuple[Metric, float]] = [
        (metrics.LINK_UP, float(bool(ping.times_s))),
        (metrics.LINK_LOSS, round(ping.loss_ratio, 4)),
    ]
    if ping.latency_s is None:
        text = say(
            "Вузол не відповідає: з {n} пакетів не повернувся жоден.", "None of {n} packets came back.", n=ping.sent
        )
        raise Failed(Trouble.SILENT, text, tuple(samples))
    samples.append((metrics.LINK_LATENCY, ping.latency_s))
    if ping.jitter_s is not None:
        samples.append((metrics.LINK_JITTER, ping.jitter_s))
    latency_ms = f"{ping.latency_s * 1000:.0f}"
    if ping.loss_ratio >= LOSS_BAD_RATIO:
        text = say(
            "Зв'язок губить {loss} % пакетів.",
            "The line loses {loss} % of packets.",
            loss=f"{ping.loss_ratio:.0%}"[:-1],
        )
        return Found(text, Trouble.LOSSY, tuple(samples))
    return Found(say("Відповідь за {ms} мс.", "An answer in {ms} ms.", ms=latency_ms), None, tuple(samples))
