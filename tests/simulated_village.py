"""The training community itself, running for a test: its cameras and its gear at their own addresses."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from beket.kernel.clock import SystemClock
from beket.sim.community import Simulation, new_logins
from beket.sim.places import MOHYLIV

LOGINS = new_logins(MOHYLIV)


def run_with(test: Callable[[Simulation], Awaitable[None]]) -> None:
    """Let the village live while `test` looks; the addresses are its own, so one at a time on a machine."""

    async def body() -> None:
        simulation = Simulation(MOHYLIV, clock=SystemClock(), logins=LOGINS, daylight="day")
        running = asyncio.create_task(simulation.run())
        try:
            await asyncio.wait_for(simulation.serving(), 60)
            await test(simulation)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asyncio.run(body())
