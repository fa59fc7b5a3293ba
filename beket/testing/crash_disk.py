"""Owns a disk in memory that logs every operation, so that a test can cut the log anywhere, as a power failure does.

What a file system promises (POSIX, ext4): bytes of a file are safe after fsync or fdatasync of that file; a new or
removed name after fsync of its folder; everything else may or may not have reached the disk, in any combination.
`CrashDisk` is used like `vms.recordings.disk.Disk`; `after_cut` gives the disk as a machine may find it when power is
back. Other events (a database's commit) go into the same log by `note`.
"""

import random
import sys
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal

from beket.kernel.errors import DataLoss, NoSpace, NotFound

# The line that asked for a sync and, where that is a function for it, the line that called it: file and number of each.
Place = tuple[tuple[str, int], ...]
Kind = Literal["folder", "create", "write", "truncate", "unlink", "remove", "sync", "sync_folder", "note"]
# Events that change something and that a cut may lose.
_CHANGES = frozenset({"folder", "create", "write", "truncate", "unlink", "remove"})
_NOTHING: Mapping[int, int] = {}


@dataclass(frozen=True, slots=True)
class Operation:
    """One logged operation.

    Attributes:
        inode: file that it concerns; a file keeps it whatever happens to its name. 0 for folders and notes.
        offset_bytes: of a write, or the new size of a truncation.
        note: what `CrashDisk.note` was given.
    """

    kind: Kind
    name: str
    inode: int = 0
    offset_bytes: int = 0
    data: bytes = b""
    note: object = None

    @property
    def folder(self) -> str:
        """Folder that holds the name."""
        return self.name.rpartition("/")[0]


@dataclass(slots=True)
class _Tree:
    """Names and bytes at one moment."""

    folders: set[str] = field(default_factory=lambda: {""})
    names: dict[str, int] = field(default_factory=dict)
    bytes_of: dict[int, bytearray] = field(default_factory=dict)

    def copy(self) -> "_Tree":
        return _Tree(set(self.folders), dict(self.names), {at: bytearray(data) for at, data in self.bytes_of.items()})

    def apply(self, operation: Operation) -> None:
        content = self.bytes_of.setdefault(operation.inode, bytearray()) if operation.inode else bytearray()
        match operation.kind:
            case "folder":
                self.folders.add(operation.name)
            case "remove":
                self.folders.discard(operation.name)
            case "create":
                self.names[operation.name] = operation.inode
            case "unlink":
                self.names.pop(operation.name, None)
            case "truncate":
                del content[operation.offset_bytes :]
            case "write":
                end = operation.offset_bytes + len(operation.data)
                # A lost write before this one leaves a hole of zeros.
                content.extend(bytes(max(0, end - len(content))))
                content[operation.offset_bytes : end] = operation.data


