"""Owns the names of what the store of samples counts about itself."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

SIZE = Metric(
    "samples_store_bytes", "gauge", (), say("Скільки місця займають виміри.", "Disk space that samples take.")
)
SERIES = Metric("samples_stored_series", "gauge", (), say("Скільки рядів вимірів є.", "How many series there are."))
SACRIFICED = Metric(
    "samples_sacrificed_total",
    "counter",
    ("reason",),
    say(
        "Виміри, стерті до строку, бо місце для них скінчилося: за видом.",
        "Samples that the byte cap took before their time, by their form.",
    ),
)

METRICS = (SIZE, SERIES, SACRIFICED)
