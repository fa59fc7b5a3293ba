"""Owns `beket vms rebuild`: the index made anew from the disks alone, when the database is lost. Blocking.

What the site has signed is believed without reading it again: a sealed list *is* the index of its segments. Every other
file says itself what it is, and is read whole. Nothing on a disk is changed or deleted; what the index cannot take is a
finding. Begun again after an interruption it goes on with what it has. Note: vms/design/0025-signed-chain.md.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import sqlalchemy as sa

from beket.kernel.database import Database
from beket.kernel.errors import BeketError, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.ports import GapInfo, GapReason, StreamFormat
from beket.media.fmp4 import boxes, reader
from vms.recordings import container, hold_files, index, rebuild_index, seal_index
from vms.recordings.chain import SealLine
from vms.recordings.chain_check import Trust
from vms.recordings.disk import Disk, DiskFailure, prove_identity
from vms.recordings.findings import Fault, Finding
from vms.recordings.layout import SegmentKey, parse_file_name
from vms.recordings.ledger import Ledger, merged
from vms.recordings.recovery import file_sha256, is_sound
from vms.recordings.segments import Announced, StoredSegment, key_of
from vms.recordings.store import JOINED_90K

# Files whose reading an interruption costs at most.
BATCH = 64
NAMES_AT_ONCE = 256
LEFTOVERS_MAX = 10_000


@dataclass(slots=True)
class Rebuilt:
    """How far it has come, and in the end what came of it.

    Attributes:
        hours: folders gone through, out of `total_hours`.
        signed: segments taken from sealed lists; `read`: from files, of `read_bytes`.
        absent: sealed segments that are on none of the disks: deleted on purpose before, or lost.
        leftovers: files that a crash cut short; the next start of Beket makes them whole.
        held: spans that nothing may delete, as the files beside the recordings tell; None when there are none of those.
    """

    camera: str = ""
    hours: int = 0
    total_hours: int = 0
    signed: int = 0
    read: int = 0
    read_bytes: int = 0
    absent: int = 0
    leftovers: int = 0
    held: int | None = 0


@dataclass(frozen=True, slots=True)
class NumberedDisk:
    """A disk and its number in the new index."""

    disk: Disk
    id: int


@dataclass(frozen=True, slots=True)
class _Read:
    """What a file says of itself, and what it is."""

    volume: NumberedDisk
    segment: StoredSegment
    stream: StreamFormat


def rebuild(
    database: Database, disks: Sequence[Disk], *, origin: container.Origin, is_edge: bool, trusts: Trust
) -> Iterator[Finding | Rebuilt]:
    """Fill a new `database` from all `disks`; the last value says what came of it.

    `is_edge`: `origin`'s site has recorded all of it, and it may still have to travel. At the centre it has arrived.

    Raises:
        InvalidConfig: one of the disks is none of this community's.
    """
    volumes = [_numbered(database, disk, origin) for disk in disks]
    folders = {camera: _hours(volumes, camera) for camera in _cameras(volumes)}
    state = Rebuilt(total_hours=sum(len(hours) for hours in folders.values()))
    for camera, hours in folders.items():
        state.camera = camera
        one = _Camera(database, volumes, camera, origin, is_edge, trusts, state)
        yield from one.take_sealed()
        for volume, folder in hours:
            yield from one.take_folder(volume, folder)
            state.hours += 1
            yield state
        yield from one.finish()
    kept = hold_files.newest(disks)
    if kept is not None:
        database.write(lambda connection: hold_files.put(connection, kept))
    state.held = None if kept is None else len(kept.held)
    yield state


def _numbered(database: Database, disk: Disk, origin: container.Origin) -> NumberedDisk:
    uuid = prove_identity(disk, origin.community, known=(), may_begin=False)
    return NumberedDisk(disk, database.write(lambda c: rebuild_index.disk_row(c, uuid)))


def _cameras(volumes: Sequence[NumberedDisk]) -> list[CameraId]:
    names = {CameraId(name) for volume in volumes for name in volume.disk.names("") if is_slug(name)}
    return sorted(names.union(*(Ledger(volume.disk).cameras() for volume in volumes)))


def _hours(volumes: Sequence[NumberedDisk], camera: CameraId) -> list[tuple[NumberedDisk, str]]:
    """The folders of the camera's hours, oldest first; what is no folder at all is for the check to say."""
    found: list[tuple[str, int]] = []
    for number, volume in enumerate(volumes):
        for day in names_in(volume.disk, camera):
            found += [(f"{camera}/{day}/{hour}", number) for hour in names_in(volume.disk, f"{camera}/{day}")]
    return [(volumes[number], folder) for folder, number in sorted(found)]


