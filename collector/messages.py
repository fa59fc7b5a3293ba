"""Owns the points message as the centre reads it; agents write it by their own `agents.spool.messages`.

Two releases of agents are served: unknown fields are ignored, missing ones take their defaults. A sample or a series
that is not understood costs nobody else: `read_points` leaves it out and counts it. Shared with the sender are only the
golden files tests/fixtures/wire/<version>/points-*.json.
"""

from collections import Counter
from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel import wire
from beket.kernel.errors import ProtocolError

Sample = tuple[int, float | None]


class Series(msgspec.Struct, frozen=True):
    """Samples of one series: (wall time in ms since 1970, value). A value that was no number arrives as None."""

    name: str
    labels: dict[str, str] = {}
    samples: tuple[Sample, ...] = ()


class Batch(msgspec.Struct, frozen=True):
    """What one put of the agent brought; `sequence` never repeats within a spool."""

    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    series: tuple[Series, ...] = ()


class PointsMessage(msgspec.Struct, frozen=True):
    """Batches of one spool, in order. `sent_ms`: what the agent's clock showed when it sent them, in ms since 1970."""

    spool: str
    batches: tuple[Batch, ...] = ()
    sent_ms: int | None = None


class PointsReceipt(msgspec.Struct, frozen=True):
    """The answer: batches up to and including `through` are safe here. The other numbers are for people."""

    through: int
    accepted: int = 0
    refused: int = 0
    repeated_batches: int = 0


class _LooseSeries(msgspec.Struct, frozen=True):
    name: str
    labels: dict[str, str] = {}
    samples: tuple[msgspec.Raw, ...] = ()


class _LooseBatch(msgspec.Struct, frozen=True):
    sequence: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    series: tuple[msgspec.Raw, ...] = ()


class _LooseMessage(msgspec.Struct, frozen=True):
    spool: str
    batches: tuple[_LooseBatch, ...] = ()
    sent_ms: int | None = None


def read_points(body: bytes) -> tuple[PointsMessage, Counter[int]]:
    """The message, and how much of each batch, by its sequence, was not understood and is left out.

    Raises:
        ProtocolError: not JSON, or not even the numbers of its batches are understood.
    """
    try:
        return wire.decode(body, PointsMessage), Counter()
    except ProtocolError:
        loose = wire.decode(body, _LooseMessage)
    unreadable: Counter[int] = Counter()
    batches = tuple(_salvaged(batch, unreadable) for batch in loose.batches)
    return PointsMessage(loose.spool, batches, loose.sent_ms), unreadable


def _salvaged(batch: _LooseBatch, unreadable: Counter[int]) -> Batch:
    series: list[Series] = []
    for raw in batch.series:
        try:
            loose = msgspec.json.decode(raw, type=_LooseSeries)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            unreadable[batch.sequence] += 1
            continue
        good = [sample for sample in map(_sample, loose.samples) if sample]
        unreadable[batch.sequence] += len(loose.samples) - len(good)
        series.append(Series(loose.name, loose.labels, tuple(good)))
    return Batch(batch.sequence, tuple(series))


def _sample(raw: msgspec.Raw) -> Sample | None:
    try:
        time_ms, value = msgspec.json.decode(raw, type=Sample)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return time_ms, value
