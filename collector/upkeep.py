"""Owns when the store of samples is put in order: sealing and forgetting, on a worker thread beside everything else."""

import asyncio

from beket.kernel.clock import Clock
from collector.store.samples import SampleStore


async def keep_in_order(store: SampleStore, *, clock: Clock, retention_s: float, every_s: float = 300) -> None:
    """Maintain the store every `every_s` until cancelled or until it fails; for `supervise.keep_running`."""
    while True:
        await asyncio.to_thread(store.maintain, clock.wall_ns(), retention_s=retention_s)
        await clock.sleep(every_s)
