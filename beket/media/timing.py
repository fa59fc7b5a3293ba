"""Owns when a frame was: from the camera's RTP clock and the machine's two clocks to 90 kHz wall time. Sans-I/O.

One `StreamClock` per camera, used by its capture thread, O(1) per frame, integers only.
Note: beket/media/design/0001-time.md.
Worked numbers (doctests, so that they stay right):

    >>> slew_limit_90k(60 * TICKS_PER_S)  # one minute may be stretched by 30 ms
    2700
    >>> slew_limit_90k(3600 * TICKS_PER_S) * 1000 // TICKS_PER_S  # an hour by 1.8 s, in ms
    1800
    >>> 200 * 3600 // 1000  # what a camera 200 ppm wrong drifts in an hour, in ms: far within that
    720
    >>> (1 << 32) // TICKS_PER_S // 3600  # RTP time wraps after so many hours
    13
"""

from dataclasses import dataclass
from enum import StrEnum

from beket.kernel.units import NS_PER_TICK_DENOMINATOR, NS_PER_TICK_NUMERATOR, TICKS_PER_S, ticks_to_ns
from beket.media.rtp.rtcp import SenderReport

SLEW_PPM = 500
_MS_PER_S = 1000
_MEDIA_PER_SLEW_TICK = 1_000_000 // SLEW_PPM
WALL_STEP_NS = 250_000_000
_ERROR_MAX_90K = TICKS_PER_S * 180 // 1000  # a placement further off than this is not slewed, it splits the run
_BACKWARD_MAX_90K = TICKS_PER_S // 4  # further back than reordered frames reach: the camera's clock jumped
_LATE_MAX_90K = 60 * TICKS_PER_S  # no buffer on the way holds more
_WINDOW_90K = 15 * TICKS_PER_S
_YOUNG_90K = 5 * TICKS_PER_S
_RATE_WINDOW_90K = 2 * TICKS_PER_S  # so long a stream tells its clock's rate well enough to choose between two
_RATE_TOLERANCE = 0.05
_YOUNG_ERROR_MAX_90K = 10 * TICKS_PER_S  # a longer burst at the start is a jump


