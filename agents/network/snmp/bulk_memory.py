"""Owns what is remembered of devices that bear less than a datagram full of values at once; outlasts a restart.

What a device says of itself (`tooBig`) is believed for a week: its firmware may have been updated since. Silence is
only a guess, for a lost datagram and a device that dies look the same: it is believed for an hour from when it was
first made, and more is tried in the meantime, ever more rarely while that fails. The file is a cache:
one that is lost or spoiled costs a few time-outs.
"""

import contextlib
from pathlib import Path

import msgspec

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.durable_file import put_file

# About as many varbinds as fit an unfragmented datagram.
BUDGET_VARBINDS = 60
DEVICES_REMEMBERED_MAX = 10_000
REFUSAL_BELIEVED_S = 7 * 24 * 3600
SILENCE_BELIEVED_S = 3600
# A walk that falls silent asks for this part of what it asked for, and so many times as much is tried afterwards: a
# device that truly bears little is back at what it bears with one time-out.
SILENT_DIVISOR = 4
# How long a guess stands before more is tried; twice as long with each failure.
PATIENCE_S = 300
_FILE_MAX_BYTES = 4 * 1024 * 1024


class Verdict(msgspec.Struct, frozen=True):
    """How many values a device bears.

    Attributes:
        since_s: when that became known (seconds since 1970).
        is_refusal: the device said so itself; otherwise it is guessed from its silence.
        guessed_s: when the guess last changed.
        borne: of a guess, what it answered when it was last silent to more.
        failures: how many times it fell silent since the guess was first made.
    """

    varbinds: int
    since_s: int
    is_refusal: bool = False
    guessed_s: int = 0
    borne: int = 0
    failures: int = 1


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
        verdict = self._believed(host, port)
        return min(verdict.varbinds, self._full) if verdict else self._full

    def scalars_at_once(self, host: str, port: int) -> int:
        """How many scalars to ask this device for at once: what it has borne, not what is tried now.

        A walk asks for as many values as fill whole rows: of a budget it has proven a little over half, at least.
        """
        verdict = self._believed(host, port)
        return max(1, (verdict.borne or verdict.varbinds) // 2) if verdict else self._full

    def refused(self, host: str, port: int, varbinds: int) -> None:
        """It says itself that it bears `varbinds` only."""
        self._put(host, port, Verdict(max(1, varbinds), self._now_s(), is_refusal=True))

    def fell_silent(self, host: str, port: int, varbinds: int) -> None:
        """It is silent when asked for more, and answers when asked for `varbinds`."""
        now_s, before = self._now_s(), self._believed(host, port)
        borne = max(1, varbinds)
        guess = Verdict(borne, now_s, guessed_s=now_s, borne=borne)
        if before and not before.is_refusal:
            guess = msgspec.structs.replace(guess, since_s=before.since_s, failures=before.failures + 1)
        self._put(host, port, guess)

    def stayed_silent(self, host: str, port: int) -> None:
        """It was silent however little it was asked for: its measure is not why, now and perhaps before."""
        verdict = self._believed(host, port)
        if verdict and not verdict.is_refusal:
            del self._verdicts[_key(host, port)]
            self._is_saved = False

    def answered(self, host: str, port: int) -> None:
        """It gave a whole table at its budget: more may be tried, if the last failure is long enough ago."""
        verdict = self._believed(host, port)
        if verdict is None or verdict.is_refusal or verdict.varbinds >= self._full:
            return
        now_s = self._now_s()
        if now_s - verdict.guessed_s >= PATIENCE_S * 2 ** (verdict.failures - 1):
            more = min(self._full, verdict.varbinds * SILENT_DIVISOR)
            self._put(host, port, msgspec.structs.replace(verdict, varbinds=more, guessed_s=now_s))

    def save(self) -> None:
        """Write what changed. Blocking.

        Raises:
            OSError: it cannot be written.
        """
        if self._is_saved or self._path is None:
            return
        self._is_saved = True
        put_file(self._path, msgspec.json.encode(dict(self._verdicts)))

    def _believed(self, host: str, port: int) -> Verdict | None:
        verdict = self._verdicts.get(_key(host, port))
        if verdict is None:
            return None
        believed_s = REFUSAL_BELIEVED_S if verdict.is_refusal else SILENCE_BELIEVED_S
        return verdict if 0 <= self._now_s() - verdict.since_s < believed_s else None

    def _put(self, host: str, port: int, verdict: Verdict) -> None:
        key = _key(host, port)
        if key not in self._verdicts and len(self._verdicts) >= DEVICES_REMEMBERED_MAX:
            self._verdicts.pop(next(iter(self._verdicts)))
        self._verdicts[key] = verdict
        self._is_saved = False

    def _now_s(self) -> int:
        return self._clock.wall_ns() // NS_PER_S


def _key(host: str, port: int) -> str:
    return f"{host} {port}"


def _load(path: Path) -> dict[str, Verdict]:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        if path.stat().st_size <= _FILE_MAX_BYTES:
            found = msgspec.json.decode(path.read_bytes(), type=dict[str, Verdict])
            return {key: verdict for key, verdict in found.items() if verdict.varbinds > 0}
    return {}
