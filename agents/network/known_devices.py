"""Owns what is remembered of devices: which modules each one has; outlasts a restart.

A sure verdict is believed for a week and until the device restarts or says that it is another model; an unsure one for
an hour. The file is a cache: one that is lost, spoiled or of other modules costs one question per device.
"""

import contextlib
from pathlib import Path

import msgspec

from agents.network.detection import Kinship
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.durable_file import put_file

SURE_FOR_S = 7 * 24 * 3600
UNSURE_FOR_S = 3600
DEVICES_REMEMBERED_MAX = 10_000
_FILE_MAX_BYTES = 8 * 1024 * 1024


class Verdict(msgspec.Struct, frozen=True):
    """What a device was found to be, by which sysObjectID (hex of its bytes), and when (seconds since 1970)."""

    model: str
    modules: tuple[str, ...]
    is_sure: bool
    since_s: int


class _File(msgspec.Struct, frozen=True):
    rules: int
    devices: dict[str, Verdict]


class KnownDevices:
    """Verdicts by device; on one loop, but for `save`."""

    def __init__(self, clock: Clock, path: Path | None = None, *, rules: int = 0) -> None:
        """Without a `path` nothing outlasts the process; `rules` is `detection.fingerprint` of the modules."""
        self._clock = clock
        self._path = path
        self._rules = rules
        self._verdicts = _load(path, rules) if path else {}
        self._uptimes: dict[str, int] = {}
        self._is_saved = True

    def recall(self, device: str, *, model: bytes, uptime: int | None) -> tuple[str, ...] | None:
        """Modules of `device` (its id and address); None when it must be asked.

        `model` is its sysObjectID now, raw, empty when it has none; `uptime` its sysUpTime now: when that fell, it was
        restarted, perhaps exchanged or updated.
        """
        before, self._uptimes[device] = self._uptimes.get(device, 0), uptime or 0
        if len(self._uptimes) > DEVICES_REMEMBERED_MAX:
            self._uptimes.pop(next(iter(self._uptimes)))
        verdict = self._verdicts.get(device)
        if verdict is None or verdict.model != model.hex() or (uptime is not None and uptime < before):
            return None
        good_for_s = SURE_FOR_S if verdict.is_sure else UNSURE_FOR_S
        return verdict.modules if 0 <= self._now_s() - verdict.since_s < good_for_s else None

    def note(self, device: str, kinship: Kinship, *, model: bytes) -> tuple[str, ...]:
        """Remember what `device` was found to be; its modules, as far as known.

        A probe that was not answered takes away nothing that an earlier round found in the same model.
        """
        before, modules = self._verdicts.get(device), kinship.modules
        if before and not kinship.is_sure and before.model == model.hex():
            modules = before.modules
        if device not in self._verdicts and len(self._verdicts) >= DEVICES_REMEMBERED_MAX:
            self._verdicts.pop(next(iter(self._verdicts)))
        self._verdicts[device] = Verdict(model.hex(), modules, kinship.is_sure, self._now_s())
        self._is_saved = False
        return modules

    def save(self) -> None:
        """Write what changed. Blocking.

        Raises:
            OSError: it cannot be written.
        """
        if self._is_saved or self._path is None:
            return
        self._is_saved = True
        put_file(self._path, msgspec.json.encode(_File(self._rules, dict(self._verdicts))))

    def _now_s(self) -> int:
        return self._clock.wall_ns() // NS_PER_S


def _load(path: Path, rules: int) -> dict[str, Verdict]:
    with contextlib.suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
        if path.stat().st_size <= _FILE_MAX_BYTES:
            file = msgspec.json.decode(path.read_bytes(), type=_File)
            return file.devices if file.rules == rules else {}
    return {}