class CrashDisk:
    """A disk in memory with a log.

    Attributes:
        log: all operations so far, in order.
        capacity_bytes: writes beyond it raise NoSpace, after filling what is left.
        fail: called before each operation; may raise what the disk is to raise.
        muted: a place in the code whose syncs do nothing, as if its line were deleted.
        syncs: the places in the code that asked for a sync so far.
        found: names and bytes that the log began on.
        device: which file system it is; "" is the system's.
    """

    def __init__(
        self,
        *,
        capacity_bytes: int = 1 << 40,
        fail: Callable[[Operation], None] = lambda _operation: None,
        muted: Place | None = None,
        base: "_Tree | None" = None,
        device: str = "",
    ) -> None:
        self.device = device
        self.log: list[Operation] = []
        self.muted = muted
        self.syncs: set[Place] = set()
        self.found = base.copy() if base is not None else _Tree()
        self.capacity_bytes = capacity_bytes
        self.fail = fail
        self._tree = self.found.copy()
        self._next_inode = max([0, *self._tree.bytes_of]) + 1

    def note(self, what: object) -> None:
        """Log an event of another component that is durable from here on."""
        self._do(Operation("note", "", note=what))

    def make_folder(self, name: str) -> bool:
        """See `Disk.make_folder`."""
        if name in self._tree.folders:
            return False
        self._need_folder(name.rpartition("/")[0])
        self._do(Operation("folder", name))
        return True

    def sync_folder(self, name: str) -> None:
        """See `Disk.sync_folder`."""
        self._need_folder(name)
        self._do(Operation("sync_folder", name))

    def create(self, name: str) -> "CrashFile":
        """See `Disk.create`."""
        self._need_folder(name.rpartition("/")[0])
        if name in self._tree.names:
            raise DataLoss(f"{name} exists")
        inode, self._next_inode = self._next_inode, self._next_inode + 1
        self._do(Operation("create", name, inode))
        return CrashFile(self, name, inode)

    def reopen(self, name: str) -> "CrashFile":
        """See `Disk.reopen`."""
        return CrashFile(self, name, self._inode(name))

    def read(self, name: str, offset_bytes: int, max_bytes: int) -> bytes:
        """See `Disk.read`."""
        content = self._tree.bytes_of.get(self._inode(name), bytearray())
        return bytes(content[offset_bytes : offset_bytes + max_bytes])

    def size_bytes(self, name: str) -> int:
        """See `Disk.size_bytes`."""
        return len(self._tree.bytes_of.get(self._inode(name), b""))

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        inside = [*self._tree.names, *(self._tree.folders - {""})]
        return sorted(name.rpartition("/")[2] for name in inside if name.rpartition("/")[0] == folder)

    def unlink(self, name: str) -> bool:
        """See `Disk.unlink`."""
        if name not in self._tree.names:
            return False
        self._do(Operation("unlink", name))
        return True

    def remove_folder(self, name: str) -> bool:
        """See `Disk.remove_folder`."""
        if name not in self._tree.folders or self.names(name):
            return False
        self._do(Operation("remove", name))
        return True

    def name(self) -> str:
        """See `Disk.name`."""
        return self.device or "memory"

    def file_system(self) -> str:
        """See `Disk.file_system`."""
        return self.device

    def free_bytes(self) -> int:
        """See `Disk.free_bytes`."""
        return max(0, self.capacity_bytes - self.used_bytes())

    def part(self, name: str) -> "CrashPart":
        """A disk of its own in this one's log, so that a cut of the log is a cut of both."""
        if self.make_folder(name):
            self.sync_folder("")
        return CrashPart(self, name)

    def used_bytes(self) -> int:
        """Bytes in files that have a name."""
        return sum(len(self._tree.bytes_of.get(inode, b"")) for inode in self._tree.names.values())

    def _inode(self, name: str) -> int:
        if name not in self._tree.names:
            raise NotFound(f"{name} is not there")
        return self._tree.names[name]

    def _need_folder(self, name: str) -> None:
        if name not in self._tree.folders:
            raise NotFound(f"{name} is not there")

    def _do(self, operation: Operation) -> None:
        if operation.kind in ("sync", "sync_folder"):
            place = _place_of_caller()
            self.syncs.add(place)
            if place == self.muted:
                return
        self.fail(operation)
        self.log.append(operation)
        self._tree.apply(operation)


class CrashPart:
    """One of several disks that lose power together: a folder of a `CrashDisk`.

    Attributes:
        is_away: it is not attached.
    """

    def __init__(self, whole: CrashDisk, part: str) -> None:
        self.whole = whole
        self.is_away = False
        self._part = part

    def make_folder(self, name: str) -> bool:
        """See `Disk.make_folder`."""
        return self.whole.make_folder(self._inside(name))

    def sync_folder(self, name: str) -> None:
        """See `Disk.sync_folder`."""
        self.whole.sync_folder(self._inside(name))

    def create(self, name: str) -> "CrashFile":
        """See `Disk.create`."""
        return self.whole.create(self._inside(name))

    def reopen(self, name: str) -> "CrashFile":
        """See `Disk.reopen`."""
        return self.whole.reopen(self._inside(name))

    def read(self, name: str, offset_bytes: int, max_bytes: int) -> bytes:
        """See `Disk.read`."""
        return self.whole.read(self._inside(name), offset_bytes, max_bytes)

    def size_bytes(self, name: str) -> int:
        """See `Disk.size_bytes`."""
        return self.whole.size_bytes(self._inside(name))

    def names(self, folder: str) -> list[str]:
        """See `Disk.names`."""
        return self.whole.names(self._inside(folder))

    def unlink(self, name: str) -> bool:
        """See `Disk.unlink`."""
        return self.whole.unlink(self._inside(name))

    def remove_folder(self, name: str) -> bool:
        """See `Disk.remove_folder`."""
        return self.whole.remove_folder(self._inside(name))

    def free_bytes(self) -> int:
        """See `Disk.free_bytes`."""
        return self.whole.free_bytes()

    def name(self) -> str:
        """See `Disk.name`."""
        return self._part

    def file_system(self) -> str:
        """See `Disk.file_system`."""
        return "" if self.is_away else self._part

    def _inside(self, name: str) -> str:
        if self.is_away:
            raise NotFound(f"{name}: the disk is away")
        return f"{self._part}/{name}".rstrip("/")


def _place_of_caller() -> Place:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    lines: list[tuple[str, int]] = []
    while frame is not None and len(lines) < 2:
        lines.append((Path(frame.f_code.co_filename).name, frame.f_lineno))
        frame = frame.f_back
    return tuple(lines)


