import struct

from hypothesis import given
from hypothesis import strategies as st

from agents.uplink.live_messages import KEY_FLAG
from agents.uplink.live_outbox import BEHIND_MAX_90K, OUTBOX_MAX_BYTES, LiveOutbox
from beket.kernel.ports import Fragment, StreamFormat
from beket.kernel.units import TICKS_PER_S

STREAM = StreamFormat("h264", 640, 360, b"init")
STEP = TICKS_PER_S // 10


def frame(number: int, *, is_key: bool = False, size: int = 10) -> Fragment:
    return Fragment(bytes(size), number * STEP, STEP, is_key)


def drain(outbox: LiveOutbox) -> list[tuple[int, int, int, bytes]]:
    """(kind, flags, lost, payload) of everything that waits."""
    found = []
    while message := outbox.take():
        header, payload, _ = message
        _, kind, flags, _, lost, _ = struct.unpack(">BBBxHHQ", header)
        found.append((kind, flags, lost, payload))
    return found


def test_run_leaves_as_its_init_segment_and_then_frames_from_a_key_frame_on() -> None:
    outbox = LiveOutbox(7)
    outbox.start_run(STREAM)
    for number in range(4):
        outbox.put(frame(number, is_key=number == 1))
    kinds = [(kind, flags, lost) for kind, flags, lost, _ in drain(outbox)]
    assert kinds == [(1, 0, 0), (2, KEY_FLAG, 1), (2, 0, 0), (2, 0, 0)]
    assert outbox.is_empty
    assert outbox.dropped == 1


def test_line_that_stands_still_loses_up_to_the_next_key_frame_and_keeps_the_init_segment() -> None:
    outbox = LiveOutbox(0)
    outbox.start_run(STREAM)
    behind = BEHIND_MAX_90K // STEP + 2
    for number in range(behind + 5):
        outbox.put(frame(number, is_key=number == 0))
    outbox.put(frame(behind + 5, is_key=True))
    assert [(kind, lost) for kind, _, lost, _ in drain(outbox)] == [(1, 0), (2, behind + 5)]
    assert outbox.dropped == behind + 5


def test_queue_is_bounded_in_bytes() -> None:
    outbox = LiveOutbox(0)
    outbox.start_run(STREAM)
    outbox.put(frame(0, is_key=True, size=OUTBOX_MAX_BYTES - 5))
    outbox.put(frame(1, size=10))
    assert [kind for kind, *_ in drain(outbox)] == [1]


def test_new_run_lets_go_of_the_one_before() -> None:
    outbox = LiveOutbox(0)
    outbox.start_run(STREAM)
    outbox.put(frame(0, is_key=True))
    outbox.start_run(StreamFormat("h264", 640, 360, b"other"))
    assert [payload for *_, payload in drain(outbox)] == [b"other"]


@given(st.lists(st.tuples(st.sampled_from(["put", "key", "take", "run", "away"]), st.integers(1, 20)), max_size=80))
def test_what_leaves_can_be_decoded_and_nothing_is_lost_uncounted(steps: list[tuple[str, int]]) -> None:
    outbox = LiveOutbox(3)
    put = left = lost_said = 0
    decodable = False

    def take() -> bool:
        nonlocal left, lost_said, decodable
        message = outbox.take()
        if message is None:
            return False
        _, kind, flags, _, lost, _ = struct.unpack(">BBBxHHQ", message[0])
        decodable = kind == 1 or bool(flags & KEY_FLAG) or (decodable and not lost)
        assert decodable
        left += message[2]
        lost_said += lost
        return True

    for what, count in steps:
        if what == "run":
            outbox.start_run(STREAM)
        elif what == "away":
            outbox.clear()
        for _ in range(count if what in ("put", "key", "take") else 0):
            if what == "take":
                take()
            else:
                outbox.put(frame(put, is_key=what == "key"))
                put += 1
    outbox.put(frame(put, is_key=True))
    while take():
        pass
    assert left + outbox.dropped == put + 1
    assert lost_said == outbox.dropped
