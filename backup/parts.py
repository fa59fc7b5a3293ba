"""Owns how a large first copy is cut into parts that each finish: which paths go together, in which order.

A part names whole folders where they fit and single files where they do not, so that its snapshot stays short.
Blocking (it walks the disk); links are not followed. Note: backup/design/0050-thin-links.md.
"""

import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PART_TAG = "part-of:"
# Arguments of one process: the kernel takes 2 MiB of them, and 128 KiB in one.
PATHS_MAX = 1000
PATHS_MAX_CHARS = 200_000


def part_tag(plan: str) -> str:
    """What marks the snapshots of parts of a plan: never its own tag, so no part passes for a copy."""
    return f"{PART_TAG}{plan}"


def is_part(tags: Collection[str]) -> bool:
    """Whether a snapshot is a part of a first copy and none of its own."""
    return any(tag.startswith(PART_TAG) for tag in tags)


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one snapshot."""

    paths: tuple[Path, ...]
    size_bytes: int


@dataclass(slots=True)
class Cutter:
    """Cuts what lies under `roots` into parts, one by one, each as large as the line bears at that time.

    Attributes:
        stored: paths that are stored already; they and what lies under them are not named again.
    """

    roots: Sequence[Path]
    stored: Collection[str] = ()
    _sizes: dict[str, int] = field(default_factory=dict)
    _waiting: list[str] = field(default_factory=list)
    _above_stored: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.stored = frozenset(self.stored)
        self._above_stored = frozenset(str(folder) for path in self.stored for folder in Path(path).parents)
        self._waiting = [str(root) for root in reversed(self.roots) if str(root) not in self.stored]
        for path in self._waiting:
            self._measure(path)

    @property
    def left_bytes(self) -> int:
        """How much no part holds yet."""
        return sum(self._size_of(path) for path in self._waiting)

    def cut(self, limit_bytes: int) -> Part | None:
        """The next part, at most `limit_bytes` unless one single file is larger; None when all is cut."""
        taken: list[str] = []
        size_bytes, chars = 0, 0
        while self._waiting and len(taken) < PATHS_MAX and chars < PATHS_MAX_CHARS:
            path = self._waiting.pop()
            more_bytes = self._size_of(path)
            if size_bytes + more_bytes <= limit_bytes and path not in self._above_stored:
                taken.append(path)
                size_bytes, chars = size_bytes + more_bytes, chars + len(path)
            elif path in self._sizes:
                self._waiting += reversed(self._inside(path))
            elif not taken:
                return Part((Path(path),), more_bytes)
            else:
                self._waiting.append(path)
                break
        return Part(tuple(map(Path, taken)), size_bytes) if taken else None

    def put_back(self, part: Part) -> None:
        """It was not stored: it comes first again, cut anew."""
        self._waiting += [str(path) for path in reversed(part.paths)]

    def _measure(self, root: str) -> None:
        # From the leaves up, so that each folder's size is there when its parent asks.
        for folder, folders, names in os.walk(root, topdown=False):
            inside = (os.path.join(folder, name) for name in (*folders, *names))  # noqa: PTH118 - big trees
            self._sizes[folder] = sum(0 if path in self.stored else self._size_of(path) for path in inside)

    def _size_of(self, path: str) -> int:
        if path in self._sizes:
            return self._sizes[path]
        try:
            found = os.lstat(path)
        except OSError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def _inside(self, folder: str) -> list[str]:
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - big trees
        except OSError:
            return []
        paths = (os.path.join(folder, name) for name in names)  # noqa: PTH118 - big trees
        return [path for path in paths if path not in self.stored]
