"""Owns the way from the queue to an engine outside: oldest first, in parcels, each until the engine has it.

A failure ends the loop; `supervise.keep_running` starts it again, later each time. Of a parcel that the engine refuses,
halves are sent, and halves of these, until those lines alone are left that it will never take: they are dropped and
counted. After a crash the parcel that was under way is sent again: the same samples at the same times, which the engine
keeps once. Note: collector/design/0013-samples-out.md.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Protocol

from beket.kernel.clock import Clock
from beket.kernel.errors import InvalidArgument
from beket.kernel.metrics import Instruments
from collector.sinks import metrics
from collector.sinks.queue import SampleQueue

log = logging.getLogger(__name__)

SAMPLES_AT_ONCE = 10_000
# An engine that says no so often to one parcel is asked no more about each line of it.
REFUSALS_MAX = 200


class Refused(InvalidArgument):
    """The engine read these lines and will never take them; sending them again is of no use."""


class LineWriter(Protocol):
    """What takes line protocol: `influx.InfluxWriter`."""

    def write(self, lines: bytes) -> None:
        """Hand the lines over for good, or raise a `BeketError`: `Refused` when the lines will never do."""

    def close(self) -> None:
        """Let go."""


class Forwarder:
    """Empties an queue into a writer."""

    def __init__(
        self,
        queue: SampleQueue,
        connect: Callable[[], LineWriter],
        *,
        instruments: Instruments,
        samples_at_once: int = SAMPLES_AT_ONCE,
    ) -> None:
        """`connect` is called at each new try, so that a new token is read without a restart."""
        self._queue = queue
        self._connect = connect
        self._instruments = instruments
        self._samples_at_once = samples_at_once

    def send_one(self, writer: LineWriter) -> bool:
        """Send the oldest parcel; False when nothing waits. Blocking.

        Raises:
            BeketError: the engine does not take it now; it stays queued.
        """
        parcel = self._queue.oldest(self._samples_at_once)
        if parcel is None:
            return False
        refused = _write(writer, parcel.lines.split(b"\n")) if parcel.samples else 0
        self._instruments.add(metrics.WRITTEN, parcel.samples - refused)
        self._queue.done(parcel, refused=refused)
        return True

    async def run(self, *, clock: Clock, every_s: float) -> None:
        """Send what waits, and look again each `every_s`, until cancelled or until it fails."""
        with contextlib.closing(await asyncio.to_thread(self._connect)) as writer:
            while True:
                if not await asyncio.to_thread(self.send_one, writer):
                    await clock.sleep(every_s)


def _write(writer: LineWriter, lines: list[bytes]) -> int:
    """Hand over the lines; how many the engine refused."""
    refused = refusals = 0
    waiting = [lines]
    while waiting:
        part = waiting.pop()
        try:
            writer.write(b"\n".join(part))
        except Refused as error:
            refusals += 1
            if len(part) == 1 or refusals > REFUSALS_MAX:
                log.warning("%d samples refused: %s", len(part), error.sentence().en)
                refused += len(part)
            else:
                middle = len(part) // 2
                waiting += part[middle:], part[:middle]
    return refused


async def report(queue: SampleQueue, instruments: Instruments, *, clock: Clock, every_s: float) -> None:
    """Queue the centre's own numbers, which no agent brings, each `every_s`."""
    while True:
        await asyncio.to_thread(queue.measure)
        await asyncio.to_thread(queue.put, instruments.read(clock.wall_ns()))
        await clock.sleep(every_s)
