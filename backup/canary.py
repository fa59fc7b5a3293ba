"""Owns the canary: a small file beside every plan's own whose right content is known without any memory. Blocking.

Made once and never written again: what comes back from a copy must have this very content, whatever a manifest or a
table says. One that has another content on the host itself was changed there, as a program that encrypts files does.
Note: backup/design/0052-drills.md.
"""

import hashlib
from pathlib import Path

from backup.manifest import Entry, hash_of
from beket.kernel.durable_file import create_file

NAME = "beket-canary"
SIZE_BYTES = 64 * 1024


def place_of(data: Path, plan: str) -> Path:
    """Where the canary of a plan sits under the agent's own folder. No suffix: few patterns exclude it."""
    return data / "canary" / f"{NAME}-{plan}"


def is_canary(path: str) -> bool:
    """Whether `path`, in a copy, is a canary's."""
    return path.rpartition("/")[2].startswith(f"{NAME}-")


def content_of(name: str) -> bytes:
    """What the canary of this file name holds: words for who opens it, then signs that compress badly."""
    words = f"Це канарка Бекета ({name}): за нею видно, чи копія та сама. Не змінюйте її.\n".encode()
    blocks = (hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(SIZE_BYTES // 32))
    return (words + b"".join(blocks))[:SIZE_BYTES]


def entry_of(path: str) -> Entry:
    """What a drill compares a restored canary with."""
    content = content_of(path.rpartition("/")[2])
    return Entry(path, len(content), hashlib.sha256(content).hexdigest())


def put(path: Path) -> bool:
    """Set the canary in its place; one that is there stays as it is. Whether it is there now."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            create_file(path, content_of(path.name))
    except FileExistsError:
        return True
    except OSError:
        return False  # a copy without its canary is worth more than none
    return True


def was_changed(path: Path) -> bool:
    """Whether somebody has written to the canary on this machine; one that is not there was not."""
    try:
        return hash_of(path) != entry_of(str(path)).sha256
    except OSError:
        return False
