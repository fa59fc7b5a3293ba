"""Owns one watched camera at the centre: the newest run, its newest group of pictures, and who watches. No I/O.

A message is formed once, however many get it: each frame for those who look at it enlarged, a batch of up to 200 ms for
walls. Watchers change their mode where a batch ends, so nobody misses a frame or sees one twice.
Note: vms/design/0008-live.md.
"""

from typing import Protocol

from beket.kernel.ids import CameraId, SiteId
from beket.kernel.text import Text
from beket.kernel.units import TICKS_PER_S
from beket.media.fmp4.gop import GopCache
from vms.live.protocol import Batch, Mode, Stream, join

# With its last frame and the camera's jitter a batch stays within 200 ms.
WALL_BATCH_90K = TICKS_PER_S * 18 // 100


class Watcher(Protocol):
    """Who watches: a browser or the relay. Calls never block and never raise."""

    @property
    def mode(self) -> Mode:
        """Batches or single frames; may change at any time."""

    def start(self, stream: Stream) -> None:
        """A run begins."""

    def take(self, batch: Batch) -> None:
        """The next frames of the run; the first ones begin with a key frame."""

    def away(self, why: Text) -> None:
        """Nothing to show until the next `start`."""


class Channel:
    """One camera and its watchers.

    Attributes:
        index: what the centre calls it on the wire; another one for each channel.
    """

    def __init__(self, camera: CameraId, site: SiteId, index: int) -> None:
        self.camera = camera
        self.site = site
        self.index = index
        self._stream: Stream | None = None
        self._why: Text | None = None
        self._gop: GopCache[Batch] = GopCache()
        self._pending: list[Batch] = []
        self._modes: dict[Watcher, Mode] = {}

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._modes)

    def join(self, watcher: Watcher) -> None:
        """Show `watcher` what there is, from the newest key frame on, and everything after."""
        self._modes[watcher] = watcher.mode
        if self._why is not None:
            watcher.away(self._why)
        if self._stream is None:
            return
        watcher.start(self._stream)
        if watcher.mode == "large":
            for batch in self._gop:
                watcher.take(batch)
        elif whole := self._gop[: len(self._gop) - len(self._pending)]:
            watcher.take(join(whole))

    def leave(self, watcher: Watcher) -> None:
        """Show it nothing more."""
        self._modes.pop(watcher, None)

    def start(self, stream: Stream) -> None:
        """A run begins."""
        self._flush()
        self._stream, self._why = stream, None
        self._gop.clear()
        for watcher in tuple(self._modes):
            watcher.start(stream)

    def take(self, frame: Batch) -> None:
        """The next frame."""
        if self._stream is None:
            return
        if self._pending and (frame.is_key or frame.start_90k - self._pending[0].start_90k >= WALL_BATCH_90K):
            self._flush()
        self._gop.take(frame)
        self._pending.append(frame)
        self._give("large", frame)

    def away(self, why: Text) -> None:
        """Nothing to show now."""
        self._flush()
        self._stream, self._why = None, why
        self._gop.clear()
        for watcher in tuple(self._modes):
            watcher.away(why)

    def _flush(self) -> None:
        if self._pending and "wall" in self._modes.values():
            self._give("wall", join(self._pending))
        self._pending.clear()
        self._modes = {watcher: watcher.mode for watcher in self._modes}

    def _give(self, mode: Mode, batch: Batch) -> None:
        for watcher, chosen in tuple(self._modes.items()):
            if chosen == mode:
                watcher.take(batch)
