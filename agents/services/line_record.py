"""Owns what counts for and against a provider: a line that is down while there is light, and blackouts, set apart.

Each burst is judged one beat later, when the gear has been asked since: a router dies with the light, and the UPS or
the silent switch tells of it a little after. Where there was no light before or after, the moment counts for nobody.
"""

from collections.abc import Callable, Sequence

from agents.services import metrics
from agents.services.probe import Target, labels_of
from beket.kernel.metrics import Metric, Point


class LineRecord:
    """The record of one line; of a service that is no line it stays empty."""

    def __init__(
        self, target: Target, light: Callable[[], bool | None], *, promised_ratio: float | None = None
    ) -> None:
        """`light` says whether the site has mains power now, None when nobody knows; `promised_ratio` is told beside
        each verdict: what the contract says, None when that is not known.
        """
        self._target = target
        self._light = light
        self._promised_ratio = promised_ratio
        self._waiting: tuple[int, bool, bool] | None = None

    def judge(self, points: Sequence[Point]) -> list[Point]:
        """Take the points of a new reading and give the verdict on the one before it, at its own time."""
        is_dark = self._light() is False
        verdict: list[Point] = []
        if self._waiting:
            wall_ns, is_up, was_dark = self._waiting
            blackout = was_dark or is_dark
            verdict = [
                self._point(metrics.LINK_FAULT, wall_ns, not is_up and not blackout),
                self._point(metrics.LINK_BLACKOUT, wall_ns, blackout),
            ]
            if self._promised_ratio is not None:
                verdict.append(self._point(metrics.LINK_PROMISED, wall_ns, self._promised_ratio))
        ups = [point for point in points if point.name == metrics.LINK_UP.name]
        self._waiting = (ups[0].wall_ns, ups[0].value > 0, is_dark) if ups else None
        return verdict

    def _point(self, metric: Metric, wall_ns: int, value: float) -> Point:
        return Point(metric.name, labels_of(metric, self._target), wall_ns, float(value))
