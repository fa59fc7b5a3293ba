"""Owns the samples that are not sealed yet, in memory, and the newest sample of each series. Calls are serialised."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from collector.store.journal import Sample

# hour since 1970 → series → (time in ms, value) in order of arrival
ByHour = dict[int, dict[int, list[tuple[int, float]]]]


class Head:
    """Open samples, 16 bytes each, by series."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[array[int], array[float]]] = {}
        self._latest: dict[int, tuple[int, float]] = {}

    def take(self, samples: Iterable[Sample]) -> None:
        """Add samples; the latest is the newest by time, and of equal times the later come."""
        for series, time_ms, value in samples:
            columns = self._open.get(series)
            if columns is None:
                columns = self._open[series] = array("q"), array("d")
            columns[0].append(time_ms)
            columns[1].append(value)
            known = self._latest.get(series)
            if known is None or known[0] <= time_ms:
                self._latest[series] = time_ms, value

    def series(self) -> list[int]:
        """Series with open samples."""
        return list(self._open)

    def samples(self, series: int) -> list[tuple[int, float]]:
        """Open samples of a series, in order of arrival."""
        columns = self._open.get(series)
        return list(zip(*columns, strict=True)) if columns else []

    def latest(self, since_ms: int) -> list[Sample]:
        """The newest sample of each series that has one since then."""
        return [(series, *sample) for series, sample in self._latest.items() if sample[0] >= since_ms]

    def before(self, series: Sequence[int], boundary_ms: int, hour_ms: int) -> ByHour:
        """Open samples of `series` from before the boundary."""
        found: ByHour = defaultdict(lambda: defaultdict(list))
        for one in series:
            for sample in self.samples(one):
                if sample[0] < boundary_ms:
                    found[sample[0] // hour_ms][one].append(sample)
        return found

    def drop_before(self, series: Sequence[int], boundary_ms: int) -> None:
        """Let go of what `before` gave, once it is in blocks."""
        for one in series:
            kept = [sample for sample in self.samples(one) if sample[0] >= boundary_ms]
            self._open.pop(one, None)
            if kept:
                times, values = zip(*kept, strict=True)
                self._open[one] = array("q", times), array("d", values)
