"""Owns the way from access units to runs of fragments, for one camera. It reads no socket and waits for no disk.

One frame is held back, so that each fragment's duration is the exact distance to the next frame. A run begins at a key
frame; new parameter sets or a step of the clock begin a new one.
"""

import contextlib
import logging

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, LiveTap, RunClocks, SegmentSink, StreamFormat
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.fragments import fragment, init_segment
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.rtcp import SenderReport
from beket.media.timing import RunReason, StreamClock

log = logging.getLogger(__name__)

FIRST_DURATION_90K = TICKS_PER_S // 25  # of a lone frame: nobody knows; a film's usual
DISK_PAUSE_NS = 5 * NS_PER_S


class Recorder:
    """Turns one camera's frames into runs for the sink, and shows the same fragments to the live tap, if any.

    Attributes:
        stream: format of the newest run, None before the first.
        is_recording: a run is open.
    """

    def __init__(self, camera: CameraId, sink: SegmentSink, *, tap: LiveTap | None = None) -> None:
        self.stream: StreamFormat | None = None
        self.is_recording = False
        self._camera = camera
        self._sink = sink
        self._tap = tap
        self._clock = StreamClock()
        self._format: VideoFormat | None = None
        self._held: AccessUnit | None = None
        self._finished: list[Fragment] = []  # not handed over yet
        self._held_start_90k = 0
        self._run_start_90k = 0
        self._sequence = 0
        self._last_duration_90k = FIRST_DURATION_90K
        self._not_before_ns = 0
        self._correction_ns = 0  # how far our clock was moved since the run before began

    def begin_stream(self, *, clock_rate: int = TICKS_PER_S) -> None:
        """The camera was connected anew: its RTP clock has nothing to do with the one before."""
        self._clock.reconnected(clock_rate=clock_rate)
        self._format = None

    @property
    def camera_offset_ns(self) -> int | None:
        """How far the camera's own clock is ahead of ours; None when it never said."""
        return self._clock.camera_offset_ns

    def observe(self, report: SenderReport) -> None:
        """The camera said what its own clock shows."""
        self._clock.observe_sender_report(report)

    def take(self, unit: AccessUnit, *, arrival_mono_ns: int, arrival_wall_ns: int) -> None:
        """The next frame.

        Raises:
            BeketError: see `SegmentSink.write`.
        """
        stamp = self._clock.stamp(unit.timestamp, arrival_mono_ns=arrival_mono_ns, arrival_wall_ns=arrival_wall_ns)
        if unit.format is not None:
            self._format = unit.format
        if stamp.starts_new_run:
            self._note_clock()
        elif self.is_recording:
            self._let_go(stamp.start_90k - self._held_start_90k)
        if not self.is_recording or unit.format is not None:
            if not self._may_start(unit, arrival_mono_ns):
                return
            self._start_run(stamp.start_90k)
        self._held, self._held_start_90k = unit, stamp.start_90k

    def hand_over(self) -> bool:
        """Give the sink what is finished; whether there was anything.

        Raises:
            BeketError: see `SegmentSink.write`.
        """
        fragments, self._finished = self._finished, []
        if fragments:
            self._sink.write(self._camera, fragments)
        return bool(fragments)

    def end(self, reason: GapReason) -> None:
        """The stream ends here; no effect when no run is open."""
        if self.is_recording:
            self._let_go(self._last_duration_90k)
            with contextlib.suppress(BeketError):  # then the sink has ended the run already, with its own reason
                self.hand_over()
            self._sink.end_run(self._camera, reason=reason)
            if self._tap is not None:
                self._tap.end_run(self._camera, reason=reason)
        self._held, self.is_recording = None, False

    def abandon(self, *, mono_ns: int) -> None:
        """The disk failed and the sink has closed the run already; begin again at a key frame after a pause."""
        if self._tap is not None:
            self._tap.end_run(self._camera, reason=GapReason.DISK)
        self._held, self.is_recording = None, False
        self._finished.clear()
        self._not_before_ns = mono_ns + DISK_PAUSE_NS

    def _note_clock(self) -> None:
        """Time does not go on from the frame before: end the run, and remember for the next how far our clock moved."""
        if self._clock.reason is RunReason.WALL_STEP:
            self._correction_ns += self._clock.correction_ns
            moved_s = self._clock.correction_ns / NS_PER_S
            log.warning(
                "%s: this machine's clock was moved by %+.3f s; recordings before are off by it", self._camera, moved_s
            )
        if self.is_recording:
            self.end(GapReason.CAMERA if self._clock.reason is RunReason.MEDIA_JUMP else GapReason.CLOCK)

    def _may_start(self, unit: AccessUnit, mono_ns: int) -> bool:
        return unit.is_key and self._format is not None and mono_ns >= self._not_before_ns

    def _start_run(self, start_90k: int) -> None:
        assert self._format is not None
        video = self._format
        self.hand_over()
        self.stream = StreamFormat(video.codec, video.width, video.height, init_segment(video))
        clocks = RunClocks(self._correction_ns or None, self._clock.camera_offset_ns)
        self._correction_ns = 0
        self._sink.start_run(self._camera, self.stream, start_90k=start_90k, clocks=clocks)
        if self._tap is not None:
            self._tap.start_run(self._camera, self.stream)
        self._run_start_90k, self._sequence, self.is_recording = start_90k, 0, True

    def _let_go(self, duration_90k: int) -> None:
        """Write the frame held back; two frames of one moment still follow each other."""
        if self._held is None:
            return
        self._last_duration_90k = duration_90k = max(1, duration_90k)
        self._sequence += 1
        data = fragment(
            self._held,
            sequence=self._sequence,
            decode_time_90k=self._held_start_90k - self._run_start_90k,
            duration_90k=duration_90k,
        )
        finished = Fragment(data, self._held_start_90k, duration_90k, self._held.is_key)
        self._finished.append(finished)
        if self._tap is not None:
            self._tap.write(self._camera, finished)
