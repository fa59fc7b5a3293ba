"""Owns what only this machine can tell: who works at it, which start of it this is, whether its clock has been set."""

import ctypes
import getpass

from beket.app.release import VERSION
from beket.kernel.clock import Clock, read_boot_id
from beket.kernel.ids import CommunityId
from beket.kernel.wire import WIRE_VERSION, Hello

# adjtimex(2): the kernel's clock is not synchronised, or the call is not to be had.
_TIME_ERROR = 5
_TIMEX_BYTES = 208


def wall_clock_is_set() -> bool:
    """Whether something (NTP, GPS) has set the wall clock since the start; after a blackout it lies until then."""
    # A zeroed struct timex only asks.
    answer = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return bool(0 <= answer < _TIME_ERROR)


def hello(clock: Clock, *, community: CommunityId) -> Hello:
    """What this machine says of itself at the beginning of a conversation."""
    return Hello(
        version=WIRE_VERSION,
        software=VERSION,
        community=community,
        boot_id=read_boot_id(),
        wall_ns=clock.wall_ns(),
        clock_is_set=wall_clock_is_set(),
    )


def operator() -> str:
    """The journal's name for whoever types a command here: the machine's own account, since no login was asked."""
    return f"machine:{getpass.getuser()}"
