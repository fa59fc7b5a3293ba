"""Owns what a device says of itself on its command line: texts and numbers, found by the family's patterns. Pure.

Answers come from outside: they are bounded before they get here, a pattern meets one bounded line at a time, and what
does not parse is a fact that is missing, never an error.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.hosts.families import Family, Measure
from beket.kernel.metrics import Labels, Point

LINE_MAX_CHARS = 2000
LINES_MAX = 5000
FACT_MAX_CHARS = 100
PARTS_MAX = 512
_SECONDS = {"y": 365 * 86_400, "w": 7 * 86_400, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_DURATION = re.compile(r"(\d{1,6}) ?(y|w|d|h|m|s)(?:ears?|eeks?|ays?|ours?|in(?:ute)?s?|ec(?:ond)?s?)?(?![A-Za-z])")
_CLOCK = re.compile(r"(\d{1,4}):(\d\d):(\d\d)\b")
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?([KMGT]?)(?:i?B|)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read: texts by name (version, model, serial, name), and points."""

    texts: Mapping[str, str]
    points: list[Point]


def commands_of(family: Family, *, only_texts: bool = False) -> list[str]:
    """What must be asked for all facts of the family, or for its texts, each once, in the order of the file."""
    asked = [fact.command for fact in family.facts]
    if not only_texts:
        asked += [measure.command for measure in family.measures]
    return list(dict.fromkeys(asked))


def facts_of(family: Family, answers: Mapping[str, str], labels: Labels, wall_ns: int) -> Facts:
    """Texts and points in the answers by command; a command without an answer gives nothing."""
    lines = {
        command: [line[:LINE_MAX_CHARS] for line in answer.splitlines()[:LINES_MAX]]
        for command, answer in answers.items()
    }
    texts: dict[str, str] = {}
    for fact in family.facts:
        pattern = re.compile(fact.pattern)
        found = next((match for line in lines.get(fact.command, ()) if (match := pattern.search(line))), None)
        if found and found["value"].strip():
            texts.setdefault(fact.fact, found["value"].strip()[:FACT_MAX_CHARS])
    points: list[Point] = []
    for measure in family.measures:
        points += _points(measure, lines.get(measure.command, []), labels, wall_ns)
    return Facts(texts, points)


def _points(measure: Measure, lines: list[str], labels: Labels, wall_ns: int) -> Iterator[Point]:
    if measure.total:
        yield from _share(measure, lines, labels, wall_ns)
        return
    pattern = re.compile(measure.pattern)
    parts: set[str] = set()
    for line in lines:
        found = pattern.search(line)
        if not found:
            continue
        if measure.part_label:
            part = (found["part"] or "").strip()[:FACT_MAX_CHARS]
            if not part or part in parts or len(parts) >= PARTS_MAX:
                continue
            parts.add(part)
            named: Labels = (*labels, (measure.part_label, part))
        else:
            named = labels
        value = float(bool(found["value"])) if measure.kind == "seen" else number(found["value"] or "", measure.kind)
        if value is not None:
            yield Point(measure.metric, named, wall_ns, value * measure.scale)
        if not measure.part_label:
            return


def _share(measure: Measure, lines: list[str], labels: Labels, wall_ns: int) -> Iterator[Point]:
    """A share of two sizes that may stand on different lines; with `is_free` the rest of it."""
    part, whole = _first(measure.pattern, lines, measure.kind), _first(measure.total, lines, measure.kind)
    if part is not None and whole and 0 <= part <= whole:
        share = part / whole
        yield Point(measure.metric, labels, wall_ns, round(1 - share if measure.is_free else share, 4))


def _first(pattern: str, lines: list[str], kind: str) -> float | None:
    compiled = re.compile(pattern)
    found = next((match for line in lines if (match := compiled.search(line))), None)
    return number(found["value"] or "", kind) if found else None


def number(text: str, kind: str) -> float | None:
    """The number in a device's spelling; None when it is none.

    Example:
        >>> number("3w2d4h5m6s", "duration"), number("1d02:03:04", "duration"), number("2 weeks, 3 days", "duration")
        (2001906.0, 93784.0, 1468800.0)
        >>> number("190.5MiB", "size"), number("262144K", "size"), number("-3.5", "number"), number("x", "number")
        (199753728.0, 268435456.0, -3.5, None)
    """
    text = text.strip()[:FACT_MAX_CHARS]
    if kind == "duration":
        return _duration(text)
    if kind == "size":
        found = _SIZE.fullmatch(text)
        return float(found[1]) * _SIZES[found[2].lower()] if found else None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _duration(text: str) -> float | None:
    pieces = _DURATION.findall(text)
    clock = _CLOCK.search(text)
    if not pieces and not clock:
        return None
    total_s = sum(int(amount) * _SECONDS[unit] for amount, unit in pieces)
    if clock:
        total_s += int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3])
    return float(total_s)
