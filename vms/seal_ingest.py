"""Owns how the centre takes seals: of a site's own cameras, signed by the key of the agent that brings them.

A seal is in the centre's own ledger, durable, before it is confirmed, with the very bytes that the site has signed; so
`beket vms check` holds what arrived against what was recorded. One that does not follow the one before it is kept all
the same, since it is evidence, and counted. Blocking; safe from any thread. Note: vms/design/0025-signed-chain.md.
"""

import logging
import threading
from enum import StrEnum

from beket.kernel.clock import Clock
from beket.kernel.errors import Forbidden, InvalidArgument
from beket.kernel.ids import CameraId, SiteId
from beket.kernel.metrics import Instruments
from beket.kernel.ports import InventoryView
from beket.kernel.text import say
from vms import metrics
from vms.recordings import seal_index
from vms.recordings.chain import SealLine, read_line
from vms.recordings.ledger import Ledgers
from vms.recordings.segments import key_of
from vms.recordings.store import Store

log = logging.getLogger(__name__)


class Odd(StrEnum):
    """What can be wrong with a seal that arrives."""

    FORGED = "forged"  # refused
    REPEATED = "repeated"  # a number that is here already: the one that is here stays
    GAP = "gap"  # kept, though what should come before it is not here
    ALTERED = "altered"  # kept; a recording that is here is not the one that it names


class SealIngest:
    """Takes the seals of sites into one store's ledger."""

    def __init__(self, store: Store, inventory: InventoryView, *, clock: Clock, instruments: Instruments) -> None:
        self._store = store
        self._inventory = inventory
        self._clock = clock
        self._instruments = instruments
        self._ledgers = Ledgers(store.shelf)
        # One at a time: each is held against the one before it.
        self._lock = threading.Lock()

    def take(self, site: SiteId, public_key: str, camera: CameraId, data: bytes) -> None:
        """Keep a seal for good; one that is here already does no harm.

        Raises:
            Forbidden: the camera is not the site's.
            ProtocolError: it is no seal.
            InvalidArgument: it is not this site's, this camera's, or signed by this agent.
            NoSpace, DiskFailure: no disk took it; it is to be sent again.
        """
        if not any(known.id == camera and known.site == site for known in self._inventory.current().cameras):
            raise Forbidden(
                say("Цей об'єкт не має такої камери.", "This site has no such camera."), subject=f"{site} {camera}"
            )
        line = read_line(data.rstrip(b"\n"))
        seal = line.seal
        wanted = (self._store.origin.community, site, camera)
        if (seal.community, seal.site, seal.camera) != wanted or not line.is_genuine or line.public_key != public_key:
            self._count(camera, Odd.FORGED, seal.number)
            raise InvalidArgument(
                say("Підпис печатки не сходиться.", "The seal's signature does not hold."), subject=camera
            )
        with self._lock:
            self._keep(camera, line, data)

    def _keep(self, camera: CameraId, line: SealLine, data: bytes) -> None:
        seal = line.seal
        with self._store.database.read() as connection:
            before = seal_index.head(connection, camera)
            here = seal_index.present(connection, camera, [key_of(one) for one in line.segments])
        if seal.number <= before.number:
            if (seal.number, line.seal_sha256) != (before.number, before.seal_sha256):
                self._count(camera, Odd.REPEATED, seal.number)
            return
        if before.number and (seal.number, seal.previous_seal_sha256) != (before.number + 1, before.seal_sha256):
            self._count(camera, Odd.GAP, seal.number)
        if any(here.get(key_of(one), one.sha256) != one.sha256 for one in line.segments):
            self._count(camera, Odd.ALTERED, seal.number)
        self._ledgers.append(camera, data.rstrip(b"\n") + b"\n", wall_ns=self._clock.wall_ns())
        head = seal_index.Head(seal.number, line.seal_sha256, before.gaps_from_90k)
        self._store.database.write(lambda connection: seal_index.put_head(connection, camera, head))

    def _count(self, camera: CameraId, odd: Odd, number: int) -> None:
        log.warning("seal %d of %s: %s", number, camera, odd)
        self._instruments.add(metrics.ODD_SEALS, camera=camera, reason=odd.value)
