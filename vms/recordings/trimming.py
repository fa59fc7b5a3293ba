"""Owns taking old seals out of the site's ledger: a month's file whose recordings were all deleted on purpose.

A seal that names anything that is still here, waits to be signed or travel, or vanished without a reason, keeps its
file. In its place stays an anchor, signed by the site and durable first: up to which seal there may be holes, and which
hash the next one names; so the chain stays checkable and nobody else can shorten it. A file's seals are read only when
it may be old enough. Note: vms/design/0025-signed-chain.md "Trimming". Blocking.
"""

import logging

from beket.access.signing import SigningKey
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from vms.recordings import seal_index
from vms.recordings.chain import Anchor, SealLine, anchor_line
from vms.recordings.ledger import Damaged, Ledger, Ledgers
from vms.recordings.segments import key_of
from vms.recordings.shelf import Volume
from vms.recordings.store import Store

log = logging.getLogger(__name__)


class Trimmer:
    """Trims one site's ledger; works in the sealer's turn, which is the ledger's only writer."""

    def __init__(self, store: Store, key: SigningKey, *, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._ledgers = Ledgers(store.shelf)

    def run_once(self) -> int:
        """Take out what may go; how many files that were. A fault is logged, and the next time tried again."""
        taken = 0
        for volume in self._store.shelf.volumes:
            if volume.is_failing:
                continue
            ledger = self._ledgers.on(volume)
            try:
                for camera in ledger.cameras():
                    taken += self._trim(volume, ledger, camera)
            except BeketError as error:
                log.log(level_number(error.handling.log_level), "the ledger is not trimmed: %s", error.sentence().en)
        return taken

    def _trim(self, volume: Volume, ledger: Ledger, camera: CameraId) -> int:
        taken = 0
        for name in ledger.months(camera):
            last = self._last_if_over(volume, ledger, camera, name)
            if last is None:
                continue
            ledger.take_out(camera, name, anchor_line(self._anchor(camera, last), self._key))
            taken += 1
        return taken

    def _anchor(self, camera: CameraId, last: SealLine) -> Anchor:
        return Anchor(
            community=self._store.origin.community,
            site=self._store.origin.site,
            camera=camera,
            number=last.seal.number,
            seal_sha256=last.seal_sha256,
            last_sequence=last.seal.last_sequence,
            trimmed_at_ns=self._clock.wall_ns(),
        )

    def _last_if_over(self, volume: Volume, ledger: Ledger, camera: CameraId, name: str) -> SealLine | None:
        """The file's newest seal, when nothing that any of its seals names is needed any more."""
        with self._store.database.read() as connection:
            head = seal_index.head(connection, camera)
            removed = seal_index.removed_ranges(connection, camera)
            if seal_index.has_unsent(connection, volume.id, name):
                return None
        last: SealLine | None = None
        for line in ledger.lines_of(name):
            if isinstance(line, Damaged):
                continue
            # What is forged or another's is evidence, and what is newest is where the next seal goes on.
            if not self._is_ours(line, camera) or line.seal.number >= head.number:
                return None
            if not all(_is_in(removed, one.sequence) for one in line.segments):
                return None
            with self._store.database.read() as connection:
                if seal_index.present(connection, camera, [key_of(one) for one in line.segments]):
                    return None
            if last is None or line.seal.number > last.seal.number:
                last = line
        return last

    def _is_ours(self, line: SealLine, camera: CameraId) -> bool:
        origin = self._store.origin
        names = (line.seal.community, line.seal.site, line.seal.camera)
        return (
            line.is_genuine
            and line.public_key == self._key.public
            and names
            == (
                origin.community,
                origin.site,
                camera,
            )
        )


def _is_in(ranges: list[tuple[int, int]], number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)
