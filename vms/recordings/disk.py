"""Owns every file operation of the recording store: one small port, its POSIX form, and the errors they leave as.

Nothing else in `vms.recordings` touches a file, so a test can stand in for the disk, log each operation and cut the log
anywhere (beket.testing.crash_disk). Blocking; names are relative to the disk's root, with `/` between parts.
Note: vms/design/0002-recording-store.md.
"""

import errno
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from beket.kernel import ids, wire
from beket.kernel.errors import BeketError, DataLoss, InvalidConfig, NoSpace, NotFound, ProtocolError
from beket.kernel.ids import CommunityId
from beket.kernel.text import say

IDENTITY_NAME = "beket-disk.json"
IDENTITY_MAX_BYTES = 4096


class DiskFailure(DataLoss):
    """The disk refused an operation for a reason other than space: a failed sync, an I/O error, a read-only mount."""


class NameTaken(DataLoss):
    """A file that must be new is there already; it is never overwritten."""


class GrowingFile(Protocol):
    """A file that is only ever appended to, and cut back when its tail is not whole.

    After a failed sync nobody knows what the disk holds (the kernel forgets the pages it could not write), so every
    later call raises `DiskFailure`: the file is abandoned, never synced again.
    """

    @property
    def size_bytes(self) -> int:
        """How many bytes the file has."""

    def append(self, data: bytes) -> None:
        """Write all of `data` at the end; on an error any part of it may have been written."""

    def truncate(self, size_bytes: int) -> None:
        """Cut the file back to `size_bytes`."""

    def sync_data(self) -> None:
        """Make bytes and size durable; not the name (fdatasync)."""

    def sync(self) -> None:
        """Make bytes and all attributes durable; not the name (fsync)."""

    def close(self) -> None:
        """Let go of the file; adds no durability. Never raises."""


class Disk(Protocol):
    """All that the store asks of a disk.

    Raises (all methods): NoSpace, NotFound, NameTaken, DiskFailure.
    """

    def make_folder(self, name: str) -> bool:
        """Make one folder in an existing one; False when it was there. Durable after `sync_folder` of its parent."""

    def sync_folder(self, name: str) -> None:
        """Make the names in a folder durable: new and removed ones. "" is the root."""

    def create(self, name: str) -> GrowingFile:
        """Make a new empty file (O_EXCL). Its name is durable after `sync_folder` of its folder."""

    def reopen(self, name: str) -> GrowingFile:
        """Open an existing file for appending."""

    def read(self, name: str, offset_bytes: int, max_bytes: int) -> bytes:
        """Bytes from `offset_bytes`; fewer than `max_bytes` only at the end of the file."""

    def size_bytes(self, name: str) -> int:
        """Size of a file."""

    def names(self, folder: str) -> list[str]:
        """Bare names in a folder, sorted; empty when there is no such folder."""

    def unlink(self, name: str) -> bool:
        """Remove a file; False when it was not there."""

    def remove_folder(self, name: str) -> bool:
        """Remove a folder if it is there and empty; False otherwise."""

    def free_bytes(self) -> int:
        """Bytes that may still be written."""

    def name(self) -> str:
        """What people call it: where it is mounted."""

    def file_system(self) -> str:
        """Which file system the disk is, while it is mounted; "" is the one that the system itself lives on."""


class DiskIdentity(msgspec.Struct, frozen=True):
    """Content of `beket-disk.json`: which disk this is and whose."""

    uuid: str
    community: str


