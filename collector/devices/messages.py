"""Owns facts of devices as the centre reads them; agents write them by their own `agents.facts.messages`.

The shape is checked here, each fact by `admission`: one that is not good never holds up the rest. Unknown fields are
ignored, missing ones take their defaults. Shared with the sender are only tests/fixtures/wire/<version>/facts-*.json.
"""

import msgspec

from beket.kernel import wire

FACTS_MAX_BYTES = 2 * 1024 * 1024


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact with the agent's times: since when it is so, when that was seen last (ms since 1970)."""

    key: str
    value: str
    since_ms: int
    seen_ms: int
    kind: str = "text"


class DeviceFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source says of one device; with `is_whole` what it does not name is gone."""

    device: str
    source: str
    sequence: int
    facts: list[Fact]
    is_whole: bool = False


class FactsMessage(msgspec.Struct, frozen=True):
    """Facts of several devices; `sent_ms` is what the agent's clock showed."""

    book: str
    sent_ms: int
    devices: list[DeviceFacts]


class FactsReceipt(msgspec.Struct, frozen=True):
    """The answer: how many facts are safe here, how many were refused for good, how many changes were seen."""

    taken: int
    refused: int = 0
    changes: int = 0


def read_facts(body: bytes) -> FactsMessage:
    """The message in `body`.

    Raises:
        ProtocolError: it is none, or larger than any honest one.
    """
    return wire.decode(body, FactsMessage, max_bytes=FACTS_MAX_BYTES)
