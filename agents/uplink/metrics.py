"""Owns the names of what the uplink counts about itself."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

LIVE_SENT = Metric(
    "live_sent_frames_total",
    "counter",
    ("site", "camera"),
    say("Кадри, надіслані в центр наживо.", "Frames sent to the centre for live viewers."),
)
LIVE_DROPPED = Metric(
    "live_dropped_frames_total",
    "counter",
    ("site", "camera"),
    say("Кадри, пропущені наживо, бо лінія не встигає.", "Frames not shown live because the line is too slow."),
)

METRICS = (LIVE_SENT, LIVE_DROPPED)
