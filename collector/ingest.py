"""Owns what the centre lets in: each point is checked against the catalogue and against who sends it, then stored.

An agent speaks for its own site only. What does not pass is refused and counted, and never holds up the rest: a batch
with nothing good in it is taken too, or it would come again for ever. A batch that came before is not stored again.
Blocking; safe from any thread.
"""

import logging
import math
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.metrics import Catalogue, Instruments, Metric, Point
from beket.kernel.ports import PointSink
from collector import metrics
from collector.messages import PointsMessage, PointsReceipt, Series
from collector.store.samples import NS_PER_MS, Mark, SampleStore

log = logging.getLogger(__name__)

LABEL_MAX_CHARS = 100
SPOOL_ID_MAX_CHARS = 64
# A clock may be a little ahead; further, and the sample would hide those that come after it.
AHEAD_MAX_NS = 600 * NS_PER_S


class Refusal(StrEnum):
    """Why a point is not stored."""

    UNKNOWN = "unknown-metric"
    LABELS = "wrong-labels"
    SITE = "other-site"
    NUMBER = "not-a-number"
    TIME = "impossible-time"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who speaks, as enrolment proved it."""

    site: SiteId
    agent: AgentId


class Ingest:
    """The door of the store."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        store: SampleStore,
        instruments: Instruments,
        clock: Clock,
        retention_s: float,
        forward: PointSink | None = None,
    ) -> None:
        """Samples older than `retention_s` are refused: they would be forgotten at once.

        `forward` gets each sample before the batch counts as taken: twice after a crash between the two, never not.
        """
        self._catalogue = catalogue
        self._store = store
        self._instruments = instruments
        self._clock = clock
        self._retention_ns = round(retention_s * NS_PER_S)
        self._forward = forward
        self._lock = threading.Lock()

    def take(self, sender: Sender, body: bytes) -> bytes:
        """Store what is good in a points message and return the receipt; when it returns, all of that is durable.

        Raises:
            ProtocolError: not a points message.
            BeketError: the store cannot write; nothing of the message counts as taken.
        """
        message = wire.decode(body, PointsMessage)
        spool = message.spool[:SPOOL_ID_MAX_CHARS]
        with self._lock:
            through = self._store.through(sender.agent, spool)
            fresh = [batch for batch in message.batches if batch.sequence > through]
            points, refused = self._sift(sender, [series for batch in fresh for series in batch.series])
            if fresh:
                if self._forward and points:
                    self._forward.put(points)
                through = max(batch.sequence for batch in fresh)
                self._store.put(points, Mark(sender.agent, spool, through))
        repeated = len(message.batches) - len(fresh)
        self._count(sender, len(points), refused, repeated)
        return wire.encode(PointsReceipt(through, len(points), refused.total(), repeated))

    def _sift(self, sender: Sender, series: Sequence[Series]) -> tuple[list[Point], Counter[Refusal]]:
        now_ns = self._clock.wall_ns()
        earliest_ns, latest_ns = now_ns - self._retention_ns, now_ns + AHEAD_MAX_NS
        points: list[Point] = []
        refused: Counter[Refusal] = Counter()
        for one in series:
            metric = self._catalogue.get(one.name)
            reason = Refusal.UNKNOWN if metric is None else _wrong_labels(metric, one.labels, sender.site)
            if metric is None or reason:
                refused[reason or Refusal.UNKNOWN] += len(one.samples)
                continue
            labels = tuple((name, one.labels[name]) for name in metric.labels)
            for time_ms, value in one.samples:
                wall_ns = time_ms * NS_PER_MS
                if value is None or not math.isfinite(value):
                    refused[Refusal.NUMBER] += 1
                elif not earliest_ns <= wall_ns <= latest_ns:
                    refused[Refusal.TIME] += 1
                else:
                    points.append(Point(one.name, labels, wall_ns, value))
        return points, refused

    def _count(self, sender: Sender, accepted: int, refused: Counter[Refusal], repeated: int) -> None:
        site = sender.site
        self._instruments.add(metrics.POINTS_ACCEPTED, accepted, site=site)
        if repeated:
            self._instruments.add(metrics.BATCHES_REPEATED, repeated, site=site)
        for reason, n in refused.items():
            self._instruments.add(metrics.POINTS_REFUSED, n, site=site, reason=reason.value)
            log.info("%s of %s: %d points refused: %s", sender.agent, site, n, reason)


def _wrong_labels(metric: Metric, labels: dict[str, str], site: SiteId) -> Refusal | None:
    if labels.keys() != set(metric.labels):
        return Refusal.LABELS
    if labels.get("site") != site:
        return Refusal.SITE
    if not all(0 < len(value) <= LABEL_MAX_CHARS and value.isprintable() for value in labels.values()):
        return Refusal.LABELS
    return None
