"""Owns the newest group of pictures of one stream: what a new viewer needs to start at once. Bounded in time and bytes.

Used at both ends of the live line. A group that outgrows its bounds is let go, and the next key frame begins anew.
Note: vms/design/0008-live.md.
"""

from typing import Protocol, TypeVar

from beket.kernel.units import MIB, TICKS_PER_S

GOP_MAX_90K = 3 * TICKS_PER_S
GOP_MAX_BYTES = 4 * MIB


class Frame(Protocol):
    """What is asked of a frame."""

    @property
    def data(self) -> bytes:
        """Its bytes."""

    @property
    def start_90k(self) -> int:
        """Its moment."""

    @property
    def is_key(self) -> bool:
        """Whether a decoder can start here."""


F = TypeVar("F", bound=Frame)


class GopCache(list[F]):
    """Frames from the newest key frame on, in order; empty when there is no whole beginning."""

    def __init__(self, *, max_bytes: int = GOP_MAX_BYTES) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._bytes = 0

    def take(self, frame: F) -> None:
        """The next frame of the stream."""
        if frame.is_key:
            self.clear()
        elif not self:
            return
        if self and frame.start_90k - self[0].start_90k > GOP_MAX_90K:
            self.clear()
            return
        self._bytes += len(frame.data)
        if self._bytes > self._max_bytes:
            self.clear()
            return
        self.append(frame)

    def clear(self) -> None:
        """Forget everything: the stream broke here."""
        super().clear()
        self._bytes = 0
