from agents.cameras.recorder import Recorder
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason, StreamFormat
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from tests.unit.agents.cameras.remembering_sink import RememberingSink

GATE = CameraId("gate")
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")
FORMAT = VideoFormat("h264", 1280, 720, (SPS, bytes.fromhex("68ce3c80")))


class Tap:
    """A LiveTap that remembers."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.fragments: list[Fragment] = []

    def watched(self) -> tuple[CameraId, ...]:
        return ()

    def start_run(self, camera: CameraId, stream: StreamFormat) -> None:
        self.events.append("start")

    def write(self, camera: CameraId, fragment: Fragment) -> None:
        self.events.append("frame")
        self.fragments.append(fragment)

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None:
        self.events.append(reason)


def give(recorder: Recorder, number: int, *, video: VideoFormat | None = None) -> None:
    unit = AccessUnit(bytearray(b"\0\0\0\2\x65\x88"), number * 3600, video is not None, 0, video)
    at_ns = number * 40_000_000
    recorder.take(unit, arrival_mono_ns=at_ns, arrival_wall_ns=1_700_000_000 * 10**9 + at_ns)


def test_tap_is_shown_the_very_fragments_that_go_to_the_disk_and_why_a_run_ends() -> None:
    sink, tap = RememberingSink(), Tap()
    recorder = Recorder(GATE, sink, tap=tap)
    for number in range(3):
        give(recorder, number, video=FORMAT if number == 0 else None)
    recorder.end(GapReason.LINK)
    recorder.end(GapReason.CAMERA)  # it has ended already, and the first reason counts
    assert tap.events == ["start", "frame", "frame", "frame", GapReason.LINK]
    ((_, written),) = sink.runs
    assert all(one is other for one, other in zip(tap.fragments, written, strict=True))
    give(recorder, 3, video=FORMAT)
    recorder.abandon(mono_ns=0)
    assert tap.events[-2:] == ["start", GapReason.DISK]
