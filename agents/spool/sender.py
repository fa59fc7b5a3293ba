"""Owns the way from the spool to the centre: take, post, and only when the centre says that it has them, forget."""

import asyncio
from collections.abc import Callable

import msgspec

from agents.spool.messages import NS_PER_MS, POINTS_PATH, Batch, PointsMessage, PointsReceipt
from agents.spool.spool import Spool
from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.units import KIB

MESSAGE_BYTES = 512 * KIB

Post = Callable[[str, bytes], bytes]


class Sender:
    """Empties one spool through `post(path, body) -> answer`, which wiring gives; it raises when the centre is away."""

    def __init__(self, spool: Spool, post: Post, *, message_bytes: int = MESSAGE_BYTES) -> None:
        self._spool = spool
        self._post = post
        self._message_bytes = message_bytes

    def run_once(self, clock: Clock | None = None) -> int:
        """Send until nothing waits; return how many batches the centre took. Blocking, for a worker thread.

        With a `clock` each message says what that shows, so that the centre can tell how wrong it is.

        Raises:
            BeketError: whatever `post` raises; nothing that was not acknowledged is forgotten.
            ProtocolError: the centre's answer is not understood.
        """
        sent = 0
        while batches := self._spool.take(self._message_bytes):
            message = PointsMessage(
                self._spool.id,
                [Batch(batch.sequence, msgspec.Raw(batch.series)) for batch in batches],
                sent_ms=clock.wall_ns() // NS_PER_MS if clock else None,
            )
            receipt = wire.decode(self._post(POINTS_PATH, wire.encode(message)), PointsReceipt)
            self._spool.forget(receipt.through)
            taken = sum(batch.sequence <= receipt.through for batch in batches)
            if taken == 0:
                break  # the centre keeps nothing of this for now: the next round asks again
            sent += taken
        return sent

    async def run(self, *, clock: Clock, every_s: float = 2.0) -> None:
        """Send every `every_s` until cancelled or until the centre fails; for `supervise.keep_running`."""
        while True:
            await asyncio.to_thread(self.run_once, clock)
            await clock.sleep(every_s)
