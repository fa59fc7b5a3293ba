"""Owns `/metrics`: the newest sample of each series, and the centre's own numbers, in Prometheus' text format.

A series whose newest sample is older than `stale_after_s` is left out rather than shown for ever: Prometheus then marks
it stale by itself. The name is the catalogue's; `community` is added to every sample. Blocking; safe from any thread.
"""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import CommunityId
from beket.kernel.metrics import Catalogue, Instruments, Metric, Point
from collector.store.samples import SampleStore

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Exposition:
    """Renders what the store and the instruments hold now."""

    def __init__(
        self,
        *,
        community: CommunityId,
        catalogue: Catalogue,
        store: SampleStore,
        instruments: Instruments,
        clock: Clock,
        stale_after_s: float = 300,
    ) -> None:
        self._community = community
        self._catalogue = catalogue
        self._store = store
        self._instruments = instruments
        self._clock = clock
        self._stale_after_ns = round(stale_after_s * NS_PER_S)
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Live(self))

    def render(self) -> bytes:
        """The page, UTF-8, of type `CONTENT_TYPE`."""
        return generate_latest(self._registry)

    def families(self) -> Iterator[Family]:
        """Metric families of the moment, in the catalogue's order; empty ones are left out."""
        now_ns = self._clock.wall_ns()
        points: dict[str, list[Point]] = {}
        for point in (*self._store.latest(now_ns - self._stale_after_ns), *self._instruments.read(now_ns)):
            points.setdefault(point.name, []).append(point)
        for metric in self._catalogue:
            if metric.name in points:
                yield self._family(metric, points[metric.name])

    def _family(self, metric: Metric, points: Iterable[Point]) -> Family:
        labels = ("community", *metric.labels)
        family: CounterMetricFamily | GaugeMetricFamily
        if metric.type == "counter":
            family = CounterMetricFamily(metric.name, metric.help.uk, labels=labels)
        else:
            family = GaugeMetricFamily(metric.name, metric.help.uk, labels=labels)
        for point in points:
            family.add_metric((self._community, *(value for _, value in point.labels)), point.value)
        return family


class _Live(Collector):
    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition

    def collect(self) -> Iterator[Family]:
        return self._exposition.families()
