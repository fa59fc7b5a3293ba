"""Owns one day of a camera as a strip: what is recorded, what is missing and why, in places along the day. Pure.

A day is Kyiv's own and may have 23 or 25 hours; places are shares of its true length, 0 to 100. Drawn by the template
as SVG, so that it needs no script and no inline style.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from beket.kernel.clock import utc, wall_ns_of
from beket.kernel.text import Text, say
from beket.kernel.units import ns_to_90k, ticks_to_ns
from dashboards.web.kyiv_time import KYIV, day_bounds
from vms.recordings.playback import Timeline

RECORDED, UNKNOWN, COMING = "recorded", "unknown", "coming"
# The newest minutes travel: a segment must end, and its line must have room.
COMING_WITHIN_S = 180
# Shorter ones are counted, not listed: a list that nobody reads explains nothing.
GAP_LISTED_FROM_S = 5
GAPS_LISTED_MAX = 40

KIND_WORDS: Mapping[str, Text] = {
    RECORDED: say("є запис", "recorded"),
    UNKNOWN: say("запису тут немає; можливо, він ще на об’єкті", "not here; it may still be at the site"),
    COMING: say("запис ще в дорозі", "the recording is on its way"),
    "power": say("немає світла", "no power"),
    "link": say("немає зв’язку", "no link"),
    "camera": say("камера не відповідає", "the camera is silent"),
    "disk": say("несправний або повний диск", "the disk is full or broken"),
    "restart": say("перезапуск системи", "the system restarted"),
    "update": say("оновлення системи", "the system was updated"),
    "maintenance": say("планові роботи", "maintenance"),
    "clock": say("перевели годинник", "the clock was set"),
    "no-purpose": say("мету запису не визначено", "the purpose is not decided"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the strip; `x_pct` and `width_pct` are shares of the day, `kind` a key of `KIND_WORDS`."""

    kind: str
    start_at: datetime.datetime
    end_at: datetime.datetime
    x_pct: float
    width_pct: float

    @property
    def lasts_s(self) -> float:
        """How long it is."""
        return (self.end_at - self.start_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Hour:
    """A whole hour of the day: its place and how clocks show it; the doubled one comes twice."""

    at: datetime.datetime
    x_pct: float
    label: str


@dataclass(frozen=True, slots=True)
class DayStrip:
    """One day.

    Attributes:
        now_pct: where the present is; None when it is not in this day.
        gaps: the missing stretches that are long enough to list, in order.
        short_gaps: how many are not listed.
    """

    day: datetime.date
    start_at: datetime.datetime
    end_at: datetime.datetime
    stretches: tuple[Stretch, ...]
    hours: tuple[Hour, ...]
    now_pct: float | None

    @property
    def gaps(self) -> tuple[Stretch, ...]:
        """See the class."""
        missing = [s for s in self.stretches if s.kind != RECORDED and s.lasts_s >= GAP_LISTED_FROM_S]
        return tuple(missing[-GAPS_LISTED_MAX:])

    @property
    def short_gaps(self) -> int:
        """See the class."""
        return sum(s.kind != RECORDED for s in self.stretches) - len(self.gaps)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the strip shows, for its legend."""
        shown = {s.kind for s in self.stretches}
        return tuple(kind for kind in KIND_WORDS if kind in shown)

    def place_pct(self, at: datetime.datetime) -> float:
        """Where a moment is on the strip."""
        return round(100 * ((at - self.start_at) / (self.end_at - self.start_at)), 3)


def span_of(day: datetime.date, *, now_at: datetime.datetime) -> tuple[int, int] | None:
    """What of a day to ask the archive for, in ticks; None when nothing of it has been yet."""
    start_at, end_at = day_bounds(day)
    end_at = min(end_at, now_at)
    return (ticks(start_at), ticks(end_at)) if start_at < end_at else None


def day_strip(timeline: Timeline, day: datetime.date, *, now_at: datetime.datetime) -> DayStrip:
    """The strip of a day; entries outside of it are cut away."""
    start_at, end_at = day_bounds(day)
    length_s = (end_at - start_at).total_seconds()
    pieces = [(r.start_90k, r.end_90k, RECORDED) for r in timeline.recorded]
    pieces += [(m.start_90k, m.end_90k, m.reason or UNKNOWN) for m in timeline.missing]
    stretches = []
    for from_90k, until_90k, kind in sorted(pieces):
        from_at, until_at = max(moment(from_90k), start_at), min(moment(until_90k), end_at)
        if from_at < until_at:
            x_pct = 100 * (from_at - start_at).total_seconds() / length_s
            width_pct = 100 * (until_at - from_at).total_seconds() / length_s
            name = COMING if kind == UNKNOWN and _is_coming(from_at, until_at, now_at) else str(kind)
            stretches.append(Stretch(name, from_at, until_at, round(x_pct, 3), round(width_pct, 3)))
    now_pct = 100 * (now_at - start_at).total_seconds() / length_s
    return DayStrip(
        day=day,
        start_at=start_at,
        end_at=end_at,
        stretches=tuple(stretches),
        hours=tuple(_hours(start_at, end_at)),
        now_pct=round(now_pct, 3) if 0 <= now_pct <= 100 else None,
    )


def ticks(at: datetime.datetime) -> int:
    """An aware moment in 90 kHz ticks since 1970 UTC."""
    return ns_to_90k(wall_ns_of(at))


def moment(ticks_90k: int) -> datetime.datetime:
    """The inverse of `ticks`."""
    return utc(ticks_to_ns(ticks_90k))


def _is_coming(from_at: datetime.datetime, until_at: datetime.datetime, now_at: datetime.datetime) -> bool:
    within = datetime.timedelta(seconds=COMING_WITHIN_S)
    return until_at >= now_at - datetime.timedelta(seconds=1) and from_at >= now_at - within


def _hours(start_at: datetime.datetime, end_at: datetime.datetime) -> list[Hour]:
    hour = datetime.timedelta(hours=1)
    count = (end_at - start_at) // hour
    moments = [start_at + n * hour for n in range(count)]
    return [Hour(at, round(100 * n / count, 3), f"{at.astimezone(KYIV):%H}") for n, at in enumerate(moments)]
