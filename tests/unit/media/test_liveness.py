import pytest

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import TimedOut
from beket.media.liveness import NO_KEY_FRAME_S, STALL_S, Liveness


def looked_each_second(liveness: Liveness, seconds: range, *, has_video: bool) -> None:
    for second in seconds:
        liveness.saw_no_frame(second * NS_PER_S, has_video=has_video)


def test_camera_that_sends_nothing_is_silent_after_eight_seconds() -> None:
    liveness = Liveness("10.0.0.5:554", mono_ns=0)
    liveness.saw_frames(100 * NS_PER_S)
    looked_each_second(liveness, range(101, 100 + int(STALL_S) + 1), has_video=False)
    with pytest.raises(TimedOut) as caught:
        liveness.saw_no_frame(109 * NS_PER_S, has_video=False)
    assert "мовчить" in caught.value.sentence().uk
    assert caught.value.subject == "10.0.0.5:554"


def test_camera_that_sends_and_has_no_key_frame_is_waited_for_a_minute_and_told_what_to_set() -> None:
    liveness = Liveness("10.0.0.5:554", mono_ns=0)
    looked_each_second(liveness, range(1, int(NO_KEY_FRAME_S) + 1), has_video=True)
    with pytest.raises(TimedOut) as caught:
        liveness.saw_no_frame(61 * NS_PER_S, has_video=True)
    assert "I-frame" in caught.value.sentence().uk
    assert "I-frame" in caught.value.sentence().en


def test_camera_that_falls_silent_while_its_key_frame_is_awaited_is_silent() -> None:
    liveness = Liveness("10.0.0.5:554", mono_ns=0)
    looked_each_second(liveness, range(1, 30), has_video=True)
    with pytest.raises(TimedOut) as caught:
        looked_each_second(liveness, range(30, 40), has_video=False)
    assert "мовчить" in caught.value.sentence().uk
