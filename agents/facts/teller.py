"""Owns the way of facts to the centre: save, tell, and only when the centre has them, let go."""

import asyncio
import logging
from collections.abc import Callable

from agents.facts.book import FactBook
from agents.facts.messages import FACTS_PATH, FactsReceipt
from beket.kernel import wire
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError
from beket.kernel.units import KIB

log = logging.getLogger(__name__)

MESSAGE_BYTES = 256 * KIB

# Path and body of a message to the centre; its answer.
Post = Callable[[str, bytes], bytes]


class FactTeller:
    """Tells one book through `post`, which wiring gives; it raises when the centre is away."""

    def __init__(self, book: FactBook, post: Post, *, message_bytes: int = MESSAGE_BYTES) -> None:
        self._book = book
        self._post = post
        self._message_bytes = message_bytes

    def tell(self) -> int:
        """Tell all that waits; return how many changes the centre saw. Blocking, for a worker thread.

        Raises:
            BeketError: whatever `post` raises; what was not acknowledged still waits.
        """
        try:
            self._book.save()
        except BeketError as error:
            # A full disk costs dates of changes after a restart, never the facts.
            log.warning("%s", error.sentence().en)
        changes = 0
        while taken := self._book.take(self._message_bytes):
            message, told = taken
            receipt = wire.decode(self._post(FACTS_PATH, wire.encode(message)), FactsReceipt)
            self._book.acknowledge(told)
            changes += receipt.changes
            if receipt.refused:
                log.info("the centre refused %d facts", receipt.refused)
        return changes

    async def run(self, *, clock: Clock, every_s: float = 5.0) -> None:
        """Tell every `every_s` until cancelled or until the centre fails; for `supervise.keep_running`."""
        while True:
            await asyncio.to_thread(self.tell)
            await clock.sleep(every_s)
