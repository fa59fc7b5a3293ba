"""Owns the edge's view of the store for the uplink: what still has to travel. The `SegmentBacklog` over a `Store`.

Blocking; called from the uplink's thread.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from beket.kernel.ids import CameraId
from beket.kernel.inventory import Upload
from beket.kernel.ports import GapInfo, InventoryView, SegmentInfo
from vms.recordings import index, seal_index
from vms.recordings.seal_index import UnsentSeal
from vms.recordings.segments import key_of
from vms.recordings.store import Store, missing_file


def travels(inventory: InventoryView) -> list[CameraId]:
    """Cameras whose recordings go to the centre by themselves; only `upload = always` so far."""
    return [camera.id for camera in inventory.current().cameras if camera.upload is Upload.ALWAYS]


class Backlog:
    """See `SegmentBacklog`."""

    def __init__(self, store: Store, inventory: InventoryView) -> None:
        self._store = store
        self._inventory = inventory

    def pending(self, limit: int) -> list[SegmentInfo]:
        """See `SegmentBacklog.pending`; what is held goes first, also of cameras that do not travel by themselves."""
        with self._store.database.read() as connection:
            found: list[SegmentInfo] = [
                *index.pending_held(connection, limit),
                *index.pending(connection, travels(self._inventory), limit),
            ]
        return list(dict.fromkeys(found))[:limit]

    def read(self, segment: SegmentInfo, offset_bytes: int, max_bytes: int) -> bytes:
        """See `SegmentBacklog.read`."""
        stored = self._store.find(key_of(segment))
        if stored is None:
            raise missing_file(key_of(segment))
        return self._store.read(stored, offset_bytes, max_bytes)

    def acknowledge(self, segment: SegmentInfo) -> None:
        """See `SegmentBacklog.acknowledge`.

        Raises:
            NotFound: the index has no such segment with this hash.
        """
        key = key_of(segment)
        if not self._store.database.write(lambda c: index.acknowledge(c, key, segment.sha256)):
            raise missing_file(key)

    def unsent_seals(self, limit: int) -> list[UnsentSeal]:
        """Seals that the centre does not have, each camera's in order; of cameras that are in the inventory."""
        known = [camera.id for camera in self._inventory.current().cameras]
        with self._store.database.read() as connection:
            return seal_index.unsent(connection, known, limit)

    def read_seal(self, seal: UnsentSeal) -> bytes:
        """The line as it stands in the ledger.

        Raises:
            NotFound: its file is gone.
            DiskFailure: the disk does not give it, or is away.
        """
        return self._store.shelf.volume(seal.disk).disk.read(seal.name, seal.offset_bytes, seal.size_bytes)

    def forget_seal(self, seal: UnsentSeal) -> None:
        """The centre has it."""
        self._store.database.write(lambda c: seal_index.forget_sent(c, seal.camera, seal.number))

    def pending_gaps(self, limit: int) -> list[GapInfo]:
        """See `SegmentBacklog.pending_gaps`; of cameras that are in the inventory, since the centre takes no others."""
        known = [camera.id for camera in self._inventory.current().cameras]
        with self._store.database.read() as connection:
            return index.pending_gaps(connection, known, limit)

    def acknowledge_gaps(self, gaps: Sequence[GapInfo]) -> None:
        """See `SegmentBacklog.acknowledge_gaps`."""

        def acknowledge(connection: sa.Connection) -> None:
            for gap in gaps:
                index.acknowledge_gap(connection, gap)

        self._store.database.write(acknowledge)
