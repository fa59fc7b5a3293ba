"""Owns one act: put a file in place whole or not at all, whatever the power does meanwhile. Light; blocking."""

import contextlib
import os
from pathlib import Path


def put_file(path: Path, data: bytes) -> None:
    """Make `path` hold `data`, mode 0600, durable before this returns; a crash leaves the old file or the new one."""
    _write_draft(path, data).replace(path)
    _sync_folder(path.parent)


def create_file(path: Path, data: bytes) -> None:
    """`put_file` for what is never overwritten.

    Raises:
        FileExistsError: something is there already.
    """
    draft = _write_draft(path, data)
    try:
        path.hardlink_to(draft)
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _write_draft(path: Path, data: bytes) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        draft.unlink(missing_ok=True)  # half a key is no key to leave about
        raise
    return draft


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
