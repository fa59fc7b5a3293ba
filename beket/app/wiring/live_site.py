"""Puts live pictures together at the site: the tap beside capture and its line to the centre."""

import asyncio
from contextlib import AbstractAsyncContextManager

from agents.uplink.budget import Budget
from agents.uplink.connection import CentreConnection
from agents.uplink.live import LiveUplink
from agents.uplink.live_socket import LiveSocket, live_socket
from beket.app.machine import hello
from beket.app.wiring.agent_side import Identity
from beket.kernel.clock import Clock
from beket.kernel.metrics import Instruments


def live_uplink(
    identity: Identity,
    centre: CentreConnection,
    *,
    clock: Clock,
    budget: Budget,
    instruments: Instruments,
    timeout_s: float,
) -> LiveUplink:
    """The site's side; `centre` opens its sessions, from a worker thread and for nobody else."""
    enrolled = identity.enrolled

    async def open_line() -> AbstractAsyncContextManager[LiveSocket]:
        token = await asyncio.to_thread(centre.session_token)
        centre.close()
        return live_socket(enrolled.centre_url, pin=enrolled.pin, token=token, timeout_s=timeout_s)

    return LiveUplink(
        open_line, hello=lambda: hello(clock, community=enrolled.community), budget=budget, instruments=instruments
    )
