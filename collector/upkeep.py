"""Owns when the store of samples is put in order: sealing, rolling, forgetting, on a worker thread beside the rest."""

import asyncio

from beket.kernel.clock import Clock
from beket.kernel.metrics import Instruments
from collector.store.keeping import Keeping
from collector.store.samples import SampleStore


async def keep_in_order(
    store: SampleStore, *, clock: Clock, keep: Keeping, instruments: Instruments, every_s: float = 300
) -> None:
    """Maintain the store every `every_s` until cancelled or until it fails; for `supervise.keep_running`."""
    while True:
        await asyncio.to_thread(store.maintain, clock.wall_ns(), keep=keep)
        await asyncio.to_thread(store.measure, instruments)
        await clock.sleep(every_s)
