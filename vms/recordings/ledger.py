"""Owns the ledger of seals beside the recordings: `beket.ledger/<camera>/<YYYYMM>.jsonl`, only ever appended to.

It goes through the Disk port under the store's rules: bytes synced, then the name, before anybody counts on a line.
What a crash leaves of a line is ended by the next one and read as nothing. No camera can be called like the folder.
"""

import contextlib
import datetime
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import BeketError, NoSpace, NotFound, ProtocolError
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.units import KIB, TICKS_PER_S
from vms.recordings.chain import LINE_MAX_BYTES, AnchorLine, SealLine, read_anchor, read_line
from vms.recordings.disk import Disk, DiskFailure, GrowingFile
from vms.recordings.layout import START_LIMIT_90K
from vms.recordings.shelf import Shelf, Volume

FOLDER = "beket.ledger"
_SUFFIX = ".jsonl"
# Beside the months: what was taken out of them, the last line counts.
_ANCHORS = "trimmed.anchors"
_READ_BYTES = 256 * KIB


@dataclass(frozen=True, slots=True)
class Damaged:
    """A line that is no seal; `number` counts lines of the file from 1."""

    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Written:
    """Where a line lies, without what ends it."""

    disk: int
    name: str
    offset_bytes: int
    size_bytes: int


class Ledger:
    """The ledger on one disk. Its one writer appends; anybody may read."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._durable: set[str] = set()

    def append(self, camera: CameraId, line: bytes, *, wall_ns: int) -> tuple[str, int]:
        """Put a line down for good; return the file's name and the line's place in it, in bytes.

        Raises:
            NoSpace, DiskFailure: it may be there or not; appended again it does no harm.
        """
        return self._append(camera, f"{_month(wall_ns)}{_SUFFIX}", line)

    def _append(self, camera: CameraId, bare: str, line: bytes) -> tuple[str, int]:
        folder = f"{FOLDER}/{camera}"
        name = f"{folder}/{bare}"
        self._make_folder(FOLDER, "")
        self._make_folder(folder, FOLDER)
        file = self._open(name)
        try:
            at_bytes = file.size_bytes
            if at_bytes and self._disk.read(name, at_bytes - 1, 1) != b"\n":
                line = b"\n" + line
                at_bytes += 1
            file.append(line)
            file.sync_data()
        finally:
            file.close()
        if name not in self._durable:
            # Synced even when it was there: the process that made it may have died before its own sync.
            self._disk.sync_folder(folder)
            self._durable.add(name)
        return name, at_bytes

    def cameras(self) -> list[CameraId]:
        """Cameras that have a ledger here."""
        return [CameraId(name) for name in self._names(FOLDER) if is_slug(name)]

    def read(self, camera: CameraId) -> Iterator[SealLine | Damaged]:
        """The camera's seals as they were appended; of those with one number in a row only the last counts.

        (A crash between a line and its commit leaves the line, and the next one takes its number.)
        """
        return _last_of_each_number(self.lines(camera))

    def lines(self, camera: CameraId) -> Iterator[SealLine | Damaged]:
        """Every line of the camera's, as it was appended."""
        for bare in self._names(f"{FOLDER}/{camera}"):
            name = f"{FOLDER}/{camera}/{bare}"
            if not bare.endswith(_SUFFIX):
                continue
            number = 0
            try:
                for found in self.lines_of(name):
                    number += 1
                    yield found
            except DiskFailure:
                yield Damaged(name, number + 1)

    def months(self, camera: CameraId) -> list[str]:
        """The names of the camera's files of seals."""
        return [f"{FOLDER}/{camera}/{bare}" for bare in self._names(f"{FOLDER}/{camera}") if bare.endswith(_SUFFIX)]

    def lines_of(self, name: str) -> Iterator[SealLine | Damaged]:
        """Every line of one file.

        Raises:
            DiskFailure: the disk does not give it.
        """
        for number, data in enumerate(self._split(name), 1):
            if data:
                yield _seal_or_damage(name, number, data)

    def take_out(self, camera: CameraId, name: str, anchor: bytes) -> None:
        """Remove a file of seals, once `anchor` says durably that they were taken out.

        Raises:
            NoSpace, DiskFailure: the file may be there or not; taken out again it does no harm.
        """
        self._append(camera, _ANCHORS, anchor)
        # Not synced: what comes back with a power cut is only older than the anchor.
        self._disk.unlink(name)

    def drop(self, name: str) -> None:
        """Remove a file of seals. Not synced: what comes back with a power cut is removed again."""
        self._disk.unlink(name)

    def anchors(self, camera: CameraId) -> Iterator[AnchorLine]:
        """What was taken out, as it was signed, the oldest first; a line that is none is left out."""
        name = f"{FOLDER}/{camera}/{_ANCHORS}"
        if _ANCHORS not in self._names(f"{FOLDER}/{camera}"):
            return
        try:
            for data in self._split(name):
                with contextlib.suppress(ProtocolError):
                    yield read_anchor(data)
        except DiskFailure:
            return

    def _names(self, folder: str) -> list[str]:
        """Names in a folder; none where the disk does not give it: then its seals lack, and that is told."""
        try:
            return self._disk.names(folder)
        except DiskFailure:
            return []

    def _split(self, name: str) -> Iterator[bytes]:
        """The lines of a file; one that is too long comes cut, which is no seal either."""
        rest, offset = b"", 0
        while part := self._disk.read(name, offset, _READ_BYTES):
            offset += len(part)
            *whole, last = part.split(b"\n")
            for piece in whole:
                yield (rest + piece)[: LINE_MAX_BYTES + 1]
                rest = b""
            rest = (rest + last)[: LINE_MAX_BYTES + 1]
        if rest:
            yield rest

    def _open(self, name: str) -> GrowingFile:
        try:
            return self._disk.reopen(name)
        except NotFound:
            self._durable.discard(name)
            return self._disk.create(name)

    def _make_folder(self, name: str, parent: str) -> None:
        if name not in self._durable:
            self._disk.make_folder(name)
            self._disk.sync_folder(parent)
            self._durable.add(name)


