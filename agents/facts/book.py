"""Owns what this agent knows of its devices besides samples, and what of that the centre was not told yet.

Facts are a state, not a stream: the newest value of each is kept with the moment since when it is so, in one file, so
that neither a restart nor a week without the centre moves a change to another day. A value that came and went while
the centre was away is not told. Blocking only in `save`; safe from any thread.
"""

import contextlib
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from agents.facts.messages import DeviceFacts, Fact, FactsMessage, FactValue, is_key, spelled
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.durable_file import put_file
from beket.kernel.errors import NoSpace
from beket.kernel.ids import DeviceId, new_uuid
from beket.kernel.text import say

FACTS_MAX = 512
PAGES_MAX = 20_000
CONFIRM_EVERY_S = 900
_FILE_MAX_BYTES = 32 * 1024 * 1024
_NS_PER_MS = NS_PER_S // 1000


class _Page(msgspec.Struct):
    """What one source says of one device; `is_told`: the centre has these values, `told_ns` since when (monotonic)."""

    device: str
    source: str
    facts: dict[str, Fact]
    is_whole: bool = False
    is_told: bool = False
    told_ns: int = 0
    is_seen: bool = True
    version: int = 0


class FactBook:
    """Facts of the devices of one agent process."""

    def __init__(self, path: Path | None, *, clock: Clock, confirm_every_s: float = CONFIRM_EVERY_S) -> None:
        """Without a `path` nothing outlasts the process; a file that is lost or spoiled costs only dates.

        What did not change is told again each `confirm_every_s`, so that the centre knows when it was seen last.
        """
        self.id = new_uuid()
        self._path = path
        self._clock = clock
        self._confirm_ns = round(confirm_every_s * NS_PER_S)
        self._lock = threading.Lock()
        self._pages = {(page.device, page.source): page for page in _load(path)}
        self._sequence = 0
        self._is_saved = True

    def note(self, device: DeviceId, source: str, facts: Mapping[str, FactValue], *, is_whole: bool = False) -> None:
        """`source` says this of `device` now; with `is_whole` what it does not name is no more.

        Values are made one short line; what then is empty, or has no proper key, is left out.
        """
        now_ms = self._clock.wall_ns() // _NS_PER_MS
        with self._lock:
            page = self._pages.get((device, source))
            if page is None:
                if not (facts or is_whole) or len(self._pages) >= PAGES_MAX:
                    return
                page = self._pages[device, source] = _Page(device, source, {})
            before = page.facts
            named = {key: _fact(key, value, before.get(key), now_ms) for key, value in facts.items() if is_key(key)}
            after = {key: fact for key, fact in named.items() if fact.value}
            if not is_whole:
                after = before | after
            if len(after) > FACTS_MAX:
                newest = sorted(after.values(), key=lambda fact: (-fact.seen_ms, fact.key))[:FACTS_MAX]
                after = {fact.key: fact for fact in newest}
            is_same = page.is_whole == is_whole and _values(before) == _values(after)
            page.facts, page.is_whole, page.is_seen = after, is_whole, True
            if not is_same:
                page.is_told, self._is_saved = False, False
                page.version += 1

    def keep_only(self, devices: Iterable[DeviceId]) -> None:
        """Forget devices that are not among these."""
        known = set(devices)
        with self._lock:
            for key in [key for key in self._pages if key[0] not in known]:
                del self._pages[key]
                self._is_saved = False

    def take(self, max_bytes: int) -> tuple[FactsMessage, "Told"] | None:
        """What the centre should be told now, up to about `max_bytes` but at least one page; None when nothing.

        It counts as told only when `acknowledge` gets what stands beside the message.
        """
        now_ns, size_bytes = self._clock.mono_ns(), 0
        found: list[DeviceFacts] = []
        told: list[tuple[tuple[str, str], int]] = []
        with self._lock:
            for key, page in self._pages.items():
                is_due = page.is_seen and now_ns - page.told_ns >= self._confirm_ns
                if page.is_told and not is_due:
                    continue
                size_bytes += len(msgspec.json.encode(list(page.facts.values())))
                if found and size_bytes > max_bytes:
                    break
                self._sequence += 1
                facts = list(page.facts.values())
                found.append(DeviceFacts(page.device, page.source, self._sequence, facts, page.is_whole))
                told.append((key, page.version))
        if not found:
            return None
        return FactsMessage(self.id, self._clock.wall_ns() // _NS_PER_MS, found), tuple(told)

    def acknowledge(self, told: "Told") -> None:
        """The centre has these; what changed since they were taken still waits."""
        with self._lock:
            for key, version in told:
                page = self._pages.get(key)
                if page is not None and page.version == version:
                    page.is_told, page.is_seen, page.told_ns = True, False, self._clock.mono_ns()

    def save(self) -> None:
        """Write what changed; durable when it returns. Blocking.

        Raises:
            NoSpace: the disk does not take it; telling can go on.
        """
        with self._lock:
            if self._is_saved or self._path is None:
                return
            data = msgspec.json.encode(list(self._pages.values()))
            self._is_saved = True
        try:
            put_file(self._path, data)
        except OSError as error:
            self._is_saved = False
            raise NoSpace(
                say("Факти про пристрої не записано на диск.", "Facts of devices cannot be written to disk."),
                subject=str(self._path),
            ) from error


# Which page, in which state.
Told = tuple[tuple[tuple[str, str], int], ...]


def _fact(key: str, value: FactValue, before: Fact | None, now_ms: int) -> Fact:
    text, kind = spelled(value)
    is_same = before is not None and (before.value, before.kind) == (text, kind)
    return Fact(key, text, before.since_ms if before is not None and is_same else now_ms, now_ms, kind)


def _values(facts: Mapping[str, Fact]) -> dict[str, tuple[str, str]]:
    return {key: (fact.value, fact.kind) for key, fact in facts.items()}


def _load(path: Path | None) -> list[_Page]:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if path is not None and path.stat().st_size <= _FILE_MAX_BYTES:
            pages = msgspec.json.decode(path.read_bytes(), type=list[_Page])
            for page in pages:
                # Monotonic times of another process mean nothing here: everything is told once more.
                page.is_told, page.told_ns, page.is_seen = False, 0, False
            return pages
    return []
