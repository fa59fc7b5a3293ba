"""Puts the computers together for the centre: their store, the rules, the door for their agents, their numbers."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter

from beket.kernel.clock import Clock
from beket.kernel.database import Database
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.supervise import keep_running
from collector import web
from collector.assets.config import ComputersConfig
from collector.assets.rule_files import load_rules
from collector.assets.rules import Judge
from collector.assets.store import ComputerStore
from collector.assets.view import ComputersView

MEASURE_EVERY_S = 60


def computers_view(
    config: ComputersConfig, store: ComputerStore, inventory: InventoryView, *, clock: Clock
) -> ComputersView:
    """What pages and commands ask.

    Raises:
        InvalidConfig: the list of prohibited software cannot be read.
    """
    return ComputersView(store, Judge(load_rules(config.prohibited_file)), inventory, clock=clock)


class Computers:
    """The room at work."""

    def __init__(self, config: ComputersConfig, facts: Database, inventory: InventoryView, *, clock: Clock) -> None:
        """Read the rules.

        Raises:
            InvalidConfig: the list of prohibited software cannot be read.
        """
        self._store = ComputerStore(facts, clock=clock)
        self._clock = clock
        self.view = computers_view(config, self._store, inventory, clock=clock)

    def agent_router(self, *, authenticate: Callable[..., Any]) -> APIRouter:
        """Where computers bring their reports."""
        return web.computers_router(self._store.take, authenticate=authenticate)

    def units(self, instruments: Instruments, *, rng: random.Random) -> dict[str, Awaitable[None]]:
        """What runs beside the centre's servers."""
        measuring = functools.partial(self._measure_for_ever, instruments)
        return {"computers": keep_running("computers", measuring, clock=self._clock, rng=rng)}

    async def _measure_for_ever(self, instruments: Instruments) -> None:
        while True:
            await asyncio.to_thread(self.view.measure, instruments)
            await self._clock.sleep(MEASURE_EVERY_S)
