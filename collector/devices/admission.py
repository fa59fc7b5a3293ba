"""Owns which facts the centre lets in: deny by default, each fact by itself, everything bounded. Pure."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from collector.devices.messages import DeviceFacts, Fact

FACTS_MAX = 512
VALUE_MAX_CHARS = 512
PART_MAX_CHARS = 64
FIELDS_MAX = 16
SOURCES_MAX = 12
_KEY = re.compile(r"[a-z][a-z0-9-]{0,31}")
_SOURCE = re.compile(r"[a-z][a-z0-9-]{0,15}")


class Refusal(StrEnum):
    """Why a fact is not kept."""

    SITE = "other-site"
    SOURCE = "wrong-source"
    KEY = "wrong-key"
    VALUE = "wrong-value"
    MANY = "too-many"


def admitted(told: DeviceFacts) -> tuple[dict[str, Fact], Counter[Refusal]]:
    """The facts that may be kept, by key, and why the others may not."""
    refused: Counter[Refusal] = Counter()
    good: dict[str, Fact] = {}
    for fact in told.facts:
        if not is_key(fact.key):
            refused[Refusal.KEY] += 1
        elif not is_value(fact.kind, fact.value):
            refused[Refusal.VALUE] += 1
        elif len(good) >= FACTS_MAX and fact.key not in good:
            refused[Refusal.MANY] += 1
        else:
            good[fact.key] = fact
    return good, refused


def is_source(source: str) -> bool:
    """Whether a source may be called so."""
    return _SOURCE.fullmatch(source) is not None


def is_key(key: str) -> bool:
    """Whether a fact may be called so: `firmware`, or of a part of the device `neighbour/ether1`."""
    name, has_part, part = key.partition("/")
    is_part = 0 < len(part) <= PART_MAX_CHARS and part.isprintable()
    return _KEY.fullmatch(name) is not None and (is_part or not has_part)


def is_value(kind: str, value: str) -> bool:
    r"""Whether a value can be shown and is of its kind; nothing that turns text around is printable.

    Example:
        >>> is_value("text", "6.49"), is_value("text", "a\u202eb"), is_value("number", "nan"), is_value("code", "1")
        (True, False, False, False)
    """
    if not 0 < len(value) <= VALUE_MAX_CHARS or not value.isprintable():
        return False
    if kind == "number":
        return _is_number(value)
    return kind == "text" or (kind == "fields" and _is_fields(value))


def fields_of(value: str) -> Mapping[str, str]:
    """The named texts of a value of kind `fields`; none of what is not one."""
    try:
        return wire.decode(value.encode(), dict[str, str])
    except ProtocolError:
        return {}


def _is_number(value: str) -> bool:
    try:
        return value.isascii() and math.isfinite(float(value))
    except ValueError:
        return False


def _is_fields(value: str) -> bool:
    fields = fields_of(value)
    return 0 < len(fields) <= FIELDS_MAX and all(
        name.isprintable() and text.isprintable() for name, text in fields.items()
    )
