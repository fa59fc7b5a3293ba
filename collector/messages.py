"""Owns the points message as the centre reads it; agents write it by their own `agents.spool.messages`.

Two releases of agents are served: unknown fields are ignored, missing ones take their defaults. Shared with the sender
are only the golden files tests/fixtures/wire/<version>/points-*.json.
"""

from typing import Annotated

import msgspec
from msgspec import Meta


class Series(msgspec.Struct, frozen=True):
    """Samples of one series: (wall time in ms since 1970, value). A value that was no number arrives as None."""

    name: str
    labels: dict[str, str] = {}
    samples: tuple[tuple[int, float | None], ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """What one put of the agent brought; `sequence` never repeats within a spool."""

    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    series: tuple[Series, ...] = ()


class PointsMessage(msgspec.Struct, frozen=True):
    """Batches of one spool, in order."""

    spool: str
    batches: tuple[Batch, ...] = ()


class PointsReceipt(msgspec.Struct, frozen=True):
    """The answer: batches up to and including `through` are safe here. The other numbers are for people."""

    through: int
    accepted: int = 0
    refused: int = 0
    repeated_batches: int = 0
