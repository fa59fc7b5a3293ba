"""Owns what sites are told of holds, and which of it each has confirmed: footage that is still only at the edge is safe
from the moment that its site knows.

A site asks every few seconds and names the version that it keeps durably; that name is its confirmation. What was
confirmed is not kept over a restart: the next question, seconds later, says it again. Blocking; safe from any thread.
"""

import hashlib
import threading

from beket.kernel import wire
from beket.kernel.ids import SiteId
from beket.kernel.ports import InventoryView
from vms.messages import HeldTime, HeldTimes
from vms.recordings.holds import Hold, Holds


class HoldNews:
    """The holds as sites hear of them."""

    def __init__(self, holds: Holds, inventory: InventoryView) -> None:
        self._holds = holds
        self._inventory = inventory
        self._lock = threading.Lock()
        # What each version said, so that a confirmation of an older one still counts; the newest two of a site.
        self._told: dict[SiteId, dict[str, frozenset[HeldTime]]] = {}
        self._confirmed: dict[SiteId, frozenset[HeldTime]] = {}

    def for_site(self, site: SiteId, have: str) -> HeldTimes | None:
        """What a site is to hold; None when it says that it does."""
        mine = [camera.id for camera in self._inventory.current().cameras if camera.site == site]
        held = tuple(
            HeldTime(hold=s.hold, camera=s.camera, start_90k=s.start_90k, end_90k=s.end_90k, until_s=s.until_s)
            for s in self._holds.spans(mine)
        )
        version = hashlib.sha256(wire.canonical(held)).hexdigest()[:32]
        with self._lock:
            told = self._told.setdefault(site, {})
            told[version] = frozenset(held)
            if have in told:
                self._confirmed[site] = told[have]
            for old in [one for one in told if one not in (version, have)]:
                del told[old]
        return None if have == version else HeldTimes(version=version, held=held)

    def unaware(self, hold: Hold) -> list[SiteId]:
        """The sites of a hold that have not confirmed it yet."""
        sites = {camera.id: camera.site for camera in self._inventory.current().cameras}
        wanted = {(camera, sites[camera]) for camera in hold.cameras if camera in sites}
        with self._lock:
            missing = {site for camera, site in wanted if not self._knows(site, camera, hold)}
        return sorted(missing)

    def _knows(self, site: SiteId, camera: str, hold: Hold) -> bool:
        confirmed = self._confirmed.get(site, frozenset())
        return any(one.hold == hold.number and one.camera == camera for one in confirmed)
