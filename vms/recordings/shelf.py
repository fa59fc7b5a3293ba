"""Owns the disks of a store: where a new segment goes, and what a disk costs that fails or is away.

Disks of any sizes fill in proportion to their room, and once all are full the oldest segment goes wherever it lies, so
the archive is as long as one disk of the sum would make it. One lost disk costs what lies on it and nothing else.
Blocking; safe from any thread. Note: vms/design/0024-several-disks.md.
"""

import logging
import threading
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field

from beket.kernel.database import Database
from beket.kernel.errors import BeketError, InvalidConfig, NotFound
from beket.kernel.ids import CommunityId
from beket.kernel.logs import level_number
from beket.kernel.text import say
from vms.recordings import index
from vms.recordings.disk import Disk, DiskFailure, GrowingFile, prove_identity
from vms.recordings.layout import SegmentKey

log = logging.getLogger(__name__)

PROBE_NAME, PROBE = "beket-probe", b"beket"


class DiskAway(DiskFailure):
    """What is asked for lies on a disk that is not attached."""


@dataclass(slots=True, eq=False)
class Volume:
    """One disk that is here.

    Attributes:
        id: its number in the index.
        is_failing: it refused something; nothing new goes to it while another disk is sound.
        folders: those whose names are durable.
        credit: what it is owed of the next segments, in segments.
    """

    id: int
    uuid: str
    disk: Disk
    file_system: str
    is_failing: bool = False
    credit: float = 0
    folders: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def create(self, key: SegmentKey, head: bytes = b"") -> GrowingFile:
        """Make the segment's file with its head, durable by name.

        Raises:
            NoSpace, DiskFailure: what may lie there is garbage.
        """
        with self.lock:
            try:
                self._make_folders(key)
                file = self.disk.create(key.file_name)
            except NotFound as error:
                self.folders.clear()
                raise DiskFailure(
                    say("Зникла тека із записами.", "A folder of recordings has vanished."), subject=key.folder
                ) from error
        with ExitStack() as undo:
            undo.callback(file.close)
            if head:
                # Not synced: without its frames a head is worth nothing, and with them it is synced.
                file.append(head)
            self.disk.sync_folder(key.folder)
            undo.pop_all()
        return file

    def remove_empty(self, folders: Iterable[str]) -> None:
        """Remove the hours' folders that have become empty, and then their days'."""
        with self.lock:
            for hour in folders:
                for folder in (hour, hour.rpartition("/")[0]):
                    if self.disk.remove_folder(folder):
                        self.folders.discard(folder)

    def _make_folders(self, key: SegmentKey) -> None:
        folder = ""
        for part in key.folder.split("/"):
            parent, folder = folder, f"{folder}/{part}".lstrip("/")
            if folder not in self.folders:
                # Synced even when it was there: the process that made it may have died before its own sync.
                self.disk.make_folder(folder)
                self.disk.sync_folder(parent)
                self.folders.add(folder)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one disk stands.

    Attributes:
        name: its folder; of a disk that is not here its UUID, which stands in its label.
        free_bytes: None when it is away or fails.
        segments, size_bytes: what the index knows to lie there.
        refusal: why a folder of the configuration is not used.
    """

    name: str
    free_bytes: int | None
    segments: int = 0
    size_bytes: int = 0
    refusal: BeketError | None = None


class Shelf:
    """The disks of one store.

    Attributes:
        floor_bytes: what new segments leave free on each disk while another one has room.
    """

    def __init__(
        self, database: Database, disks: Sequence[Disk], *, community: CommunityId, floor_bytes: int = 0
    ) -> None:
        """Recognise the disks; what is not here, or not ours, is left out and looked at again by `look_again`.

        Raises:
            InvalidConfig, DiskFailure: there is none to record on; the reason of the first.
        """
        self._database = database
        self._community = community
        self.floor_bytes = floor_bytes
        self._lock = threading.Lock()
        self._volumes: tuple[Volume, ...] = ()
        self._refused: list[tuple[Disk, BeketError]] = []
        with database.read() as connection:
            is_first_start = not index.known_disks(connection)
        for disk in disks:
            try:
                self._volumes += (self._join(disk, is_first_start=is_first_start),)
            except BeketError as error:
                log.log(level_number(error.handling.log_level), "a recording disk is left out: %s", error.sentence().en)
                self._refused.append((disk, error))
        if not self._volumes:
            raise self._refused[0][1]

    # What is here -----------------------------------------------------------------------------------------------------

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """The disks that were recognised, also those that fail."""
        return self._volumes

    def volume(self, disk_id: int) -> Volume:
        """The disk with this number.

        Raises:
            DiskAway: it is not here.
        """
        for volume in self._volumes:
            if volume.id == disk_id:
                return volume
        raise _away()

    def is_here(self, disk_id: int) -> bool:
        """Whether the disk with this number was recognised."""
        return any(volume.id == disk_id for volume in self._volumes)

    def has_room(self) -> bool:
        """Whether some sound disk is above its floor."""
        return any(free_bytes > self.floor_bytes for free_bytes in self._free_of_sound().values())

    def of_no_use(self) -> Collection[int]:
        """Numbers of the disks where deleting frees nothing now: away or failing."""
        with self._database.read() as connection:
            known = index.known_disks(connection)
        return known.keys() - {volume.id for volume in self._free_of_sound()}

    def count_troubled(self) -> int:
        """How many of the disks that should be here are away or fail."""
        return len(self._refused) + len(self._volumes) - len(self._free_of_sound())

    def note_failure(self, disk_id: int) -> None:
        """The disk refused something: new segments go elsewhere until it serves again."""
        for volume in self._volumes:
            if volume.id == disk_id and not volume.is_failing:
                log.error("the recording disk %s fails; recording goes on elsewhere if it can", volume.uuid)
                volume.is_failing = True

    def look_again(self) -> list[Volume]:
        """Try the disks that failed or were not here; return those that have come: they may need recovery."""
        for volume in self._volumes:
            if volume.is_failing and serves(volume, self._community):
                volume.is_failing = False
                log.warning("the recording disk %s serves again", volume.uuid)
        joined: list[Volume] = []
        for refused in list(self._refused):
            with suppress(BeketError):
                volume = self._join(refused[0], is_first_start=False)
                self._refused.remove(refused)
                self._volumes += (volume,)
                joined.append(volume)
                log.warning("the recording disk %s has come", volume.uuid)
        return joined

    def standing(self) -> list[Standing]:
        """How each disk that was ever in use stands; one that is away and empty is no disk of ours any more."""
        with self._database.read() as connection:
            known, held = index.known_disks(connection), index.held_by_disk(connection)
        free = {volume.id: free_bytes for volume, free_bytes in self._free_of_sound().items()}
        names = {volume.id: volume.disk.name() for volume in self._volumes}
        found = [
            Standing(names.get(number, uuid), free.get(number), *held.get(number, (0, 0)))
            for number, uuid in known.items()
            if number in names or number in held
        ]
        return found + [Standing(disk.name(), None, refusal=error) for disk, error in self._refused]

    # Placing ----------------------------------------------------------------------------------------------------------

    def place(self) -> list[Volume]:
        """Disks for a new segment, the best first.

        Each gets its share by its room above the floor; when none has any, the emptiest. Failing ones come last, for
        they may be all there is; one that is not mounted any more is not tried.

        Raises:
            DiskAway: none is mounted.
        """
        with self._lock:
            free = self._free_of_sound()
            rooms = {volume: max(0, free_bytes - self.floor_bytes) for volume, free_bytes in free.items()}
            all_bytes = sum(rooms.values())
            for volume, room_bytes in rooms.items():
                volume.credit += room_bytes / all_bytes if all_bytes else 0
            order = sorted(
                free,
                key=lambda volume: (rooms[volume] > 0, volume.credit if rooms[volume] else 0, free[volume]),
                reverse=True,
            )
            if all_bytes:
                order[0].credit -= 1
            order += [volume for volume in self._volumes if volume not in free and _is_mounted(volume)]
        if not order:
            raise _away()
        return order

    def room_bytes(self) -> int:
        """How much may still be written to the best sound disk before its floor; negative when it is below.

        0 when no disk is sound: then deleting would help nobody.
        """
        return max(self._free_of_sound().values(), default=self.floor_bytes) - self.floor_bytes

    def room_of_all_bytes(self) -> int:
        """How much may still be written to all sound disks before their floors."""
        return sum(free_bytes - self.floor_bytes for free_bytes in self._free_of_sound().values())

    def free_bytes(self) -> int | None:
        """Free bytes of all sound disks; None when none is sound."""
        free = self._free_of_sound()
        return sum(free.values()) if free else None

    # Parts ------------------------------------------------------------------------------------------------------------

    def _free_of_sound(self) -> dict[Volume, int]:
        free: dict[Volume, int] = {}
        for volume in self._volumes:
            if not volume.is_failing and not _is_mounted(volume):
                self.note_failure(volume.id)
            if not volume.is_failing:
                try:
                    free[volume] = volume.disk.free_bytes()
                except BeketError:
                    self.note_failure(volume.id)
        return free

    def _join(self, disk: Disk, *, is_first_start: bool) -> Volume:
        file_system = disk.file_system()
        if any(volume.file_system == file_system for volume in self._volumes):
            raise InvalidConfig(
                say(
                    "Дві теки із записами лежать на одному диску: другий диск не змонтовано?",
                    "Two recording folders lie on one disk: is the second disk not mounted?",
                ),
                hint=say(
                    "Кожна тека в [recordings] має бути на своєму диску.",
                    "Each folder in [recordings] needs a disk of its own.",
                ),
            )
        with self._database.read() as connection:
            known = index.known_disks(connection)
        # An empty folder of the system's own disk may be where a disk is not mounted.
        may_begin = is_first_start or file_system != ""
        uuid = prove_identity(disk, self._community, known=known.values(), may_begin=may_begin)
        number = next((number for number, its in known.items() if its == uuid), None)
        if number is None:
            number = self._database.write(lambda connection: index.add_disk(connection, uuid))
        return Volume(number, uuid, disk, file_system)


def _is_mounted(volume: Volume) -> bool:
    """Whether the folder is still on the disk that was recognised, not on the one below its mount point."""
    try:
        return volume.disk.file_system() == volume.file_system
    except BeketError:
        return False


def _away() -> DiskAway:
    return DiskAway(
        say("Диск із записами не під'єднано.", "The disk with the recordings is not attached."),
        hint=say("Під'єднайте його: записи з'являться самі.", "Attach it: the recordings come back by themselves."),
    )


def serves(volume: Volume, community: CommunityId) -> bool:
    """Whether a disk that failed is itself and makes a small file durable; it may have been mounted anew."""
    disk = volume.disk
    try:
        prove_identity(disk, community, known=[volume.uuid], may_begin=False)
        disk.unlink(PROBE_NAME)
        file = disk.create(PROBE_NAME)
        try:
            file.append(PROBE)
            file.sync()
        finally:
            file.close()
        is_kept = disk.read(PROBE_NAME, 0, 2 * len(PROBE)) == PROBE
        disk.unlink(PROBE_NAME)
        with volume.lock:
            volume.file_system = disk.file_system()
            volume.folders.clear()
    except BeketError:
        return False
    return is_kept
