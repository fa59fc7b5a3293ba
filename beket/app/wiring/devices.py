"""Puts the facts of devices together for the centre: store, agents' door, pages' book, links, one metric."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter

from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.ids import DeviceId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView, PointSink
from beket.kernel.supervise import keep_running
from collector import web
from collector.devices.info import INFO_KEYS, info_points
from collector.devices.store import FactStore
from collector.store.samples import SampleStore, SeriesSamples
from collector.topology.view import TopologyView
from dashboards.web.ports import DeviceBook

INFO_EVERY_S = 60


class Devices:
    """The room at work."""

    def __init__(
        self,
        facts: Database,
        inventory: InventoryView,
        samples: SampleStore,
        forward: PointSink | None,
        instruments: Instruments,
        *,
        clock: Clock,
    ) -> None:
        """`forward` gets each sample that is made here too."""
        self.store = FactStore(facts, inventory, instruments=instruments, clock=clock)
        self.topology = TopologyView(lambda source: self.store.facts(source=source), inventory, clock=clock)
        self._inventory = inventory
        self._samples = samples
        self._forward = forward
        self._clock = clock

    @property
    def book(self) -> DeviceBook:
        """What the page of a device says besides the newest samples."""
        return DeviceBook(facts=self.store.facts, changes=self.store.changes, history=self._history)

    def agent_router(self, *, authenticate: Callable[..., Any]) -> APIRouter:
        """Where agents bring facts."""
        return web.facts_router(self.store.take, authenticate=authenticate)

    def units(self, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """What runs beside the centre's servers."""
        return {"device info": keep_running("device info", self._inform_for_ever, clock=self._clock, rng=rng)}

    def inform(self) -> None:
        """Store a sample of `device_info` for each device. Blocking.

        Raises:
            BeketError: the store or the queue to the engine cannot write.
        """
        devices = self._inventory.current().devices
        points = info_points(devices, self.store.facts(keys=INFO_KEYS), self._clock.wall_ns())
        if points and self._forward is not None:
            self._forward.put(points)
        self._samples.put(points)

    def _history(self, name: str, device: DeviceId, start_ns: int, end_ns: int) -> Sequence[SeriesSamples]:
        return self._samples.query(name, {"device": device}, start_ns=start_ns, end_ns=end_ns)

    async def _inform_for_ever(self) -> None:
        while True:
            await asyncio.to_thread(self.inform)
            await self._clock.sleep(INFO_EVERY_S)
