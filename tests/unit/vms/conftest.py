"""Fixtures of the video room: a store over a real database and the disk a test asks for."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beket.kernel.database import Database
from beket.kernel.ids import CommunityId, SiteId
from vms.recordings.container import Origin
from vms.recordings.disk import Disk, PosixDisk
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS

ORIGIN = Origin(
    community=CommunityId("dobrianka"),
    site=SiteId("school"),
    boot_id="b1",
    software="0.1.0",
    clock_is_set=lambda: True,
)


@pytest.fixture
def make_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Makes a store; without arguments on a real folder. Called again with the same names it is a restart."""
    opened: list[Database] = []

    def make(
        *disks: Disk, name: str = "video", database_type: type[Database] = Database, floor_bytes: int = 0
    ) -> Store:
        while opened:
            opened.pop().close()
        folder = tmp_path / name
        if not disks:
            folder.mkdir(exist_ok=True)
            disks = (PosixDisk(folder),)
        opened.append(database_type(tmp_path / f"{name}.db", migrations=MIGRATIONS))
        return Store(opened[-1], *disks, origin=ORIGIN, free_floor_bytes=floor_bytes)

    yield make
    while opened:
        opened.pop().close()
