"""Owns the proof that a power cut costs no more than was said, small for `make test`, large for `make torture`.

Five stories are told on a disk whose log can be cut: a site that records (a disk that fills, a process that dies while
the machine lives on, a deletion), a recorder on its thread, a recorder with two disks of which one fails for a while,
a centre that receives, and holds that come and go on two disks. `scenes` gives the disk and the database as a machine
may find them when power is back; `judge` lets the store recover and holds against it what had been promised by then.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.kernel.errors import BeketError, NoSpace
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapInfo, GapReason
from beket.testing.crash_disk import CrashDisk, CrashPart, Operation, Place, after_cut_keeping, unsynced
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms.recordings import container, held, hold_files, index
from vms.recordings.check import check
from vms.recordings.container import Origin
from vms.recordings.disk import DiskFailure
from vms.recordings.findings import Progress
from vms.recordings.held import HeldSpan
from vms.recordings.recovery import recover
from vms.recordings.segments import Announced, GrowingSegment, StoredSegment, key_of
from vms.recordings.store import JOINED_90K, Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder

GATE, YARD = CAMERAS = (CameraId("gate"), CameraId("yard"))
STREAM = made_up_stream()
Note = TypeVar("Note")
ORIGIN = Origin(
    community=CommunityId("dobrianka"), site=SiteId("school"), boot_id="b1", software="0.1.0", clock_is_set=lambda: True
)
# The disks of a store that has two, and what the first refuses at which frame.
PARTS = ("disk-a", "disk-b")
REFUSED_AT = {40: ("sync",), 45: ("sync", "create"), 50: ("create",), 80: ("sync", "sync_folder")}
SEGMENT_FRAMES = 60
# A site's recorder syncs after ten frames; after three, so few changes are unsynced that every subset can be tried.
SYNC_FRAMES = 3
UNSYNCED_MAX = 12


@dataclass(frozen=True, slots=True)
class Committed:
    """The whole database as it is durable from here on."""

    image: bytes


@dataclass(frozen=True, slots=True)
class Promised:
    """From here on this much of the camera may not be lost any more."""

    camera: CameraId
    start_90k: int
    end_90k: int


@dataclass(frozen=True, slots=True)
class Deleting:
    """From here on these may be gone, or still be there."""

    segments: tuple[StoredSegment, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """From here on this may be what is held, or still what was held before."""

    spans: tuple[HeldSpan, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """From here on this is held, by the index and by the files beside the recordings."""

    spans: tuple[HeldSpan, ...]


@dataclass(slots=True)
class Story:
    """What was told: the disk with its log, where a cut begins to mean something, and each frame sent.

    `explains_gaps`: the store keeps the gaps itself; a centre is told of them by the site.
    """

    disk: CrashDisk
    begun: int
    sent: Sequence[Fragment]
    explains_gaps: bool = True


@dataclass(slots=True)
class Town:
    """A folder for databases; one store is open at a time."""

    folder: Path
    opened: list[Database] = field(default_factory=list)
    number: int = 0

    def store(self, disk: CrashDisk, image: bytes | None = None) -> Store:
        """A store over `disk`, with a database that begins as `image`, or goes on as it was left."""
        self.close()
        if image is not None:
            self.number += 1
            (self.folder / f"{self.number}.db").write_bytes(image)
        self.opened.append(logged(disk)(self.folder / f"{self.number}.db", migrations=MIGRATIONS))
        return Store(self.opened[-1], *disks_of(disk), origin=ORIGIN)

    def begin(self, disk: CrashDisk) -> Store:
        """A store over an empty disk and no database."""
        self.number += 1
        return self.store(disk)

    def close(self) -> None:
        """Close what is open."""
        while self.opened:
            self.opened.pop().close()

    def forget(self) -> None:
        """Close, and remove the newest database."""
        self.close()
        for file in self.folder.glob(f"{self.number}.db*"):
            file.unlink()


def disks_of(disk: CrashDisk) -> list[CrashDisk | CrashPart]:
    """The disks of a store: the one itself, or its parts."""
    return [disk.part(name) for name in PARTS if name in disk.names("")] or [disk]


def logged(disk: CrashDisk) -> type[Database]:
    """A database whose commits stand in the disk's log, in order with its operations."""

    class LoggedDatabase(Database):
        def _write_in_transaction(self, work: Callable[[sa.Connection], object]) -> object:  # type: ignore[override]
            result = super()._write_in_transaction(work)
            with self.read() as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                disk.note(Committed(raw.serialize()))
            return result

    return LoggedDatabase


