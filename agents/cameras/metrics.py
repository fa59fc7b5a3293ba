"""Owns the metrics of capture, and how a status becomes samples."""

from collections.abc import Iterable

from agents.cameras.status import CameraState, CameraStatus
from beket.kernel.metrics import Metric, Point
from beket.kernel.text import say

_LABELS = ("site", "camera")

UP = Metric(
    "camera_up_ratio", "gauge", _LABELS, say("1, якщо камера записує, інакше 0", "1 while the camera records, else 0")
)
FRAME_AGE = Metric(
    "camera_frame_age_seconds",
    "gauge",
    _LABELS,
    say("Скільки секунд тому прийшов останній кадр", "Seconds since the newest frame"),
)
CLOCK_OFFSET = Metric(
    "camera_clock_offset_seconds",
    "gauge",
    _LABELS,
    say("На скільки секунд годинник камери попереду нашого", "Seconds by which the camera's clock is ahead of ours"),
)
FRAMES = Metric("camera_frames_total", "counter", _LABELS, say("Кадри від камери", "Frames from the camera"))
RECEIVED = Metric("camera_received_bytes_total", "counter", _LABELS, say("Байти від камери", "Bytes from the camera"))
LOST = Metric(
    "camera_lost_packets_total",
    "counter",
    _LABELS,
    say("Пакети RTP, що загубилися в мережі", "RTP packets lost on the way"),
)
LATE = Metric(
    "camera_late_packets_total",
    "counter",
    _LABELS,
    say("Пакети RTP, що прийшли запізно або вдруге", "RTP packets that came too late or twice"),
)
CONNECTS = Metric(
    "camera_connects_total",
    "counter",
    _LABELS,
    say("Скільки разів потік відкрито наново", "How often the stream was opened"),
)

METRICS = (UP, FRAME_AGE, CLOCK_OFFSET, FRAMES, RECEIVED, LOST, LATE, CONNECTS)


def points(statuses: Iterable[CameraStatus], *, wall_ns: int) -> list[Point]:
    """Samples of all cameras; a camera without a purpose has none, for nobody may count on it."""
    samples: list[Point] = []
    for status in statuses:
        if status.state is CameraState.NO_PURPOSE:
            continue
        labels = (("site", str(status.site)), ("camera", str(status.camera)))
        values: list[tuple[Metric, float | None]] = [
            (UP, float(status.state is CameraState.RECORDING)),
            (FRAME_AGE, status.last_frame_age_s),
            (CLOCK_OFFSET, status.clock_offset_s),
            (FRAMES, status.frames),
            (RECEIVED, status.received_bytes),
            (LOST, status.lost_packets),
            (LATE, status.late_packets),
            (CONNECTS, status.connects),
        ]
        samples.extend(Point(metric.name, labels, wall_ns, value) for metric, value in values if value is not None)
    return samples
