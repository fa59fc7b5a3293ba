"""Owns how moments and stretches of time read in a letter: by Kyiv, in words, with the doubled autumn hour told."""

import datetime
from zoneinfo import ZoneInfo

from beket.kernel.clock import NS_PER_S, utc
from beket.kernel.text import counted

KYIV = ZoneInfo("Europe/Kyiv")
_MONTHS = (
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


def moment_in_words(wall_ns: int) -> str:
    """A moment as people in Kyiv read it.

    Example:
        >>> moment_in_words(1_700_000_000_000_000_000)
        '15 листопада 2023 року, 00:13'
        >>> moment_in_words(1_729_989_000_000_000_000), moment_in_words(1_729_992_600_000_000_000)
        ('27 жовтня 2024 року, 03:30 (ще літній час)', '27 жовтня 2024 року, 03:30 (вже зимовий час)')
    """
    local = utc(wall_ns).astimezone(KYIV)
    words = f"{local.day} {_MONTHS[local.month - 1]} {local.year} року, {local:%H:%M}"
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        words += " (вже зимовий час)" if local.fold else " (ще літній час)"
    return words


def stretch_in_words(duration_ns: int) -> str:
    """How long something lasted, in two units at most.

    Example:
        >>> [stretch_in_words(s * NS_PER_S) for s in (42, 60, 3 * 3600 + 125, 26 * 3600)]
        ['менше хвилини', '1 хвилина', '3 години 2 хвилини', '1 доба 2 години']
    """
    whole = datetime.timedelta(seconds=duration_ns // NS_PER_S)
    minutes = whole.seconds // 60
    units = (
        (whole.days, ("доба", "доби", "діб")),
        (minutes // 60, ("година", "години", "годин")),
        (minutes % 60, ("хвилина", "хвилини", "хвилин")),
    )
    told = [counted(n, *forms) for n, forms in units if n]
    return " ".join(told[:2]) if told else "менше хвилини"
