"""Owns what a device's page says of the present: readings in words and units, ports with honest rates.

The same metrics as the device page in Grafana; a reading that is too old is left out, never shown as of now. Pure.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from agents.network import metrics as network
from beket.kernel.clock import NS_PER_S
from beket.kernel.ids import DeviceId
from beket.kernel.metrics import Metric, Point
from beket.kernel.text import Text, plain, say
from beket.kernel.units import spell_bytes
from collector.devices.rates import NOTHING, Track, growth, rate
from collector.store.samples import SeriesSamples
from dashboards.web import kyiv_time

# Polls come each minute or, of slow gear, each few.
FRESH_S = 900
RATE_OVER_S = 300
HOUR_NS = 3600 * NS_PER_S
PORTS_SHOWN = 128
READINGS_SHOWN = 200
YES_NO = ": 1 так, 0 ні"
BUSY_RATIO = 0.8

History = Callable[[str, DeviceId, int, int], Sequence[SeriesSamples]]
_OF_PORTS = frozenset(
    metric.name for metric in network.METRICS if "port" in metric.labels or metric is network.DEVICE_UP
)
_HOURLY = (network.DEVICE_POLL_INCOMPLETE, network.POLLS_MISSED, network.TRAPS_HEARD)
_YES, _NO = say("так", "yes"), say("ні", "no")


@dataclass(frozen=True, slots=True)
class Reading:
    """One number of a device: what it is, of which part ("" for the whole device), how much."""

    title: Text
    part: str
    value: Text


@dataclass(frozen=True, slots=True)
class PortNow:
    """One port; None where it cannot be known.

    Attributes:
        damaged, discarded: packets of the last hour.
        anew_s: how long ago its counters began anew while the device ran on; None when they did not.
    """

    name: str
    is_up: bool | None
    speed_bps: float | None
    in_bps: float | None
    out_bps: float | None
    damaged: float | None
    discarded: float | None
    anew_s: float | None = None

    @property
    def use_ratio(self) -> float | None:
        """Of its speed, the busier way."""
        known = [one for one in (self.in_bps, self.out_bps) if one is not None]
        return max(known) / self.speed_bps if known and self.speed_bps else None

    @property
    def is_busy(self) -> bool:
        """Whether it is nearly full."""
        return (self.use_ratio or 0) > BUSY_RATIO


def readings(points: Iterable[Point], device: DeviceId, *, now_ns: int, history: History) -> list[Reading]:
    """What is measured of the device itself and of its parts, in the catalogue's order."""
    fresh = _fresh(points, device, now_ns)
    found: list[Reading] = []
    for metric in network.METRICS:
        if metric.name in _OF_PORTS or metric.type == "counter":
            continue
        of_parts = sorted(
            ((dict(point.labels).get("part", ""), point.value) for point in fresh if point.name == metric.name),
            key=lambda one: _natural(one[0]),
        )
        found += [Reading(_title(metric), part, _spelled(metric, value)) for part, value in of_parts]
    for metric in network.METRICS:
        if metric.type == "counter" and "device" in metric.labels and "port" not in metric.labels:
            found += _counted(metric, device, now_ns=now_ns, history=history)
    return found[:READINGS_SHOWN]


def ports(points: Iterable[Point], device: DeviceId, *, now_ns: int, history: History) -> list[PortNow]:
    """The ports by name, as people count: ge2 before ge10."""
    fresh = _fresh(points, device, now_ns)
    now: dict[str, dict[str, float]] = {}
    for point in fresh:
        port = dict(point.labels).get("port")
        if port is not None:
            now.setdefault(port, {})[point.name] = point.value
    uptime_s = next((point.value for point in fresh if point.name == network.DEVICE_UPTIME.name), 0.0)
    uptime = _tracks(history(network.DEVICE_UPTIME.name, device, now_ns - HOUR_NS, now_ns + 1)).get("", NOTHING)
    hour = {
        metric: _tracks(history(metric.name, device, now_ns - HOUR_NS, now_ns + 1))
        for metric in network.METRICS
        if "port" in metric.labels and (metric.type == "counter" or metric is network.PORT_DISCONTINUITY)
    }

    def of(port: str) -> PortNow:
        began = hour[network.PORT_DISCONTINUITY].get(port, NOTHING)

        def bps(metric: Metric) -> float | None:
            track = hour[metric].get(port, NOTHING)
            found = rate(track, uptime=uptime, began=began, over_s=RATE_OVER_S)
            return None if found is None else found * 8

        def both(first: Metric, second: Metric) -> float | None:
            grown = [growth(hour[one].get(port, NOTHING), uptime=uptime, began=began) for one in (first, second)]
            known = [one for one in grown if one is not None]
            return sum(known) if known else None

        values = now[port]
        up = values.get(network.PORT_UP.name)
        began_s = values.get(network.PORT_DISCONTINUITY.name, 0.0)
        return PortNow(
            port,
            None if up is None else up > 0,
            values.get(network.PORT_SPEED.name) or None,
            bps(network.PORT_IN),
            bps(network.PORT_OUT),
            both(network.PORT_IN_ERRORS, network.PORT_OUT_ERRORS),
            both(network.PORT_IN_DISCARDS, network.PORT_OUT_DISCARDS),
            uptime_s - began_s if 0 < began_s <= uptime_s else None,
        )

    return [of(port) for port in sorted(now, key=_natural)[:PORTS_SHOWN]]


