"""Owns what is remembered of devices that bear less than a datagram full of values at once; outlasts a restart.

A device is let try the full measure again after a week, for its firmware may have been updated or its line mended.
The file is a cache: one that is lost or spoiled costs a few time-outs.
"""

import contextlib
from pathlib import Path

import msgspec

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.durable_file import put_file

# About as many varbinds as fit an unfragmented datagram.
BUDGET_VARBINDS = 60
DEVICES_REMEMBERED_MAX = 10_000
TRIED_AGAIN_AFTER_S = 7 * 24 * 3600
_FILE_MAX_BYTES = 4 * 1024 * 1024


class Verdict(msgspec.Struct, frozen=True):
    """How many values a device bears, and since when (seconds since 1970) that is known."""

    varbinds: int
    since_s: int


class BulkMemory:
    """Verdicts by address; on one loop, but for `save`."""

    def __init__(self, clock: Clock, path: Path | None = None, *, full_varbinds: int = BUDGET_VARBINDS) -> None:
        """Without a `path` nothing outlasts the process."""
        self._clock = clock
        self._path = path
        self._full = full_varbinds
        self._verdicts: dict[str, Verdict] = _load(path) if path else {}
        self._is_saved = True

    def budget(self, host: str, port: int) -> int:
        """How many values to ask this device for at once."""
        verdict = self._verdicts.get(f"{host} {port}")
        age_s = self._now_s() - verdict.since_s if verdict else 0
        if verdict is None or not 0 <= age_s < TRIED_AGAIN_AFTER_S:
            return self._full
        return min(verdict.varbinds, self._full)

    def note(self, host: str, port: int, varbinds: int) -> None:
        """Remember that it bears `varbinds` only."""
        key = f"{host} {port}"
        if key not in self._verdicts and len(self._verdicts) >= DEVICES_REMEMBERED_MAX:
            self._verdicts.pop(next(iter(self._verdicts)))
        self._verdicts[key] = Verdict(max(1, varbinds), self._now_s())
        self._is_saved = False

    def save(self) -> None:
        """Write what changed. Blocking.

        Raises:
            OSError: it cannot be written.
        """
        if self._is_saved or self._path is None:
            return
        self._is_saved = True
        put_file(self._path, msgspec.json.encode(dict(self._verdicts)))

    def _now_s(self) -> int:
        return self._clock.wall_ns() // NS_PER_S


def _load(path: Path) -> dict[str, Verdict]:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        if path.stat().st_size <= _FILE_MAX_BYTES:
            found = msgspec.json.decode(path.read_bytes(), type=dict[str, Verdict])
            return {key: verdict for key, verdict in found.items() if verdict.varbinds > 0}
    return {}
