"""Owns why there is no recording from before this process began: power, an update, or a restart.

A mark on disk tells what ran last: the boot it ran in, its release, whether it ended by itself. The machine went down
without a word: power failed. Another release starts: it was an update. Blocking.
Note: vms/design/0027-holds-and-sacrifice.md "Reasons of gaps".
"""

import logging
from pathlib import Path
from typing import TypeVar

import msgspec

from beket.kernel import wire
from beket.kernel.durable_file import put_file
from beket.kernel.errors import ProtocolError
from beket.kernel.ports import GapReason

log = logging.getLogger(__name__)

FILE_MAX_BYTES = 4096
T = TypeVar("T")


class RunMark(msgspec.Struct, frozen=True, kw_only=True):
    """What ran last. `ended`: it closed its recordings by itself."""

    boot_id: str
    software: str
    ended: bool


def reason_after(before: RunMark | None, *, boot_id: str, software: str) -> GapReason:
    """Why nothing was recorded between what ran before and what starts now.

    Example:
        >>> reason_after(RunMark(boot_id="1", software="0.1", ended=False), boot_id="2", software="0.1")
        <GapReason.POWER: 'power'>
    """
    if before is None:
        return GapReason.RESTART
    if not before.ended and before.boot_id != boot_id:
        return GapReason.POWER
    return GapReason.UPDATE if before.software != software else GapReason.RESTART


def why_stopped(path: Path, *, boot_id: str, software: str) -> GapReason:
    """Why nothing was recorded until now. Changes nothing: asked again after a start that failed, it says the same."""
    return reason_after(read_mark(path, RunMark), boot_id=boot_id, software=software)


def begin_run(path: Path, *, boot_id: str, software: str) -> None:
    """Note that this runs now; called when what was left open is closed."""
    put_file(path, wire.encode(RunMark(boot_id=boot_id, software=software, ended=False)))


def end_run(path: Path, *, boot_id: str, software: str) -> None:
    """Note that this ended by itself."""
    put_file(path, wire.encode(RunMark(boot_id=boot_id, software=software, ended=True)))


def read_mark(path: Path, kind: type[T]) -> T | None:
    """What a small file says; None when there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_MAX_BYTES + 1)
        return wire.decode(data, kind, max_bytes=FILE_MAX_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, ProtocolError) as error:
        log.warning("%s cannot be read and counts as absent: %s", path, error)
        return None
