"""Owns how moments read on a page: by Kyiv, as people say them, with the doubled autumn hour told apart. Pure."""

import datetime
from zoneinfo import ZoneInfo

from beket.kernel.text import Language, counted

KYIV = ZoneInfo("Europe/Kyiv")
NBSP = "\u00a0"
MONTHS_UK = (
    "січня",
    "лютого",
    "березня",
    "квітня",
    "травня",
    "червня",
    "липня",
    "серпня",
    "вересня",
    "жовтня",
    "листопада",
    "грудня",
)
MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def date_words(day: datetime.date, language: Language, *, this_year: int) -> str:
    """A date as people say it; the year only when it is another one.

    Example:
        >>> date_words(datetime.date(2026, 11, 23), "uk", this_year=2026).replace(NBSP, " ")
        '23 листопада'
        >>> date_words(datetime.date(2025, 3, 1), "en", this_year=2026).replace(NBSP, " ")
        '1 March 2025'
    """
    month = (MONTHS_UK if language == "uk" else MONTHS_EN)[day.month - 1]
    words = f"{day.day}{NBSP}{month}"
    return words if day.year == this_year else f"{words}{NBSP}{day.year}"


def moment_words(at: datetime.datetime, language: Language, *, now_at: datetime.datetime, seconds: bool = False) -> str:
    r"""A moment as people in Kyiv read it.

    Example:
        >>> now_at = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
        >>> moment_words(datetime.datetime(2026, 11, 23, 15, 5, tzinfo=datetime.UTC), "uk", now_at=now_at)
        '23\xa0листопада, 17:05'
        >>> moment_words(datetime.datetime(2026, 10, 25, 1, 30, tzinfo=datetime.UTC), "uk", now_at=now_at)
        '25\xa0жовтня, 03:30 (вже зимовий час)'
    """
    local = at.astimezone(KYIV)
    day = date_words(local.date(), language, this_year=now_at.astimezone(KYIV).year)
    return f"{day}, {local:{'%H:%M:%S' if seconds else '%H:%M'}}{_which_hour(local, language)}"


def is_doubled(at: datetime.datetime) -> bool:
    """Whether the clocks of Kyiv show this hour twice that day."""
    local = at.astimezone(KYIV)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def its_double(at: datetime.datetime) -> datetime.datetime:
    """The other moment of the same name, an hour earlier or later; for a doubled moment only."""
    local = at.astimezone(KYIV)
    return local.replace(fold=1 - local.fold).astimezone(datetime.UTC)


def day_bounds(day: datetime.date) -> tuple[datetime.datetime, datetime.datetime]:
    """Where a day of Kyiv begins and ends, in UTC; 23 or 25 hours apart when the clocks change.

    Example:
        >>> start_at, end_at = day_bounds(datetime.date(2026, 10, 25))
        >>> (end_at - start_at) // datetime.timedelta(hours=1)
        25
    """
    start, end = (
        datetime.datetime.combine(one, datetime.time(), KYIV) for one in (day, day + datetime.timedelta(days=1))
    )
    return start.astimezone(datetime.UTC), end.astimezone(datetime.UTC)


def day_of(at: datetime.datetime) -> datetime.date:
    """The day in Kyiv."""
    return at.astimezone(KYIV).date()


def stretch_words(duration_s: float, language: Language) -> str:
    """How long something lasts, in two units at most.

    Example:
        >>> [stretch_words(s, "uk").replace(NBSP, " ") for s in (42, 200, 7_500)]
        ['42 с', '3 хв', '2 год 5 хв']
        >>> stretch_words(93_600, "uk").replace(NBSP, " "), stretch_words(93_600, "en").replace(NBSP, " ")
        ('1 доба 2 год', '1 d 2 h')
    """
    whole_s = round(duration_s)
    days, hours, minutes = whole_s // DAY_S, whole_s % DAY_S // HOUR_S, whole_s % HOUR_S // MINUTE_S
    if language == "uk":
        told = [counted(days, "доба", "доби", "діб")] if days else []
        told += [f"{hours} год"] if hours else []
        told += [f"{minutes} хв"] if minutes and not days else []
        return " ".join(told or [f"{whole_s} с"]).replace(" ", NBSP)
    told = [f"{n} {unit}" for n, unit in ((days, "d"), (hours, "h"), (0 if days else minutes, "min")) if n]
    return " ".join(told or [f"{whole_s} s"]).replace(" ", NBSP)


def _which_hour(local: datetime.datetime, language: Language) -> str:
    if not is_doubled(local):
        return ""
    if language == "uk":
        return " (вже зимовий час)" if local.fold else " (ще літній час)"
    return " (already winter time)" if local.fold else " (still summer time)"