def spell_bps(rate_bps: float) -> Text:
    r"""A rate as people read it, in decimal steps.

    Example:
        >>> [spell_bps(n).uk.replace("\xa0", " ") for n in (0, 950, 12_340_000, 1e9)]
        ['0 біт/с', '950 біт/с', '12,3 Мбіт/с', '1 Гбіт/с']
    """
    for step, uk, en in ((1e9, "Гбіт/с", "Gbit/s"), (1e6, "Мбіт/с", "Mbit/s"), (1e3, "кбіт/с", "kbit/s")):
        if rate_bps >= step:
            return _number(rate_bps / step, uk, en)
    return _number(round(rate_bps), "біт/с", "bit/s")


def _counted(metric: Metric, device: DeviceId, *, now_ns: int, history: History) -> list[Reading]:
    """Counters: by how much they grew in the last hour, where they grew; of pages the whole number."""
    series = history(metric.name, device, now_ns - HOUR_NS, now_ns + 1)
    if metric not in _HOURLY:
        return [Reading(_title(metric), "", _number(one.values[-1])) for one in series if one.values]
    if metric is network.DEVICE_POLL_INCOMPLETE:
        return _incomplete(series)
    grown = _grown(series)
    title = say("{what}, за годину", "{what}, in the last hour", what=_title(metric))
    return [Reading(title, "", _number(grown))] if grown else []


def _incomplete(series: Sequence[SeriesSamples]) -> list[Reading]:
    """Polls of the last hour that were not complete, each reason in words."""
    by_reason: dict[str, list[SeriesSamples]] = {}
    for one in series:
        by_reason.setdefault(dict(one.labels).get("reason", ""), []).append(one)
    return [
        Reading(_why(reason), "", _number(grown))
        for reason, found in sorted(by_reason.items())
        if (grown := _grown(found))
    ]


def _why(reason: str) -> Text:
    why = _REASONS.get(reason, plain(reason))
    return say("Неповні опитування за годину: {why}", "Incomplete polls in the last hour: {why}", why=why)


def _grown(series: Iterable[SeriesSamples]) -> float:
    return sum(growth(Track(one.times_ms, one.values)) or 0 for one in series)


# By `beket.kernel.errors.Kind`.
_REASONS: Mapping[str, Text] = {
    "timed_out": say("не відповідає або відповідає надто повільно", "no answer, or too slow an answer"),
    "unreachable": say("до нього немає шляху", "there is no way to it"),
    "protocol": say("відповідає незрозуміло або відмовляє", "it answers nonsense, or refuses"),
    "unauthenticated": say("не приймає пароля читання", "it does not accept our user or password"),
    "not_found": say("на комп'ютері Бекета немає його пароля читання", "its secret is missing on Beket's computer"),
    "invalid_config": say("його пароль читання записано неправильно", "its secret is written wrongly"),
    "invalid_argument": say("адресу чи версію SNMP записано неправильно", "its address or SNMP version is wrong"),
}


def _fresh(points: Iterable[Point], device: DeviceId, now_ns: int) -> list[Point]:
    oldest_ns = now_ns - FRESH_S * NS_PER_S
    return [point for point in points if ("device", device) in point.labels and point.wall_ns >= oldest_ns]


def _tracks(series: Iterable[SeriesSamples]) -> dict[str, Track]:
    return {dict(one.labels).get("port", ""): Track(one.times_ms, one.values) for one in series}


def _title(metric: Metric) -> Text:
    """The metric's own sentence without its end."""
    uk, en = (words.partition(":")[0].removesuffix(".") for words in (metric.help.uk, metric.help.en))
    return _both(uk, en)


def _spelled(metric: Metric, value: float) -> Text:
    if YES_NO in metric.help.uk:
        return _YES if value > 0 else _NO
    unit = metric.name.rpartition("_")[2]
    if unit == "seconds":
        return _seconds(value)
    if unit == "bps":
        return spell_bps(value)
    if unit == "bytes":
        return plain(spell_bytes(round(value)))
    if unit == "ratio":
        return _number(100 * value, "%", "%")
    uk, en = _UNITS.get(unit, ("", ""))
    return _number(value, uk, en)


_UNITS: Mapping[str, tuple[str, str]] = {
    "celsius": ("°C", "°C"),
    "volts": ("В", "V"),
    "amperes": ("А", "A"),
    "watts": ("Вт", "W"),
    "rpm": ("об/хв", "rpm"),
    "dbm": ("дБм", "dBm"),
}


def _seconds(value: float) -> Text:
    if 0 < value < 1:
        return _number(1000 * value, "мс", "ms")
    uk, en = kyiv_time.stretch_words(value, "uk"), kyiv_time.stretch_words(value, "en")
    return _both(uk, en)


def _number(value: float, uk: str = "", en: str = "") -> Text:
    digits = f"{value:.1f}".removesuffix(".0") if abs(value) < 1000 else f"{value:.0f}"
    ours = digits.replace(".", ",").replace("-", "−")
    return _both(f"{ours}\u00a0{uk}".rstrip(), f"{digits}\u00a0{en}".rstrip())


def _both(ours: str, theirs: str) -> Text:
    """Words that are already put together, braces and all."""
    return Text("{words_uk}", "{words_en}", {"words_uk": ours, "words_en": theirs})


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.findall(r"[0-9]{1,9}|[^0-9]+", name))
