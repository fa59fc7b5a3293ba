"""Owns the holds as they lie beside the recordings: `beket.holds/<version>.json`, whole and anew at each change.

So a lost database costs no hold. Each disk that is here has its own copy; of several the highest version counts, and a
release is a version like any other. It goes through the Disk port under the store's rules: bytes synced, then the name,
then the database's commit; older versions are removed only after that, and one that a crash cut short is none. A disk
that refuses does not refuse the hold: it gets its copy when it serves again. No camera can be called like the folder.
Note: vms/design/0027-holds-and-sacrifice.md "Beside the recordings".
"""

import hashlib
import logging
import threading
from collections.abc import Sequence
from typing import Annotated

import msgspec
import sqlalchemy as sa

from beket.kernel import wire
from beket.kernel.errors import BeketError, ProtocolError
from beket.kernel.ids import CameraId, is_slug
from beket.kernel.logs import level_number
from beket.kernel.units import MIB
from vms.recordings import held, index
from vms.recordings.disk import Disk
from vms.recordings.held import HeldSpan
from vms.recordings.shelf import Shelf, Volume
from vms.recordings.tables import hold_files, holds

log = logging.getLogger(__name__)

FOLDER = "beket.holds"
FILE_MAX_BYTES = 16 * MIB
_SUFFIX = ".json"
_DIGITS_MAX = 15
_LIMIT = 1 << 62
_ROW = 1

_Number = Annotated[int, msgspec.Meta(ge=0, lt=_LIMIT)]
_Words = Annotated[str, msgspec.Meta(max_length=2000)]


class KeptHold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as people know it; only at the centre."""

    id: _Number
    start_90k: _Number
    end_90k: _Number
    reason: _Words
    case_number: _Words
    placed_by: _Words
    by_police: bool
    placed_at_s: _Number
    review_at_s: _Number
    released_at_s: _Number | None = None
    released_by: _Words = ""


class KeptSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Time of one camera that nothing may delete."""

    camera: _Words
    hold: _Number
    start_90k: _Number
    end_90k: _Number
    until_s: _Number | None = None


class KeptHolds(msgspec.Struct, frozen=True, kw_only=True):
    """All that is held, as of one version."""

    version: _Number
    holds: tuple[KeptHold, ...] = ()
    held: tuple[KeptSpan, ...] = ()


