"""Owns how far a copy is, as two measures: what was read here, and what has come to rest in the repository.

restic counts what it read; over a thin line it says «100 %» while most of it is still here. So the second measure is
the size of the repository itself, asked of whoever keeps it. Note: backup/design/0050-thin-links.md.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from backup.restic.events import Progress
from beket.kernel.clock import Clock
from beket.kernel.text import Text, say

ASK_EVERY_S = 15.0
MEGABYTE = 1_000_000

# Bytes that the repository takes now; None when nobody can tell.
AskStored = Callable[[], Awaitable[int | None]]


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a copy is.

    Attributes:
        read_ratio: 0-1 of what is to be read.
        stored_bytes: what this run has brought into the repository; None when nobody can tell.
        stored_ratio: 0-1 of what is to be stored; None when that is not known beforehand, as for changes only.
    """

    read_ratio: float = 0.0
    stored_bytes: int | None = None
    stored_ratio: float | None = None

    def words(self) -> Text:
        """Both measures in a few words."""
        read = f"{100 * self.read_ratio:.0f}"
        if self.stored_bytes is None:
            return say("прочитано {read} %", "read {read} %", read=read)
        if self.stored_ratio is not None:
            stored = f"{100 * self.stored_ratio:.0f} %"
        else:
            stored = f"{self.stored_bytes / MEGABYTE:.1f} МБ"
        return say("прочитано {read} %, у сховищі {stored}", "read {read} %, stored {stored}", read=read, stored=stored)


OnAdvance = Callable[[Advance], None]


class Gauge:
    """Follows one run; `follow` asks for what is stored as long as it is awaited."""

    def __init__(self, on_advance: OnAdvance | None = None, ask_stored: AskStored | None = None) -> None:
        self._on_advance = on_advance
        self._ask_stored = ask_stored
        self._advance = Advance()
        self._expected_bytes: int | None = None
        self._before_bytes: int | None = None
        self._done_bytes = 0

    async def begin(self) -> None:
        """Take note of what is stored before the run."""
        self._before_bytes = await self._ask()
        if self._before_bytes is not None:
            self._advance = Advance(stored_bytes=0)

    def expect(self, size_bytes: int) -> None:
        """So much is to be read and stored in all, in several goes."""
        self._expected_bytes = max(1, size_bytes)

    def read(self, progress: Progress) -> None:
        """What restic says of the present go."""
        if self._expected_bytes is None:
            ratio = progress.ratio
        else:
            ratio = (self._done_bytes + progress.size_bytes) / self._expected_bytes
        self._show(read_ratio=min(1.0, ratio), stored_bytes=self._advance.stored_bytes)

    def read_whole(self, size_bytes: int) -> None:
        """One go of so many bytes is over."""
        self._done_bytes += size_bytes

    def go_over(self) -> None:
        """All goes are stored; what comes now is read once more from its beginning, and adds next to nothing."""
        if self._expected_bytes is not None:
            self._expected_bytes, self._done_bytes = None, 0

    async def follow(self, clock: Clock) -> None:
        """Look every few seconds at what is stored, for ever."""
        while True:
            await clock.sleep(ASK_EVERY_S)
            self._show(read_ratio=self._advance.read_ratio, stored_bytes=await self.stored_bytes())

    def seen_bytes(self) -> int | None:
        """What had come into the repository when somebody last looked; None when nobody could tell."""
        return self._advance.stored_bytes

    async def stored_bytes(self) -> int | None:
        """What has come into the repository since `begin`; None when nobody can tell."""
        if self._before_bytes is None:
            return None
        now_bytes = await self._ask()
        # A prune at the centre can make it less.
        return None if now_bytes is None else max(0, now_bytes - self._before_bytes)

    async def _ask(self) -> int | None:
        if self._ask_stored is None:
            return None
        try:
            return await self._ask_stored()
        except OSError:
            return None

    def _show(self, *, read_ratio: float, stored_bytes: int | None) -> None:
        ratio = None
        if stored_bytes is not None and self._expected_bytes is not None:
            ratio = min(1.0, stored_bytes / self._expected_bytes)
        self._advance = Advance(read_ratio, stored_bytes, ratio)
        if self._on_advance:
            self._on_advance(self._advance)
