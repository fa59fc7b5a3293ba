"""Owns asking the centre what must not be deleted here. Blocking; runs in a thread of its own.

What the centre says is made durable before the next question names its version: that name is the confirmation. Without
a centre the site goes on with what it was last told. Note: vms/design/0027-holds-and-sacrifice.md "To the edge".
"""

from collections.abc import Callable, Sequence

from agents.uplink.bulk import Centre
from agents.uplink.messages import HOLDS_PATH, HeldTime, HeldTimes
from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from beket.kernel.ids import is_slug
from beket.kernel.text import say

NOT_MODIFIED = 304
TIME_HEADER = "beket-time"
NS_PER_MS = 1_000_000
ANSWER_MAX_BYTES = 2 * 1024 * 1024


class HoldsWatch:
    """Keeps the holds of this site as the centre has them."""

    def __init__(
        self,
        centre: Centre,
        keep: Callable[[Sequence[HeldTime]], None],
        *,
        hear_time: Callable[[int], None] = lambda _wall_ns: None,
    ) -> None:
        """`keep` makes exactly these holds durable; `hear_time` is told what time the centre has proved."""
        self._centre = centre
        self._keep = keep
        self._hear_time = hear_time
        # Asked anew after a restart: it costs one answer, and nothing has to be kept in step with the table.
        self._version = ""

    def run_once(self) -> bool:
        """Ask; True when the centre had something new.

        Raises:
            BeketError: the centre, the line or our disk failed; what was held stays held.
        """
        reply = self._centre.request("GET", f"{HOLDS_PATH}?have={self._version}")
        if reply.status != NOT_MODIFIED:
            reply.raise_for_status(HOLDS_PATH)
        said_ms = reply.headers.get(TIME_HEADER, "")
        if said_ms.isascii() and said_ms.isdigit() and len(said_ms) < 16:
            self._hear_time(int(said_ms) * NS_PER_MS)
        if reply.status == NOT_MODIFIED:
            return False
        body = reply.body
        times = wire.decode(body, HeldTimes, max_bytes=ANSWER_MAX_BYTES)
        if not all(is_slug(one.camera) for one in times.held):
            raise ProtocolError(say("Центр назвав камеру незрозуміло.", "The centre names no camera."))
        self._keep(times.held)
        self._version = times.version
        return True
