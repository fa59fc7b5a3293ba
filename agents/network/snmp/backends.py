"""Owns which back end asks a device: our engine, or pysnmp for the v3 algorithms that ours does not speak."""

import random
from collections.abc import Callable, Sequence

from agents.network.snmp import usm
from agents.network.snmp.bulk_memory import BulkMemory
from agents.network.snmp.engine import UdpEngine
from agents.network.snmp.everything import Everything
from agents.network.snmp.port import Scalars, Target, Walk
from agents.network.snmp.pysnmp_backend import PysnmpBackend
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, TimedOut


class Backends:
    """Both back ends behind `port.SnmpPort`. Make it on the loop that uses it; `close` it at the end."""

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        on_odd: Callable[[str], None] | None = None,
        memory: BulkMemory | None = None,
    ) -> None:
        """`on_odd` and `memory` as for `UdpEngine`."""
        memory = memory or BulkMemory(clock)
        self._own = UdpEngine(clock=clock, rng=rng, on_odd=on_odd, memory=memory)
        self._complete = PysnmpBackend(clock=clock, memory=memory)

    def close(self) -> None:
        """Let go of the sockets."""
        self._own.close()
        self._complete.close()

    async def get(self, target: Target, names: Sequence[bytes]) -> Scalars:
        """See `SnmpPort.get`."""
        if _is_ours(target):
            return await self._own.get(target, names)
        try:
            return await self._complete.get(target, names)
        except TimedOut:
            raise await self._silence(target) from None

    async def walk(self, target: Target, columns: Sequence[bytes]) -> Walk:
        """See `SnmpPort.walk`."""
        return await (self._own if _is_ours(target) else self._complete).walk(target, columns)

    async def everything(self, target: Target, root: bytes) -> Everything:
        """All that the device answers under `root`; failures are in the result, never raised."""
        return await (self._own if _is_ours(target) else self._complete).everything(target, root)

    async def _silence(self, target: Target) -> BeketError:
        try:
            return await self._own.silence(target)
        except BeketError as error:
            return error


def _is_ours(target: Target) -> bool:
    return target.user is None or usm.speaks(target.user)
