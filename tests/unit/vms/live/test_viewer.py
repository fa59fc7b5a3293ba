import asyncio
import json

from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.metrics import Instruments
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S
from beket.media.rtp.access_unit import VideoFormat
from vms.live.protocol import Batch, Stream
from vms.live.viewer import VIEWER_MAX_BYTES, Viewer

STREAM = Stream(VideoFormat("h264", 640, 360, ()), b"init", '{"type":"start"}')
STEP = TICKS_PER_S // 10


def viewer() -> Viewer:
    return Viewer("large", camera="gate", instruments=Instruments(site="centre"))


def frame(number: int, *, is_key: bool = False, lost: int = 0, size: int = 4) -> Batch:
    return Batch(bytes([number]) + bytes(size), number * STEP, is_key, 1, lost)


def drain(of: Viewer) -> list[object]:
    async def all_of_it() -> list[object]:
        found: list[object] = []
        while of._waiting:
            message = await of.next()
            found.append(json.loads(message) if isinstance(message, str) else message)
        return found

    return asyncio.run(all_of_it())


def test_messages_come_in_order() -> None:
    of = viewer()
    of.start(STREAM)
    of.take(frame(0, is_key=True))
    of.away(say("немає", "gone"))
    assert drain(of) == [
        {"type": "start"}, b"init", frame(0).data, {"type": "away", "uk": "немає", "en": "gone"},
    ]  # fmt: skip


def test_slow_viewer_goes_on_at_the_next_key_frame_and_is_told_how_much_was_dropped() -> None:
    of = viewer()
    of.start(STREAM)
    for number in range(30):
        of.take(frame(number, is_key=number % 25 == 0))
    drained = drain(of)
    assert drained[:3] == [{"type": "start"}, b"init", {"type": "drop", "frames": 25}]
    assert drained[3:] == [frame(number).data for number in range(25, 30)]


def test_frames_lost_on_the_way_to_the_centre_are_told_too() -> None:
    of = viewer()
    of.start(STREAM)
    of.take(frame(0, is_key=True))
    of.take(frame(3, is_key=True, lost=2))
    assert drain(of)[3] == {"type": "drop", "frames": 2}


def test_queue_is_bounded_in_bytes() -> None:
    of = viewer()
    of.start(STREAM)
    of.take(frame(0, is_key=True, size=VIEWER_MAX_BYTES - 10))
    of.take(frame(1, size=20))
    assert drain(of) == [{"type": "start"}, b"init"]


def test_new_run_lets_go_of_the_one_before() -> None:
    of = viewer()
    of.start(STREAM)
    of.take(frame(0, is_key=True))
    of.start(STREAM)
    of.take(frame(1))
    of.take(frame(2, is_key=True))
    assert drain(of) == [{"type": "start"}, b"init", {"type": "drop", "frames": 2}, frame(2).data]


@given(st.lists(st.tuples(st.sampled_from(["frame", "key", "take", "run"]), st.integers(1, 15)), max_size=60))
def test_every_frame_is_shown_or_told_as_dropped(steps: list[tuple[str, int]]) -> None:
    of = viewer()
    of.start(STREAM)
    number, messages = 0, []
    for what, count in steps:
        if what == "run":
            of.start(STREAM)
        for _ in range(count if what != "run" else 0):
            if what == "take":
                if of._waiting:
                    messages.append(asyncio.run(of.next()))
            else:
                of.take(frame(number % 256, is_key=what == "key"))
                number += 1
    of.take(Batch(b"end", number * STEP, True, 1, 0))
    while of._waiting:
        messages.append(asyncio.run(of.next()))
    shown = sum(isinstance(message, bytes) and message != b"init" for message in messages)
    told = sum(json.loads(m)["frames"] for m in messages if isinstance(m, str) and "drop" in m)
    assert shown + told == number + 1