class CrashFile:
    """See `vms.recordings.disk.GrowingFile`."""

    def __init__(self, disk: CrashDisk, name: str, inode: int) -> None:
        self._disk = disk
        self._name = name
        self._inode = inode
        self._abandoned = False

    @property
    def size_bytes(self) -> int:
        """See `GrowingFile.size_bytes`."""
        return len(self._disk._tree.bytes_of.get(self._inode, b""))

    def append(self, data: bytes) -> None:
        """See `GrowingFile.append`; a full disk takes the part that fits."""
        self._check()
        fits = data[: self._disk.free_bytes()]
        if fits:
            self._disk._do(Operation("write", self._name, self._inode, self.size_bytes, bytes(fits)))
        if len(fits) < len(data):
            raise NoSpace("the disk is full", subject=self._name)

    def truncate(self, size_bytes: int) -> None:
        """See `GrowingFile.truncate`."""
        self._check()
        self._disk._do(Operation("truncate", self._name, self._inode, size_bytes))

    def sync_data(self) -> None:
        """See `GrowingFile.sync_data`."""
        self._check()
        self._abandoned = True
        self._disk._do(Operation("sync", self._name, self._inode))
        self._abandoned = False

    def sync(self) -> None:
        """See `GrowingFile.sync`."""
        self.sync_data()

    def close(self) -> None:
        """See `GrowingFile.close`."""

    def _check(self) -> None:
        if self._abandoned:
            raise DataLoss("synced again after a failed sync", subject=self._name)


def unsynced(log: Sequence[Operation]) -> list[int]:
    """Places in `log` of the changes that no later sync covers: each may be lost, alone or with any others."""
    safe = _safe(log)
    return [at for at, operation in enumerate(log) if operation.kind in _CHANGES and at not in safe]


def after_cut_keeping(
    log: Sequence[Operation], kept: Container[int], *, base: CrashDisk | None = None, torn: Mapping[int, int] = _NOTHING
) -> CrashDisk:
    """The disk after power was cut at the end of `log`, when of what was unsynced just `kept` had reached it.

    `torn` names writes of which only so many bytes did. `base` is the disk that `log` began on, itself found after a
    cut; without it `log` began on an empty disk.
    """
    lost = set(unsynced(log))
    disk = CrashDisk(base=base.found if base is not None else None)
    for at, operation in enumerate(log):
        if operation.kind in _CHANGES and (at not in lost or at in kept):
            disk._tree.apply(operation)
        elif at in torn:
            part = operation.data[: torn[at]]
            disk._tree.apply(Operation("write", operation.name, operation.inode, operation.offset_bytes, part))
    _drop_unreachable(disk._tree)
    disk._next_inode = max([0, *disk._tree.bytes_of]) + 1
    disk.found = disk._tree.copy()
    return disk


def after_cut(
    log: Sequence[Operation], rng: random.Random, *, keep_ratio: float, base: CrashDisk | None = None
) -> CrashDisk:
    """The disk after power was cut at the end of `log`: each change that no sync covers stays with `keep_ratio`.

    0 keeps what is promised and nothing else, 1 keeps everything. Changes of one folder's names that survive do so in
    order; a write may also survive in part.
    """
    places = unsynced(log)
    kept = {at for at in places if rng.random() < keep_ratio}
    writes = [at for at in places if at not in kept and log[at].kind == "write" and keep_ratio > 0]
    torn = {at: rng.randrange(len(log[at].data)) for at in writes if rng.random() < 0.5}
    return after_cut_keeping(log, kept, base=base, torn=torn)


def last_note(log: Iterable[Operation]) -> object:
    """What the newest note in `log` holds; None when there is none."""
    return next((operation.note for operation in reversed(list(log)) if operation.kind == "note"), None)


def _safe(operations: Sequence[Operation]) -> set[int]:
    """Places of the changes that some later sync covers."""
    safe: set[int] = set()
    synced_inodes: set[int] = set()
    synced_folders: set[str] = set()
    for at in range(len(operations) - 1, -1, -1):
        operation = operations[at]
        if operation.kind == "sync":
            synced_inodes.add(operation.inode)
        elif operation.kind == "sync_folder":
            synced_folders.add(operation.name)
        elif operation.kind in ("write", "truncate"):
            if operation.inode in synced_inodes:
                safe.add(at)
        elif operation.kind in _CHANGES and operation.folder in synced_folders:
            safe.add(at)
    return safe


def _drop_unreachable(tree: _Tree) -> None:
    for folder in sorted(tree.folders - {""}):
        if folder.rpartition("/")[0] not in tree.folders:
            tree.folders.discard(folder)
    for name in [name for name in tree.names if name.rpartition("/")[0] not in tree.folders]:
        del tree.names[name]
