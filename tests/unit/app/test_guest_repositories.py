"""What a neighbour community keeps here has an allowance, is walked by night, and never passes for a host of ours."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from backup import metrics
from backup.repository import accounts
from backup.repository.accounts import Suspension
from backup.repository.config import RepositoriesConfig, ServiceConfig
from backup.repository.freshness import Shelf
from backup.repository.keyring import Holder, Keyring
from backup.repository.ledger import Ledger
from backup.repository.overview import contents_of
from backup.repository.rounds import walk_on
from backup.repository.service import Service
from backup.repository.walk import used_below
from beket.app.wiring.repositories import Repositories
from beket.kernel.clock import SimulatedClock
from beket.kernel.metrics import Instruments
from beket.kernel.secrets import Secret
from beket.kernel.units import GIB

GUEST, HOST = "sosidy", "council-1a2b3c4d"


class Place:
    """A centre's repositories: one of a host, and whatever a guest puts below its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ledger, self.clock = folder / "repositories", Ledger(folder / "r.db"), SimulatedClock()
        nobody = None  # no restic is started here
        keyring = Keyring(self.folder, folder, nobody, self.ledger, self.clock, asyncio.Lock())  # type: ignore[arg-type]
        self.service = Service(keyring, folder / "accounts", folder / "crt", 1, lambda _: None)
        self.instruments = Instruments(site="centre", unit="centre")
        self.config = RepositoriesConfig(folder=self.folder, service=ServiceConfig(guest_quota_gib=10 / GIB))
        self.put(HOST, "config", 2)
        self.ledger.add_host(HOST, "council", wall_ns=0)
        self.ledger.set_credential(HOST, accounts.hashed(Secret("h")))
        self.ledger.keep_key(HOST, "k", Holder.CENTRE, wall_ns=0)
        self.service.admit_guest(GUEST, address="centre")
        self.repositories = Repositories(self.config, self.ledger, self.service, self.instruments, clock=self.clock)

    def put(self, owner: str, name: str, size_bytes: int) -> None:
        """A file below an owner's folder."""
        file = self.folder / owner / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size_bytes)

    def measure(self) -> dict[tuple[str, str], float]:
        """Measure everything once; every sample by name and agent."""
        for host in self.repositories.hosts():
            self.repositories._measure_one(host)
        for guest in self.ledger.guests():
            self.repositories._measure_guest(guest)
        self.repositories._look()
        return {(one.name, dict(one.labels).get("agent", "")): one.value for one in self.instruments.read(0)}

    def let_in(self) -> set[str]:
        """Whose logins the server takes."""
        return {line.partition(":")[0] for line in self.service.accounts_file.read_text().splitlines()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.ledger.close()


def test_guest_that_has_used_up_its_allowance_is_let_in_no_longer_and_hosts_are(place: Place) -> None:
    assert place.let_in() == {GUEST, HOST}
    place.put(GUEST, "council-9/data/ab/cd", 6)
    assert place.measure()[metrics.REPOSITORY_QUOTA.name, GUEST] == pytest.approx(0.6)
    # Whatever the names are, and where: none of these is a file of a repository.
    place.put(GUEST, "a/b/c/d/e", 3)
    place.put(GUEST, "data/zz/no-hash", 2)
    shown = place.measure()
    assert (shown[metrics.REPOSITORY_QUOTA.name, GUEST], shown[metrics.REPOSITORY_BYTES.name, GUEST]) == (1.1, 11)
    assert place.let_in() == {HOST}
    assert {one.host: one.suspended for one in place.ledger.hosts()}[GUEST] == Suspension.QUOTA
    (place.folder / GUEST / "a/b/c/d/e").unlink()
    place.measure()
    assert place.let_in() == {GUEST, HOST}


def test_guest_with_a_repository_right_in_its_folder_is_no_host_of_ours(place: Place) -> None:
    for name in ("config", "keys/1", "council-9/config"):
        place.put(GUEST, name, 1)
    assert place.repositories.hosts() == [HOST]
    place.measure()
    assert place.ledger.kept_here() == {HOST}
    assert set(contents_of(place.folder, place.ledger, Shelf(), wall_ns=0)) == {HOST}
    assert place.repositories.guest_repositories() == [f"{GUEST}/council-9"]


def test_damage_of_what_a_guest_keeps_is_found_without_a_key(place: Place) -> None:
    name = f"{GUEST}/council-9"
    place.put(GUEST, "council-9/config", 1)
    assert place.measure()[metrics.REPOSITORY_DAMAGED.name, name] == 0
    place.put(GUEST, f"council-9/snapshots/{'a' * 64}", 9)
    later_ns = 4_000_000_000 * 10**9
    walk_on(place.folder, name, place.ledger, None, wall_ns=later_ns)
    assert place.measure()[metrics.REPOSITORY_DAMAGED.name, name] == 1


def test_links_and_missing_folders_weigh_nothing(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 5000)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "up").symlink_to(tmp_path)
    assert used_below(tmp_path / "mine") < 1000
    assert used_below(tmp_path / "none") == 0
