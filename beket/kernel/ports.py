"""Owns the seams between rooms: what one room asks of another, as small Protocols that wiring fills.

A room depends on a port, never on the room behind it; so the edge and the centre use the same store, and a test hands
in a few lines. Value types that cross a port live here too.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from beket.kernel.ids import CameraId, DeviceId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Point

Codec = Literal["h264", "h265"]


class GapReason(StrEnum):
    """Why there is no recording; every gap has one."""

    POWER = "power"
    LINK = "link"
    CAMERA = "camera"
    DISK = "disk"
    RESTART = "restart"
    UPDATE = "update"
    MAINTENANCE = "maintenance"
    CLOCK = "clock"
    NO_PURPOSE = "no-purpose"


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What the frames of one run have in common; a change of parameter sets starts a new run.

    Attributes:
        init: `ftyp` and `moov` of the fragmented MP4 that the run's fragments continue.
    """

    codec: Codec
    width: int
    height: int
    init: bytes


@dataclass(frozen=True, slots=True)
class RunClocks:
    """What was known of the clocks when a run began.

    Attributes:
        correction_ns: how far the machine's wall clock had been moved since the camera's run before; None when it had
            not. Added to the times of earlier runs, back to the machine's start or an earlier move, it corrects them.
        camera_offset_ns: how far the camera's own clock was ahead of the machine's; None when it had not said.
    """

    correction_ns: int | None
    camera_offset_ns: int | None


@dataclass(frozen=True, slots=True)
class Fragment:
    """One frame as fMP4 (`moof` + `mdat`): the same bytes on disk and to every viewer.

    Attributes:
        start_90k: wall time of the frame since 1970 UTC.
        duration_90k: until the next frame.
        is_key: a decoder can start here.
    """

    data: bytes
    start_90k: int
    duration_90k: int
    is_key: bool


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """A closed, durable, indexed segment.

    Attributes:
        sequence: number of the segment within its camera, growing; tells two segments of one start apart.
        sha256: of the whole file, 32 bytes.
    """

    camera: CameraId
    start_90k: int
    duration_90k: int
    sequence: int
    size_bytes: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class GapInfo:
    """A stretch without recording.

    Attributes:
        end_90k: None while it goes on.
    """

    camera: CameraId
    start_90k: int
    end_90k: int | None
    reason: GapReason


class SegmentSink(Protocol):
    """Where capture puts frames. All calls come from the capture loop: none waits for a disk, and memory is bounded.

    What goes wrong with a camera's run is said once, by the next `write`; the sink has closed the run by then, with the
    reason `disk`. The camera is recorded again from its next run on.
    """

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        """Begin a run of fragments that share `stream`; ends the camera's run before it, if one is open.

        `clocks` is kept beside the run.
        """

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        """Append fragments of the open run, in order. The first one of a run is a key frame.

        Raises:
            NoSpace: the disk is full.
            Busy: the disk does not keep up.
            DataLoss: the disk failed.
        """

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """Close the camera's run; a gap with `reason` starts where its last fragment ends. No run open: no effect."""

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        """The camera records nothing from `start_90k` on because of `reason`; no effect while a run is open."""

    def sync(self) -> None:
        """Have everything written so far made durable; called once each recovery point interval (RPO).

        Raises:
            Internal: a bug has ended the sink.
        """


class LiveTap(Protocol):
    """Who is shown frames as capture finishes them. All calls come from the capture loop; none blocks or raises."""

    def watched(self) -> Collection[CameraId]:
        """The cameras that somebody looks at now; capture hurries for them."""

    def start_run(self, camera: CameraId, stream: StreamFormat) -> None:
        """A run begins; the fragments that follow share `stream`."""

    def write(self, camera: CameraId, fragment: Fragment) -> None:
        """The next frame of the run; the first one is a key frame."""

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        """The run is over; nothing to show until the next one."""


class SegmentBacklog(Protocol):
    """What the uplink asks of the edge store. Blocking; called from the uplink's own thread."""

    def pending(self, limit: int) -> list[SegmentInfo]:
        """Closed segments that the centre has not acknowledged, newest first."""

    def read(self, segment: SegmentInfo, offset_bytes: int, max_bytes: int) -> bytes:
        """Bytes of a segment's file from `offset_bytes`; fewer than `max_bytes` only at its end."""

    def acknowledge(self, segment: SegmentInfo) -> None:
        """The centre holds the segment with this very hash; from now on the edge may delete it by its policy."""

    def pending_gaps(self, limit: int) -> list[GapInfo]:
        """Gaps that the centre does not know, or does not know the end of, newest first."""

    def acknowledge_gaps(self, gaps: Sequence[GapInfo]) -> None:
        """The centre has these gaps in its ledger exactly as stated."""


class PointSink(Protocol):
    """Where samples go: the agent's spool, the centre's store, a time series database."""

    def put(self, points: Sequence[Point]) -> None:
        """Take the samples; returns when they will survive a crash of this process."""


class InventoryView(Protocol):
    """What a room may know of the inventory: the newest accepted version."""

    def current(self) -> Inventory:
        """The version in force now; the caller does not change it."""


class ShellSession(Protocol):
    """A device's command line, logged in and ready: paging is off, privileges are there. Blocking; for one thread."""

    @property
    def is_weak(self) -> bool:
        """The device speaks only cryptography that counts as broken (SHA-1)."""

    def run(self, command: str, *, within_s: float = 60, max_bytes: int = 1024 * 1024) -> str:
        """What the device prints in answer, without echo, prompt and pager; lines end with a line feed.

        Raises:
            Unreachable: the line was cut in the middle of the answer.
            TimedOut: the answer did not end `within_s`.
            ProtocolError: it is longer than `max_bytes`, or no answer of a command line.
        """


class Shells(Protocol):
    """Who opens command lines of devices. Blocking."""

    def open(self, device: DeviceId) -> AbstractContextManager[ShellSession]:
        """A session with the device for as long as the block lasts.

        Raises:
            NotFound: nothing is known of how to log in there, or its secret is missing.
            Unreachable, TimedOut: nobody answers.
            Unauthenticated: its host key is not approved or has changed (no login was tried), or it refuses the login.
            ProtocolError: it is no SSH server, or its command line is not what its family says.
        """