class PosixDisk:
    """A folder of a real file system."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def make_folder(self, name: str) -> bool:
        """See `Disk.make_folder`."""
        with _mapped(name):
            try:
                (self.root / name).mkdir(mode=0o750)
            except FileExistsError:
                return False
            return True

    def sync_folder(self, name: str) -> None:
        """See `Disk.sync_folder`."""
        with _mapped(name):
            descriptor = os.open(self.root / name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def create(self, name: str) -> "PosixFile":
        """See `Disk.create`."""
        return self._open(name, os.O_CREAT | os.O_EXCL)

    def reopen(self, name: str) -> "PosixFile":
        """See `Disk.reopen`."""
        return self._open(name, 0)

    def read(self, name: str, offset_bytes: int, max_bytes: int) -> bytes:
        """See `Disk.read`."""
        # A pipe under a segment's name must not hang us; it cannot be read at an offset, so it is a failure.
        with _mapped(name), open(self.root / name, "rb", buffering=0, opener=_open_at_once) as file:
            parts: list[bytes] = []
            while max_bytes > 0 and (part := os.pread(file.fileno(), max_bytes, offset_bytes)):
                parts.append(part)
                offset_bytes += len(part)
                max_bytes -= len(part)
            return b"".join(parts)

    def size_bytes(self, name: str) -> int:
        """See `Disk.size_bytes`."""
        with _mapped(name):
            return (self.root / name).stat().st_size

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        with _mapped(folder):
            try:
                return sorted(entry.name for entry in os.scandir(self.root / folder))
            except FileNotFoundError:
                return []

    def unlink(self, name: str) -> bool:
        """See `Disk.unlink`."""
        with _mapped(name):
            try:
                (self.root / name).unlink()
            except FileNotFoundError:
                return False
            return True

    def remove_folder(self, name: str) -> bool:
        """See `Disk.remove_folder`."""
        with _mapped(name):
            try:
                (self.root / name).rmdir()
            except FileNotFoundError:
                return False
            except OSError as error:
                if error.errno == errno.ENOTEMPTY:
                    return False
                raise
            return True

    def free_bytes(self) -> int:
        """See `Disk.free_bytes`."""
        with _mapped(""):
            stat = os.statvfs(self.root)
            return stat.f_bavail * stat.f_frsize

    def name(self) -> str:
        """See `Disk.name`."""
        return str(self.root)

    def file_system(self) -> str:
        """See `Disk.file_system`."""
        with _mapped(""):
            device = self.root.stat().st_dev
            return "" if device == Path("/").stat().st_dev else str(device)

    def _open(self, name: str, flags: int) -> "PosixFile":
        with _mapped(name):
            descriptor = os.open(self.root / name, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | flags, 0o640)
            return PosixFile(name, descriptor, os.fstat(descriptor).st_size)


class PosixFile:
    """See `GrowingFile`."""

    def __init__(self, name: str, descriptor: int, size_bytes: int) -> None:
        self._name = name
        self._descriptor = descriptor
        self._size_bytes = size_bytes
        self._abandoned = False

    @property
    def size_bytes(self) -> int:
        """See `GrowingFile.size_bytes`."""
        return self._size_bytes

    def append(self, data: bytes) -> None:
        """See `GrowingFile.append`."""
        self._check()
        rest = memoryview(data)
        with _mapped(self._name):
            while rest:
                written = os.write(self._descriptor, rest)
                self._size_bytes += written
                rest = rest[written:]

    def truncate(self, size_bytes: int) -> None:
        """See `GrowingFile.truncate`."""
        self._check()
        with _mapped(self._name):
            os.ftruncate(self._descriptor, size_bytes)
        self._size_bytes = size_bytes

    def sync_data(self) -> None:
        """See `GrowingFile.sync_data`."""
        with self._syncing():
            os.fdatasync(self._descriptor)

    def sync(self) -> None:
        """See `GrowingFile.sync`."""
        with self._syncing():
            os.fsync(self._descriptor)

    def close(self) -> None:
        """See `GrowingFile.close`."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            # Nothing is learned from an error here: what had to be durable was synced, and Linux always frees it.
            try:
                os.close(descriptor)
            except OSError:
                self._abandoned = True

    @contextmanager
    def _syncing(self) -> Iterator[None]:
        self._check()
        self._abandoned = True
        try:
            with _mapped(self._name):
                yield
                # Where the journal failed meanwhile, ext4 may call a sync good that saved nothing (jbd2 counts the
                # commit as over). Whatever it is to write down next fails: cutting nothing off is the least of that.
                os.ftruncate(self._descriptor, self._size_bytes)
        except NoSpace as error:
            # A disk that took the bytes and has no room for them now (thin volumes, network shares) is not merely full.
            raise DiskFailure(error.message, subject=self._name, hint=error.hint) from error
        self._abandoned = False

    def _check(self) -> None:
        if self._abandoned:
            raise DiskFailure(
                say("Запис у файл припинено після збою диска.", "The file was abandoned after its disk failed."),
                subject=self._name,
            )


