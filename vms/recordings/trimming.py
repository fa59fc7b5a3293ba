"""Owns taking old seals out of a ledger: a month's file whose recordings were all deleted on purpose.

A seal that names anything that is still here, waits to be signed or travel, or vanished without a reason, keeps its
file. In its place stays an anchor, signed by the site and durable first: up to which seal there may be holes, and which
hash the next one names; so the chain stays checkable and nobody else can shorten it. The centre has no key of the site:
there only the oldest months go, and what remains begins later. Blocking.
Note: vms/design/0025-signed-chain.md "Trimming".
"""

import logging
from collections.abc import Callable, Mapping

from beket.access.signing import SigningKey
from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from vms.recordings import seal_index
from vms.recordings.chain import Anchor, SealLine, anchor_line
from vms.recordings.ledger import Damaged, Ledger, Ledgers
from vms.recordings.sacrifice import DAY_90K, Keeping
from vms.recordings.segments import key_of
from vms.recordings.shelf import Volume
from vms.recordings.store import Store

log = logging.getLogger(__name__)

# What a site was cut off from the centre for so long comes no more, or goes at once by its age.
LATE_DAYS = 60


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


class CentreTrimmer:
    """Trims the centre's ledger: the oldest months, once all that they name would be too old even if it came now."""

    def __init__(self, store: Store, keeping: Callable[[], Mapping[CameraId, Keeping]]) -> None:
        self._store = store
        self._keeping = keeping
        self._ledgers = Ledgers(store.shelf)

    def run_once(self, now_90k: int) -> int:
        """Take out what may go, by the time that age is counted by; how many files. A fault is logged."""
        taken = 0
        for camera, keep in self._keeping().items():
            before_90k = now_90k - (keep.retention_days + LATE_DAYS) * DAY_90K
            try:
                while keep.retention_days > 0 and self._take_oldest(camera, before_90k):
                    taken += 1
            except BeketError as error:
                log.log(level_number(error.handling.log_level), "the ledger is not trimmed: %s", error.sentence().en)
        return taken

    def _take_oldest(self, camera: CameraId, before_90k: int) -> bool:
        files = [
            (number, volume.id, name, self._ledgers.on(volume))
            for volume in self._store.shelf.volumes
            for name in self._ledgers.on(volume).months(camera)
            if (number := _first_number(self._ledgers.on(volume), name)) is not None
        ]
        if len(files) < 2:
            return False  # the newest seal is what the next one is held against
        (_, _, name, ledger), (following, *_), *_ = sorted(files, key=lambda file: file[:3])
        for line in ledger.lines_of(name):
            if isinstance(line, SealLine) and (
                line.seal.number >= following or not self._is_over(line, camera, before_90k)
            ):
                return False
        ledger.drop(name)
        return True

    def _is_over(self, line: SealLine, camera: CameraId, before_90k: int) -> bool:
        if any(one.start_90k >= before_90k for one in line.segments):
            return False
        with self._store.database.read() as connection:
            return not seal_index.present(connection, camera, [key_of(one) for one in line.segments])


def _first_number(ledger: Ledger, name: str) -> int | None:
    """The least number of a file: seals are appended in order."""
    return next((line.seal.number for line in ledger.lines_of(name) if isinstance(line, SealLine)), None)


def _is_in(ranges: list[tuple[int, int]], number: int) -> bool:
    return any(first <= number <= last for first, last in ranges)
