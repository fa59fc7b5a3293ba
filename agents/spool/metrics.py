"""Owns the names of what the spool counts about itself."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

SPOOL_DROPPED = Metric(
    "spool_dropped_points_total",
    "counter",
    ("site", "unit"),
    say("Втрачено вимірів, бо черга переповнена чи диск зіпсував їх.", "Points lost to a full queue or a bad disk."),
)
SPOOL_SIZE = Metric(
    "spool_size_bytes",
    "gauge",
    ("site", "unit"),
    say("Скільки місця займає черга вимірів.", "Disk space that the queue of points takes."),
)

METRICS = (SPOOL_DROPPED, SPOOL_SIZE)
