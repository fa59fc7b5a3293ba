"""One access.db on a simulated clock, with cheap password hashes."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from beket.access.community_key import CommunityKey
from beket.access.passwords import Passwords
from beket.access.store import AccessStore, open_access_db
from beket.kernel.clock import SimulatedClock
from beket.kernel.database import Database
from beket.testing.passwords import quick_passwords

NOON_NS = 1_795_608_000_000_000_000  # 2026-11-25 12:00 UTC


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    return quick_passwords()


@pytest.fixture
def clock() -> SimulatedClock:
    return SimulatedClock(wall_ns=NOON_NS, mono_ns=1_000_000_000)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("access") / "access.db"
    open_access_db(path).close()
    return path


@pytest.fixture
def database(tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    shutil.copy(empty_file, tmp_path / "access.db")  # migrating anew for each test would take most of the time
    database = open_access_db(tmp_path / "access.db")
    yield database
    database.close()


@pytest.fixture
def open_store(tmp_path: Path, database: Database, passwords: Passwords) -> Callable[..., AccessStore]:
    """Build the store over the same file again, as after a restart of the process or of the machine."""

    def build(clock: SimulatedClock, *, boot_id: str = "boot-1") -> AccessStore:
        return AccessStore(
            database,
            clock=clock,
            boot_id=boot_id,
            community="mohyliv",
            community_key=CommunityKey.load_or_create(tmp_path / "keys" / "community.key"),
            pin="ab" * 32,
            passwords=passwords,
        )

    return build


@pytest.fixture
def store(open_store: Callable[..., AccessStore], clock: SimulatedClock) -> AccessStore:
    return open_store(clock)
