"""Owns what an agent tells of devices besides samples: facts, each a short text with its kind and its times.

The centre reads by its own `collector.devices.messages`; both share tests/fixtures/wire/<version>/facts-*.json.
Note: collector/design/0046-facts-of-gear.md.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

import msgspec

FACTS_PATH = "/agent/v1/facts"
KEY = re.compile(r"[a-z][a-z0-9-]{0,31}")
PART_MAX_CHARS = 64
VALUE_MAX_CHARS = 512
FIELDS_MAX = 16

FactKind = Literal["text", "number", "fields"]
# What a caller may note: a text, a number, or a few named texts that only together mean something.
FactValue = str | int | float | Mapping[str, str]


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fact.

    Attributes:
        key: what it is: `firmware`, or of a part of the device `neighbour/ether1`.
        value: a text, the digits of a number, or a JSON object of texts, as `kind` says.
        since_ms: since when it is so, seen_ms: when that was seen last; by the agent's clock, since 1970.
    """

    key: str
    value: str
    since_ms: int
    seen_ms: int
    kind: FactKind = "text"


class DeviceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source (snmp, ssh, lldp…) says of one device.

    Attributes:
        sequence: grows with each telling of a book; the centre knows by it what came late or twice.
        is_whole: what the source does not name is gone; otherwise it was only not read this time.
    """

    device: str
    source: str
    sequence: int
    facts: list[Fact]
    is_whole: bool = False


class FactsMessage(msgspec.Struct, frozen=True):
    """Facts of several devices. `book` is new with each start of the agent; `sent_ms` is what its clock shows."""

    book: str
    sent_ms: int
    devices: list[DeviceFacts]


class FactsReceipt(msgspec.Struct, frozen=True):
    """The centre's answer: all of the message is safe there, or refused for good."""

    taken: int
    refused: int = 0
    changes: int = 0


def is_key(key: str) -> bool:
    """Whether `key` may name a fact.

    Example:
        >>> is_key("firmware"), is_key("neighbour/ether1"), is_key("Firmware"), is_key("port/")
        (True, True, False, False)
    """
    name, has_part, part = key.partition("/")
    is_part = 0 < len(part) <= PART_MAX_CHARS and part.isprintable()
    return KEY.fullmatch(name) is not None and (is_part or not has_part)


def spelled(value: FactValue) -> tuple[str, FactKind]:
    r"""The value as it travels, "" for nothing that could be told.

    Example:
        >>> spelled(" RouterOS\x00 6.49 "), spelled(8), spelled({"port": "ge1"})
        (('RouterOS 6.49', 'text'), ('8', 'number'), ('{"port":"ge1"}', 'fields'))
    """
    if isinstance(value, Mapping):
        pairs = sorted((tidy(name), tidy(text)) for name, text in list(value.items())[:FIELDS_MAX])
        fields = {name: text for name, text in pairs if name and text}
        text = msgspec.json.encode(fields).decode() if fields else ""
        return (text if len(text) <= VALUE_MAX_CHARS else ""), "fields"
    if isinstance(value, str):
        return tidy(value), "text"
    return (repr(value + 0) if math.isfinite(value) else ""), "number"


def tidy(text: str) -> str:
    """Text of a device as one short line without what cannot be shown, or turns what is shown around."""
    shown = "".join(
        letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text[: 4 * VALUE_MAX_CHARS])
    )
    return " ".join(shown.split())[:VALUE_MAX_CHARS].rstrip()
