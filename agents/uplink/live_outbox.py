"""Owns what waits for the live line, for one watched camera: bounded in time and bytes. No I/O.

A line too slow for a camera loses everything up to the camera's next key frame, and counts it: an old picture is worth
nothing, and a queue would only make all later ones older. Note: vms/design/0008-live.md.
"""

from collections import deque
from typing import NamedTuple

from agents.uplink.live_messages import LiveKind, head
from beket.kernel.ports import Fragment, StreamFormat
from beket.kernel.units import MIB, TICKS_PER_S

BEHIND_MAX_90K = 2 * TICKS_PER_S
OUTBOX_MAX_BYTES = 4 * MIB

# Header, payload, frames in it.
Outgoing = tuple[bytes, bytes, int]


class _Waiting(NamedTuple):
    frame: Fragment
    lost: int


class LiveOutbox:
    """Messages of one camera in order.

    Attributes:
        index: what the centre calls the camera in this connection.
        dropped: frames that were let go and not yet counted elsewhere.
    """

    def __init__(self, index: int) -> None:
        self.index = index
        self.dropped = 0
        self._init: bytes | None = None
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._lost = 0
        self._waits_for_key = True

    @property
    def is_empty(self) -> bool:
        """Nothing waits."""
        return self._init is None and not self._waiting

    def start_run(self, stream: StreamFormat) -> None:
        """What follows continues `stream`; of the run before, what still waits is let go."""
        self._let_go()
        self._init = stream.init

    def put(self, frame: Fragment) -> None:
        """The next frame, or, behind, one more that is lost."""
        if self._is_behind(frame):
            self._let_go()
        if self._waits_for_key and not frame.is_key:
            self._lose(1)
            return
        self._waiting.append(_Waiting(frame, self._lost))
        self._bytes += len(frame.data)
        self._lost, self._waits_for_key = 0, False

    def take(self) -> Outgoing | None:
        """The next message to send; None when nothing waits."""
        if self._init is not None:
            init, self._init = self._init, None
            return head(LiveKind.INIT, camera=self.index), init, 0
        if not self._waiting:
            return None
        frame, lost = self._waiting.popleft()
        self._bytes -= len(frame.data)
        header = head(LiveKind.FRAMES, camera=self.index, start_90k=frame.start_90k, is_key=frame.is_key, lost=lost)
        return header, frame.data, 1

    def clear(self) -> None:
        """Nothing to show now; what waits is let go."""
        self._let_go()
        self._init = None

    def _is_behind(self, frame: Fragment) -> bool:
        oldest = self._waiting[0].frame if self._waiting else frame
        return frame.start_90k - oldest.start_90k > BEHIND_MAX_90K or self._bytes + len(frame.data) > OUTBOX_MAX_BYTES

    def _let_go(self) -> None:
        """Drop the frames that wait; the init segment of the run stays, for whatever comes needs it."""
        gone, self._waiting = self._waiting, deque()
        self._bytes, self._waits_for_key = 0, True
        self._lost += sum(one.lost for one in gone)
        self._lose(len(gone))

    def _lose(self, frames: int) -> None:
        self._lost += frames
        self.dropped += frames