# The stories --------------------------------------------------------------------------------------------------------


class Camera:
    """One camera of a story: it records frame after frame."""

    def __init__(self, name: CameraId, store: Store, sent: Sequence[Fragment], at: int = 0) -> None:
        self.name = name
        self.store = store
        self.sent = sent
        self.at = at
        self.segment: GrowingSegment | None = None

    def record(self, frames: int) -> None:
        """Go on by so many frames: a key frame in time begins a segment, and each RPO something is promised."""
        for frame in self.sent[self.at : self.at + frames]:
            start_90k = frame.start_90k
            if self.segment is None:
                announced = self.store.announce(self.name, STREAM, start_90k=start_90k, unexplained=GapReason.CLOCK)
                self.segment = self.store.open(announced, STREAM)
                self.first = self.at
            elif frame.is_key and self.at - self.first >= SEGMENT_FRAMES:
                announced, self.segment = self.store.rotate(self.segment, start_90k=start_90k), None
                self.segment = self.store.open(announced, STREAM)
                self.first = self.at
            self.segment.append(frame.data, end_90k=start_90k + frame.duration_90k)
            self.at += 1
            if self.at % SYNC_FRAMES == 0:
                self.segment.sync()
                self.promise(self.segment.end_90k)

    def promise(self, end_90k: int) -> None:
        """What was recorded of the newest segment is durable."""
        disk = self.store.shelf.volumes[0].disk
        assert isinstance(disk, CrashDisk)
        disk.note(Promised(self.name, self.sent[self.first].start_90k, end_90k))

    def end(self, reason: GapReason) -> None:
        """The run ends; that much is durable."""
        assert self.segment is not None
        end_90k = self.segment.end_90k
        self.store.finish(self.segment, reason=reason)
        self.promise(end_90k)
        self.segment = None

    def skip_to_key(self) -> None:
        """Nothing is recorded up to the next key frame."""
        self.at = next(at for at in range(self.at, len(self.sent)) if self.sent[at].is_key)


def site_story(town: Town, seed: int, *, muted: Place | None = None) -> Story:
    """A site that records."""
    rng, disk = random.Random(seed), CrashDisk(muted=muted)
    store = town.begin(disk)
    sent = made_up_fragments(rng, start_90k=DAY_90K, seconds=60, frame_bytes=120)
    begun = len(disk.log)
    gate, yard = cameras = [Camera(name, store, sent) for name in CAMERAS]
    for _ in range(rng.randrange(8, 14)):
        for camera in cameras:
            camera.record(rng.randrange(3, 11))
    yard.record(SYNC_FRAMES - 1 - yard.at % SYNC_FRAMES)  # something that no sync has covered yet
    yard.end(GapReason.CAMERA)

    # The disk takes a part of a frame while nothing else is unsynced; what is whole is kept, and later there is room.
    gate.record(SYNC_FRAMES - gate.at % SYNC_FRAMES)
    disk.capacity_bytes = disk.used_bytes() + 40
    try:
        gate.record(1)
    except NoSpace:
        if gate.segment is not None:  # else it was the next segment that could not begin
            gate.end(GapReason.DISK)
    disk.capacity_bytes = 1 << 40
    for camera in cameras:
        camera.at += 1
        camera.skip_to_key()
        camera.record(rng.randrange(12, 20))

    # The process dies, the machine lives on: its disk has bytes that nobody synced; a new process recovers them.
    gate.record(SYNC_FRAMES - 1 - gate.at % SYNC_FRAMES)
    disk.note("the process dies")
    store = town.store(disk)
    recover(store)
    for camera in cameras:
        assert camera.segment is not None
        camera.store = store
        camera.promise(camera.segment.end_90k)
        camera.segment = None
        camera.skip_to_key()
        camera.record(rng.randrange(3, 16))

    with store.database.read() as connection:
        oldest = tuple(index.oldest(connection, GATE, limit=1, before_90k=None, acknowledged_only=False))
    disk.note(Deleting(oldest))
    store.discard([key_of(one) for one in oldest])
    store.collect_garbage()
    gate.record(4)
    return Story(disk, begun, sent)


