"""Owns what is known of each camera's capture, for pages, metrics and the head's one sentence."""

from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.ids import CameraId, SiteId
from beket.kernel.ports import GapReason, StreamFormat
from beket.kernel.text import Text


class CameraState(StrEnum):
    """What capture does about a camera now."""

    CONNECTING = "connecting"
    RECORDING = "recording"
    FAILED = "failed"
    NO_PURPOSE = "no-purpose"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera at one moment; counters grow from the start of the process.

    Attributes:
        last_frame_age_s: since the newest frame came; None before the first.
        error: why it does not record, for people; None while it does, and before the first answer.
        reason: what the gap that runs now is put down to; None while it records.
        stream: format of the run, None before the first.
        clock_offset_s: how far the camera's own clock is ahead of ours; None when it never said.
        lost_packets: missing by RTP sequence number when they were needed.
        late_packets: came after they were needed, or twice; the line reorders or repeats.
        connects: how often the stream was opened.
    """

    camera: CameraId
    site: SiteId
    state: CameraState
    last_frame_age_s: float | None
    error: Text | None
    reason: GapReason | None
    stream: StreamFormat | None
    clock_offset_s: float | None
    frames: int
    received_bytes: int
    lost_packets: int
    late_packets: int
    connects: int
