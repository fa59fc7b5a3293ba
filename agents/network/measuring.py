"""Owns the way from a raw value to a sample, as a module's measure says; what means nothing is no sample. Pure."""

import operator
from collections.abc import Callable, Iterable

from agents.network.module_files import Source
from agents.network.snmp.codec import Value

TEXT_MAX_CHARS = 255
# Enough for any gear, and 231.7 stays 231.7.
DECIMALS = 9
_POWER_MAX = 30

Lookup = Callable[[bytes], Value]


def sample(source: Source, value: Value, cell: Lookup) -> float | None:
    """The sample that `value` gives, `cell` being the other objects of the same row; None when there is none."""
    measure = source.measure
    if source.is_plain:
        if not isinstance(value, int):
            return None
        return float(value == measure.equals) if measure.equals is not None else value * measure.scale
    if not all(cell(name) in allowed for name, allowed in source.where):
        return None
    number = _number(source, value)
    if number is None or number in measure.absent:
        return None
    if measure.equals is not None:
        states = measure.equals if isinstance(measure.equals, tuple) else (measure.equals,)
        number = float(number in states)
    elif measure.values:
        state = measure.values.get(str(int(number)))
        if state is None:
            return None
        number = state
    with_others = _with_others(source, number, cell)
    if with_others is None:
        return None
    result = round(with_others * measure.scale, DECIMALS)
    if measure.least is not None and result < measure.least:
        return None
    return None if measure.most is not None and result > measure.most else result


def combined(how: str, samples: Iterable[float]) -> float | None:
    """One sample of all rows' samples; None when there are none and that is not a count."""
    all_ = list(samples)
    if how == "count":
        return float(len(all_))
    if not all_:
        return None
    if how == "max":
        return max(all_)
    return sum(all_) / (len(all_) if how == "mean" else 1)


def _number(source: Source, value: Value) -> float | None:
    measure = source.measure
    if source.pattern is not None:
        if not isinstance(value, bytes):
            return float(value) if isinstance(value, int) else None
        found = source.pattern.search(value[:TEXT_MAX_CHARS].decode("latin-1"))
        try:
            return float(found.group(1)) if found else None
        except (TypeError, ValueError):
            return None
    if measure.bit is not None:
        octet, bit = divmod(measure.bit, 8)
        if not isinstance(value, bytes):
            return None
        return float(octet < len(value) and bool(value[octet] & 0x80 >> bit))
    if not isinstance(value, int):
        return None
    return float(value + 2**32) if measure.unsigned and value < 0 else value


def _with_others(source: Source, number: float, cell: Lookup) -> float | None:
    for name, times, plus in source.powers:
        exponent = cell(name)
        if not isinstance(exponent, int) or abs(times * exponent + plus) > _POWER_MAX:
            return None
        number *= 10.0 ** (times * exponent + plus)
    for asked, join in ((source.plus, operator.add), (source.times, operator.mul), (source.per, operator.truediv)):
        if asked is None:
            continue
        other = cell(asked)
        # What is unknown is told as a negative number; nothing is a share of nothing.
        if not isinstance(other, int) or other < 0 or (asked is source.per and other == 0):
            return None
        number = join(number, other)
    return number