def recorder_story(town: Town, seed: int, *, muted: Place | None = None) -> Story:
    """A site whose recorder works on its own thread: what `flush` has answered for is promised."""
    disk = CrashDisk(muted=muted)
    store = town.begin(disk)
    sent = made_up_fragments(random.Random(seed), start_90k=DAY_90K, seconds=30, frame_bytes=120)
    begun = len(disk.log)
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"), segment_s=8)
    for camera in CAMERAS:
        recorder.start_run(camera, STREAM, start_90k=DAY_90K)
    for at in range(0, len(sent), 5):
        for camera in CAMERAS:
            recorder.write(camera, sent[at : at + 5])
        if at % 10 == 0:
            assert recorder.flush(10)
            for camera in CAMERAS:
                disk.note(Promised(camera, DAY_90K, sent[at + 4].start_90k + sent[at + 4].duration_90k))
    recorder.end_run(GATE, reason=GapReason.CAMERA)
    assert recorder.close()
    for camera in CAMERAS:
        disk.note(Promised(camera, DAY_90K, sent[-1].start_90k + sent[-1].duration_90k))
    return Story(disk, begun, sent)


def two_disks_story(town: Town, seed: int, *, muted: Place | None = None) -> Story:
    """A recorder with two disks, of which one refuses syncs, then files, then serves again."""
    disk = CrashDisk()
    for name in PARTS:
        disk.part(name)
    disk.syncs.clear()  # those of the shop that sold the disks
    disk.muted = muted
    store = town.begin(disk)
    sent = made_up_fragments(random.Random(seed), start_90k=DAY_90K, seconds=26, frame_bytes=120)
    begun = len(disk.log)
    refused: set[str] = set()

    def fail(operation: Operation) -> None:
        if operation.kind in refused and operation.name.startswith(PARTS[0]):
            raise DiskFailure("an I/O error")

    disk.fail = fail
    recorder = Recorder(store, clock=SimulatedClock(), instruments=Instruments(site="school"), segment_s=4)
    for camera in CAMERAS:
        recorder.start_run(camera, STREAM, start_90k=DAY_90K)
    for at in range(0, len(sent), 5):
        refused.clear()
        refused.update(REFUSED_AT.get(at, ()))
        for camera in CAMERAS:
            with contextlib.suppress(BeketError):  # a fault is said once
                recorder.write(camera, sent[at : at + 5])
        if at % 10 == 0:
            assert recorder.flush(10)
            _promise_what_is_durable(disk, store, recorder)
        if at in (60, 100):
            store.shelf.look_again()
            store.keep_owed()
            store.collect_garbage()
    assert recorder.close()
    _promise_what_is_durable(disk, store, recorder)
    return Story(disk, begun, sent)


def _promise_what_is_durable(disk: CrashDisk, store: Store, recorder: Recorder) -> None:
    """What the index lists and what a sync of a growing segment has answered for."""
    for camera in CAMERAS:
        with store.database.read() as connection:
            kept: list[StoredSegment | None] = list(index.segments_between(connection, camera, 0, 1 << 60))
        state = recorder._cameras.get(camera)
        kept.append(state.segment.durable() if state is not None and state.segment is not None else None)
        for segment in filter(None, kept[-2:]):
            disk.note(Promised(camera, segment.start_90k, segment.end_90k))


