"""Owns how the capture process keeps its memory: what frames give back stays with it for the next frames.

Left alone, glibc hands the freed top of its heap back to the kernel at each write to disk and gets it anew, page by
page, with the next frames: 1,100 page faults a second with twenty cameras, a tenth of all that capture costs.
"""

import ctypes

from beket.kernel.units import MIB

# malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEPT_BYTES = 64 * MIB
_STEP_BYTES = MIB
# The largest that glibc takes; a frame of a camera stays below it.
_SMALL_BYTES = 4 * MIB


def keep_freed_memory() -> bool:
    """Do so from now on, for the whole process; False where the C library knows no such wish."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    wishes = ((_TRIM_THRESHOLD, _KEPT_BYTES), (_TOP_PAD, _STEP_BYTES), (_MMAP_THRESHOLD, _SMALL_BYTES))
    return all(mallopt(name, size) == 1 for name, size in wishes)
