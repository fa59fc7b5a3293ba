"""Owns the samples that are not sealed yet, in memory, and the newest sample of each series. Calls are serialised."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from beket.kernel.metrics import Point
from collector.store.journal import NS_PER_MS, Sample
from collector.store.series import SeriesKey

# hour since 1970 → series → (time in ms, value) in order of arrival
ByHour = dict[int, dict[int, list[tuple[int, float]]]]


class Head:
    """Open samples, 16 bytes each, by series."""

    def __init__(self, key: Callable[[int], SeriesKey]) -> None:
        """`key` gives a series' name and labels."""
        self._key = key
        self._open: dict[int, tuple[array[int], array[float]]] = {}
        # Made when a sample comes, for each is asked for many times.
        self._latest: dict[int, Point] = {}

    def take(self, samples: Iterable[Sample]) -> None:
        """Add samples; the latest is the newest by time, and of equal times the later come."""
        for series, time_ms, value in samples:
            columns = self._open.get(series)
            if columns is None:
                columns = self._open[series] = array("q"), array("d")
            columns[0].append(time_ms)
            columns[1].append(value)
            known = self._latest.get(series)
            wall_ns = time_ms * NS_PER_MS
            if known is None or known.wall_ns <= wall_ns:
                self._latest[series] = Point(*self._key(series), wall_ns, value)

    def series(self) -> list[int]:
        """Series with open samples."""
        return list(self._open)

    def samples(self, series: int) -> list[tuple[int, float]]:
        """Open samples of a series, in order of arrival."""
        columns = self._open.get(series)
        return list(zip(*columns, strict=True)) if columns else []

    def latest(self, since_ns: int) -> list[Point]:
        """The newest sample of each series that has one since then."""
        return [point for point in self._latest.values() if point.wall_ns >= since_ns]

    def forget_latest(self, before_ns: int) -> None:
        """Let go of newest samples that are older than that."""
        self._latest = {series: point for series, point in self._latest.items() if point.wall_ns >= before_ns}

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
