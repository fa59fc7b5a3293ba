"""Owns the centre's own view of a repository on its disk: how old the newest snapshot is, without any key.

restic names each file by the SHA-256 of its content; a snapshot file that does not match its name is no snapshot. The
time is the file's, by the centre's clock: an agent can neither lie about it nor be wrong. Blocking; quick enough to ask
of a whole community each minute. Note: backup/design/0055-status-from-content.md.
"""

import contextlib
import hashlib
import itertools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from beket.kernel.clock import NS_PER_S

SNAPSHOT_FILE_MAX_BYTES = 1024 * 1024
# A moment further ahead than this proves that some clock was wrong, and nothing about the copy.
FUTURE_S = 3600
# A folder that changed within this time is listed again: its own time may not have ticked yet.
TICK_S = 2
NAME_CHARS = 64


@dataclass(frozen=True, slots=True)
class Content:
    """What lies in a repository.

    Attributes:
        snapshots: how many snapshot files there are, whole or not.
        newest_ns: when the newest whole one came, by the centre's clock; None without one.
        damaged: names of newer snapshot files that are not whole; older ones are the hash walk's to find.
        ahead: how many carry a time that is still to come.
        keys: names of the files that open it.
        is_there: whether there is a repository at all; without its disk there is none.
    """

    snapshots: int
    newest_ns: int | None
    damaged: tuple[str, ...]
    ahead: int = 0
    keys: frozenset[str] = frozenset()
    is_there: bool = True


@dataclass(frozen=True, slots=True)
class _Seen:
    changed_ns: tuple[int, ...]
    content: Content


class Shelf:
    """The repositories under one folder. Remembers what has not changed since; for one thread."""

    def __init__(self) -> None:
        self._seen: dict[Path, _Seen] = {}

    def look(self, repositories: Iterable[Path], *, wall_ns: int) -> dict[Path, Content]:
        """What lies in each of `repositories` now."""
        found = {repository: self._look(repository, wall_ns) for repository in repositories}
        self._seen = {repository: seen for repository, seen in self._seen.items() if repository in found}
        return found

    def _look(self, repository: Path, wall_ns: int) -> Content:
        changed_ns = _changed_ns(repository)
        seen = self._seen.get(repository)
        if seen is not None and seen.changed_ns == changed_ns:
            return seen.content
        content = look_into(repository, wall_ns=wall_ns)
        ticked = all(abs(wall_ns - at_ns) > TICK_S * NS_PER_S for at_ns in changed_ns)
        if ticked and not content.damaged and not content.ahead:
            self._seen[repository] = _Seen(changed_ns, content)
        else:
            self._seen.pop(repository, None)
        return content


def look_into(repository: Path, *, wall_ns: int) -> Content:
    """Count the snapshot files of one repository and find the newest that is whole; a missing folder has none."""
    files = sorted(_files(repository / "snapshots"), reverse=True)
    latest_ns = wall_ns + FUTURE_S * NS_PER_S
    ahead = sum(1 for _ in itertools.takewhile(lambda file: file[0] > latest_ns, files))
    damaged: list[str] = []
    newest_ns = None
    for at_ns, name in files[ahead:]:
        if _is_whole(repository / "snapshots" / name):
            newest_ns = at_ns
            break
        damaged.append(name)
    keys = frozenset(name for _, name in _files(repository / "keys"))
    is_there = bool(keys) or bool(files) or (repository / "config").exists()
    return Content(len(files), newest_ns, tuple(damaged), ahead, keys, is_there)


def oldest_lock_s(repository: Path, *, wall_ns: int) -> float:
    """How long ago the oldest lock of a repository came, by the centre's clock; 0 without one. Blocking."""
    came_ns = [at_ns for at_ns, _ in _files(repository / "locks")]
    return max(0.0, (wall_ns - min(came_ns)) / NS_PER_S) if came_ns else 0.0


def _files(folder: Path) -> list[tuple[int, str]]:
    """When each file of a repository's folder came, and its name. A loop for 150,000 files: spelt for speed."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if len(name) != NAME_CHARS:
                    continue  # still on its way in, or not restic's
                with contextlib.suppress(FileNotFoundError):  # forgotten between list and look
                    found.append((entry.stat(follow_symlinks=False).st_mtime_ns, name))
    except FileNotFoundError:
        return []
    return found


def _changed_ns(repository: Path) -> tuple[int, ...]:
    found = []
    for kind in ("snapshots", "keys"):
        try:
            found.append((repository / kind).stat().st_mtime_ns)
        except OSError:
            found.append(0)
    return tuple(found)


def _is_whole(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            content = file.read(SNAPSHOT_FILE_MAX_BYTES + 1)
    except OSError:
        return False
    return len(content) <= SNAPSHOT_FILE_MAX_BYTES and hashlib.sha256(content).hexdigest() == path.name
