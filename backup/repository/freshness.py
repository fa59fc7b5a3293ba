"""Owns the centre's own view of a repository on its disk: how old the newest snapshot is, without any key.

restic names each file by the SHA-256 of its content; a snapshot file that does not match its name is no snapshot. The
time is the file's, by the centre's clock: an agent can neither lie about it nor be wrong. Blocking.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

SNAPSHOT_FILE_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in a repository. `newest_ns` is None without a whole snapshot; `damaged` names files that are not."""

    snapshots: int
    newest_ns: int | None
    damaged: tuple[str, ...]


def look_into(repository: Path) -> Content:
    """Read the names and content of the snapshot files of one repository; a missing folder has none."""
    files = sorted((repository / "snapshots").glob("*"))
    times = {path.name: path.stat().st_mtime_ns for path in files if _is_whole(path)}
    damaged = tuple(path.name for path in files if path.name not in times)
    return Content(len(times), max(times.values(), default=None), damaged)


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            content = file.read(SNAPSHOT_FILE_MAX_BYTES + 1)
    except OSError:
        return False
    return len(content) <= SNAPSHOT_FILE_MAX_BYTES and hashlib.sha256(content).hexdigest() == path.name
