"""Owns what a benchmark says: a ratio against a control measured in the same run, and checks that what was measured is
what should happen.
"""

import json
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's outcome, printed as one line of JSON.

    Attributes:
        ratio: ours / control; below 1 we cost less. Where there is no control, `control` is the bar.
        n: measured pairs; figures are medians.
        spread: the smallest and the largest ratio of a pair.
        checks: what had to hold for the figures to mean anything; one False fails the benchmark.
        beside: other figures of the same run, for the reader; no bar is set on them.
    """

    name: str
    ratio: float
    ours: float
    control: float
    unit: str
    n: int
    spread: tuple[float, float]
    checks: dict[str, bool]
    control_cmd: str
    versions: dict[str, str] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)

    def line(self) -> str:
        """The JSON line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @property
    def holds(self) -> bool:
        """Whether every check held."""
        return all(self.checks.values())


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one side: the figure, and what was checked in it."""

    figure: float
    checks: dict[str, bool] = field(default_factory=dict)


def compare(
    ours: Callable[[], Measured], control: Callable[[], Measured], *, pairs: int
) -> tuple[float, float, float, tuple[float, float], dict[str, bool]]:
    """Run both sides in turn, `pairs` times, and say (ratio, ours, control, spread, checks).

    The order changes with each pair, so that a drift of the machine's speed favours nobody.
    """
    our_figures, control_figures, checks = [], [], {}
    for pair in range(pairs):
        sides = [(ours, our_figures), (control, control_figures)]
        for side, figures in sides if pair % 2 == 0 else reversed(sides):
            measured = side()
            figures.append(measured.figure)
            for name, holds in measured.checks.items():
                checks[name] = checks.get(name, True) and holds
    ratios = [mine / theirs for mine, theirs in zip(our_figures, control_figures, strict=True)]
    return (
        round(statistics.median(ratios), 4),
        round(statistics.median(our_figures), 4),
        round(statistics.median(control_figures), 4),
        (round(min(ratios), 4), round(max(ratios), 4)),
        checks,
    )
