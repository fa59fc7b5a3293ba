"""Owns what a person may type into the time field: "17:05", «вчора, близько 17», «23 листопада 8:30», ISO 8601. Pure.

Given words and the present moment, gives the moment meant, in UTC, never in the future. A time without a day is the
latest such time that has been. Of the doubled autumn hour the first is taken; the page offers the second.
"""

import datetime
import re
from collections.abc import Callable
from typing import TypeVar

from beket.kernel.errors import InvalidArgument
from beket.kernel.text import Text, say
from dashboards.web.kyiv_time import KYIV, MONTHS_EN, MONTHS_UK, day_of

T = TypeVar("T")

WORDS_MAX_CHARS = 60
REACH = datetime.timedelta(days=3660)

_FILLERS = re.compile(r"\b(?:о|об|близько|приблизно|десь|року|at|about|around|on)\b|,")
_TIME = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?(?: ?(?:год|година|годині|h))?"
_MONTH_NAMES = "|".join((*MONTHS_UK, *(name.lower() for name in MONTHS_EN)))
_DAY = (
    r"(?P<word>сьогодні|вчора|учора|позавчора|today|yesterday)"
    r"|(?P<day>\d{1,2})(?:\.(?P<month>\d{1,2})(?:\.(?P<year>\d{4}))?"
    rf"|\s(?P<name>{_MONTH_NAMES})(?:\s(?P<named_year>\d{{4}}))?)"
)
_ASKED = re.compile(rf"(?:{_DAY})(?:\s+{_TIME})?", re.ASCII)
_BARE_TIME = re.compile(_TIME, re.ASCII)
_AGO = re.compile(r"(?P<n>\d{1,4})\s?(?P<unit>хв|хвилин[уи]?|min|год|годин[уи]?|h|hours?) (?:тому|ago)", re.ASCII)
_DAYS_BACK = {"сьогодні": 0, "today": 0, "вчора": 1, "учора": 1, "yesterday": 1, "позавчора": 2}


def parse_moment(words: str, *, now_at: datetime.datetime) -> datetime.datetime:
    """The moment that `words` name.

    Example:
        >>> now_at = datetime.datetime(2026, 11, 25, 10, 0, tzinfo=datetime.UTC)
        >>> [f"{parse_moment(w, now_at=now_at):%d %H:%M}" for w in ("17:05", "11", "вчора, близько 17", "5 хв тому")]
        ['24 15:05', '25 09:00', '24 15:00', '25 09:55']

    Raises:
        InvalidArgument: not understood, not on the clock that day, or not yet; the sentence says how to write it.
    """
    if len(words) > WORDS_MAX_CHARS:
        raise _not_understood()
    asked = " ".join(_FILLERS.sub(" ", words.lower()).split())
    for read in (_read_ago, _read_bare_time, _read_day, _read_iso):
        found = read(asked, now_at)
        if found is not None:
            return _checked(found, now_at)
    raise _not_understood()


def _read_ago(asked: str, now_at: datetime.datetime) -> datetime.datetime | None:
    match = _AGO.fullmatch(asked)
    if match is None:
        return None
    n = int(match["n"])
    is_minutes = match["unit"].startswith(("хв", "min"))
    return now_at - (datetime.timedelta(minutes=n) if is_minutes else datetime.timedelta(hours=n))


def _read_bare_time(asked: str, now_at: datetime.datetime) -> datetime.datetime | None:
    match = _BARE_TIME.fullmatch(asked)
    if match is None:
        return None
    clock_time = _time_of(match)
    today = day_of(now_at)
    for days_back in (0, 1, 2):
        day = today - datetime.timedelta(days=days_back)
        found = _on_clock(day, clock_time)
        # That time may be missing on the one spring day; then the day before has it.
        if found is not None and found <= now_at:
            return found
    return None


def _read_day(asked: str, now_at: datetime.datetime) -> datetime.datetime | None:
    match = _ASKED.fullmatch(asked)
    if match is None:
        return None
    day = _day_of(match, day_of(now_at))
    found = _on_clock(day, _time_of(match))
    if found is None:
        raise InvalidArgument(
            say(
                "Такого часу того дня не було: годинники перевели на годину вперед.",
                "There was no such time that day: the clocks went forward.",
            )
        )
    return found


def _read_iso(asked: str, _now_at: datetime.datetime) -> datetime.datetime | None:
    try:
        read = datetime.datetime.fromisoformat(asked.upper())
        return (read if read.tzinfo else read.replace(tzinfo=KYIV)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        return None


def _day_of(match: re.Match[str], today: datetime.date) -> datetime.date:
    if match["word"]:
        return today - datetime.timedelta(days=_DAYS_BACK[match["word"]])
    year = int(match["year"] or match["named_year"] or today.year)
    names = MONTHS_UK if match["name"] in MONTHS_UK else [name.lower() for name in MONTHS_EN]
    month = names.index(match["name"]) + 1 if match["name"] else int(match["month"])
    named = _valid(lambda: datetime.date(year, month, int(match["day"])))
    if named > today and not (match["year"] or match["named_year"]):
        named = _valid(lambda: named.replace(year=year - 1))
    return named


def _time_of(match: re.Match[str]) -> datetime.time:
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    return _valid(lambda: datetime.time(hour, minute, second))


def _valid(make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise _not_understood() from error


def _on_clock(day: datetime.date, clock_time: datetime.time) -> datetime.datetime | None:
    """The first moment at which the clocks of Kyiv show this; None when they leap over it."""
    local = datetime.datetime.combine(day, clock_time, KYIV)
    at = local.astimezone(datetime.UTC)
    return at if at.astimezone(KYIV).replace(tzinfo=None) == local.replace(tzinfo=None) else None


def _checked(at: datetime.datetime, now_at: datetime.datetime) -> datetime.datetime:
    if at > now_at:
        raise InvalidArgument(say("Цей час ще не настав.", "That time has not come yet."))
    if at < now_at - REACH:
        raise InvalidArgument(say("Так давно записів немає.", "There are no recordings of so long ago."))
    return at.astimezone(datetime.UTC)


def _not_understood() -> InvalidArgument:
    how: Text = say(
        "Напишіть так: 17:05, вчора 17 або 23.11 8:30.", "Write it like this: 17:05, yesterday 17 or 23.11 8:30."
    )
    return InvalidArgument(say("Час незрозумілий.", "The time is not understood."), hint=how)
