"""Weeks in which everything happens to the clocks at once, over each change of summer time, told in two time zones."""

import datetime
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import NS_PER_S
from beket.kernel.units import TICKS_PER_S, ns_to_90k
from beket.media.timing import SLEW_PPM, RunReason, StreamClock

QUARTER_S = TICKS_PER_S // 4
MS = 1_000_000
HOUR_S = 3600
WEEKS_S = 15 * 24 * HOUR_S
SUMMER_BEGINS = datetime.datetime(2026, 3, 29, 1, tzinfo=datetime.UTC)
SUMMER_ENDS = datetime.datetime(2026, 10, 25, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame was put, and what is true of it. `epoch`: from one setting of the machine's clock to the next."""

    true_90k: int
    start_90k: int
    run: int
    boot: int
    epoch: int
    wall_error_ns: int
    correction_ns: int  # that its run began with


class Site:
    """A camera with a crystal of its own, a line with jitter, and a machine whose clock is set, wrong, forgotten."""

    def __init__(self, begin: datetime.datetime, *, skew_ppm: int, rtp_start: int, seed: int) -> None:
        self.true_ns = self.begin_ns = round(begin.timestamp()) * NS_PER_S
        self.boot_ns = self.true_ns
        self.wall_error_ns = 0
        self.frames: list[Frame] = []
        self.run = self.boot = self.epoch = 0
        self._rate = TICKS_PER_S * (1 + skew_ppm / 1e6)
        self._rtp, self._media_from_ns = rtp_start, self.true_ns
        self._rng = random.Random(seed)
        self._clock = StreamClock()

    def film(self, hours: float) -> None:
        """Three frames each four minutes: one that comes late, and one soon after that does not."""
        until_ns = self.true_ns + round(hours * HOUR_S) * NS_PER_S
        while self.true_ns < until_ns:
            self._frame(3, self._rng.expovariate(1 / 15))
            self._frame(237, self._rng.choice((3, 20, 90)))
            self._frame(0.04, 3)

    def set_clock(self, error_s: int) -> None:
        """The machine's clock is wrong by so much from now on; 0 is right."""
        self.wall_error_ns = error_s * NS_PER_S
        self.epoch += 1

    def lose_camera(self, seconds: int, error_s: int | None) -> None:
        """The camera is away, and back with RTP time of its own; meanwhile the clock may be set."""
        self.true_ns += seconds * NS_PER_S
        if error_s is not None:
            self.set_clock(error_s)
        self._clock.reconnected()
        self._rtp, self._media_from_ns = self._rng.getrandbits(32), self.true_ns

    def lose_power(self, minutes: int, learns_after_hours: float) -> None:
        """The machine was down, starts in 1970 and learns the time later: at once, or while the camera films."""
        self.true_ns += minutes * 60 * NS_PER_S
        self.boot_ns, self._clock = self.true_ns, StreamClock()
        self.boot += 1
        self.set_clock(-(self.true_ns // NS_PER_S))
        self.film(learns_after_hours)
        self.set_clock(0)

    def _frame(self, seconds: float, delay_ms: float) -> None:
        self.true_ns += round(seconds * NS_PER_S)
        arrival_ns = self.true_ns + round(delay_ms * MS)
        ticks = round((self.true_ns - self._media_from_ns) * self._rate / NS_PER_S)
        stamp = self._clock.stamp(
            (self._rtp + ticks) & 0xFFFFFFFF,
            arrival_mono_ns=arrival_ns - self.boot_ns,
            arrival_wall_ns=arrival_ns + self.wall_error_ns,
        )
        self.run += stamp.starts_new_run
        assert (self._clock.correction_ns != 0) is (self._clock.reason is RunReason.WALL_STEP)
        self.frames.append(
            Frame(ns_to_90k(self.true_ns), stamp.start_90k, self.run, self.boot, self.epoch, self.wall_error_ns,
                  self._clock.correction_ns)
        )  # fmt: skip


wrong_s = st.one_of(st.sampled_from((0, 0, HOUR_S, -HOUR_S)), st.integers(-6 * HOUR_S, 6 * HOUR_S))
happenings = st.one_of(
    st.tuples(st.just(Site.set_clock), wrong_s),
    st.tuples(st.just(Site.lose_camera), st.integers(1, 7200), st.none() | wrong_s),
    st.tuples(st.just(Site.lose_power), st.integers(1, 600), st.sampled_from((0, 0.1, 1, 30))),
)


Happening = tuple[float, tuple[Any, ...]]


@contextmanager
def time_zone(name: str) -> Iterator[None]:
    before = os.environ.get("TZ")
    try:
        os.environ["TZ"] = name
        time.tzset()
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


def weeks(
    begin: datetime.datetime, happens: list[Happening], *, skew_ppm: int, rtp_start: int, seed: int
) -> list[Frame]:
    """Each happening after so many hours of film; then the clock is set right and filming goes on."""
    site = Site(begin, skew_ppm=skew_ppm, rtp_start=rtp_start, seed=seed)
    for hours, (what, *details) in happens:
        site.film(hours)
        what(site, *details)
    site.set_clock(0)
    site.film(max(1, WEEKS_S / HOUR_S - (site.true_ns - site.begin_ns) / NS_PER_S / HOUR_S))
    return site.frames


def check_runs(frames: list[Frame]) -> None:
    """Times grow within a run, and its length is the true one: not squeezed, not stretched."""
    for _, group in groupby(frames, key=lambda frame: frame.run):
        run = list(group)
        assert all(a.start_90k < b.start_90k for a, b in pairwise(run))
        true_90k = run[-1].true_90k - run[0].true_90k
        recorded_90k = run[-1].start_90k - run[0].start_90k
        assert abs(recorded_90k - true_90k) <= QUARTER_S + true_90k * SLEW_PPM / 1_000_000


def check_corrections(frames: list[Frame]) -> None:
    """What the runs of one start of the machine began with, added up, mends the runs before them by its last clock."""
    for _, group in groupby(reversed(frames), key=lambda frame: frame.boot):
        boot = list(group)
        error_ns, correction_ns = boot[0].wall_error_ns, 0
        for later, frame in pairwise(boot):
            correction_ns += later.correction_ns if later.run != frame.run else 0
            mended_90k = frame.start_90k + ns_to_90k(correction_ns)
            assert abs(mended_90k - frame.true_90k - ns_to_90k(error_ns)) <= QUARTER_S


@pytest.mark.parametrize("change", [SUMMER_BEGINS, SUMMER_ENDS], ids=["summer-begins", "summer-ends"])
@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # shrinking takes long
@given(
    st.lists(st.tuples(st.floats(0.1, 48), happenings), min_size=3, max_size=12),
    st.integers(-200, 200),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 1 << 32),
)
def test_weeks_of_everything_at_once_leave_no_frame_misplaced_while_the_clock_is_right_and_no_run_squeezed(
    change: datetime.datetime, happens: list[Happening], skew_ppm: int, rtp_start: int, seed: int
) -> None:
    begin = change - datetime.timedelta(days=2)
    with time_zone("Europe/Kyiv"):
        frames = weeks(begin, happens, skew_ppm=skew_ppm, rtp_start=rtp_start, seed=seed)
    with time_zone("UTC"):
        assert frames == weeks(begin, happens, skew_ppm=skew_ppm, rtp_start=rtp_start, seed=seed)
    assert frames[0].true_90k < change.timestamp() * TICKS_PER_S < frames[-1].true_90k - 7 * 24 * HOUR_S * TICKS_PER_S
    check_runs(frames)
    check_corrections(frames)
    for before, after in pairwise(frames):  # runs neither, as long as nobody sets the clock
        assert before.epoch != after.epoch or before.start_90k < after.start_90k
    for frame in frames:
        assert frame.wall_error_ns or abs(frame.start_90k - frame.true_90k) <= QUARTER_S
