"""Owns what waits for one browser: bounded in time and bytes. No sockets.

A browser too slow for a camera loses everything up to the next key frame, and is told how much.
Note: vms/design/0008-live.md.
"""

import asyncio
from collections import deque
from typing import NamedTuple

import msgspec

from beket.kernel.metrics import Instruments
from beket.kernel.text import Text
from beket.kernel.units import MIB, TICKS_PER_S
from vms.live.metrics import VIEWER_DROPPED
from vms.live.protocol import Away, Batch, Drop, Mode, Stream

BEHIND_MAX_90K = 2 * TICKS_PER_S
VIEWER_MAX_BYTES = 8 * MIB


class _Lossy(NamedTuple):
    """A batch that waits, and how many frames this viewer lost before it."""

    batch: Batch
    lost: int


class Viewer:
    """A `Watcher` for one browser; `next` gives its messages in order.

    Attributes:
        mode: what the person chose last.
    """

    def __init__(self, mode: Mode, *, camera: str, instruments: Instruments) -> None:
        self.mode: Mode = mode
        self._camera = camera
        self._instruments = instruments
        self._waiting: deque[str | bytes | _Lossy] = deque()
        self._bytes = 0
        self._lost = 0
        self._waits_for_key = True
        self._work = asyncio.Event()

    async def next(self) -> str | bytes:
        """The next message; waits for it."""
        while not self._waiting:
            self._work.clear()
            await self._work.wait()
        message = self._waiting.popleft()
        if not isinstance(message, _Lossy):
            return message
        if message.lost:
            self._waiting.appendleft(_Lossy(message.batch, 0))
            return msgspec.json.encode(Drop(frames=message.lost)).decode()
        self._bytes -= len(message.batch.data)
        return message.batch.data

    def start(self, stream: Stream) -> None:
        """See `Watcher.start`. What waits of the run before is let go."""
        self._let_go()
        self._waiting.clear()
        self._put(stream.start, stream.init)

    def take(self, batch: Batch) -> None:
        """See `Watcher.take`."""
        self._lost += batch.lost
        if batch.lost:
            self._waits_for_key = True
        if self._is_behind(batch):
            self._let_go()
        if self._waits_for_key and not batch.is_key:
            self._lose(batch.frames)
            return
        self._bytes += len(batch.data)
        self._put(_Lossy(batch, self._lost))
        self._lost, self._waits_for_key = 0, False

    def away(self, why: Text) -> None:
        """See `Watcher.away`."""
        self._put(msgspec.json.encode(Away(uk=why.uk, en=why.en)).decode())
        self._waits_for_key = True

    def _put(self, *messages: str | bytes | _Lossy) -> None:
        self._waiting.extend(messages)
        self._work.set()

    def _is_behind(self, batch: Batch) -> bool:
        oldest = next((waiting.batch for waiting in self._waiting if isinstance(waiting, _Lossy)), batch)
        return batch.start_90k - oldest.start_90k > BEHIND_MAX_90K or self._bytes + len(batch.data) > VIEWER_MAX_BYTES

    def _let_go(self) -> None:
        gone = [waiting for waiting in self._waiting if isinstance(waiting, _Lossy)]
        self._waiting = deque(waiting for waiting in self._waiting if not isinstance(waiting, _Lossy))
        self._bytes, self._waits_for_key = 0, True
        self._lost += sum(one.lost for one in gone)
        self._lose(sum(one.batch.frames for one in gone))

    def _lose(self, frames: int) -> None:
        if frames:
            self._lost += frames
            self._instruments.add(VIEWER_DROPPED, frames, camera=self._camera)
