"""Owns how long a camera's stream may bring nothing usable before it is given up, and what the person is told then.

Silence and a missing key frame are two things: a camera that sends, but refers to pictures from before we came, is
alive, and its next key frame is worth waiting for.
"""

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import TimedOut
from beket.kernel.text import say

STALL_S = 8.0
NO_KEY_FRAME_S = 60.0  # no camera's usual key-frame interval is longer; one that connects anew mostly begins with one


class Liveness:
    """What one stream brought lately; told after each look at it, by one thread."""

    __slots__ = ("_frame_ns", "_place", "_video_ns")

    def __init__(self, place: str, *, mono_ns: int) -> None:
        """`place` is the camera, for people; the stream begins at `mono_ns`."""
        self._place = place
        self._frame_ns = self._video_ns = mono_ns

    def saw_frames(self, mono_ns: int) -> None:
        """There were frames that could be handed on."""
        self._frame_ns = self._video_ns = mono_ns

    def saw_no_frame(self, mono_ns: int, *, has_video: bool) -> None:
        """There was none; `has_video`: but parts of one, or frames that nothing can be made of without a key frame.

        Raises:
            TimedOut: silent for `STALL_S`, or no frame for `NO_KEY_FRAME_S`.
        """
        if has_video:
            self._video_ns = mono_ns
        if mono_ns - self._video_ns > STALL_S * NS_PER_S:
            raise silent(self._place)
        if mono_ns - self._frame_ns > NO_KEY_FRAME_S * NS_PER_S:
            raise _without_key_frame(self._place)


def silent(place: str) -> TimedOut:
    """The error for a camera that sends nothing."""
    return TimedOut(
        say("Камера мовчить: кадрів немає вже {s} с.", "The camera is silent: no frame for {s} s.", s=int(STALL_S)),
        subject=place,
    )


def _without_key_frame(place: str) -> TimedOut:
    return TimedOut(
        say(
            "Камера надсилає відео, але за {s} с не дала жодного цілого опорного кадру, а запис починається з нього.",
            "The camera sends video, but not one whole key frame within {s} s, and recording can only begin with one.",
            s=int(NO_KEY_FRAME_S),
        ),
        subject=place,
        hint=say(
            "Поставте в налаштуваннях камери інтервал опорних кадрів (I-frame interval, GOP) від 1 до 4 с. "
            "Якщо він такий і є, перевірте кабель: лінія губить дані.",
            "Set the key-frame interval (I-frame interval, GOP) to 1 to 4 s in the camera's settings. "
            "If it is that already, check the cable: the line loses data.",
        ),
    )
