"""Owns the names of what live pictures and the relay measure about themselves, at the centre."""

from beket.kernel.metrics import Metric
from beket.kernel.text import say

SITES = Metric("live_connected_sites", "gauge", ("site",), say("Об'єкти на живому зв'язку.", "Sites on the live line."))
WATCHED = Metric(
    "live_watched_cameras", "gauge", ("site",), say("Камери, які зараз дивляться.", "Cameras that are watched now.")
)
WATCHERS = Metric(
    "live_watching_viewers",
    "gauge",
    ("site",),
    say("Відкриті картинки й потоки наживо.", "Live pictures and streams that are open now."),
)
RECEIVED_FRAMES = Metric(
    "live_received_frames_total",
    "counter",
    ("site", "camera"),
    say("Кадри, отримані наживо.", "Frames received for live viewers."),
)
VIEWER_DROPPED = Metric(
    "live_viewer_dropped_frames_total",
    "counter",
    ("site", "camera"),
    say("Кадри, пропущені через повільний зв'язок глядача.", "Frames passed over because a viewer was too slow."),
)

METRICS = (SITES, WATCHED, WATCHERS, RECEIVED_FRAMES, VIEWER_DROPPED)
