"""Owns the hash walk: every file of a repository is read and compared with its name, without any key. Blocking.

restic names each file by the SHA-256 of its content, so whoever can read the disk can prove that what lies there is
what was written. The one exception is `config`, whose hash is remembered from the first walk. A walk goes in slices, in
order of names, so that it can be paced, broken off and taken up again. It cannot see that a whole file is absent: that
is `backup.repository.soundness`. Note: backup/design/0054-hash-walk.md.
"""

import contextlib
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from beket.kernel.clock import NS_PER_S
from beket.kernel.units import MIB

CONFIG = "config"
# `locks` come and go with each run, and a lock that is torn is of no use to anybody.
_WALKED = ("data", "index", "keys", "snapshots")
_NAME = re.compile(r"[0-9a-f]{64}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
# A file younger than this may still be on its way in.
SETTLES_S = 15 * 60
SLICE_BYTES = 64 * MIB


class Fault(StrEnum):
    """Why a file is no proof of anything; *unsound* is what restic's own check misses, never a walk."""

    CONTENT = "content"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    UNSOUND = "unsound"


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that is not what was written; `file` is relative to the repository."""

    file: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Slice:
    """What one stretch of a walk showed.

    Attributes:
        last: where to go on after; "" when the repository's end is reached.
        unsettled: files too young to be judged.
        config_sha256: what `config` hashes to, "" when this slice did not come to it.
    """

    files: int
    size_bytes: int
    last: str
    damaged: tuple[Damage, ...]
    unsettled: int = 0
    config_sha256: str = ""


def walk(
    repository: Path, after: str, *, wall_ns: int, config_sha256: str = "", at_most_bytes: int = SLICE_BYTES
) -> Slice:
    """Compare the files whose names come after `after` until `at_most_bytes` are read; at least one file.

    `config_sha256` is what `config` was when it was first seen; "" to see it for the first time. A file that vanishes
    meanwhile was pruned and is no damage.
    """
    files = size_bytes = unsettled = 0
    damaged: list[Damage] = []
    config = ""
    for file in files_after(repository, after):
        try:
            found, read_bytes, modified_ns = _hash_from_disk(repository / file)
        except FileNotFoundError:
            continue
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EISDIR):
                raise
            damaged.append(Damage(file, Fault.UNREADABLE))
            continue
        files, size_bytes = files + 1, size_bytes + read_bytes
        if file == CONFIG:
            config = found
            if config_sha256 and found != config_sha256:
                damaged.append(Damage(file, Fault.CHANGED))
        elif found != file.rpartition("/")[2]:
            if abs(wall_ns - modified_ns) < SETTLES_S * NS_PER_S:
                unsettled += 1
            else:
                damaged.append(Damage(file, Fault.CONTENT))
        if size_bytes >= at_most_bytes:
            return Slice(files, size_bytes, file, tuple(damaged), unsettled, config)
    return Slice(files, size_bytes, "", tuple(damaged), unsettled, config)


def files_after(repository: Path, after: str = "") -> Iterator[str]:
    """The files that a walk reads, in order, relative to the repository; folders before `after` are not listed."""
    if after < CONFIG and (repository / CONFIG).exists():
        yield CONFIG
    for kind in _WALKED:
        for folder in _folders(repository, kind):
            if f"{folder}/{'f' * 64}" > after:
                yield from (name for name in _names(repository, folder) if name > after)


def size_of(repository: Path) -> int:
    """Bytes that the files of a repository take, by their lengths; much quicker than a walk."""
    total = 0
    for kind in _WALKED:
        for folder in _folders(repository, kind):
            try:
                with os.scandir(repository / folder) as entries:
                    total += sum(e.stat(follow_symlinks=False).st_size for e in entries if _NAME.fullmatch(e.name))
            except FileNotFoundError:
                continue  # pruned between two looks
    return total


def used_below(folder: Path) -> int:
    """Bytes of every file below `folder`, whatever it is called and however deep: what one login takes of the disk."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
                        continue
                    with contextlib.suppress(FileNotFoundError):
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return total


def _folders(repository: Path, kind: str) -> list[str]:
    if kind != "data":
        return [kind]
    return [f"{kind}/{name}" for name in _listed(repository / kind, _FOLDER)]


def _names(repository: Path, folder: str) -> list[str]:
    return [f"{folder}/{name}" for name in _listed(repository / folder, _NAME)]


def _listed(folder: Path, names: re.Pattern[str]) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if names.fullmatch(entry.name))
    except FileNotFoundError:
        return []


def _hash_from_disk(path: Path) -> tuple[str, int, int]:
    """SHA-256, length and mtime of a file, read from the disk itself: what memory remembers of it proves nothing."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EISDIR, "not a file")
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        found = hashlib.file_digest(file, "sha256").hexdigest()
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    return found, state.st_size, state.st_mtime_ns
