"""What people type into the time field, and what they mean by it."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument
from dashboards.web.asked_moment import REACH, parse_moment
from dashboards.web.kyiv_time import KYIV, is_doubled

# 25 November 2026, 12:00 in Kyiv.
NOW_AT = datetime.datetime(2026, 11, 25, 10, tzinfo=datetime.UTC)
MOMENTS = st.integers(1_514_764_800, 1_795_500_000).map(lambda s: datetime.datetime.fromtimestamp(s, datetime.UTC))


def kyiv(words: str, *, now_at: datetime.datetime = NOW_AT) -> str:
    return f"{parse_moment(words, now_at=now_at).astimezone(KYIV):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("11:05", "2026-11-25 11:05:00"),
        ("17:05", "2026-11-24 17:05:00"),
        ("17:05:09", "2026-11-24 17:05:09"),
        ("17", "2026-11-24 17:00:00"),
        ("о 9 год", "2026-11-25 09:00:00"),
        ("вчора 17", "2026-11-24 17:00:00"),
        ("  Вчора, близько 17:30 ", "2026-11-24 17:30:00"),
        ("сьогодні 8", "2026-11-25 08:00:00"),
        ("позавчора 23:59", "2026-11-23 23:59:00"),
        ("yesterday at 17", "2026-11-24 17:00:00"),
        ("23 листопада, 17:05", "2026-11-23 17:05:00"),
        ("23 November 17:05", "2026-11-23 17:05:00"),
        ("23.11 8:30", "2026-11-23 08:30:00"),
        ("23.11.2025 8:30", "2025-11-23 08:30:00"),
        ("31.12 8:30", "2025-12-31 08:30:00"),
        ("5 хв тому", "2026-11-25 11:55:00"),
        ("2 год тому", "2026-11-25 10:00:00"),
        ("2026-11-23T17:05", "2026-11-23 17:05:00"),
        ("2026-11-23 17:05", "2026-11-23 17:05:00"),
        ("2026-11-23T15:05:00Z", "2026-11-23 17:05:00"),
        ("2026-11-23T15:05:00.250+00:00", "2026-11-23 17:05:00"),
    ],
)
def test_words_mean_a_moment(words: str, meant: str) -> None:
    assert kyiv(words) == meant


@pytest.mark.parametrize("words", ["", "колись", "25", "24:00", "17:60", "32.11 8", "29.02.2026 8", "0.0 8", "1" * 61])
def test_words_without_a_moment_are_refused_with_an_example(words: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        parse_moment(words, now_at=NOW_AT)
    assert "17:05" in str(refusal.value.hint)


@pytest.mark.parametrize("words", ["сьогодні 23", "25.11 12:01", "2026-11-25T10:00:01Z", "9999-01-01"])
def test_the_future_is_refused(words: str) -> None:
    with pytest.raises(InvalidArgument, match="not come yet"):
        parse_moment(words, now_at=NOW_AT)


def test_hour_that_spring_leaps_over_is_refused_by_name_and_skipped_without_a_day() -> None:
    after_leap = datetime.datetime(2026, 3, 29, 9, tzinfo=datetime.UTC)
    with pytest.raises(InvalidArgument, match="went forward"):
        parse_moment("сьогодні 3:30", now_at=after_leap)
    assert kyiv("3:30", now_at=after_leap) == "2026-03-28 03:30:00"


def test_doubled_hour_means_its_first_moment() -> None:
    found = parse_moment("25.10 3:30", now_at=NOW_AT)
    assert found == datetime.datetime(2026, 10, 25, 0, 30, tzinfo=datetime.UTC)
    assert is_doubled(found)


@given(MOMENTS)
def test_a_moment_written_in_iso_comes_back(at: datetime.datetime) -> None:
    if at >= NOW_AT - REACH:
        assert parse_moment(at.isoformat(), now_at=NOW_AT) == at


@given(MOMENTS.filter(lambda at: at >= NOW_AT - REACH))
def test_a_moment_written_as_people_do_is_the_same_minute_or_its_double(at: datetime.datetime) -> None:
    local = at.astimezone(KYIV).replace(second=0, microsecond=0)
    found = parse_moment(f"{local:%d.%m.%Y %H:%M}", now_at=NOW_AT)
    assert found.astimezone(KYIV).replace(fold=0) == local.replace(fold=0)


@given(st.times(), MOMENTS)
def test_a_bare_time_is_the_latest_such_time_that_has_been(wanted: datetime.time, now_at: datetime.datetime) -> None:
    found = parse_moment(f"{wanted:%H:%M:%S}", now_at=now_at)
    assert found <= now_at
    assert found > now_at - datetime.timedelta(hours=50)
    assert found.astimezone(KYIV).strftime("%H:%M:%S") == f"{wanted:%H:%M:%S}"


@given(st.text(max_size=80) | st.from_regex(r"[\d:. вчорахвгодZT+-]{1,30}", fullmatch=True))
def test_any_text_gives_a_past_moment_or_one_declared_error(words: str) -> None:
    try:
        found = parse_moment(words, now_at=NOW_AT)
    except InvalidArgument:
        return
    assert NOW_AT - REACH <= found <= NOW_AT