def centre_story(town: Town, seed: int, *, muted: Place | None = None) -> Story:
    """A centre that receives what a site has recorded, a piece at a time, and acknowledges it."""
    rng = random.Random(seed)
    site = CrashDisk()
    store = town.begin(site)
    sent = made_up_fragments(rng, start_90k=DAY_90K, seconds=50, frame_bytes=120)
    camera = Camera(GATE, store, sent)
    camera.record(len(sent))
    camera.end(GapReason.CAMERA)
    with store.database.read() as connection:
        recorded = list(index.segments_between(connection, GATE, 0, 1 << 60))
    bodies = [store.read(one, 0, one.size_bytes) for one in recorded]

    disk = CrashDisk(muted=muted)
    centre = town.begin(disk)
    begun = len(disk.log)
    for segment, body in zip(recorded, bodies, strict=True):
        file = centre.expect(segment)
        size = rng.randrange(900, 4000)
        for at in range(0, len(body), size):
            file.append(body[at : at + size])
        centre.admit(segment, file, STREAM)
        file.close()
        disk.note(Promised(GATE, segment.start_90k, segment.end_90k))
    disk.note(Deleting((recorded[0],)))
    centre.discard([key_of(recorded[0])])
    centre.collect_garbage()
    return Story(disk, begun, sent, explains_gaps=False)


def holds_story(town: Town, seed: int, *, muted: Place | None = None) -> Story:
    """Holds come, change and go, while one of two disks refuses for a while and a process dies."""
    rng, disk = random.Random(seed), CrashDisk()
    for name in PARTS:
        disk.part(name)
    disk.syncs.clear()
    disk.muted = muted
    store = town.begin(disk)
    begun = len(disk.log)
    spans: tuple[HeldSpan, ...] = ()
    refuses = False

    def fail(operation: Operation) -> None:
        if refuses and operation.kind == "create" and operation.name.startswith(PARTS[0]):
            raise DiskFailure("an I/O error")

    disk.fail = fail
    for number in range(1, 9):
        refuses = number in (3, 4)
        if number == 6:
            disk.note("the process dies")
            store = town.store(disk)
            recover(store)
        kept = tuple(one for one in spans if rng.random() < 0.6)
        start_90k = DAY_90K + rng.randrange(1000)
        spans = (*kept, HeldSpan(rng.choice(CAMERAS), number, start_90k, start_90k + 100))
        disk.note(Holding(spans))
        store.hold_exactly(spans)
        disk.note(Held(spans))
        if not refuses:
            store.shelf.look_again()
            store.settle_holds()
    disk.note(Holding(()))
    store.hold_exactly(())
    disk.note(Held(()))
    return Story(disk, begun, [], explains_gaps=False)


STORIES = (site_story, recorder_story, two_disks_story, centre_story, holds_story)

# Cuts ---------------------------------------------------------------------------------------------------------------


def subsets(pending: Sequence[int]) -> Iterator[frozenset[int]]:
    """Which of the unsynced changes reached the disk: every case."""
    assert len(pending) <= UNSYNCED_MAX, "too much is unsynced to try every subset"
    for count in range(len(pending) + 1):
        yield from map(frozenset, itertools.combinations(pending, count))


def scenes(
    story: Story, rng: random.Random, *, cuts: Sequence[int], subsets_max: int = 1 << UNSYNCED_MAX
) -> Iterator[tuple[CrashDisk, list[Operation]]]:
    """The disk after each cut with each subset, and what the log held by then; of more than `subsets_max` some.

    A cut that loses the very last change is the cut before it: where that is tried too, it is not tried twice.
    """
    tried = set(cuts)
    for cut in cuts:
        before, last = story.disk.log[:cut], cut - 1
        pending = unsynced(before)
        every = list(subsets(pending))
        for kept in every if len(every) <= subsets_max else rng.sample(every, subsets_max):
            if last in pending and last not in kept and last in tried:
                continue
            writes = [at for at in pending if at not in kept and before[at].kind == "write"]
            torn = {at: rng.randrange(len(before[at].data)) for at in writes if kept and rng.random() < 0.3}
            yield after_cut_keeping(before, kept, torn=torn), before


def points(story: Story) -> list[int]:
    """Every place where the log can be cut."""
    return list(range(story.begun, len(story.disk.log) + 1))


