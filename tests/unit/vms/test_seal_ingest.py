"""What the centre takes of sites' seals, and what it says of those that do not hold."""

import contextlib
import dataclasses
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.access.signing import SigningKey
from beket.kernel.clock import NS_PER_S, SimulatedClock
from beket.kernel.errors import BeketError, Forbidden, InvalidArgument, ProtocolError
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.testing.crash_disk import CrashDisk
from tests.hostile import damaged
from tests.unit.vms.test_sealing import DAY_NS, GATE, listed, record, seals
from vms import metrics
from vms.recordings import index
from vms.recordings.backlog import Backlog
from vms.recordings.chain_check import ChainCheck
from vms.recordings.findings import Fault
from vms.recordings.sealing import Sealer
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.seal_ingest import SealIngest

SCHOOL, COUNCIL = SiteId("school"), SiteId("council")
ROUNDS = 4
MakeStore = Callable[..., Store]


class Known:
    """An InventoryView."""

    def current(self) -> Inventory:
        return Inventory(
            version=1,
            community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
            sites=tuple(Site(id=site, name=site, village="Добрянка") for site in (SCHOOL, COUNCIL)),
            cameras=(
                Camera(id=GATE, site=SCHOOL, name="Ворота", url="rtsp://a/1"),
                Camera(id=CameraId("hall"), site=COUNCIL, name="Зала", url="rtsp://a/2"),
            ),
        )


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey.load_or_create(tmp_path / "site.key")


@dataclasses.dataclass
class Centre:
    """A centre with all that a site has recorded but its seals, which are at hand."""

    store: Store
    disk: CrashDisk
    ingest: SealIngest
    instruments: Instruments
    key: SigningKey
    lines: list[bytes]

    def take(self, *numbers: int) -> None:
        for number in numbers:
            self.ingest.take(SCHOOL, self.key.public, GATE, self.lines[number - 1])

    def odd(self) -> list[str]:
        points = self.instruments.read(0)
        return [dict(p.labels)["reason"] for p in points if p.name == metrics.ODD_SEALS.name]

    def faults(self) -> list[tuple[str, Fault]]:
        """What the check says of the seals and of what they name."""
        chain = ChainCheck(self.store, GATE, lambda *its: its == (SCHOOL, self.key.public), is_complete=False)
        for segment in listed(self.store):
            chain.take(segment)
        return [(found.name, found.fault) for found in chain.findings()]


@pytest.fixture
def centre(make_store: MakeStore, key: SigningKey) -> Centre:
    site = make_store(CrashDisk())
    for at in range(ROUNDS):
        record(site, seed=at, at_s=200 * at)
        Sealer(site, key, clock=SimulatedClock(wall_ns=DAY_NS)).seal_all()
    backlog = Backlog(site, Known())
    lines = [backlog.read_seal(seal) for seal in backlog.unsent_seals(100)]
    recorded = listed(site)
    disk, instruments = CrashDisk(), Instruments(site="centre")
    store = make_store(disk, name="centre")
    store.database.write(lambda c: [add(c, one) for one in recorded])
    clock = SimulatedClock(wall_ns=DAY_NS + NS_PER_S)
    return Centre(
        store, disk, SealIngest(store, Known(), clock=clock, instruments=instruments), instruments, key, lines
    )


def add(connection: object, segment: StoredSegment) -> None:
    index.add_segment(connection, dataclasses.replace(segment, disk=1), acknowledged=True)  # type: ignore[arg-type]


def test_a_sites_seals_are_kept_as_they_were_signed_and_what_arrived_is_held_against_them(centre: Centre) -> None:
    centre.take(1, 2, 3, 4)
    assert [one.seal.number for one in seals(centre.disk)] == [1, 2, 3, 4]
    assert all(one.is_genuine for one in seals(centre.disk))
    assert (centre.odd(), centre.faults()) == ([], [])


def test_a_recording_that_comes_before_its_seal_is_no_finding(centre: Centre) -> None:
    centre.take(1, 2)
    assert centre.faults() == []


def test_a_seal_that_comes_twice_is_kept_once(centre: Centre) -> None:
    centre.take(1, 2, 2, 2, 3)
    assert [one.seal.number for one in seals(centre.disk)] == [1, 2, 3]
    assert centre.odd() == []


def test_a_centre_that_hears_of_a_site_late_begins_with_what_it_is_sent(centre: Centre) -> None:
    centre.take(2, 3, 4)
    assert (centre.odd(), centre.faults()) == ([], [])


def test_a_seal_that_never_came_is_counted_and_named(centre: Centre) -> None:
    centre.take(1, 3, 4)
    assert centre.odd() == ["gap"]
    assert centre.faults() == [("beket.ledger/gate#2", Fault.LOST_SEAL)]


def test_what_arrived_is_not_what_was_signed(centre: Centre) -> None:
    victim = listed(centre.store)[1]
    with centre.store.database.read() as connection:
        (disk,) = index.known_disks(connection)
    changed = dataclasses.replace(victim, sha256=bytes(32), disk=disk)
    centre.store.database.write(
        lambda c: c.exec_driver_sql("DELETE FROM segments WHERE sequence = ?", (victim.sequence,))
    )
    centre.store.database.write(lambda c: index.add_segment(c, changed, acknowledged=True))
    centre.take(1, 2, 3, 4)
    assert centre.odd() == ["altered"]
    assert (key_of(victim).file_name, Fault.ALTERED) in centre.faults()


def test_history_signed_anew_does_not_take_the_place_of_what_is_here(
    make_store: MakeStore, centre: Centre, tmp_path: Path
) -> None:
    centre.take(1, 2, 3)
    before = seals(centre.disk)
    site = make_store(CrashDisk(), name="liar")
    record(site, seed=99)
    Sealer(site, centre.key, clock=SimulatedClock(wall_ns=DAY_NS)).seal_all()
    backlog = Backlog(site, Known())
    (other,) = [backlog.read_seal(seal) for seal in backlog.unsent_seals(9)]
    store = make_store(centre.disk, name="centre")
    again = SealIngest(store, Known(), clock=SimulatedClock(), instruments=centre.instruments)
    again.take(SCHOOL, centre.key.public, GATE, other)
    assert centre.odd() == ["repeated"]
    assert seals(centre.disk) == before


def test_what_is_not_this_sites_own_is_refused(centre: Centre, tmp_path: Path) -> None:
    stranger = SigningKey.load_or_create(tmp_path / "stranger.key").public
    line = centre.lines[0]
    with pytest.raises(Forbidden):
        centre.ingest.take(COUNCIL, centre.key.public, GATE, line)
    with pytest.raises(InvalidArgument):
        centre.ingest.take(COUNCIL, centre.key.public, CameraId("hall"), line)
    with pytest.raises(InvalidArgument):
        centre.ingest.take(SCHOOL, stranger, GATE, line)
    with pytest.raises(InvalidArgument):
        centre.ingest.take(SCHOOL, centre.key.public, GATE, line.replace(b'"site":"school"', b'"site":"schooL"'))
    with pytest.raises(ProtocolError):
        centre.ingest.take(SCHOOL, centre.key.public, GATE, b"{}")
    assert seals(centre.disk) == []
    assert set(centre.odd()) == {"forged"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 2**32))
def test_hostile_bytes_are_refused_with_an_error_of_ours_and_leave_nothing(centre: Centre, seed: int) -> None:
    data = damaged(random.Random(seed), centre.lines)
    if data not in centre.lines:
        with contextlib.suppress(BeketError):
            centre.ingest.take(SCHOOL, centre.key.public, GATE, data)
        assert all(one.is_genuine for one in seals(centre.disk))
