"""Owns whether a camera's recordings are the ones that were chained and signed, all of them and no others. Blocking.

The seals of the ledger are read first, each list held against the index; then what hangs in the chain on something that
is not before it. Reads the database and the ledger alone: bytes of video are `check`'s. Memory is bounded by one seal;
only when something is amiss are the numbers of the camera gathered. Note: vms/design/0025-signed-chain.md.
"""

import bisect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from beket.kernel.ids import CameraId
from vms.recordings import index, seal_index
from vms.recordings.chain import SealLine
from vms.recordings.findings import Fault, Finding
from vms.recordings.layout import SegmentKey
from vms.recordings.ledger import FOLDER, Damaged, Ledgers
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store

# Whether this is a key of that site: (site, public key in hex).
Trust = Callable[[str, str], bool]

# A link that leads nowhere is rare; a store in which more do has other troubles.
LOOSE_MAX = 1000
UNSEALED_MAX = 10_000
NUMBER_MAX = (1 << 63) - 1
LOST_SEALS_MAX = 1000
PAGE = 500


def trust_any(_site: str, _public_key: str) -> bool:
    """For who does not know the keys: a signature must hold, whoever's it is."""
    return True


@dataclass(slots=True)
class ChainCheck:
    """One camera's; `take` gets each segment of the index, in its order, then `findings` says what is wrong.

    Attributes:
        is_complete: everything that was recorded is to be here: at the site, not at the centre, where some of it never
            travels.
        named: files that something was found about already, and is not said twice.
    """

    store: Store
    camera: CameraId
    trusts: Trust
    is_complete: bool
    named: set[str] = field(default_factory=set)
    _before: StoredSegment | None = None
    _loose: list[StoredSegment] = field(default_factory=list)
    _lost: set[int] = field(default_factory=set)

    def take(self, segment: StoredSegment) -> None:
        """The next segment of the index."""
        before = b"" if self._before is None else self._before.sha256
        if segment.previous_sha256 not in (before, b"") and len(self._loose) < LOOSE_MAX:
            self._loose.append(segment)
        self._before = segment

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the seals, with what they name, and with the chain."""
        for finding in self._all():
            if finding.name not in self.named:
                self.named.add(finding.name)
                yield finding

    def _all(self) -> Iterator[Finding]:
        yield from _Seals(self).findings()
        yield from self.against(self._unsealed())
        yield from self._links()

    def _unsealed(self) -> list[StoredSegment]:
        with self.store.database.read() as connection:
            return seal_index.unsealed_segments(connection, self.camera, UNSEALED_MAX)

    def against(self, recorded: Sequence[StoredSegment]) -> Iterator[Finding]:
        """Hold what is known to have been recorded against the index."""
        keys = [key_of(one) for one in recorded]
        with self.store.database.read() as connection:
            here = seal_index.present(connection, self.camera, keys)
            removed = seal_index.removed_ranges(connection, self.camera)
        for key, one in zip(keys, recorded, strict=True):
            if key not in here:
                if self.is_complete and not _is_within(removed, key.sequence, key.sequence):
                    self._lost.add(key.sequence)
                    yield Finding(key.file_name, Fault.LOST)
            elif here[key] != one.sha256:
                yield Finding(key.file_name, Fault.ALTERED)

    def _links(self) -> Iterator[Finding]:
        """What is chained to something that is not the segment before it: out of order, deleted, replaced, or lost."""
        for at in range(0, len(self._loose), PAGE):
            batch = self._loose[at : at + PAGE]
            with self.store.database.read() as connection:
                known = seal_index.known_hashes(connection, self.camera, [one.previous_sha256 for one in batch])
            lacking = [one for one in batch if one.previous_sha256 not in known]
            if lacking:
                with self.store.database.read() as connection:
                    keys = seal_index.keys_by_number(connection, self.camera)
                    removed = seal_index.removed_ranges(connection, self.camera)
                for one in lacking:
                    yield from self._explain(one, keys, removed)

    def _explain(self, one: StoredSegment, keys: list[SegmentKey], removed: list[tuple[int, int]]) -> Iterator[Finding]:
        at = bisect.bisect_left(keys, one.sequence, key=lambda key: key.sequence)
        if at == 0:
            return  # the oldest that is left hangs on what retention took
        before = keys[at - 1]
        first, last = before.sequence + 1, one.sequence - 1
        if first > last:
            # Of the two, the one that is damaged or not what was signed is named already.
            if key_of(one).file_name not in self.named:
                yield Finding(before.file_name, Fault.REPLACED)
            return
        is_explained = _is_within(removed, first, last) or any(first <= number <= last for number in self._lost)
        if self.is_complete and not is_explained:
            yield Finding(key_of(one).file_name, Fault.HOLE)


class _Seals:
    """One pass over a camera's ledger."""

    def __init__(self, check: ChainCheck) -> None:
        self._check = check
        self._ledger = Ledgers(check.store.shelf)
        self._last: SealLine | None = None
        self._first_sequence: int | None = None
        self._bad: set[int] = set()
        self._named_here = 0
        # Hashes of the newest seals that were taken out on purpose, by number: what the next ones name.
        self._anchored = self._anchors()

    def _anchors(self) -> dict[int, str]:
        check, found = self._check, {}
        for line in self._ledger.anchors(check.camera):
            anchor = line.anchor
            is_here = (anchor.community, anchor.camera) == (check.store.origin.community, check.camera)
            if line.is_genuine and is_here and check.trusts(anchor.site, line.public_key):
                found[anchor.number] = anchor.seal_sha256
        return found

    def findings(self) -> Iterator[Finding]:
        with self._check.store.database.read() as connection:
            newest = seal_index.head(connection, self._check.camera).number
        absent: dict[int, None] = {}
        highest, trimmed = 0, max(self._anchored, default=0)
        for line in self._ledger.read(self._check.camera):
            # A damaged line may be what a power cut left of one that was made anew; if it was a seal, its number lacks.
            if isinstance(line, Damaged):
                continue
            number = line.seal.number
            fault = self._fault_of(line)
            if fault is not None:
                self._bad.add(number)
                yield self._finding(number, fault)
                continue
            if not self._last and not self._check.is_complete:
                highest = number - 1  # the first that the centre was sent
            if number <= highest or not self._follows(line):
                yield self._finding(number, Fault.MOVED_SEAL)
            absent.pop(number, None)
            known = max(highest, trimmed)
            absent.update(dict.fromkeys(range(known + 1, min(number, known + LOST_SEALS_MAX))))
            highest = max(highest, number)
            self._last = line
            yield from self._list(line)
        known = max(highest, trimmed)
        absent.update(dict.fromkeys(range(known + 1, min(newest, known + LOST_SEALS_MAX) + 1)))
        for number in absent:
            if number not in self._bad:
                self._bad.add(number)
                yield self._finding(number, Fault.LOST_SEAL)
        yield from self._unsigned()

    def _fault_of(self, line: SealLine) -> Fault | None:
        seal = line.seal
        if not line.is_genuine:
            return Fault.FORGED_SEAL
        if not self._check.trusts(seal.site, line.public_key):
            return Fault.STRANGE_SEAL
        if (seal.community, seal.camera) != (self._check.store.origin.community, self._check.camera):
            return Fault.MOVED_SEAL
        return None

    def _follows(self, line: SealLine) -> bool:
        if line.seal.number - 1 in self._anchored:
            return line.seal.previous_seal_sha256 == self._anchored[line.seal.number - 1]
        if self._last is None or self._last.seal.number != line.seal.number - 1:
            return line.seal.number > 1 or not line.seal.previous_seal_sha256
        return line.seal.previous_seal_sha256 == self._last.seal_sha256

    def _list(self, line: SealLine) -> Iterator[Finding]:
        first = line.seal.first_sequence
        self._first_sequence = first if self._first_sequence is None else min(first, self._first_sequence)
        with self._check.store.database.read() as connection:
            here = seal_index.present(connection, self._check.camera, [key_of(one) for one in line.segments])
        self._named_here += sum(key_of(one) in here for one in line.segments)
        yield from self._check.against(line.segments)

    def _unsigned(self) -> Iterator[Finding]:
        """What is in the index among what was signed, and in no seal; a seal that fails here takes the blame itself."""
        if self._first_sequence is None or self._last is None or self._bad:
            return
        camera = self._check.camera
        # At the centre a recording comes before the seal that will name it.
        end = NUMBER_MAX if self._check.is_complete else self._last.seal.last_sequence
        with self._check.store.database.read() as connection:
            signable = seal_index.signable(connection, camera, self._first_sequence, end)
        if signable <= self._named_here:
            return
        # Sealed since, or really in none: look again, the index first.
        with self._check.store.database.read() as connection:
            waiting = {key_of(one) for one in seal_index.unsealed_segments(connection, camera, UNSEALED_MAX)}
            keys = seal_index.keys_by_number(connection, camera)
        left = {key for key in keys if self._first_sequence <= key.sequence <= end} - waiting
        for line in self._ledger.read(camera):
            if isinstance(line, SealLine) and self._fault_of(line) is None:
                left -= {key_of(one) for one in line.segments}
        with self._check.store.database.read() as connection:
            still = [key for key in sorted(left) if index.segment(connection, key) is not None]
        yield from (Finding(key.file_name, Fault.UNSIGNED) for key in still)

    def _finding(self, number: int, fault: Fault) -> Finding:
        return Finding(f"{FOLDER}/{self._check.camera}#{number}", fault)


def _is_within(ranges: list[tuple[int, int]], first: int, last: int) -> bool:
    """Whether one of the ranges touches [first, last]."""
    return any(start <= last and end >= first for start, end in ranges)
