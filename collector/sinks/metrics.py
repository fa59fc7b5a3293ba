"""Owns the names of what the sinks count about themselves."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

WRITTEN = Metric(
    "sink_written_samples_total",
    "counter",
    (),
    say("Виміри, які прийняла зовнішня база.", "Samples that the outside engine took."),
)
DROPPED = Metric(
    "sink_dropped_samples_total",
    "counter",
    ("reason",),
    say("Виміри, які до зовнішньої бази не потраплять, за причиною.", "Samples the engine will never get, by reason."),
)
WAITING = Metric(
    "sink_waiting_bytes", "gauge", (), say("Черга вимірів до зовнішньої бази.", "Queue of samples for the engine.")
)
LAG = Metric(
    "sink_lag_seconds",
    "gauge",
    (),
    say("Скільки чекає найстаріший вимір у черзі.", "How long the oldest queued sample has waited."),
)

HOLE_SINCE = Metric(
    "sink_hole_since_seconds",
    "gauge",
    (),
    say(
        "Від якого часу зовнішній базі бракує вимірів (с від 1970).",
        "From which time on the engine misses samples (s since 1970).",
    ),
)
HOLE_UNTIL = Metric(
    "sink_hole_until_seconds",
    "gauge",
    (),
    say("До якого часу бракує (с від 1970).", "Until which time it misses them (s since 1970)."),
)

METRICS = (WRITTEN, DROPPED, WAITING, LAG, HOLE_SINCE, HOLE_UNTIL)
