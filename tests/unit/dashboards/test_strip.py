"""A day as a strip: every instant in one place, the reasons kept, true on days of 23 and 25 hours."""

import datetime
import itertools

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ports import GapReason
from dashboards.web.kyiv_time import DAY_S, day_bounds, its_double, moment_words
from dashboards.web.strip import COMING, KIND_WORDS, RECORDED, UNKNOWN, day_strip, moment, span_of, ticks
from vms.recordings.playback import Missing, Recorded, Timeline

DAY = datetime.date(2026, 11, 25)
START_AT, END_AT = day_bounds(DAY)
HOUR = datetime.timedelta(hours=1)


def at(hours: float) -> int:
    return ticks(START_AT + hours * HOUR)


def test_strip_says_what_is_recorded_and_why_not() -> None:
    timeline = Timeline(
        recorded=(Recorded(at(0), at(6), 1, 10), Recorded(at(8), at(11.98), 2, 10)),
        missing=(Missing(at(6), at(8), GapReason.POWER), Missing(at(11.98), at(12), None)),
    )
    strip = day_strip(timeline, DAY, now_at=START_AT + 12 * HOUR)
    assert [(s.kind, s.x_pct, s.width_pct) for s in strip.stretches[:3]] == [
        (RECORDED, 0, 25),
        ("power", 25, 8.333),
        (RECORDED, 33.333, 16.583),
    ]
    assert [gap.kind for gap in strip.gaps] == ["power", COMING]
    assert strip.kinds == (RECORDED, COMING, "power")
    assert strip.now_pct == 50


def test_each_reason_of_a_gap_has_its_words_and_a_camera_without_purpose_says_so() -> None:
    timeline = Timeline((), tuple(Missing(at(n), at(n + 1), reason) for n, reason in enumerate(GapReason)))
    strip = day_strip(timeline, DAY, now_at=END_AT)
    assert [gap.kind for gap in strip.gaps] == [reason.value for reason in GapReason]
    assert all(KIND_WORDS[gap.kind].uk for gap in strip.gaps)
    assert KIND_WORDS[GapReason.NO_PURPOSE].uk == "мету запису не визначено"


def test_unknown_hours_are_not_called_on_their_way() -> None:
    strip = day_strip(Timeline((), (Missing(at(0), at(12), None),)), DAY, now_at=START_AT + 12 * HOUR)
    assert [s.kind for s in strip.stretches] == [UNKNOWN]


def test_short_gaps_are_counted_and_not_listed() -> None:
    second = HOUR.total_seconds() ** -1
    timeline = Timeline((Recorded(at(0), at(1), 1, 1),), (Missing(at(1), at(1 + 2 * second), GapReason.CAMERA),))
    strip = day_strip(timeline, DAY, now_at=END_AT)
    assert (strip.gaps, strip.short_gaps) == ((), 1)


def test_days_on_which_clocks_change_have_their_true_hours() -> None:
    empty = Timeline((), ())
    autumn = day_strip(empty, datetime.date(2026, 10, 25), now_at=END_AT)
    spring = day_strip(empty, datetime.date(2026, 3, 29), now_at=END_AT)
    assert [hour.label for hour in autumn.hours][2:6] == ["02", "03", "03", "04"]
    assert (len(autumn.hours), len(spring.hours)) == (25, 23)
    assert "03" not in [hour.label for hour in spring.hours]


def test_doubled_hour_is_told_apart_in_both_languages() -> None:
    first = datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.UTC)
    assert moment_words(first, "uk", now_at=END_AT) == "25\u00a0жовтня, 03:30 (ще літній час)"
    assert moment_words(its_double(first), "en", now_at=END_AT) == "25\u00a0October, 03:30 (already winter time)"


def test_a_day_that_has_not_begun_asks_nothing_of_the_archive() -> None:
    assert span_of(DAY, now_at=START_AT) is None
    assert span_of(DAY, now_at=START_AT + HOUR) == (at(0), at(1))
    assert span_of(DAY, now_at=END_AT + HOUR) == (ticks(START_AT), ticks(END_AT))


@given(st.lists(st.integers(0, DAY_S * 90_000), min_size=2, max_size=20, unique=True).map(sorted))
def test_stretches_of_a_whole_day_fill_it_without_overlap(cuts: list[int]) -> None:
    start = ticks(START_AT)
    edges = [start, *(start + cut for cut in cuts), ticks(END_AT)]
    pairs = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    timeline = Timeline(
        tuple(Recorded(a, b, n, 1) for n, (a, b) in enumerate(pairs) if n % 2),
        tuple(Missing(a, b, None) for n, (a, b) in enumerate(pairs) if not n % 2),
    )
    strip = day_strip(timeline, DAY, now_at=END_AT)
    assert (strip.stretches[0].start_at, strip.stretches[-1].end_at) == (START_AT, END_AT)
    assert all(a.end_at == b.start_at for a, b in itertools.pairwise(strip.stretches))


@given(st.integers(0, 4_000_000_000))
def test_ticks_of_whole_seconds_come_back(seconds: int) -> None:
    assert ticks(moment(seconds * 90_000)) == seconds * 90_000
