from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.ids import CameraId, SiteId
from beket.kernel.text import Text, say
from beket.kernel.units import TICKS_PER_S
from beket.media.rtp.access_unit import VideoFormat
from vms.live.channel import Channel
from vms.live.protocol import Batch, Mode, Stream

STREAM = Stream(VideoFormat("h264", 640, 360, ()), b"init", '{"type":"start"}')
STEP = TICKS_PER_S // 10
AWAY = say("немає", "away")


@dataclass(eq=False)
class Eyes:
    """A Watcher that remembers."""

    mode: Mode = "large"
    seen: list[Batch | str] = field(default_factory=list)

    def start(self, stream: Stream) -> None:
        self.seen.append("start")

    def take(self, batch: Batch) -> None:
        self.seen.append(batch)

    def away(self, why: Text) -> None:
        self.seen.append(why.en)

    def numbers(self) -> list[int]:
        return [number for batch in self.seen if isinstance(batch, Batch) for number in batch.fragments]

    def batches(self) -> list[Batch]:
        return [batch for batch in self.seen if isinstance(batch, Batch)]


def channel() -> Channel:
    return Channel(CameraId("gate"), SiteId("council"), 0)


def frame(number: int, *, is_key: bool = False) -> Batch:
    start = number * STEP
    return Batch(start.to_bytes(8, "big") + bytes([number]), start, is_key, 1, 0)


def test_one_message_object_goes_to_all_who_look_enlarged() -> None:
    of, eyes = channel(), [Eyes(), Eyes()]
    for one in eyes:
        of.join(one)
    of.start(STREAM)
    of.take(frame(0, is_key=True))
    assert eyes[0].batches()[0] is eyes[1].batches()[0]


def test_wall_gets_two_tenths_of_a_second_at_a_time_formed_once_and_cut_at_key_frames() -> None:
    of, eyes = channel(), [Eyes("wall"), Eyes("wall")]
    for one in eyes:
        of.join(one)
    of.start(STREAM)
    for number in range(8):
        of.take(frame(number, is_key=number in (0, 5)))
    assert [list(batch.fragments) for batch in eyes[0].batches()] == [[0, 1], [2, 3], [4], [5, 6]]
    assert eyes[0].batches()[0] is eyes[1].batches()[0]
    of.away(AWAY)
    assert list(eyes[0].batches()[-1].fragments) == [7]
    assert eyes[0].seen[-1] == "away"


def test_later_viewer_starts_at_the_newest_key_frame_in_either_mode() -> None:
    of = channel()
    of.start(STREAM)
    for number in range(6):
        of.take(frame(number, is_key=number in (0, 3)))
    large, wall = Eyes(), Eyes("wall")
    of.join(large)
    of.join(wall)
    assert large.seen[0] == wall.seen[0] == "start"
    assert large.numbers() == [3, 4, 5]
    for number in range(6, 9):
        of.take(frame(number))
    assert large.numbers() == [3, 4, 5, 6, 7, 8]
    assert wall.numbers() == [3, 4, 5, 6]


def test_viewer_of_a_camera_that_is_away_is_told_at_once_and_when_it_is_back() -> None:
    of = channel()
    of.away(AWAY)
    eyes = Eyes()
    of.join(eyes)
    of.take(frame(0, is_key=True))
    assert eyes.seen == ["away"]
    of.start(STREAM)
    of.take(frame(1, is_key=True))
    assert eyes.seen[1] == "start"
    assert eyes.numbers() == [1]


steps = st.lists(st.sampled_from(["frame", "key", "wall", "large", "frame", "frame"]), min_size=1, max_size=60)


@given(steps, st.sampled_from(["wall", "large"]))
def test_whoever_changes_mode_misses_nothing_and_sees_nothing_twice(what: list[str], mode: Mode) -> None:
    of, eyes = channel(), Eyes(mode)
    of.join(eyes)
    of.start(STREAM)
    of.take(frame(0, is_key=True))
    number = 1
    for step in what:
        if step in ("wall", "large"):
            eyes.mode = step  # type: ignore[assignment]
        else:
            of.take(frame(number, is_key=step == "key"))
            number += 1
    of.away(AWAY)
    assert eyes.numbers() == list(range(number))
