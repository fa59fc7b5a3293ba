from hypothesis import given
from hypothesis import strategies as st

from agents.cameras.recorder import Recorder
from agents.cameras.tape import Command, EndRun, StartRun, Tape, Write
from beket.kernel.ids import CameraId
from beket.kernel.ports import Fragment, GapReason
from beket.media.rtp.access_unit import AccessUnit, VideoFormat

GATE = CameraId("gate")
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")
FORMAT = VideoFormat("h264", 1280, 720, (SPS, bytes.fromhex("68ce3c80")))
START_NS = 1_700_000_000 * 10**9
FRAME_NS = 40_000_000


class Feed:
    """Frames every 40 ms into a recorder whose tape is kept."""

    def __init__(self, tape: Tape | None = None) -> None:
        self.tape = tape or Tape()
        self.recorder = Recorder(GATE, self.tape)
        self.number = 0
        self.wall_shift_ns = 0

    def give(self, *, is_key: bool = False, video: VideoFormat | None = None, rtp_jump: int = 0) -> None:
        unit = AccessUnit(bytearray(b"\0\0\0\2\x65\x88"), self.number * 3600 + rtp_jump, is_key, 0, video)
        at_ns = self.number * FRAME_NS
        wall_ns = START_NS + at_ns + self.wall_shift_ns
        self.recorder.take(unit, arrival_mono_ns=at_ns, arrival_wall_ns=wall_ns)
        self.number += 1


def shape(commands: list[Command]) -> list[str]:
    def one(command: Command) -> str:
        match command:
            case StartRun():
                return "start"
            case Write(_, fragments):
                return f"write {len(fragments)}"
            case EndRun(_, reason):
                return f"end {reason}"

    return [one(command) for command in commands]


def frames(commands: list[Command]) -> list[Fragment]:
    return [fragment for command in commands if isinstance(command, Write) for fragment in command.fragments]


def test_one_frame_is_held_back_and_let_go_with_the_last_duration_at_the_end() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    assert shape(feed.tape.take()) == ["start"]
    feed.give()
    feed.give()
    written = frames(feed.tape.take())
    assert [fragment.duration_90k for fragment in written] == [3600, 3600]
    assert [fragment.is_key for fragment in written] == [True, False]
    feed.recorder.end(GapReason.LINK)
    feed.recorder.end(GapReason.CAMERA)
    commands = feed.tape.take()
    assert shape(commands) == ["write 1", "end link"]
    assert frames(commands)[0].duration_90k == 3600


def test_recording_waits_for_a_key_frame() -> None:
    feed = Feed()
    feed.give()
    feed.give()
    assert feed.tape.take() == []
    feed.give(is_key=True, video=FORMAT)
    assert shape(feed.tape.take()) == ["start"]


def test_clock_that_steps_ends_the_run_and_a_key_frame_begins_the_next() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.wall_shift_ns = 3600 * 10**9
    feed.give()
    feed.give(is_key=True)
    assert shape(feed.tape.take()) == ["start", "write 2", "end clock", "start"]


def test_camera_whose_time_jumps_back_is_the_camera_s_fault() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.give(is_key=True, rtp_jump=-90_000 * 60)
    assert shape(feed.tape.take()) == ["start", "write 2", "end camera", "start"]


def test_full_tape_ends_the_run_and_recording_begins_anew_once_there_is_room() -> None:
    feed = Feed(Tape(max_bytes=1))
    feed.give(is_key=True, video=FORMAT)
    feed.give()
    feed.give(is_key=True)
    feed.give(is_key=True)
    assert shape(feed.tape.take()) == ["start", "write 2", "end disk"]
    feed.give(is_key=True)
    assert shape(feed.tape.take()) == ["start"]


def test_failed_disk_is_tried_again_only_after_a_pause() -> None:
    feed = Feed()
    feed.give(is_key=True, video=FORMAT)
    feed.recorder.abandon(mono_ns=0)
    feed.tape.take()
    feed.give(is_key=True)
    assert feed.tape.take() == []
    feed.number = 200  # eight seconds later
    feed.give(is_key=True)
    assert shape(feed.tape.take()) == ["start"]


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
    at_90k = 0
    is_first = False
    for command in feed.tape.take():
        if isinstance(command, StartRun):
            at_90k, is_first = command.start_90k, True
        elif isinstance(command, Write):
            for fragment in command.fragments:
                assert fragment.start_90k == at_90k
                assert fragment.is_key or not is_first
                assert fragment.duration_90k > 0
                at_90k += fragment.duration_90k
                is_first = False
