"""Owns who passes along a simulated street and when; not what they look like.

A passage is a function of the wall clock and a seed alone: the same seed and minute give the same cars on every
machine, so that a test knows the truth about a picture without having drawn it.
"""

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["car", "person"]

CAR_CROSSES_MS = (4200, 6000)
PERSON_CROSSES_MS = (22_000, 34_000)
PASSAGE_CHANCE = 0.8


@dataclass(frozen=True, slots=True)
class Passage:
    """One car or person crossing the picture from edge to edge.

    Attributes:
        start_ms: wall time at which its first pixel may appear.
        look: which of the paint or clothes variants it wears.
    """

    kind: Kind
    start_ms: int
    duration_ms: int
    rightward: bool
    look: int

    def progress_ratio(self, wall_ms: int) -> float:
        """How much of the way is done, 0 to 1; outside of that it is not there."""
        return (wall_ms - self.start_ms) / self.duration_ms


class Traffic(Protocol):
    """Who is on the street."""

    def passages(self, wall_ms: int) -> Sequence[Passage]:
        """Everybody under way at `wall_ms`."""


class PlannedTraffic:
    """Exactly the passages given; for tests that need quiet between them."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = tuple(passages)

    def passages(self, wall_ms: int) -> Sequence[Passage]:
        """See `Traffic.passages`."""
        return [p for p in self._passages if 0 <= p.progress_ratio(wall_ms) < 1]


class VillageTraffic:
    """Cars and people at random, as `seed` draws them: about so many a minute, each with a moment of its own."""

    def __init__(self, seed: int, *, cars_per_minute: float = 4, people_per_minute: float = 3) -> None:
        self._seed = seed
        self._slot_ms = {
            "car": round(60_000 / cars_per_minute) if cars_per_minute else 0,
            "person": round(60_000 / people_per_minute) if people_per_minute else 0,
        }
        self._drawn = functools.lru_cache(maxsize=64)(self._draw)

    def passages(self, wall_ms: int) -> Sequence[Passage]:
        """See `Traffic.passages`."""
        found = [*self._of("car", CAR_CROSSES_MS[1], wall_ms), *self._of("person", PERSON_CROSSES_MS[1], wall_ms)]
        return [p for p in found if 0 <= p.progress_ratio(wall_ms) < 1]

    def _of(self, kind: Kind, longest_ms: int, wall_ms: int) -> list[Passage]:
        slot_ms = self._slot_ms[kind]
        if not slot_ms:
            return []
        slots = range((wall_ms - longest_ms) // slot_ms, wall_ms // slot_ms + 1)
        return [passage for slot in slots if (passage := self._drawn(kind, slot)) is not None]

    def _draw(self, kind: Kind, slot: int) -> Passage | None:
        rng = random.Random(f"{self._seed} {kind} {slot}")  # noqa: S311 # a picture, not a secret
        if rng.random() > PASSAGE_CHANCE:
            return None
        slot_ms = self._slot_ms[kind]
        return Passage(
            kind,
            start_ms=slot * slot_ms + rng.randrange(slot_ms),
            duration_ms=rng.randint(*(CAR_CROSSES_MS if kind == "car" else PERSON_CROSSES_MS)),
            rightward=rng.random() < 0.5,
            look=rng.randrange(1000),
        )