class HoldFiles:
    """The holds beside the recordings of one store; `note` inside each change of them, `settle` after it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._lock = threading.Lock()
        # Version that each disk has durably, as far as this process knows; and the one that all are to have.
        self._at: dict[int, int] = {}
        self._wanted: int | None = None

    def note(self, connection: sa.Connection) -> None:
        """In the transaction that changes what is held: give it a version, and put that on the disks first."""
        before = _version(connection)
        version = max(before, self._newest_version()) + 1
        self._wanted = None  # `settle` looks again, whether this is committed or not
        if connection.execute(sa.update(hold_files).values(version=version)).rowcount == 0:
            connection.execute(sa.insert(hold_files).values(id=_ROW, version=version))
        self._put(read(connection))

    def is_settled(self) -> bool:
        """Whether every disk that serves has what it is to have."""
        serving = [volume.id for volume in self._shelf.volumes if not volume.is_failing]
        return self._wanted is not None and all(self._at.get(one, 0) == self._wanted for one in serving)

    def settle(self, connection: sa.Connection) -> None:
        """Give the disks that lack the newest version theirs, and remove older ones. Never raises for a disk."""
        if self._wanted is None and self._newest_version() > _version(connection):
            self.note(connection)  # a version that was never committed must not win
        elif not _version(connection) and held.spans(connection):
            self.note(connection)  # of a release that had no files
        self._wanted = version = _version(connection)
        if not version:
            return
        self._look(version)
        self._put(read(connection))
        for volume in self._shelf.volumes:
            if self._at.get(volume.id) == version:
                _remove_older(volume.disk, version)

    def _newest_version(self) -> int:
        return max((one for volume in self._shelf.volumes for one in _versions(volume.disk)), default=0)

    def _look(self, version: int) -> None:
        """Which disks have this version already, from before this process."""
        for volume in self._shelf.volumes:
            if volume.id not in self._at and _read_file(volume.disk, version) is not None:
                self._at[volume.id] = version

    def _put(self, kept: KeptHolds) -> None:
        with self._lock:
            for volume in self._shelf.volumes:
                if volume.is_failing or self._at.get(volume.id) == kept.version:
                    continue
                try:
                    _write(volume, kept)
                    self._at[volume.id] = kept.version
                except BeketError as error:
                    level = level_number(error.handling.log_level)
                    log.log(level, "a disk has not taken the holds yet: %s", error.sentence().en)


def read(connection: sa.Connection) -> KeptHolds:
    """What is held, from the database; of holds also the newest, so that its number is never given again."""
    spans = held.spans(connection)
    newest = sa.select(sa.func.max(holds.c.id)).scalar_subquery()
    rows = connection.execute(
        sa.select(holds)
        .where(sa.or_(holds.c.id.in_({span.hold for span in spans}), holds.c.id == newest))
        .order_by(holds.c.id)
    )
    return KeptHolds(
        version=_version(connection),
        holds=tuple(KeptHold(**row._mapping) for row in rows),
        held=tuple(
            KeptSpan(camera=s.camera, hold=s.hold, start_90k=s.start_90k, end_90k=s.end_90k, until_s=s.until_s)
            for s in spans
        ),
    )


def put(connection: sa.Connection, kept: KeptHolds) -> None:
    """Make `kept` what is held, in a database that knows of no holds."""
    connection.execute(sa.delete(holds))
    for one in kept.holds:
        connection.execute(sa.insert(holds).values(msgspec.structs.asdict(one)))
    spans = [HeldSpan(CameraId(s.camera), s.hold, s.start_90k, s.end_90k, s.until_s) for s in kept.held]
    held.replace(connection, spans, {span.camera: index.camera_row(connection, span.camera) for span in spans})
    connection.execute(sa.delete(hold_files))
    connection.execute(sa.insert(hold_files).values(id=_ROW, version=kept.version))


def newest(disks: Sequence[Disk]) -> KeptHolds | None:
    """The holds of the highest version that lies whole on one of the disks; None when there is none."""
    found: list[KeptHolds] = []
    for disk in disks:
        for version in sorted(_versions(disk), reverse=True):
            if (kept := _read_file(disk, version)) is not None:
                found.append(kept)
                break
    return max(found, key=lambda kept: kept.version, default=None)


def _version(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(hold_files.c.version)).scalar() or 0)


def _name(version: int) -> str:
    return f"{FOLDER}/{version}{_SUFFIX}"


def _versions(disk: Disk) -> list[int]:
    try:
        bare = [name.removesuffix(_SUFFIX) for name in disk.names(FOLDER) if name.endswith(_SUFFIX)]
    except BeketError:
        return []
    return [int(one) for one in bare if one.isascii() and one.isdigit() and len(one) <= _DIGITS_MAX]


def encoded(kept: KeptHolds) -> bytes:
    """A file: the holds in one line, and the hash of that line in the next."""
    body = wire.encode(kept)
    return body + b"\n" + hashlib.sha256(body).hexdigest().encode() + b"\n"


def _write(volume: Volume, kept: KeptHolds) -> None:
    disk, name = volume.disk, _name(kept.version)
    disk.make_folder(FOLDER)
    disk.sync_folder("")
    # What a try before this one left; nobody counts on it.
    disk.unlink(name)
    file = disk.create(name)
    try:
        file.append(encoded(kept))
        file.sync()
    finally:
        file.close()
    disk.sync_folder(FOLDER)


def _remove_older(disk: Disk, version: int) -> None:
    for one in _versions(disk):
        if one < version:
            try:
                disk.unlink(_name(one))
            except BeketError:
                return


def _read_file(disk: Disk, version: int) -> KeptHolds | None:
    try:
        raw = disk.read(_name(version), 0, FILE_MAX_BYTES)
        body, _, rest = raw.partition(b"\n")
        if rest != hashlib.sha256(body).hexdigest().encode() + b"\n":
            return None
        kept = wire.decode(body, KeptHolds, max_bytes=FILE_MAX_BYTES)
    except (BeketError, ProtocolError):
        return None
    return kept if kept.version == version and all(is_slug(span.camera) for span in kept.held) else None
