"""Owns what the centre lets in: each point is checked against the catalogue and against who sends it, then stored.

An agent speaks for its own site only. What does not pass is refused and counted, and never holds up the rest: a batch
with nothing good in it is taken too, or it would come again for ever. A batch that came before is not stored again.
A sample that a wrong clock put at an impossible time is kept at a likely one, and counted (`collector.times`).
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
from beket.kernel.clock import Clock
from beket.kernel.ids import AgentId, SiteId
from beket.kernel.metrics import Catalogue, Instruments, Metric, Point
from beket.kernel.ports import PointSink
from collector import metrics
from collector.messages import Batch, PointsReceipt, read_points
from collector.store.journal import NS_PER_MS
from collector.store.samples import Mark, SampleStore
from collector.times import Window, corrections, skew_ms

log = logging.getLogger(__name__)

LABEL_MAX_CHARS = 100
SPOOL_ID_MAX_CHARS = 64


class Refusal(StrEnum):
    """Why a point is not stored."""

    UNKNOWN = "unknown-metric"
    LABELS = "wrong-labels"
    SITE = "other-site"
    NUMBER = "not-a-number"
    UNREADABLE = "not-understood"


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
        kept_s: float,
        forward: PointSink | None = None,
    ) -> None:
        """Samples older than `kept_s`, the longest that any form of them is kept, are taken for those of a wrong clock.

        `forward` gets each sample before the batch counts as taken: twice after a crash between the two, never not.
        """
        self._catalogue = catalogue
        self._store = store
        self._instruments = instruments
        self._clock = clock
        self._kept_ms = round(kept_s * 1000)
        self._forward = forward
        self._lock = threading.Lock()

    def take(self, sender: Sender, body: bytes) -> bytes:
        """Store what is good in a points message and return the receipt; when it returns, all of that is durable.

        Raises:
            ProtocolError: not a points message.
            BeketError: the store cannot write; nothing of the message counts as taken.
        """
        message, unreadable = read_points(body)
        spool = message.spool[:SPOOL_ID_MAX_CHARS]
        with self._lock:
            through = self._store.through(sender.agent, spool)
            fresh = [batch for batch in message.batches if batch.sequence > through]
            now_ms = self._clock.wall_ns() // NS_PER_MS
            behind_ms = skew_ms(message.sent_ms, now_ms)
            points, refused, retimed = self._sift(sender, fresh, behind_ms, Window(now_ms, now_ms - self._kept_ms))
            if lost := sum(unreadable[batch.sequence] for batch in fresh):
                refused[Refusal.UNREADABLE] += lost
            if fresh:
                if self._forward and points:
                    self._forward.put(points)
                through = max(batch.sequence for batch in fresh)
                self._store.put(points, Mark(sender.agent, spool, through))
        repeated = len(message.batches) - len(fresh)
        self._count(sender, len(points), refused, repeated)
        if retimed:
            self._instruments.add(metrics.POINTS_RETIMED, retimed, site=sender.site)
            log.info("%s of %s: %d points at another time, its clock is wrong", sender.agent, sender.site, retimed)
        if message.sent_ms is not None:
            self._instruments.set(metrics.CLOCK_BEHIND, behind_ms / 1000, site=sender.site, agent=sender.agent)
        return wire.encode(PointsReceipt(through, len(points), refused.total(), repeated))

    def _sift(
        self, sender: Sender, batches: Sequence[Batch], behind_ms: int, window: Window
    ) -> tuple[list[Point], Counter[Refusal], int]:
        """What is good, what is not and why, and how many of the good ones are at another time than they came with."""
        points: list[Point] = []
        refused: Counter[Refusal] = Counter()
        retimed = 0
        times = [[time_ms for one in batch.series for time_ms, _ in one.samples] for batch in batches]
        for batch, move in zip(batches, corrections(times, skew_ms=behind_ms, window=window), strict=True):
            for one in batch.series:
                metric = self._catalogue.get(one.name)
                reason = Refusal.UNKNOWN if metric is None else _wrong_labels(metric, one.labels, sender.site)
                if metric is None or reason:
                    refused[reason or Refusal.UNKNOWN] += len(one.samples)
                    continue
                labels = tuple((name, one.labels[name]) for name in metric.labels)
                for time_ms, value in one.samples:
                    if value is None or not math.isfinite(value):
                        refused[Refusal.NUMBER] += 1
                        continue
                    at_ms = move(time_ms)
                    retimed += at_ms != time_ms
                    points.append(Point(one.name, labels, at_ms * NS_PER_MS, value))
        return points, refused, retimed

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
