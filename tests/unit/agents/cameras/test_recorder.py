import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cameras.recorder import Recorder
from beket.kernel.errors import NoSpace
from beket.kernel.ids import CameraId
from beket.kernel.ports import GapReason, RunClocks
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtp.rtcp import SenderReport
from tests.unit.agents.cameras.remembering_sink import RememberingSink

GATE = CameraId("gate")
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")
FORMAT = VideoFormat("h264", 1280, 720, (SPS, bytes.fromhex("68ce3c80")))
START_NS = 1_700_000_000 * 10**9
FRAME_NS = 40_000_000


class Feed:
    """Frames every 40 ms into a recorder."""

    def __init__(self) -> None:
        self.sink = RememberingSink()
        self.recorder = Recorder(GATE, self.sink)
        self.number = 0
        self.wall_shift_ns = 0

    def give(self, *, is_key: bool = False, video: VideoFormat | None = None, rtp_jump: int = 0) -> None:
        unit = AccessUnit(bytearray(b"\0\0\0\2\x65\x88"), self.number * 3600 + rtp_jump, is_key, 0, video)
        at_ns = self.number * FRAME_NS
        wall_ns = START_NS + at_ns + self.wall_shift_ns
        self.recorder.take(unit, arrival_mono_ns=at_ns, arrival_wall_ns=wall_ns)
        self.number += 1

    def events(self) -> list[str]:
        """What the sink was told since the last look."""
        self.recorder.hand_over()
        return self.sink.take()


def test_one_frame_is_held_back_and_let_go_with_the_last_duration_at_the_end() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    assert feed.events() == ["start"]
    feed.give()
    feed.give()
    assert feed.events() == ["write 2"]
    feed.recorder.end(GapReason.LINK)
    feed.recorder.end(GapReason.CAMERA)
    assert feed.events() == ["write 1", "end link"]
    ((_, fragments),) = feed.sink.runs
    assert [fragment.duration_90k for fragment in fragments] == [3600] * 3
    assert [fragment.is_key for fragment in fragments] == [True, False, False]


def test_recording_waits_for_a_key_frame() -> None:
    feed = Feed()
    feed.give()
    feed.give()
    assert feed.events() == []
    feed.give(is_key=True, video=FORMAT)
    assert feed.events() == ["start"]


def test_clock_that_steps_ends_the_run_and_a_key_frame_begins_the_next() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.wall_shift_ns = 3600 * 10**9
    feed.give()
    feed.give(is_key=True)
    assert feed.events() == ["start", "write 2", "end clock", "start"]


HOUR_NS = 3600 * 10**9


def test_run_begins_with_how_far_our_clock_was_moved_and_what_the_camera_said_of_its_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.recorder.observe(SenderReport(1, START_NS + 2 * HOUR_NS, 0))  # a camera set to local time
    feed.wall_shift_ns = HOUR_NS
    feed.give()
    feed.wall_shift_ns = 3 * HOUR_NS  # moved twice before a key frame comes
    feed.give()
    feed.give(is_key=True)
    feed.give(is_key=True, video=FORMAT)  # a run that the clock has nothing to do with
    assert feed.sink.clocks == [
        RunClocks(None, None), RunClocks(3 * HOUR_NS, 2 * HOUR_NS), RunClocks(None, 2 * HOUR_NS)
    ]  # fmt: skip
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "gate: this machine's clock was moved by +7200.000 s" in caplog.text


def test_clock_that_is_moved_while_the_camera_is_away_is_told_to_its_next_run() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.recorder.end(GapReason.LINK)
    feed.wall_shift_ns = -HOUR_NS
    feed.recorder.begin_stream()
    feed.give(is_key=True, video=FORMAT)
    assert [clocks and clocks.correction_ns for clocks in feed.sink.clocks] == [None, -HOUR_NS]


def test_camera_whose_time_jumps_back_is_the_camera_s_fault() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.give(is_key=True, rtp_jump=-90_000 * 60)
    assert feed.events() == ["start", "write 2", "end camera", "start"]


def test_new_format_begins_a_run_after_the_frames_of_the_old_one() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give(is_key=True, video=FORMAT)
    assert feed.events() == ["start", "write 1", "start"]


def test_disk_that_failed_is_said_by_whatever_hands_over_and_an_end_is_still_an_end() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.sink.failure = NoSpace("full")
    with pytest.raises(NoSpace):
        feed.recorder.hand_over()
    feed.give()
    feed.sink.failure = NoSpace("full")
    feed.recorder.end(GapReason.LINK)
    assert feed.events() == ["start", "end link"]


def test_failed_disk_is_tried_again_only_after_a_pause() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.recorder.abandon(mono_ns=0)
    feed.events()
    feed.give(is_key=True)
    assert feed.events() == []
    feed.number = 200  # eight seconds later
    feed.give(is_key=True)
    assert feed.events() == ["start"]


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, None, None, FORMAT]), st.sampled_from([0, 0, 0, 5000])))
)
def test_fragments_of_a_run_meet_each_other_exactly_whatever_comes(
    story: list[tuple[bool, VideoFormat | None, int]],
) -> None:
    feed = Feed()
    jump = 0
    for is_key, video, more in story:
        jump += more
        feed.give(is_key=is_key or video is not None, video=video, rtp_jump=jump)
    feed.recorder.end(GapReason.RESTART)
    for at_90k, fragments in feed.sink.runs:
        assert fragments[0].is_key
        for fragment in fragments:
            assert fragment.start_90k == at_90k
            assert fragment.duration_90k > 0
            at_90k += fragment.duration_90k
