from collections.abc import Sequence

from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, RunClocks, StreamFormat


class RememberingSink:
    """A SegmentSink that keeps what one camera gave it, in words and whole; `failure` is raised by the next write."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.runs: list[tuple[int, list[Fragment]]] = []
        self.clocks: list[RunClocks | None] = []  # of each run
        self.failure: BeketError | None = None

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None:
        self.events.append("start")
        self.runs.append((start_90k, []))
        self.clocks.append(clocks)

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        self.events.append(f"write {len(fragments)}")
        self.runs[-1][1].extend(fragments)

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        self.events.append(f"end {reason}")

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None:
        self.events.append(f"absent {reason}")

    def sync(self) -> None:
        self.events.append("sync")

    def take(self) -> list[str]:
        """What happened since the last look."""
        events, self.events = self.events, []
        return events
