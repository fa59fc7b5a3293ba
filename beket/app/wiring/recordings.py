"""Puts one recording store together, at a site or at the centre: disk, video.db, what a crash left. Blocking."""

import datetime
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import vms
from beket.app.machine import wall_clock_is_set
from beket.app.release import VERSION
from beket.kernel.clock import read_boot_id
from beket.kernel.database import Database
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import Inventory, Upload
from beket.kernel.ports import GapReason
from vms.config import RecordingsConfig
from vms.recordings.chain_check import Trust
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.findings import Finding
from vms.recordings.rebuild import Rebuilt, rebuild
from vms.recordings.rebuild_index import carry_holds, put_in_place, stand_alone
from vms.recordings.recovery import recover
from vms.recordings.sacrifice import Keeping
from vms.recordings.store import Store

MIGRATIONS = Path(vms.__path__[0]) / "migrations"
# The centre records nothing itself; what it keeps names its own site.
CENTRE = SiteId("centre")


@contextmanager
def look_into_recordings(
    config: RecordingsConfig, *, database: Path, community: CommunityId, site: SiteId = CENTRE
) -> Iterator[Store]:
    """The store as another process may be using it; `site` is whose recordings are made here.

    Raises:
        InvalidConfig: no folder is a disk that the index was written with.
    """
    index = Database(database, migrations=MIGRATIONS)
    origin = Origin(community, site, read_boot_id(), VERSION, wall_clock_is_set)
    try:
        for folder in config.folders:
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        disks = [PosixDisk(folder) for folder in config.folders]
        yield Store(index, *disks, origin=origin, free_floor_bytes=config.free_floor_bytes)
    finally:
        index.close()


@contextmanager
def rebuild_recordings(
    config: RecordingsConfig, *, database: Path, community: CommunityId, site: SiteId, trusts: Trust
) -> Iterator[Iterator[Finding | Rebuilt]]:
    """The steps of making the index anew; once all were taken, leaving the block puts it in the old one's place.

    Broken off, it leaves the old one where it was, and what is done to go on with.

    Raises:
        Busy: somebody uses the old one.
        InvalidConfig: the folder is no disk of this community.
    """
    stand_alone(database)
    fresh = Database(database.with_name(database.name + ".rebuild"), migrations=MIGRATIONS)
    origin = Origin(community, site, read_boot_id(), VERSION, wall_clock_is_set)
    disks = [PosixDisk(folder) for folder in config.folders]
    try:
        steps = rebuild(fresh, disks, origin=origin, is_edge=site != CENTRE, trusts=trusts)
        yield _then_holds(steps, fresh, database)
    finally:
        fresh.close()
    put_in_place(fresh.path, database, now_at=datetime.datetime.now(datetime.UTC))


def _then_holds(steps: Iterator[Finding | Rebuilt], fresh: Database, lost: Path) -> Iterator[Finding | Rebuilt]:
    made = Rebuilt()
    for step in steps:
        made = step if isinstance(step, Rebuilt) else made
        yield step
    made.held = fresh.write(lambda connection: carry_holds(connection, lost))
    yield made


@contextmanager
def open_recordings(
    config: RecordingsConfig,
    *,
    database: Path,
    community: CommunityId,
    site: SiteId = CENTRE,
    stopped: GapReason = GapReason.RESTART,
) -> Iterator[Store]:
    """The store for its one owner: whole again after a crash; `stopped` is why nothing was recorded until now."""
    with look_into_recordings(config, database=database, community=community, site=site) as store:
        recover(store, reason=stopped)
        if stopped is not GapReason.RESTART:
            # What ended well before an update said that it would be back.
            store.explain_open_gaps(before=GapReason.RESTART, after=stopped)
        yield store


def keeping_of(inventory: Inventory, *, edge: bool) -> Mapping[CameraId, Keeping]:
    """How long each camera's recordings stay here; at the edge what has not travelled yet is never deleted by age."""
    return {
        camera.id: Keeping(
            camera.retention_days,
            needs_acknowledgement=edge and camera.upload is Upload.ALWAYS,
            has_copies=edge,
        )
        for camera in inventory.cameras
        # Also one that may record no longer: what it recorded goes when its term is over.
        if camera.retention_days > 0
    }