def finds_fault(town: Town, story: Story) -> bool:
    """Whether a cut shows that something was not durable which should be: right after each promise and each commit."""
    telling = [at + 1 for at, one in enumerate(story.disk.log) if at >= story.begun and one.kind == "note"]
    for cut in reversed(telling):
        before = story.disk.log[:cut]
        written = frozenset(at for at in unsynced(before) if before[at].kind == "write")
        for kept in {frozenset[int](), written}:
            try:
                judge(town, story, after_cut_keeping(before, kept), before)
            except (AssertionError, BeketError):
                return True
    return False


def judge(town: Town, story: Story, disk: CrashDisk, before: Sequence[Operation]) -> None:
    """Start on what the cut left, and look whether all that was promised is there, and nothing false."""
    committed = next(one.note for one in reversed(before) if isinstance(one.note, Committed))
    may_be_held = _may_be_held(before)
    on_disk = hold_files.newest(disks_of(disk))
    assert _spans_of(on_disk) in may_be_held, "the files hold something else"
    store = town.store(disk, committed.image)
    try:
        recover(store)
        with store.database.read() as connection:
            assert set(held.spans(connection)) in may_be_held
        assert _spans_of(hold_files.newest(disks_of(disk))) in may_be_held
        assert [found for found in check(store) if not isinstance(found, Progress)] == []
        gone = [one for note in _notes(before, Deleting) for one in note.segments]
        for camera in CAMERAS:
            with store.database.read() as connection:
                segments = list(index.segments_between(connection, camera, 0, 1 << 60))
                gaps = index.gaps_between(connection, camera, 0, 1 << 60)
            for segment in segments:
                _holds_what_was_sent(store, segment, story)
            for promise in _notes(before, Promised):
                if promise.camera == camera:
                    _is_kept(promise, story, segments, gone)
            if story.explains_gaps:
                _is_explained(segments, gaps)
    finally:
        town.forget()


def _notes(log: Sequence[Operation], kind: type[Note]) -> Iterator[Note]:
    return (one.note for one in log if isinstance(one.note, kind))


def _may_be_held(before: Sequence[Operation]) -> list[set[HeldSpan]]:
    """What was held by the last word of it, and what was being made of that since."""
    told = [one.note for one in before if isinstance(one.note, Held | Holding)]
    last = max((at for at, note in enumerate(told) if isinstance(note, Held)), default=None)
    return [set(), *(set(note.spans) for note in told)] if last is None else [set(note.spans) for note in told[last:]]


def _spans_of(kept: hold_files.KeptHolds | None) -> set[HeldSpan]:
    spans = kept.held if kept is not None else ()
    return {HeldSpan(CameraId(s.camera), s.hold, s.start_90k, s.end_90k, s.until_s) for s in spans}


def _holds_what_was_sent(store: Store, segment: StoredSegment, story: Story) -> None:
    announced = Announced(key_of(segment), segment.run, segment.previous_sha256, segment.disk)
    head = len(container.head(ORIGIN, announced, STREAM))
    body = store.read(segment, head, segment.size_bytes)
    inside = [one for one in story.sent if segment.start_90k <= one.start_90k < segment.end_90k]
    assert body == b"".join(one.data for one in inside)


def _is_kept(promise: Promised, story: Story, segments: Sequence[StoredSegment], gone: Sequence[StoredSegment]) -> None:
    spans = [(one.start_90k, one.end_90k) for one in (*segments, *gone) if one.camera == promise.camera]
    for frame in story.sent:
        if promise.start_90k <= frame.start_90k < promise.end_90k:
            assert any(start <= frame.start_90k < end for start, end in spans), f"{promise}: {frame.start_90k} is lost"


def _is_explained(segments: Sequence[StoredSegment], gaps: Sequence[GapInfo]) -> None:
    """From the first recording on, every moment is recorded or in a gap with its reason, and the last gap goes on."""
    spans = sorted(
        [(one.start_90k, one.end_90k) for one in segments] + [(g.start_90k, g.end_90k or 1 << 60) for g in gaps]
    )
    at_90k = spans[0][0] if spans else 1 << 60
    for start_90k, end_90k in spans:
        assert start_90k <= at_90k + JOINED_90K, f"nothing explains {at_90k}..{start_90k}"
        at_90k = max(at_90k, end_90k)
    assert at_90k == 1 << 60
