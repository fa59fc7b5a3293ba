"""Owns the way from the loop that reads sockets to the one thread that writes disks: an ordered, bounded queue.

`Tape` is filled on the loop; `play` runs in the disk thread and is the only caller of the `SegmentSink`, so no socket
waits for a disk. Frames of one camera that follow each other become one `write`. A camera whose disk failed is left
alone until its next run; the others go on.
"""

from dataclasses import dataclass, field

from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, SegmentSink, StreamFormat

TAPE_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StartRun:
    """Begin a run at `start_90k`."""

    camera: CameraId
    stream: StreamFormat
    start_90k: int


@dataclass(frozen=True, slots=True)
class Write:
    """Append frames to the open run."""

    camera: CameraId
    fragments: list[Fragment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EndRun:
    """Close the run."""

    camera: CameraId
    reason: GapReason


Command = StartRun | Write | EndRun


class Tape:
    """Commands that wait for the disk thread, oldest first."""

    def __init__(self, *, max_bytes: int = TAPE_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._commands: list[Command] = []
        self._open_writes: dict[CameraId, Write] = {}
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """The disk does not keep up; no more frames until `take`."""
        return self._bytes >= self._max_bytes

    def start_run(self, camera: CameraId, stream: StreamFormat, *, start_90k: int) -> None:
        """See `SegmentSink.start_run`."""
        self._open_writes.pop(camera, None)
        self._commands.append(StartRun(camera, stream, start_90k))

    def write(self, camera: CameraId, fragment: Fragment) -> None:
        """Append one frame."""
        write = self._open_writes.get(camera)
        if write is None:
            write = self._open_writes[camera] = Write(camera)
            self._commands.append(write)
        write.fragments.append(fragment)
        self._bytes += len(fragment.data)

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """See `SegmentSink.end_run`."""
        self._open_writes.pop(camera, None)
        self._commands.append(EndRun(camera, reason))

    def take(self) -> list[Command]:
        """Everything so far; the tape is empty after."""
        commands, self._commands, self._open_writes, self._bytes = self._commands, [], {}, 0
        return commands


class Player:
    """The disk thread's side of the tape."""

    def __init__(self, sink: SegmentSink) -> None:
        self._sink = sink
        self._broken: set[CameraId] = set()

    def play(self, commands: list[Command], *, sync: bool) -> dict[CameraId, BeketError | None]:
        """Do what the tape says, then make it durable if asked.

        Returns, for each camera whose frames were tried, None when they are written, or why they are not.
        """
        outcomes: dict[CameraId, BeketError | None] = {}
        for command in commands:
            if command.camera in self._broken and not isinstance(command, StartRun):
                continue
            try:
                self._do(command)
            except BeketError as error:
                outcomes[command.camera] = error
                self._broken.add(command.camera)
                self._abandon(command.camera)
            else:
                if isinstance(command, Write):
                    outcomes[command.camera] = None
        if sync:
            self._sink.sync()
        return outcomes

    def _do(self, command: Command) -> None:
        match command:
            case StartRun(camera, stream, start_90k):
                self._broken.discard(camera)
                self._sink.start_run(camera, stream, start_90k=start_90k)
            case Write(camera, fragments):
                self._sink.write(camera, fragments)
            case EndRun(camera, reason):
                self._sink.end_run(camera, reason=reason)

    def _abandon(self, camera: CameraId) -> None:
        try:
            self._sink.end_run(camera, reason=GapReason.DISK)
        except BeketError:
            return  # the first error is the one that counts, and it is on its way
