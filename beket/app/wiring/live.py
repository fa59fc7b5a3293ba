"""Puts live pictures together at the centre: the hub with its two doors."""

from fastapi import APIRouter

from beket.access.store import AccessStore
from beket.app.web_agents import Authenticate
from beket.app.web_people import live_guard
from beket.kernel.clock import Clock
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from vms.live import web
from vms.live.hub import Hub
from vms.live.protocol import SITE_MESSAGE_MAX_BYTES as SITE_MESSAGE_MAX_BYTES


class Live:
    """Live pictures at the centre. `hub` belongs to the loop that serves the routers."""

    def __init__(
        self, access: AccessStore, inventory: InventoryView, *, clock: Clock, instruments: Instruments
    ) -> None:
        self.hub = Hub(inventory, clock=clock, instruments=instruments)
        self._guard = live_guard(access, inventory)
        self._clock = clock
        self._instruments = instruments

    def agent_router(self, authenticate: Authenticate) -> APIRouter:
        """Where sites bring live pictures."""
        return web.agent_router(self.hub, authenticate=authenticate)

    def people_router(self) -> APIRouter:
        """Where people watch."""
        return web.people_router(self.hub, authorize=self._guard, clock=self._clock, instruments=self._instruments)
