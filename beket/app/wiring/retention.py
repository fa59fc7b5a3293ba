"""Puts retention together, at a site or at the centre: what goes, and for how long the rest will be kept."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Mapping

from beket.app.wiring.recordings import keeping_of
from beket.kernel.clock import Clock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.supervise import keep_running
from vms.config import RecordingsConfig
from vms.recordings.cleaner import Cleaner
from vms.recordings.forecast import Forecaster
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store

CLEAN_EVERY_S = 60
FORESEE_EVERY_S = 600


class Retention:
    """Retention of one store; `units` run as long as the process."""

    def __init__(
        self,
        store: Store,
        inventory: InventoryView,
        config: RecordingsConfig,
        *,
        edge: bool,
        clock: Clock,
        instruments: Instruments,
    ) -> None:
        def keeping() -> Mapping[CameraId, Keeping]:
            return keeping_of(inventory.current(), edge=edge)

        self._clock = clock
        self._cleaner = Cleaner(
            store,
            keeping,
            clock=clock,
            instruments=instruments,
            floor_hours=config.floor_hours,
        )
        self.age = self._cleaner.age
        self.forecaster = Forecaster(store, keeping, clock=clock, instruments=instruments)

    def units(self, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """Deleting every minute, looking ahead every ten."""
        supervised = functools.partial(keep_running, clock=self._clock, rng=rng)
        return {"cleaning": supervised("cleaning", self._clean), "forecast": supervised("forecast", self._foresee)}

    async def _clean(self) -> None:
        while True:
            await asyncio.to_thread(self._cleaner.run_once)
            await self._clock.sleep(CLEAN_EVERY_S)

    async def _foresee(self) -> None:
        while True:
            await asyncio.to_thread(self.forecaster.run_once)
            await self._clock.sleep(FORESEE_EVERY_S)