class Ledgers:
    """The ledger over several disks: a line goes to the first disk that takes it, and all disks are read as one."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._of: dict[int, Ledger] = {}

    def append(self, camera: CameraId, line: bytes, *, wall_ns: int) -> Written:
        """Put a line down for good.

        Raises:
            NoSpace, DiskFailure: no disk took it for certain; appended again it does no harm.
        """
        refusal: BeketError | None = None
        # The oldest disk first, so that a ledger seldom changes its disk.
        for volume in sorted(self._shelf.place(), key=lambda volume: (volume.is_failing, volume.id)):
            try:
                name, at_bytes = self.on(volume).append(camera, line, wall_ns=wall_ns)
            except (NoSpace, DiskFailure) as error:
                refusal = refusal or error
            else:
                return Written(volume.id, name, at_bytes, len(line.rstrip(b"\n")))
        assert refusal is not None  # there is a disk, or `place` says that there is none
        raise refusal

    def cameras(self) -> list[CameraId]:
        """Cameras that have a ledger here."""
        return sorted({camera for volume in self._shelf.volumes for camera in self.on(volume).cameras()})

    def read(self, camera: CameraId) -> Iterator[SealLine | Damaged]:
        """The camera's seals by their numbers, as `Ledger.read` gives them; a damaged line where it stands."""
        return merged([self.on(volume) for volume in self._shelf.volumes], camera)

    def anchors(self, camera: CameraId) -> Iterator[AnchorLine]:
        """What was taken out of the camera's ledger, on all disks."""
        for volume in self._shelf.volumes:
            yield from self.on(volume).anchors(camera)

    def on(self, volume: Volume) -> Ledger:
        """The ledger on one disk."""
        return self._of.setdefault(volume.id, Ledger(volume.disk))


def merged(ledgers: Sequence[Ledger], camera: CameraId) -> Iterator[SealLine | Damaged]:
    """The camera's seals of several disks by their numbers, as `Ledger.read` gives them."""
    numbered = (_numbered(ledger.lines(camera)) for ledger in ledgers)
    return _last_of_each_number(found for _, found in heapq.merge(*numbered, key=lambda one: one[0]))


def _numbered(lines: Iterator[SealLine | Damaged]) -> Iterator[tuple[int, SealLine | Damaged]]:
    number = 0
    for found in lines:
        if isinstance(found, SealLine):
            number = found.seal.number
        yield number, found


def _last_of_each_number(lines: Iterator[SealLine | Damaged]) -> Iterator[SealLine | Damaged]:
    held: SealLine | None = None
    for found in lines:
        if isinstance(found, SealLine):
            if held is not None and held.seal.number != found.seal.number:
                yield held
            held = found
        else:
            yield found
    if held is not None:
        yield held


def _seal_or_damage(name: str, number: int, data: bytes) -> SealLine | Damaged:
    try:
        return read_line(data)
    except ProtocolError:
        return Damaged(name, number)


def _month(wall_ns: int) -> str:
    wall_s = min(max(0, wall_ns) // NS_PER_S, START_LIMIT_90K // TICKS_PER_S - 1)
    return datetime.datetime.fromtimestamp(wall_s, datetime.UTC).strftime("%Y%m")
