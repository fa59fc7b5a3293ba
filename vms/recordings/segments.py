"""Owns the value types of the store: a segment in the index, one that still grows, a gap."""

import hashlib
from dataclasses import dataclass, field

from beket.kernel.ids import CameraId
from beket.kernel.ports import SegmentInfo, StreamFormat
from vms.recordings.disk import GrowingFile
from vms.recordings.layout import SegmentKey

NOWHERE = 0


@dataclass(frozen=True, slots=True)
class StoredSegment(SegmentInfo):
    """A row of the index.

    Attributes:
        run: sequence of the first segment of its run; within a run, n is followed without a hole by n + 1.
        previous_sha256: of the camera's segment before this one; empty for the first, or when it is not known.
        disk: number of the disk that it lies on; `NOWHERE` while it is only spoken of.
    """

    run: int
    previous_sha256: bytes
    disk: int = field(default=NOWHERE, compare=False)

    @property
    def end_90k(self) -> int:
        """Where its last frame ends."""
        return self.start_90k + self.duration_90k


def key_of(segment: SegmentInfo) -> SegmentKey:
    """The key that names the segment's file."""
    return SegmentKey(segment.camera, segment.start_90k, segment.sequence)


@dataclass(frozen=True, slots=True)
class Announced:
    """A segment that the index expects: its file may exist from now on, on the disk with number `disk`."""

    key: SegmentKey
    run: int
    previous_sha256: bytes
    disk: int


class GrowingSegment:
    """A segment being recorded: its file, its hash so far, and where its last whole fragment ends. One thread's."""

    def __init__(self, announced: Announced, stream: StreamFormat, file: GrowingFile, head: bytes) -> None:
        self.announced = announced
        self.stream = stream
        self.file = file
        self.end_90k = announced.key.start_90k
        self._hash = hashlib.sha256(head)
        self._whole_bytes = len(head)
        self._durable: StoredSegment | None = None

    @property
    def camera(self) -> CameraId:
        """Whose it is."""
        return self.announced.key.camera

    @property
    def size_bytes(self) -> int:
        """Size up to the last whole fragment."""
        return self._whole_bytes

    @property
    def duration_90k(self) -> int:
        """Length up to the last whole fragment; 0 while there is none."""
        return self.end_90k - self.announced.key.start_90k

    def append(self, fragments: bytes, *, end_90k: int) -> None:
        """Write whole fragments that end at `end_90k`. On an error none of them counts."""
        self.file.append(fragments)
        self._hash.update(fragments)
        self._whole_bytes += len(fragments)
        self.end_90k = end_90k

    def sync(self) -> bool:
        """Make what is there durable; False when nothing new was."""
        if self.duration_90k == (0 if self._durable is None else self._durable.duration_90k):
            return False
        self.file.sync_data()
        self._durable = self._so_far()
        return True

    def durable(self) -> StoredSegment | None:
        """What a sync has vouched for, as a segment of its own; None before the first."""
        return self._durable

    def seal(self) -> StoredSegment:
        """Cut what is not whole, make the rest durable and say what it is."""
        if self.file.size_bytes != self._whole_bytes:
            self.file.truncate(self._whole_bytes)
            self.file.sync_data()
        self.sync()
        return self._so_far()

    def _so_far(self) -> StoredSegment:
        key = self.announced.key
        return StoredSegment(
            camera=key.camera,
            start_90k=key.start_90k,
            duration_90k=self.duration_90k,
            sequence=key.sequence,
            size_bytes=self._whole_bytes,
            sha256=self._hash.digest(),
            run=self.announced.run,
            previous_sha256=self.announced.previous_sha256,
            disk=self.announced.disk,
        )
