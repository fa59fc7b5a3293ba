"""Owns how the facts of a plan become points; pure."""

from backup import metrics
from backup.restic.outcome import OutcomeKind
from backup.sentence import PlanFacts
from beket.kernel.clock import NS_PER_S
from beket.kernel.metrics import Metric, Point


def points_of(plan: str, site: str, facts: PlanFacts, *, snapshot_ns: int | None, wall_ns: int) -> list[Point]:
    """The points of one plan at `wall_ns`; what is not known has no point, never a zero.

    `snapshot_ns` is when the newest snapshot in the repository was made; None when it could not be seen.
    """
    labels = (("site", site), ("plan", plan))

    def age_s(moment_ns: int) -> float:
        return max(0.0, (wall_ns - moment_ns) / NS_PER_S)

    values: list[tuple[Metric, float]] = []
    if snapshot_ns is not None:
        values.append((metrics.SNAPSHOT_AGE, age_s(snapshot_ns)))
    if facts.whole:
        values.append((metrics.WHOLE_AGE, age_s(facts.whole.began_ns)))
        values.append((metrics.COPIED_BYTES, facts.whole.size_bytes))
        values.append((metrics.ADDED_BYTES, facts.whole.added_bytes))
    if facts.proven:
        values.append((metrics.DRILL_AGE, age_s(facts.proven.ended_ns)))
    if facts.last:
        values.append((metrics.DURATION, facts.last.duration_s))
    points = [Point(metric.name, labels, wall_ns, value) for metric, value in values]
    if facts.last:
        for kind in OutcomeKind:
            value = float(kind is facts.last.outcome)
            points.append(Point(metrics.LAST_OUTCOME.name, (*labels, ("reason", kind.value)), wall_ns, value))
    return points