class RunReason(StrEnum):
    """Why a run began."""

    CONNECTED = "connected"
    WALL_STEP = "wall-step"
    MEDIA_JUMP = "media-jump"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a frame was.

    Attributes:
        start_90k: wall time since 1970 UTC. Within a run each is later than the one before.
        starts_new_run: time does not continue from the frame before; see `StreamClock.reason`.
    """

    start_90k: int
    starts_new_run: bool


class StreamClock:
    """Places a camera's frames on the wall clock.

    A frame cannot arrive before it was taken, so the least delayed one of the last 15-30 s says best how the camera's
    clock and ours relate. Frames keep the camera's spacing; their distance from that relation is closed by at most
    500 ppm of media time. What 500 ppm cannot close splits the run instead of drifting; if the camera's clock then
    proves to run at another known rate than it was said to, that rate is believed from there on.

    Attributes:
        reason: why the newest run began.
        correction_ns: how far the machine's wall clock was moved when the newest run began; 0 unless `reason` is
            WALL_STEP. Add it to the times of this machine's earlier runs, since its start or the step before, to
            correct them.
        camera_offset_ns: how far the camera's own clock is ahead of ours, by its last sender report; None before one.
    """

    __slots__ = (
        "_clock_rate", "_floor_before", "_floor_now", "_last", "_media", "_place", "_rate_due", "_rate_seen", "_rates",
        "_rest", "_rtp", "_slewed_to", "_ticks", "_ticks_since", "_wall_less_mono_ns", "_window_end", "_young_until",
        "camera_offset_ns", "correction_ns", "reason",
    )  # fmt: skip

    def __init__(self) -> None:
        self.reason = RunReason.CONNECTED
        self.correction_ns = 0
        self.camera_offset_ns: int | None = None
        self._rtp = -1  # timestamp of the last frame; -1 when the next one begins a run by itself
        self._media = 0  # RTP time without wrapping
        self._last = 0  # start given last; 0 before the first frame
        self._place = 0  # wall time less media time: where frames are put now
        self._slewed_to = 0  # media time up to which slewing is used up
        self._floor_before = self._floor_now = 0  # least (arrival less media time) of the last and of this window
        self._window_end = 0  # on the monotonic clock
        self._young_until = 0  # on the monotonic clock
        self._wall_less_mono_ns = 0
        self._clock_rate = TICKS_PER_S  # of RTP time, as we believe
        self._rates = (TICKS_PER_S, TICKS_PER_S, _MS_PER_S)
        self._rest = 0  # of scaling RTP time to 90 kHz
        self._ticks = 0  # of RTP time since `_ticks_since`, on the monotonic clock in 90 kHz
        self._ticks_since = 0
        self._rate_due = 0
        self._rate_seen = 0  # at the last look

    def reconnected(self, *, clock_rate: int = TICKS_PER_S) -> None:
        """The stream began anew: RTP time means something else from the next frame on.

        `clock_rate` is what the camera says of it, in ticks a second; some say one thing and do another.
        """
        self._rtp = -1
        self._clock_rate, self._rest = clock_rate, 0
        self._rates = (clock_rate, TICKS_PER_S, _MS_PER_S)

    def stamp(self, rtp_timestamp: int, *, arrival_mono_ns: int, arrival_wall_ns: int) -> Stamp:
        """When the frame with `rtp_timestamp` was; frames come in the order in which they arrived."""
        arrival = arrival_mono_ns * NS_PER_TICK_DENOMINATOR // NS_PER_TICK_NUMERATOR
        wall_less_mono_ns = arrival_wall_ns - arrival_mono_ns
        stepped_ns = wall_less_mono_ns - self._wall_less_mono_ns
        self._wall_less_mono_ns = wall_less_mono_ns
        base = wall_less_mono_ns * NS_PER_TICK_DENOMINATOR // NS_PER_TICK_NUMERATOR
        if self._rtp < 0:
            self._rtp = rtp_timestamp
            self._count_ticks(arrival)
            self._forget_lag(arrival - self._media, arrival)
            floor = arrival - self._media
            if self._last and not -WALL_STEP_NS <= stepped_ns <= WALL_STEP_NS:  # while the camera was away
                return self._begin_stepped_run(stepped_ns, arrival, base, floor=floor)
            return self._begin_run(RunReason.CONNECTED, arrival, base, floor=floor)

        step = (rtp_timestamp - self._rtp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        self._rtp = rtp_timestamp
        self._ticks += step
        if self._clock_rate != TICKS_PER_S:
            step, self._rest = divmod(step * TICKS_PER_S + self._rest, self._clock_rate)
        self._media = media = self._media + step
        lag = arrival - media
        floor = self._least_lag(lag, arrival)
        if not -WALL_STEP_NS <= stepped_ns <= WALL_STEP_NS:
            return self._begin_stepped_run(stepped_ns, arrival, base, floor=floor)
        if step < -_BACKWARD_MAX_90K or lag - floor > _LATE_MAX_90K:
            self._forget_lag(lag, arrival)
            self._count_ticks(arrival)
            return self._begin_run(RunReason.MEDIA_JUMP, arrival, base, floor=lag)

        if arrival >= self._rate_due and self._learns_rate(arrival):
            self._forget_lag(lag, arrival)
            return self._begin_run(RunReason.MEDIA_JUMP, arrival, base, floor=lag)
        error = floor + base - self._place
        if arrival < self._young_until and -_YOUNG_ERROR_MAX_90K < error < 0:
            self._place += error  # a young run has only now met its least delayed frame
        elif -_ERROR_MAX_90K <= error <= _ERROR_MAX_90K:
            self._slew(error)
        else:
            reason = RunReason.DRIFT if -TICKS_PER_S < error < TICKS_PER_S else RunReason.MEDIA_JUMP
            return self._begin_run(reason, arrival, base, floor=floor)
        self._last = max(media + self._place, self._last + 1)
        return Stamp(self._last, False)

    def observe_sender_report(self, report: SenderReport) -> None:
        """Measure the camera's own clock; it is kept beside the recording and never used to place a frame."""
        if self._rtp < 0:
            return
        step = (report.rtp_timestamp - self._rtp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        step = step * TICKS_PER_S // self._clock_rate
        self.camera_offset_ns = report.wall_ns - ticks_to_ns(self._media + step + self._place)

    def _learns_rate(self, arrival: int) -> bool:
        """Whether RTP time ran at another of the possible rates, twice in a row (a line may stall); believe it then."""
        elapsed, ticks = arrival - self._ticks_since, self._ticks
        self._count_ticks(arrival)
        near = (rate for rate in self._rates if abs(ticks * TICKS_PER_S / elapsed - rate) <= rate * _RATE_TOLERANCE)
        before, self._rate_seen = self._rate_seen, next(near, self._clock_rate)
        if self._rate_seen == self._clock_rate or self._rate_seen != before:
            return False
        self._clock_rate, self._rest = self._rate_seen, 0
        return True

    def _count_ticks(self, arrival: int) -> None:
        self._ticks, self._ticks_since, self._rate_due = 0, arrival, arrival + _RATE_WINDOW_90K

    def _least_lag(self, lag: int, arrival: int) -> int:
        """The least lag of this window and the one before, with this frame's."""
        if arrival >= self._window_end:
            self._floor_before, self._floor_now = self._floor_now, lag
            self._window_end = arrival + _WINDOW_90K
        elif lag < self._floor_now:
            self._floor_now = lag
        return min(self._floor_before, self._floor_now)

    def _forget_lag(self, lag: int, arrival: int) -> None:
        self._floor_before = self._floor_now = lag
        self._window_end = arrival + _WINDOW_90K

    def _slew(self, error: int) -> None:
        limit = slew_limit_90k(self._media - self._slewed_to)
        if limit > 0:
            self._slewed_to += limit * _MEDIA_PER_SLEW_TICK
            self._place += max(-limit, min(limit, error))

    def _begin_stepped_run(self, stepped_ns: int, arrival: int, base: int, *, floor: int) -> Stamp:
        """Begin a run where the wall clock stands now: what came before ended by the clock of then."""
        self._last += stepped_ns * NS_PER_TICK_DENOMINATOR // NS_PER_TICK_NUMERATOR
        return self._begin_run(RunReason.WALL_STEP, arrival, base, floor=floor, correction_ns=stepped_ns)

    def _begin_run(self, reason: RunReason, arrival: int, base: int, *, floor: int, correction_ns: int = 0) -> Stamp:
        """Place this frame where the least delayed one says, but never before the end of the run that ends here."""
        self.reason = reason
        self.correction_ns = correction_ns
        self._place = floor + base
        self._slewed_to = self._media
        self._young_until = arrival + _YOUNG_90K
        self._last = max(self._media + self._place, self._last + 1)
        return Stamp(self._last, True)


def slew_limit_90k(media_90k: int) -> int:
    """By how much so much media time may be stretched or squeezed, in whole ticks."""
    return media_90k // _MEDIA_PER_SLEW_TICK
