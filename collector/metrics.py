"""Owns the names of what the centre counts about its own taking of samples."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

POINTS_ACCEPTED = Metric(
    "collector_accepted_points_total",
    "counter",
    ("site",),
    say("Прийнято вимірів від агента.", "Points taken from the agent."),
)
POINTS_REFUSED = Metric(
    "collector_refused_points_total",
    "counter",
    ("site", "reason"),
    say("Відхилено вимірів агента за причиною.", "Points of the agent that were refused, by reason."),
)
BATCHES_REPEATED = Metric(
    "collector_repeated_batches_total",
    "counter",
    ("site",),
    say("Пачки вимірів, які вже були.", "Batches of points that had come before."),
)

METRICS = (POINTS_ACCEPTED, POINTS_REFUSED, BATCHES_REPEATED)
