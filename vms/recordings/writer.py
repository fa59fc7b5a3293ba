"""Owns recording: takes fragments from capture, writes them on a thread of its own, heals itself after faults.

Capture's calls only queue, and the queue is bounded: a stuck disk costs recordings (with a gap whose reason is the
disk), never the capture. After a fault a camera is tried again at its next key frame, `RETRY_S` later, by itself.
Note: vms/design/0002-recording-store.md.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError, Busy, Internal, NoSpace
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason, RunClocks, StreamFormat
from beket.kernel.text import say
from beket.kernel.units import MIB, TICKS_PER_S
from vms import metrics
from vms.recordings.disk import DiskFailure
from vms.recordings.segments import GrowingSegment
from vms.recordings.store import Store

log = logging.getLogger(__name__)

SEGMENT_S = 20
# A camera that sends no key frame for minutes must not grow one file without end.
SEGMENT_MAX_BYTES = 256 * MIB
QUEUE_MAX_BYTES = 64 * MIB
# The disk thread sleeps until this much is waiting: fewer, larger writes.
WAKE_BYTES = 4 * MIB
RETRY_S = 10
# Syncs asked for together share the file system's commits; one after another, each waits for its own.
SYNCS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Start:
    camera: CameraId
    stream: StreamFormat
    clocks: RunClocks | None


@dataclass(frozen=True, slots=True)
class _Write:
    camera: CameraId
    fragments: Sequence[Fragment]


@dataclass(frozen=True, slots=True)
class _End:
    camera: CameraId
    reason: GapReason


@dataclass(frozen=True, slots=True)
class _Absent:
    camera: CameraId
    reason: GapReason
    start_90k: int


@dataclass(frozen=True, slots=True)
class _Choked:
    """Fragments of the camera were dropped here, because the disk did not keep up."""

    camera: CameraId


@dataclass(frozen=True, slots=True)
class _Sync:
    done: threading.Event | None = None


@dataclass(frozen=True, slots=True)
class _Stop:
    reason: GapReason


_Command = _Start | _Write | _End | _Absent | _Choked | _Sync | _Stop


@dataclass(slots=True)
class _Camera:
    """What the disk thread knows of a camera whose run is open."""

    stream: StreamFormat
    clocks: RunClocks | None = None  # not in the index yet
    segment: GrowingSegment | None = None
    waiting: list[Fragment] = field(default_factory=list)
    failed: bool = False
    retry_mono_ns: int = 0


class Recorder:
    """The `SegmentSink` over a `Store`."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        instruments: Instruments,
        segment_s: int = SEGMENT_S,
        queue_max_bytes: int = QUEUE_MAX_BYTES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._instruments = instruments
        self._segment_90k = segment_s * TICKS_PER_S
        self._queue_max_bytes = queue_max_bytes
        # Shared with the disk thread, under the condition's lock.
        self._wake = threading.Condition()
        self._queue: deque[_Command] = deque()
        self._queued_bytes = 0
        self._urgent = False
        self._choked: set[CameraId] = set()
        self._failed: dict[CameraId, BeketError] = {}
        # The disk thread's own.
        self._cameras: dict[CameraId, _Camera] = {}
        self._syncers = ThreadPoolExecutor(SYNCS_AT_ONCE, thread_name_prefix="recorder-sync")
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    # Called by capture ------------------------------------------------------------------------------------------------

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        """See `SegmentSink.start_run`."""
        with self._wake:
            self._choked.discard(camera)
            self._failed.pop(camera, None)
            self._queue.append(_Start(camera, stream, clocks))

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        """See `SegmentSink.write`. A failure is said once; whoever goes on writing is recorded again at a key frame."""
        size_bytes = sum(len(fragment.data) for fragment in fragments)
        with self._wake:
            if (failed := self._failed.pop(camera, None)) is not None:
                raise failed
            was_choked = camera in self._choked
            if not self._has_room(camera, fragments, size_bytes):
                self._instruments.add(metrics.LOST_BYTES, size_bytes, camera=camera, reason="queue")
                if not was_choked:
                    raise Busy(say("Диск не встигає записувати.", "The disk does not keep up."))
                return
            self._queue.append(_Write(camera, fragments))
            self._queued_bytes += size_bytes
            if self._queued_bytes >= WAKE_BYTES:
                self._wake.notify()

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """See `SegmentSink.end_run`."""
        with self._wake:
            self._choked.discard(camera)
            self._put_urgent(_End(camera, reason))

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        """See `SegmentSink.note_gap`."""
        with self._wake:
            self._put_urgent(_Absent(camera, reason, start_90k))

    def sync(self) -> None:
        """See `SegmentSink.sync`; only asks for it.

        Raises:
            Internal: the disk thread ended by a bug.
        """
        if not self._thread.is_alive():
            raise Internal("the recorder's disk thread has ended")
        with self._wake:
            if not any(isinstance(command, _Sync) for command in self._queue):
                self._put_urgent(_Sync())

    # Called by others -------------------------------------------------------------------------------------------------

    def flush(self, timeout_s: float) -> bool:
        """Block until everything written before is durable; False when that took longer than `timeout_s`."""
        done = threading.Event()
        with self._wake:
            self._put_urgent(_Sync(done))
        return done.wait(timeout_s)

    def close(self, *, reason: GapReason = GapReason.RESTART, timeout_s: float = 30) -> bool:
        """End all runs and the thread; False when a stuck disk or a bug did not let it end well."""
        with self._wake:
            self._put_urgent(_Stop(reason))
        self._thread.join(timeout_s)
        return self._ended

    # Queue ------------------------------------------------------------------------------------------------------------

    def _put_urgent(self, command: _Command) -> None:
        self._queue.append(command)
        self._urgent = True
        self._wake.notify()

    def _has_room(self, camera: CameraId, fragments: Sequence[Fragment], size_bytes: int) -> bool:
        if camera in self._choked:
            # Begin again on a key frame, and only when the disk has caught up for good.
            if not fragments or not fragments[0].is_key or self._queued_bytes > self._queue_max_bytes // 2:
                return False
            self._choked.discard(camera)
        if self._queued_bytes + size_bytes <= self._queue_max_bytes:
            return True
        self._choked.add(camera)
        self._queue.append(_Choked(camera))
        return False

    def _next_commands(self) -> deque[_Command]:
        with self._wake:
            self._wake.wait_for(lambda: self._urgent or self._queued_bytes >= WAKE_BYTES)
            commands, self._queue = self._queue, deque()
            self._urgent = False
            return commands

    # Disk thread ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            commands = self._next_commands()
            taken_bytes = 0
            for command in commands:
                if isinstance(command, _Stop):
                    self._end_all(command.reason)
                    self._syncers.shutdown()
                    self._ended = True
                    return
                self._do(command)
                if isinstance(command, _Write):
                    taken_bytes += sum(len(fragment.data) for fragment in command.fragments)
            for camera in list(self._cameras):
                self._guarded(camera, self._flush)
            # What is being written still occupies memory, so it counts until here.
            with self._wake:
                self._queued_bytes -= taken_bytes
                self._instruments.set(metrics.QUEUED_BYTES, self._queued_bytes)

    def _do(self, command: _Command) -> None:
        match command:
            case _Start(camera, stream, clocks):
                self._end(camera, None)
                self._cameras[camera] = _Camera(stream, clocks)
            case _Write(camera, fragments):
                for fragment in fragments:
                    self._take(camera, fragment)
            case _End(camera, reason):
                self._end(camera, reason)
            case _Absent(camera, reason, start_90k):
                self._note_gap(camera, reason, start_90k)
            case _Choked(camera):
                self._guarded(camera, self._stop_for_disk)
            case _Sync(done):
                self._sync_all()
                if done is not None:
                    done.set()

    def _take(self, camera: CameraId, fragment: Fragment) -> None:
        state = self._cameras.get(camera)
        if state is None:
            return
        if fragment.is_key and self._clock.mono_ns() >= state.retry_mono_ns:
            self._guarded(camera, lambda _camera, state: self._at_key_frame(camera, state, fragment))
        if state.segment is None:
            self._instruments.add(metrics.LOST_BYTES, len(fragment.data), camera=camera, reason="disk")
            return
        state.waiting.append(fragment)

    def _at_key_frame(self, camera: CameraId, state: _Camera, fragment: Fragment) -> None:
        start_90k = fragment.start_90k
        if state.segment is None:
            # Nobody ended a run before this one with a reason: it failed here, or its clock jumped.
            unexplained = GapReason.DISK if state.failed else GapReason.CLOCK
            announced = self._store.announce(
                camera, state.stream, start_90k=start_90k, unexplained=unexplained, clocks=state.clocks
            )
            state.clocks = None  # what goes on after a fault of the disk is a run of its own, and begins with nothing
            state.segment = self._store.open(announced, state.stream)
            state.failed = False
        elif start_90k - state.segment.announced.key.start_90k >= self._segment_90k:
            self._flush(camera, state)
            if state.segment is not None:
                announced = self._store.rotate(state.segment, start_90k=start_90k)
                state.segment = None  # closed and indexed: a fault from here on is not its own
                state.segment = self._store.open(announced, state.stream)
                self._instruments.add(metrics.CLOSED_SEGMENTS, camera=camera)

    def _flush(self, camera: CameraId, state: _Camera) -> None:
        if not state.waiting or state.segment is None:
            return
        last = state.waiting[-1]
        data = b"".join(fragment.data for fragment in state.waiting)
        state.waiting.clear()
        state.segment.append(data, end_90k=last.start_90k + last.duration_90k)
        self._instruments.add(metrics.RECORDED_BYTES, len(data), camera=camera)
        if state.segment.size_bytes >= SEGMENT_MAX_BYTES:
            log.warning("%s: no key frame for a whole segment; the run is cut", camera)
            self._store.finish(state.segment, reason=GapReason.CAMERA)
            state.segment = None

    def _sync_all(self) -> None:
        for camera in list(self._cameras):
            self._guarded(camera, self._flush)
        growing = {camera: state.segment for camera, state in self._cameras.items() if state.segment is not None}
        outcomes = self._syncers.map(_synced, growing.values())
        for camera, outcome in zip(growing, outcomes, strict=True):
            self._guarded(camera, partial(self._note_sync, outcome))

    def _note_sync(self, outcome: bool | BeketError, _camera: CameraId, _state: _Camera) -> None:
        if isinstance(outcome, BeketError):
            raise outcome
        if outcome:
            self._instruments.add(metrics.DISK_SYNCS)

    def _end(self, camera: CameraId, reason: GapReason | None) -> None:
        """Close the camera's run; without a reason another follows, and the store sees whether there is a gap."""
        state = self._cameras.get(camera)
        if state is not None:
            self._guarded(camera, self._flush)
            self._guarded(camera, lambda _camera, state: self._finish(camera, state, reason))
            self._cameras.pop(camera, None)

    def _finish(self, camera: CameraId, state: _Camera, reason: GapReason | None) -> None:
        if state.segment is not None:
            self._store.finish(state.segment, reason=reason)
            state.segment = None
            self._instruments.add(metrics.CLOSED_SEGMENTS, camera=camera)

    def _end_all(self, reason: GapReason) -> None:
        for camera in list(self._cameras):
            self._end(camera, reason)

    def _note_gap(self, camera: CameraId, reason: GapReason, start_90k: int) -> None:
        if camera in self._cameras:
            return
        try:
            self._store.note_gap(camera, start_90k=start_90k, reason=reason)
        except BeketError as error:  # the index: its next fault is a run's, and is told there
            log.log(level_number(error.handling.log_level), "%s: a gap is not noted: %s", camera, error.sentence().en)

    # Faults -----------------------------------------------------------------------------------------------------------

    def _guarded(self, camera: CameraId, step: Callable[[CameraId, "_Camera"], None]) -> None:
        """Do one camera's step; its fault costs that camera a gap and a pause, and no other camera a thing."""
        state = self._cameras.get(camera)
        if state is None:
            return
        try:
            step(camera, state)
        except BeketError as error:
            log.log(level_number(error.handling.log_level), "%s: recording stopped: %s", camera, error.sentence().en)
            self._instruments.add(metrics.DISK_FAILURES, reason=error.kind.value)
            self._give_up(state, error)
            with self._wake:
                self._failed[camera] = error

    def _give_up(self, state: _Camera, error: BeketError) -> None:
        segment, state.segment = state.segment, None
        state.waiting.clear()
        state.failed = True
        if segment is not None:
            self._store.note_failure(segment.announced.disk, error)
        # Another disk may take the next key frame already.
        is_disks = isinstance(error, NoSpace | DiskFailure) and self._store.shelf.has_room()
        state.retry_mono_ns = self._clock.mono_ns() + (0 if is_disks else RETRY_S * NS_PER_S)
        if segment is None:
            return
        try:
            if isinstance(error, NoSpace):
                self._store.finish(segment, reason=GapReason.DISK)
            else:
                self._store.abandon(segment, reason=GapReason.DISK)
        except BeketError as worse:
            # The row in `growing` stays, so the next start finds the file.
            level = level_number(worse.handling.log_level)
            log.log(level, "%s: its last segment is left for recovery: %s", segment.camera, worse.sentence().en)
            segment.file.close()

    def _stop_for_disk(self, camera: CameraId, state: _Camera) -> None:
        self._flush(camera, state)
        self._finish(camera, state, GapReason.DISK)
        state.failed = True


def _synced(segment: GrowingSegment) -> bool | BeketError:
    """Sync one segment, on a thread of its own; its fault is the camera's, not that of the others."""
    try:
        return segment.sync()
    except BeketError as error:
        return error
