"""Owns how fast the site may send: a token bucket in bytes, on the monotonic clock. Safe from any thread.

`spend` never waits itself: it says how long to, so that the caller decides how. One bucket serves everything that
shares the line; what goes first is decided by who asks first. Note: vms/design/0002-recording-store.md "Uplink".
"""

import threading

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import InvalidArgument

BITS_PER_BYTE = 8


class Budget:
    """At most `rate_bps` over any time, after a burst of at most `burst_bytes`."""

    def __init__(self, *, rate_bps: int, burst_bytes: int, clock: Clock) -> None:
        """Both are positive; the bucket is full at first.

        Raises:
            InvalidArgument: a rate or a burst of nothing would never send.
        """
        if rate_bps <= 0 or burst_bytes <= 0:
            raise InvalidArgument("a byte budget needs a rate and a burst above zero")
        self._rate_bps = rate_bps
        self._burst_units = burst_bytes * BITS_PER_BYTE * NS_PER_S
        self._clock = clock
        self._lock = threading.Lock()
        # In bits × ns, so that nothing is lost to rounding however often it is asked.
        self._units = self._burst_units
        self._filled_mono_ns = clock.mono_ns()

    def spend(self, size_bytes: int) -> float:
        """Take `size_bytes` from the bucket; return how many seconds to wait before sending them.

        The bucket may go below zero: whoever comes next waits for it too. So one piece may be larger than the burst.
        """
        with self._lock:
            now_ns = self._clock.mono_ns()
            gained = (now_ns - self._filled_mono_ns) * self._rate_bps
            self._units = min(self._burst_units, self._units + gained) - size_bytes * BITS_PER_BYTE * NS_PER_S
            self._filled_mono_ns = now_ns
            return max(0, -self._units) / self._rate_bps / NS_PER_S
