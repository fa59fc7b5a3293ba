"""Owns what is recorded of one restore drill: enough for an act that a stranger can check. Values; pure.

The record is data first (JSON, `schema` says of which form) and a page second (`backup.acts.page`).
Note: backup/design/0052-drills.md.
"""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

SCHEMA = 1
# What a record may hold when it comes from outside: nobody has more, and no page or table stumbles over it.
Count = Annotated[int, Meta(ge=0, le=2**53)]
Moment = Annotated[int, Meta(ge=-(2**62), le=2**62)]
Seconds = Annotated[float, Meta(ge=0, le=10**8)]
# Quicker than this a restore was not measured.
MEASURED_S = 0.001


class Verdict(StrEnum):
    """What a drill showed; that it could not run says nothing about the copy."""

    PROVEN = "proven"
    WRONG = "wrong"
    COULD_NOT_RUN = "could-not-run"


class Why(StrEnum):
    """Why a file was among those that were restored."""

    CANARY = "canary"
    LARGEST = "largest"
    DATABASE = "database"
    SAMPLE = "sample"


class KeyUsed(StrEnum):
    """What opened the repository: the host's own key, or the one that is kept on paper for a disaster."""

    HOST = "host"
    RECOVERY = "recovery"


class Piece(msgspec.Struct, frozen=True):
    """A file that was restored. `expected` and `found` are SHA-256, hexadecimal; `found` "" where nothing came back."""

    path: str
    why: Why
    size_bytes: Count
    expected: str
    found: str

    @property
    def is_same(self) -> bool:
        """Whether it came back as it was."""
        return self.expected == self.found


class Loaded(msgspec.Struct, frozen=True):
    """A database that was opened from what was restored.

    Attributes:
        kind: "sqlite" or "postgresql".
        is_whole: None where it could not be judged; `note` says why.
        rows: in all its tables together.
        note: what the database program said, where it said something.
    """

    path: str
    kind: str
    is_whole: bool | None
    tables: Count = 0
    rows: Count = 0
    note: str = ""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One drill. Moments are wall clock, ns since 1970, by the clock of the machine that made it.

    Attributes:
        number: counted by that machine from 1; 0 before it is kept.
        host: whose repository; with `number` the act's name in the whole community.
        snapshot: its full id; `snapshot_ns` when it was made.
        by: who made the drill: a login, or "" for the agent by its own schedule.
        reason_uk: why it could not run or what was wrong, a sentence; "" when all is well. `reason_en` the same.
        opening_s: how long restic took to open the repository; `restoring_s` to bring the files back.
        whole_bytes: how much the whole copy holds, in `whole_files` files.
        every_days: how often this is done.
    """

    schema: int = SCHEMA
    id: str
    number: Annotated[int, Meta(ge=0, le=2**31)] = 0
    host: str
    site: str
    plan: str
    plan_name: str
    snapshot: str
    snapshot_ns: Moment
    began_ns: Moment
    ended_ns: Moment
    verdict: Verdict
    by: str = ""
    key: KeyUsed = KeyUsed.HOST
    restic: str = ""
    reason_uk: str = ""
    reason_en: str = ""
    pieces: tuple[Piece, ...] = ()
    databases: tuple[Loaded, ...] = ()
    opening_s: Seconds = 0
    restoring_s: Seconds = 0
    whole_bytes: Count = 0
    whole_files: Count = 0
    every_days: Seconds = 0

    @property
    def name(self) -> str:
        """The number of the act as people write it; those of the key on paper are counted by themselves."""
        return f"{self.host}/{'К' if self.key is KeyUsed.RECOVERY else ''}{self.number}"

    @property
    def restored_bytes(self) -> int:
        """How much came back as it was; a file that is half there has its whole size, and says nothing of speed."""
        return sum(piece.size_bytes for piece in self.pieces if piece.is_same)

    @property
    def wrong(self) -> tuple[str, ...]:
        """What did not come back the same, or does not open."""
        broken = {one.path for one in self.databases if one.is_whole is False}
        return tuple(sorted({piece.path for piece in self.pieces if not piece.is_same} | broken))

    @property
    def speed(self) -> float | None:
        """Bytes a second while files came back, opening left out; None when nothing came back."""
        if not self.restored_bytes or self.restoring_s < MEASURED_S:
            return None
        return self.restored_bytes / max(self.restoring_s - self.opening_s, self.restoring_s / 10)

    @property
    def rto_s(self) -> float | None:
        """How long the whole copy would take to come back at that speed; None where no speed is known."""
        return None if self.speed is None else self.opening_s + self.whole_bytes / self.speed


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A record with what follows from it, written out for those who read the data without us."""

    record: Record
    number: str
    community: str
    place: str
    wrong: tuple[str, ...]
    restored_bytes: int
    speed_bytes_per_s: float | None
    rto_s: float | None
    conclusion_uk: str