def prove_identity(disk: Disk, community: CommunityId, *, known: Collection[str], may_begin: bool) -> str:
    """The UUID of the disk, after making sure that it is one of the right ones.

    `known` is what the index remembers. With `may_begin` an empty folder becomes a new disk. A disk that is not mounted
    shows an empty folder of the system's disk: that must never be filled with video.

    Raises:
        InvalidConfig: no identity where one is expected, or another disk's, or another community's.
    """
    try:
        raw = disk.read(IDENTITY_NAME, 0, IDENTITY_MAX_BYTES)
    except NotFound:
        return _new_identity(disk, community, may_begin=may_begin)
    try:
        identity = wire.decode(raw, DiskIdentity, max_bytes=IDENTITY_MAX_BYTES)
    except ProtocolError as error:
        raise _wrong_disk(
            say("Позначка диска пошкоджена: {why}", "The disk's label is damaged: {why}", why=error.message)
        ) from error
    if identity.community != community:
        raise _wrong_disk(
            say(
                "Це диск громади «{theirs}», а не «{ours}».",
                "This disk belongs to community “{theirs}”, not “{ours}”.",
                theirs=identity.community,
                ours=community,
            )
        )
    if known and identity.uuid not in known:
        raise _wrong_disk(say("Під'єднано інший диск із записами.", "Another recording disk is attached."))
    return identity.uuid


def _new_identity(disk: Disk, community: CommunityId, *, may_begin: bool) -> str:
    if not may_begin:
        raise _wrong_disk(
            say(
                "Диска із записами немає на місці; запис зупинено, щоб не заповнити системний диск.",
                "The recording disk is not there; recording stays off so that the system disk is not filled.",
            )
        )
    strangers = [name for name in disk.names("") if name != "lost+found"]
    if strangers:
        raise _wrong_disk(
            say(
                "Папка не порожня і не є диском Бекета: {names}.",
                "The folder is neither empty nor a disk of Beket: {names}.",
                names=", ".join(strangers[:3]),
            )
        )
    identity = DiskIdentity(uuid=ids.new_uuid(), community=community)
    file = disk.create(IDENTITY_NAME)
    try:
        file.append(wire.encode(identity))
        file.sync()
    finally:
        file.close()
    disk.sync_folder("")
    return identity.uuid


def _wrong_disk(what: object) -> InvalidConfig:
    return InvalidConfig(
        say("{what}", "{what}", what=what),
        subject=IDENTITY_NAME,
        hint=say(
            "Перевірте, чи під'єднано диск і чи правильна папка в [recordings].",
            "Check that the disk is mounted and that the folder in [recordings] is right.",
        ),
    )


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


# The gate: errno → ours -----------------------------------------------------------------------------------------------


@contextmanager
def _mapped(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise error_from_os(error, name) from error


def error_from_os(error: OSError, name: str) -> BeketError:
    """Our error for an operating system's one on file `name`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(
            say("На диску із записами немає місця.", "The recording disk is full."),
            subject=name,
            hint=say("Зменште строк зберігання або додайте диск.", "Shorten retention or add a disk."),
        )
    if error.errno == errno.ENOENT:
        return NotFound(say("Файла запису немає.", "The recording's file is not there."), subject=name)
    if error.errno == errno.EEXIST:
        return NameTaken(say("Файл уже є.", "The file exists already."), subject=name)
    return DiskFailure(
        say("Диск не виконав запит: {why}.", "The disk failed: {why}.", why=error.strerror or error.errno),
        subject=name,
        hint=say("Перевірте диск і кабель (dmesg, smartctl).", "Check the disk and its cable (dmesg, smartctl)."),
    )
