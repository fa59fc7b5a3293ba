"""Owns what a metric is: its one name, unit, labels and explanation, declared by the room that measures it.

A sample carries the same name and labels on `/metrics`, in line protocol and in PromQL. Each room lists its metrics in
`metrics.py`; wiring joins them into one `Catalogue`, which refuses two meanings for one name. Counters and gauges of
Beket itself (`Instruments`) are plain numbers; exposition is the collector's.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from beket.kernel.text import Text

MetricType = Literal["gauge", "counter"]
Labels = tuple[tuple[str, str], ...]

# Only these may tell series apart; free text (a description, a person, an address) never does. `model` and `firmware`
# are for `device_info` alone, which has one series a device at a time.
ALLOWED_LABELS = frozenset(
    {
        "community",
        "site",
        "device",
        "port",
        "camera",
        "agent",
        "disk",
        "firmware",
        "model",
        "part",
        "plan",
        "provider",
        "probe",
        "reason",
        "room",
        "unit",
    }
)
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the catalogue.

    Attributes:
        name: `<subject>_<thing>_<unit>`, a counter ends in `_total`; base units (seconds, bytes, ratio 0-1).
        type: "counter" grows until a reset, "gauge" is a level.
        labels: names of the labels that each sample carries, in order, besides `community`.
        help: one sentence for people.
    """

    name: str
    type: MetricType
    labels: tuple[str, ...]
    help: Text


@dataclass(frozen=True, slots=True)
class Point:
    """One sample: the value of one series at one moment.

    Attributes:
        labels: (name, value) pairs in the metric's order.
        wall_ns: when it was measured, by the measurer's clock.
    """

    name: str
    labels: Labels
    wall_ns: int
    value: float


class Catalogue:
    """All metrics of the product, each name once."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._by_name: dict[str, Metric] = {}
        for metric in metrics:
            _check(metric)
            if metric.name in self._by_name:
                raise ValueError(f"metric {metric.name} is declared twice")
            self._by_name[metric.name] = metric

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._by_name.values())

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str) -> Metric | None:
        """The metric called `name`, or None when nobody declared it."""
        return self._by_name.get(name)

    def accepts(self, point: Point) -> bool:
        """Whether `point` has a declared name and that metric's labels, in order."""
        metric = self._by_name.get(point.name)
        return metric is not None and tuple(name for name, _ in point.labels) == metric.labels


class Instruments:
    """The numbers a process keeps about itself. Safe from any thread; cheap enough for hot paths at tick rate."""

    def __init__(self, **known: str) -> None:
        """`known` labels (the site, the unit) stand in every number whose metric has them."""
        self._known = known
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], float] = {}

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Let a counter grow by `amount`."""
        key = (metric.name, _ordered(metric, self._known, labels))
        with self._lock:
            self._values[key] = self._values.get(key, 0) + amount

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge to `value`."""
        key = (metric.name, _ordered(metric, self._known, labels))
        with self._lock:
            self._values[key] = value

    def read(self, wall_ns: int) -> list[Point]:
        """All current values as points at `wall_ns`."""
        with self._lock:
            return [Point(name, labels, wall_ns, value) for (name, labels), value in self._values.items()]


def _ordered(metric: Metric, known: Mapping[str, str], labels: Mapping[str, str]) -> Labels:
    given = {**{name: known[name] for name in metric.labels if name in known}, **labels}
    if given.keys() != set(metric.labels):
        raise ValueError(f"{metric.name} takes labels {metric.labels}, not {tuple(given)}")
    return tuple((name, given[name]) for name in metric.labels)


def _check(metric: Metric) -> None:
    if not _NAME.fullmatch(metric.name):
        raise ValueError(f"metric {metric.name!r} is not of the form subject_thing_unit")
    if (metric.type == "counter") != metric.name.endswith("_total"):
        raise ValueError(f"metric {metric.name}: counters, and only they, end in _total")
    unknown = set(metric.labels) - ALLOWED_LABELS
    if unknown:
        raise ValueError(f"metric {metric.name} has labels outside the allowed set: {sorted(unknown)}")