def names_in(disk: Disk, folder: str) -> list[str]:
    """Names in a folder; none where it is no folder, or the disk does not give it."""
    try:
        return disk.names(folder)
    except DiskFailure:
        return []


@dataclass(slots=True)
class _Camera:
    database: Database
    volumes: Sequence[NumberedDisk]
    camera: CameraId
    origin: container.Origin
    is_edge: bool
    trusts: Trust
    state: Rebuilt
    _newest: SealLine | None = None
    _gaps_from_90k: int = 0
    # Where each run began, as far as the seals tell: its first files may be gone.
    _begun: dict[int, int] = field(default_factory=dict)
    _leftovers: list[tuple[NumberedDisk, SegmentKey, boxes.Identity | None]] = field(default_factory=list)
    _waiting: list[_Read] = field(default_factory=list)

    # What was signed --------------------------------------------------------------------------------------------------

    def take_sealed(self) -> Iterator[Rebuilt]:
        """Index what the seals list and the disks have."""
        for line in merged([Ledger(volume.disk) for volume in self.volumes], self.camera):
            if isinstance(line, SealLine) and self._believes(line):
                self._take_line(line)
                yield self.state

    def _believes(self, line: SealLine) -> bool:
        ours = (line.seal.community, line.seal.camera) == (self.origin.community, self.camera)
        return line.is_genuine and ours and self.trusts(line.seal.site, line.public_key)

    def _take_line(self, line: SealLine) -> None:
        with self.database.read() as connection:
            here = seal_index.present(connection, self.camera, [key_of(one) for one in line.segments])
        placed = [(one, self._volume_of(key_of(one))) for one in line.segments if key_of(one) not in here]
        found = [(one, volume) for one, volume in placed if volume is not None]
        absent = [one for one, volume in placed if volume is None]
        firsts = {one.run: (volume, key_of(one)) for one, volume in reversed(found)}
        streams = {run: self._stream_of(*where) for run, where in firsts.items()}
        for one in line.segments:
            self._begun.setdefault(one.run, one.start_90k)
        if self._newest is None or line.seal.number >= self._newest.seal.number:
            self._newest = line
        self._gaps_from_90k = line.gaps[-1].start_90k if line.gaps else self._gaps_from_90k

        def put(connection: sa.Connection) -> None:
            placed_on = [(volume.id, one) for one, volume in found]
            rebuild_index.add_segments(connection, self.camera, placed_on, acknowledged=not self.is_edge)
            for run, stream in streams.items():
                if stream is not None:
                    began_90k = self._begun[run]
                    rebuild_index.put_run(connection, self.camera, run=run, start_90k=began_90k, stream=stream)
            for gap in line.gaps:
                index.put_gap(connection, gap, acknowledged=not self.is_edge)
            seal_index.note_removed(connection, [key_of(one) for one in absent])

        self.database.write(put)
        self.state.signed += len(found) + len(here)
        self.state.absent += len(absent)

    def _volume_of(self, key: SegmentKey) -> NumberedDisk | None:
        for volume in self.volumes:
            try:
                volume.disk.size_bytes(key.file_name)
            except NotFound:
                continue
            except BeketError:
                return volume  # it is there, and does not give it: that is the check's to say
            return volume
        return None

    def _stream_of(self, volume: NumberedDisk, key: SegmentKey) -> StreamFormat | None:
        try:
            with container.open_segment(volume.disk, key) as file:
                return container.stream_of(reader.read_head(file)[0])
        except BeketError:
            return None

    # What lies on the disks -------------------------------------------------------------------------------------------

    def take_folder(self, volume: NumberedDisk, folder: str) -> Iterator[Finding | Rebuilt]:
        """Read the files of one hour that no seal names."""
        try:
            names = [f"{folder}/{bare}" for bare in volume.disk.names(folder)]
        except DiskFailure:
            yield Finding(folder, Fault.STRAY)
            return
        for at in range(0, len(names), NAMES_AT_ONCE):
            keys: list[SegmentKey] = []
            for name in names[at : at + NAMES_AT_ONCE]:
                try:
                    keys.append(parse_file_name(name))
                except InvalidArgument:
                    yield Finding(name, Fault.STRAY)
            with self.database.read() as connection:
                here = rebuild_index.placed(connection, self.camera, keys)
            for key in keys:
                if key not in here:
                    yield from self._take_file(volume, key)
                elif here[key] != volume.id:
                    yield Finding(key.file_name, Fault.DOUBLE)
        self._write_waiting()

    def _take_file(self, volume: NumberedDisk, key: SegmentKey) -> Iterator[Finding | Rebuilt]:
        try:
            read, identity = self._read(volume, key)
        except ProtocolError:
            read, identity = None, None
        except NotFound:
            return  # deleted meanwhile
        except BeketError:
            yield Finding(key.file_name, Fault.UNREADABLE)
            return
        if identity is not None and not self._is_ours(identity, key):
            yield Finding(key.file_name, Fault.IDENTITY)
        elif read is None:
            if len(self._leftovers) < LEFTOVERS_MAX:
                self._leftovers.append((volume, key, identity))
        elif any(key_of(one.segment) == key for one in self._waiting):
            yield Finding(key.file_name, Fault.DOUBLE)
        else:
            self._waiting.append(read)
            self.state.read += 1
            self.state.read_bytes += read.segment.size_bytes
            if len(self._waiting) >= BATCH:
                self._write_waiting()
            yield self.state

    def _read(self, volume: NumberedDisk, key: SegmentKey) -> tuple[_Read | None, boxes.Identity | None]:
        """What the file holds, None when it is not whole; and what it says of itself."""
        size_bytes = volume.disk.size_bytes(key.file_name)
        with container.open_segment(volume.disk, key) as file:
            content = reader.read_segment(file)
        identity = content.identity
        if identity is None or content.is_torn or not content.fragments:
            return None, identity
        segment = StoredSegment(
            camera=key.camera,
            start_90k=key.start_90k,
            duration_90k=content.duration_90k,
            sequence=key.sequence,
            size_bytes=size_bytes,
            sha256=file_sha256(volume.disk, key, size_bytes),
            run=identity.run,
            previous_sha256=container.previous_sha256_of(identity),
        )
        return _Read(volume, segment, container.stream_of(content.init)), identity

    def _is_ours(self, identity: boxes.Identity, key: SegmentKey) -> bool:
        is_here = identity.site == self.origin.site or not self.is_edge
        return container.names_key(identity, key) and identity.community == self.origin.community and is_here

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        sealed_to = self._sealed_to()
        firsts: dict[int, _Read] = {}
        for one in waiting:
            firsts.setdefault(one.segment.run, one)

        def put(connection: sa.Connection) -> None:
            placed_on = [(one.volume.id, one.segment) for one in waiting]
            rebuild_index.add_segments(connection, self.camera, placed_on, acknowledged=not self.is_edge)
            for run, first in firsts.items():
                start_90k = first.segment.start_90k
                rebuild_index.put_run(connection, self.camera, run=run, start_90k=start_90k, stream=first.stream)
            for one in waiting:
                # Older ones were recorded before there were seals, or theirs is lost: nobody swears to them now.
                if self.is_edge and one.segment.sequence > sealed_to:
                    seal_index.await_seal(connection, one.segment)

        self.database.write(put)

    # What follows from both -------------------------------------------------------------------------------------------

    def finish(self) -> Iterator[Finding | Rebuilt]:
        """What a crash left, the camera's next number, its newest seal, and the gaps."""
        newest = self._newest
        self._doubt_the_last()
        with self.database.read() as connection:
            last = rebuild_index.newest(connection, self.camera)
        highest = last.sequence if last is not None else 0
        head = last.sha256 if last is not None else b""
        if newest is not None and newest.seal.last_sequence > highest:
            highest, head = newest.seal.last_sequence, bytes.fromhex(newest.seal.head_sha256)
        growing = [one for one in self._leftovers if self._is_leftover(one[2], one[1], highest)]
        damaged = [one for one in self._leftovers if not self._is_leftover(one[2], one[1], highest)]
        yield from (Finding(key.file_name, Fault.STRUCTURE) for _, key, _ in damaged)
        self.state.leftovers += len(growing)
        next_sequence = max([highest, *(key.sequence for _, key, _ in self._leftovers)]) + 1

        def put(connection: sa.Connection) -> None:
            rebuild_index.put_next(connection, self.camera, next_sequence=next_sequence, last_sha256=head)
            for volume, key, identity in growing:
                run = identity.run if identity is not None else key.sequence
                rebuild_index.put_growing(connection, Announced(key, run, b"", volume.id), arriving=not self.is_edge)
                if (stream := self._stream_of(volume, key)) is not None and self.is_edge:
                    index.add_run(connection, self.camera, run=run, start_90k=key.start_90k, stream=stream)
            if newest is not None:
                told = seal_index.Head(newest.seal.number, newest.seal_sha256, self._gaps_from_90k)
                seal_index.put_head(connection, self.camera, told)

        self.database.write(put)
        self._explain(bool(growing))
        yield self.state

    def _doubt_the_last(self) -> None:
        """The newest file may have been growing when power went: zeros where nothing was written look like a frame."""
        with self.database.read() as connection:
            last = rebuild_index.newest(connection, self.camera)
            if last is None or not self.is_edge or last.sequence <= self._sealed_to():
                return
            key = key_of(last)
            number = rebuild_index.placed(connection, self.camera, [key])[key]
        volume = next(one for one in self.volumes if one.id == number)
        try:
            with container.open_segment(volume.disk, key) as file:
                identity = reader.read_head(file)[1]
            sound = is_sound(volume.disk, key)
        except BeketError:
            return  # that is the check's to say
        if not sound:
            self.database.write(lambda c: rebuild_index.take_out(c, key))
            self._leftovers.append((volume, key, identity))

    def _sealed_to(self) -> int:
        return self._newest.seal.last_sequence if self._newest is not None else 0

    def _is_leftover(self, identity: boxes.Identity | None, key: SegmentKey, highest: int) -> bool:
        """Whether recovery, or the rest of an upload, will make the file whole; nothing else may touch it."""
        if not self.is_edge:
            return True
        return identity is not None and key.sequence > highest

    def _explain(self, has_leftover: bool) -> None:
        """Between what follows in the chain: a gap where nothing tells one. Where the chain is broken: deleted."""
        before: StoredSegment | None = None
        after: SegmentKey | None = None
        while True:
            with self.database.read() as connection:
                batch = index.page(connection, self.camera, after=after, limit=NAMES_AT_ONCE)
            if not batch:
                break
            self.database.write(partial(self._join, [before, *batch] if before is not None else batch))
            before, after = batch[-1], key_of(batch[-1])
        if before is not None and self.is_edge and not has_leftover:
            self.database.write(partial(self._leave_open, before.end_90k))

    def _leave_open(self, end_90k: int, connection: sa.Connection) -> None:
        if index.open_gap(connection, self.camera) is None:
            index.put_gap(connection, GapInfo(self.camera, end_90k, None, GapReason.RESTART), acknowledged=False)

    def _join(self, following: list[StoredSegment], connection: sa.Connection) -> None:
        for one, then in itertools.pairwise(following):
            self._between(connection, one, then)

    def _between(self, connection: sa.Connection, one: StoredSegment, then: StoredSegment) -> None:
        rebuild_index.end_open_gaps(connection, self.camera, from_90k=one.end_90k, until_90k=then.start_90k)
        if then.previous_sha256 != one.sha256:
            is_known = seal_index.known_hashes(connection, self.camera, [then.previous_sha256])
            if not is_known and then.sequence > one.sequence + 1:
                seal_index.note_removed_range(connection, self.camera, one.sequence + 1, then.sequence - 1)
            return
        at_90k = one.end_90k
        if then.run == one.run or then.start_90k - at_90k <= JOINED_90K:
            return
        told = index.gaps_between(connection, self.camera, at_90k, then.start_90k)
        for gap in [*told, GapInfo(self.camera, then.start_90k, then.start_90k, GapReason.RESTART)]:
            if gap.start_90k - at_90k > JOINED_90K:
                hole = GapInfo(self.camera, at_90k, gap.start_90k, GapReason.RESTART)
                index.put_gap(connection, hole, acknowledged=not self.is_edge)
            at_90k = max(at_90k, gap.end_90k or gap.start_90k)
