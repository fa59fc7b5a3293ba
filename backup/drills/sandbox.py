"""Owns the empty folder that a restore goes into, and the comparison of what came with what was expected. Blocking."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from backup.acts.record import Piece
from backup.drills.choice import Chosen
from backup.manifest import hash_of
from beket.kernel.errors import InvalidArgument, NoSpace
from beket.kernel.text import say
from beket.kernel.units import MIB

SPARE_BYTES = 64 * MIB


def prepare(folder: Path, size_bytes: int) -> None:
    """Make the folder, private and empty, with room for `size_bytes`.

    Raises:
        InvalidArgument: something is in it.
        NoSpace: too little room.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise InvalidArgument(
            say("Відновлювати можна лише в порожню теку.", "Only an empty folder can take a restore."),
            subject=str(folder),
        )
    if shutil.disk_usage(folder).free < size_bytes + SPARE_BYTES:
        raise NoSpace(
            say("Бракує місця, щоб перевірити відновлення.", "No room to prove the restore."), subject=str(folder)
        )


def clear(folder: Path) -> None:
    """Remove what an interrupted drill left."""
    shutil.rmtree(folder, ignore_errors=True)


def compare(chosen: Sequence[Chosen], folder: Path) -> tuple[Piece, ...]:
    """What came back of each file: its hash, whatever its name and size say."""
    return tuple(
        Piece(one.entry.path, one.why, one.entry.size_bytes, one.entry.sha256, _hash_in(folder, one.entry.path))
        for one in chosen
    )


def restored_at(folder: Path, path: str) -> Path:
    """Where a restore puts the file that was at the absolute `path`."""
    return folder / path.lstrip("/")


def _hash_in(folder: Path, path: str) -> str:
    restored = restored_at(folder, path)
    try:
        return "" if restored.is_symlink() else hash_of(restored)
    except OSError:
        return ""
