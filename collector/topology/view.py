"""Owns the links of the community as pages ask for them: derived from the facts at hand, anew when these are old."""

import threading
from collections.abc import Callable, Sequence

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.ports import InventoryView
from collector.devices.known import KnownFact
from collector.topology.derive import Topology, derive
from collector.topology.told import CDP, FDB, LLDP, PORTS, neighbourhoods

# Devices are looked at once an hour; a page that is loaded again at once need not be computed again.
FRESH_S = 20


class TopologyView:
    """The links of one centre. Blocking; safe from any thread."""

    def __init__(
        self, facts_of_source: Callable[[str], Sequence[KnownFact]], inventory: InventoryView, *, clock: Clock
    ) -> None:
        """`facts_of_source` gives the facts of all devices that one source told."""
        self._facts_of_source = facts_of_source
        self._inventory = inventory
        self._clock = clock
        self._lock = threading.Lock()
        self._known: tuple[int, int, Topology] | None = None

    def current(self) -> Topology:
        """The links as they are known now."""
        inventory, now_ns = self._inventory.current(), self._clock.mono_ns()
        with self._lock:
            if self._known is not None:
                at_ns, version, topology = self._known
                if version == inventory.version and now_ns - at_ns < FRESH_S * NS_PER_S:
                    return topology
            facts = [fact for source in (PORTS, LLDP, CDP, FDB) for fact in self._facts_of_source(source)]
            topology = derive(inventory, neighbourhoods(facts))
            self._known = now_ns, inventory.version, topology
            return topology
