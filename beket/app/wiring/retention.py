"""Puts retention together, at a site or at the centre: what goes, and for how long the rest will be kept."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Mapping

from beket.app.wiring.recordings import keeping_of
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ids import CameraId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.supervise import keep_running
from beket.kernel.units import TICKS_PER_S
from vms.config import RecordingsConfig
from vms.recordings.cleaner import Cleaner
from vms.recordings.forecast import Forecaster
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store
from vms.recordings.trimming import CentreTrimmer

CLEAN_EVERY_S = 60
FORESEE_EVERY_S = 600
TRIM_EVERY_S = 86_400


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
        # At a site whoever has its key trims the ledger (`capture`).
        self._trimmer = None if edge else CentreTrimmer(store, keeping)
        self.forecaster = Forecaster(store, keeping, clock=clock, instruments=instruments)

    def units(self, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """Deleting every minute, looking ahead every ten; at the centre the ledger is trimmed once a day."""
        supervised = functools.partial(keep_running, clock=self._clock, rng=rng)
        units: dict[str, Awaitable[None]] = {
            "cleaning": supervised("cleaning", self._clean),
            "forecast": supervised("forecast", self._foresee),
        }
        if self._trimmer is not None:
            units["trimming"] = supervised("trimming", self._trim)
        return units

    async def _clean(self) -> None:
        while True:
            await asyncio.to_thread(self._cleaner.run_once)
            await self._clock.sleep(CLEAN_EVERY_S)

    async def _trim(self) -> None:
        assert self._trimmer is not None
        while True:
            await self._clock.sleep(TRIM_EVERY_S)
            age = await asyncio.to_thread(self.age.look)
            await asyncio.to_thread(self._trimmer.run_once, age.now_ns * TICKS_PER_S // NS_PER_S)

    async def _foresee(self) -> None:
        while True:
            await asyncio.to_thread(self.forecaster.run_once)
            await self._clock.sleep(FORESEE_EVERY_S)
