"""Owns when the site signs what it has recorded: each camera once an hour, and when recording ends.

Away from the recorder's thread: a disk that is slow here delays a signature, never a picture. A seal is in the ledger,
durable, before the index forgets what waited for it; so a crash costs a line twice and nothing else. Blocking.
Note: vms/design/0025-signed-chain.md.
"""

import logging

import sqlalchemy as sa

from beket.access.signing import SigningKey
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import BeketError
from beket.kernel.ids import CameraId
from beket.kernel.logs import level_number
from beket.kernel.units import TICKS_PER_S
from vms.recordings import seal_index
from vms.recordings.chain import GAPS_MAX, SEGMENTS_MAX, Seal, SealedGap, listed, seal_line, sha256_hex
from vms.recordings.ledger import Ledgers
from vms.recordings.store import Store

log = logging.getLogger(__name__)

SEAL_EVERY_S = 3600
# As many as an hour has; a clock that jumps must not keep them waiting.
SEAL_AT_SEGMENTS = 180


class Sealer:
    """Signs for one site; the only writer of its ledger."""

    def __init__(self, store: Store, key: SigningKey, *, clock: Clock) -> None:
        self._store = store
        self._key = key
        self._clock = clock
        self._ledgers = Ledgers(store.shelf)

    def run_once(self) -> int:
        """Seal the cameras whose hour is over; return the number of seals made. A fault is logged and tried again."""
        return self._seal(all_of_them=False)

    def seal_all(self) -> int:
        """Seal whatever waits, however new: recording ends."""
        return self._seal(all_of_them=True)

    def _seal(self, *, all_of_them: bool) -> int:
        now_90k = self._clock.wall_ns() * TICKS_PER_S // NS_PER_S
        made = 0
        try:
            with self._store.database.read() as connection:
                waiting = seal_index.waiting(connection)
            for camera in waiting:
                is_due = abs(now_90k - camera.oldest_90k) >= SEAL_EVERY_S * TICKS_PER_S
                if all_of_them or is_due or camera.segments >= SEAL_AT_SEGMENTS:
                    for _ in range(-(-camera.segments // SEGMENTS_MAX)):
                        self._seal_one(camera.camera)
                        made += 1
        except BeketError as error:
            log.log(level_number(error.handling.log_level), "recordings are not sealed yet: %s", error.sentence().en)
        return made

    def _seal_one(self, camera: CameraId) -> None:
        with self._store.database.read() as connection:
            before = seal_index.head(connection, camera)
            segments = seal_index.unsealed_segments(connection, camera, SEGMENTS_MAX)
            gaps = seal_index.gaps_to_tell(connection, camera, before.gaps_from_90k, GAPS_MAX)
        wall_ns = self._clock.wall_ns()
        origin = self._store.origin
        list_bytes = listed(segments)
        seal = Seal(
            community=origin.community,
            site=origin.site,
            camera=camera,
            number=before.number + 1,
            previous_seal_sha256=before.seal_sha256,
            first_sequence=segments[0].sequence,
            last_sequence=segments[-1].sequence,
            segments=len(segments),
            head_sha256=segments[-1].sha256.hex(),
            list_sha256=sha256_hex(list_bytes),
            gaps=tuple(SealedGap(gap.start_90k, gap.end_90k, gap.reason) for gap in gaps),
            sealed_at_ns=wall_ns,
            clock_is_set=origin.clock_is_set(),
        )
        line, seal_sha256 = seal_line(seal, list_bytes, self._key)
        written = self._ledgers.append(camera, line, wall_ns=wall_ns)
        unsent = seal_index.UnsentSeal(
            camera, seal.number, written.disk, written.name, written.offset_bytes, written.size_bytes
        )
        # The last gap is told again next time: it may still end, or be reopened.
        newest = seal_index.Head(seal.number, seal_sha256, gaps[-1].start_90k if gaps else before.gaps_from_90k)

        def forget(connection: sa.Connection) -> None:
            seal_index.put_head(connection, camera, newest, [segment.sequence for segment in segments])
            seal_index.await_sending(connection, unsent)

        self._store.database.write(forget)
