import random
from collections.abc import Callable
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import Busy, Forbidden, InvalidArgument
from beket.kernel.ids import CameraId, CommunityId, SiteId, new_uuid
from beket.kernel.inventory import Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapInfo, GapReason
from beket.kernel.units import TICKS_PER_S
from beket.testing.crash_disk import CrashDisk, Operation
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from vms import ingest as ingest_module
from vms.ingest import DamagedSegment, Ingest
from vms.messages import GapReport, GapReports, SegmentOffer, SegmentState
from vms.recordings import index
from vms.recordings.check import check
from vms.recordings.disk import DiskFailure
from vms.recordings.findings import Progress
from vms.recordings.layout import SegmentKey
from vms.recordings.segments import StoredSegment, key_of
from vms.recordings.store import Store
from vms.recordings.writer import Recorder

GATE, FOREIGN = CameraId("gate"), CameraId("clinic-door")
SCHOOL, CLINIC = SiteId("school"), SiteId("clinic")


class FixedInventory:
    def current(self) -> Inventory:
        return Inventory(
            version=1,
            community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
            sites=tuple(Site(id=site, name=site, village="x") for site in (SCHOOL, CLINIC)),
            cameras=(
                Camera(id=GATE, site=SCHOOL, name="Ворота", url="rtsp://a/1"),
                Camera(id=FOREIGN, site=CLINIC, name="Двері", url="rtsp://a/2"),
            ),
        )


class Film(NamedTuple):
    """A segment as the edge has it."""

    segment: StoredSegment
    data: bytes

    @property
    def offer(self) -> SegmentOffer:
        return SegmentOffer(duration_90k=self.segment.duration_90k, sha256=self.segment.sha256.hex())

    @property
    def key(self) -> SegmentKey:
        return key_of(self.segment)


@pytest.fixture
def film(make_store: Callable[..., Store]) -> Film:
    return filmed(make_store(CrashDisk(), name="edge"))


def filmed(edge: Store, camera: CameraId = GATE) -> Film:
    recorder = Recorder(edge, clock=SimulatedClock(), instruments=Instruments(site="school"))
    recorder.start_run(camera, made_up_stream(), start_90k=DAY_90K)
    recorder.write(camera, made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=6))
    recorder.end_run(camera, reason=GapReason.LINK)
    assert recorder.close()
    with edge.database.read() as connection:
        (segment,) = index.page(connection, camera, after=None, limit=2)
    return Film(segment, edge.read(segment, 0, segment.size_bytes))


@pytest.fixture
def disk() -> CrashDisk:
    return CrashDisk()


@pytest.fixture
def centre(film: Film, make_store: Callable[..., Store], disk: CrashDisk) -> Store:
    # After `film`: the edge's store is closed by then.
    return make_store(disk, name="centre")


def ingest_of(centre: Store) -> Ingest:
    return Ingest(centre, FixedInventory(), instruments=Instruments(site="school"))


def send(ingest: Ingest, film: Film, start: int, end: int, *, data: bytes | None = None) -> SegmentState:
    data = film.data if data is None else data
    arrival = ingest.open(SCHOOL, film.key, film.offer, offset_bytes=start, total_bytes=len(film.data))
    try:
        for at in range(start, end, 1000):
            arrival.append(data[at : min(end, at + 1000)])
        return arrival.finish()
    finally:
        arrival.close()


def findings(store: Store) -> list[object]:
    return [found for found in check(store) if not isinstance(found, Progress)]


def test_a_segment_arrives_whole_and_is_indexed_as_it_was_recorded(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    assert ingest.state(SCHOOL, film.key) == SegmentState(offset_bytes=0)
    done = SegmentState(offset_bytes=len(film.data), sha256=film.segment.sha256.hex())
    assert send(ingest, film, 0, len(film.data)) == done
    assert ingest.state(SCHOOL, film.key) == done
    assert centre.find(film.key) == film.segment
    (stored,) = [found for found in [centre.find(film.key)] if found]
    assert centre.read(stored, 0, 1 << 30) == film.data
    assert findings(centre) == []
    with pytest.raises(Busy):
        send(ingest, film, 0, 10)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(0, 6000), max_size=4), forgets=st.booleans())
def test_a_segment_cut_anywhere_is_resumed_even_by_another_process(
    make_store: Callable[..., Store], cuts: list[int], forgets: bool
) -> None:
    film = filmed(make_store(CrashDisk(), name=f"edge{new_uuid()}"))
    centre = make_store(CrashDisk(), name=f"centre{new_uuid()}")
    ingest = ingest_of(centre)
    size = len(film.data)
    for cut in sorted(cuts):
        offset = ingest.state(SCHOOL, film.key).offset_bytes
        if cut < size:
            assert send(ingest, film, offset, max(offset, cut)) == SegmentState(offset_bytes=max(offset, cut))
        if forgets:
            ingest = ingest_of(centre)
    offset = ingest.state(SCHOOL, film.key).offset_bytes
    assert send(ingest, film, offset, size).sha256 == film.segment.sha256.hex()
    (stored,) = [found for found in [centre.find(film.key)] if found]
    assert centre.read(stored, 0, 1 << 30) == film.data


@pytest.mark.parametrize("resumed", [False, True])
def test_damaged_bytes_are_thrown_away_and_sent_again(centre: Store, film: Film, resumed: bool) -> None:
    ingest = ingest_of(centre)
    damaged = bytearray(film.data)
    damaged[-10] ^= 1
    size = len(film.data)
    if resumed:
        send(ingest, film, 0, 100)
    with pytest.raises(DamagedSegment):
        send(ingest, film, 100 if resumed else 0, size, data=bytes(damaged))
    assert ingest.state(SCHOOL, film.key) == SegmentState(offset_bytes=0)
    assert centre.find(film.key) is None
    assert findings(centre) == []
    assert send(ingest, film, 0, size).sha256


def test_a_segment_that_is_another_one_is_refused(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    other = SegmentKey(GATE, film.key.start_90k + 1, film.key.sequence)
    arrival = ingest.open(SCHOOL, other, film.offer, offset_bytes=0, total_bytes=len(film.data))
    arrival.append(film.data)
    with pytest.raises(DamagedSegment, match="another segment"):
        arrival.finish()
    arrival.close()
    wrong = SegmentOffer(duration_90k=film.offer.duration_90k + 1, sha256=film.offer.sha256)
    arrival = ingest.open(SCHOOL, film.key, wrong, offset_bytes=0, total_bytes=len(film.data))
    arrival.append(film.data)
    with pytest.raises(DamagedSegment, match="not whole"):
        arrival.finish()
    arrival.close()
    assert findings(centre) == []


def test_a_site_reaches_only_its_own_cameras(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    foreign = SegmentKey(FOREIGN, DAY_90K, 1)
    gap = GapReports(gaps=(GapReport(camera=FOREIGN, start_90k=1, end_90k=2, reason=GapReason.LINK),))
    for attempt in (
        lambda: ingest.state(SCHOOL, foreign),
        lambda: ingest.open(SCHOOL, foreign, film.offer, offset_bytes=0, total_bytes=10),
        lambda: ingest.state(SCHOOL, SegmentKey(CameraId("unknown"), 1, 1)),
        lambda: ingest.take_gaps(SCHOOL, gap),
    ):
        with pytest.raises(Forbidden):
            attempt()


def test_two_requests_cannot_send_one_segment_at_once(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    first = ingest.open(SCHOOL, film.key, film.offer, offset_bytes=0, total_bytes=len(film.data))
    with pytest.raises(Busy):
        ingest.open(SCHOOL, film.key, film.offer, offset_bytes=0, total_bytes=len(film.data))
    first.close()
    first.close()
    with pytest.raises(InvalidArgument):
        first.append(b"late")
    with pytest.raises(Busy):
        ingest.open(SCHOOL, film.key, film.offer, offset_bytes=7, total_bytes=len(film.data))
    assert send(ingest, film, 0, len(film.data)).sha256


def test_more_bytes_than_promised_are_refused(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    arrival = ingest.open(SCHOOL, film.key, film.offer, offset_bytes=0, total_bytes=len(film.data))
    with pytest.raises(InvalidArgument):
        arrival.append(film.data + b"x")
    arrival.close()
    for total_bytes in (0, 1 << 40):
        with pytest.raises(InvalidArgument):
            ingest.open(SCHOOL, film.key, film.offer, offset_bytes=0, total_bytes=total_bytes)


def test_another_offer_for_the_same_segment_begins_anew(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    send(ingest, film, 0, 500)
    changed = SegmentOffer(duration_90k=1, sha256="0" * 64)
    with pytest.raises(Busy):
        ingest.open(SCHOOL, film.key, changed, offset_bytes=500, total_bytes=len(film.data))
    assert ingest.state(SCHOOL, film.key) == SegmentState(offset_bytes=0)


def test_unfinished_arrivals_are_bounded(centre: Store, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "ARRIVALS_PER_CAMERA", 3)
    ingest = ingest_of(centre)
    keys = [SegmentKey(GATE, DAY_90K + number, number) for number in range(1, 6)]
    for key in keys:
        arrival = ingest.open(SCHOOL, key, film.offer, offset_bytes=0, total_bytes=len(film.data))
        arrival.append(b"12")
        arrival.close()
    assert [ingest.state(SCHOOL, key).offset_bytes for key in keys] == [0, 0, 2, 2, 2]
    assert findings(centre) == []


def test_an_announcement_without_a_file_is_resumed(centre: Store, disk: CrashDisk, film: Film) -> None:
    ingest = ingest_of(centre)
    send(ingest, film, 0, 500)
    disk.unlink(film.key.file_name)
    again = ingest_of(centre)
    assert again.state(SCHOOL, film.key).offset_bytes == 0
    assert send(again, film, 0, len(film.data)).sha256


def test_what_arrived_whole_before_a_crash_is_finished_by_an_empty_request(centre: Store, film: Film) -> None:
    arrival = ingest_of(centre).open(SCHOOL, film.key, film.offer, offset_bytes=0, total_bytes=len(film.data))
    arrival.append(film.data)
    arrival.close()
    again = ingest_of(centre)
    assert again.state(SCHOOL, film.key) == SegmentState(offset_bytes=len(film.data))
    assert send(again, film, len(film.data), len(film.data)).sha256 == film.segment.sha256.hex()


def test_a_segment_whose_sync_failed_is_not_believed(centre: Store, disk: CrashDisk, film: Film) -> None:
    def fail(operation: Operation) -> None:
        if operation.kind == "sync":
            raise DiskFailure("an I/O error")

    ingest = ingest_of(centre)
    disk.fail = fail
    with pytest.raises(DiskFailure):
        send(ingest, film, 0, len(film.data))
    disk.fail = lambda _operation: None
    assert centre.find(film.key) is None
    assert ingest.state(SCHOOL, film.key) == SegmentState(offset_bytes=0)
    assert send(ingest, film, 0, len(film.data)).sha256


def test_gaps_reach_the_ledger_and_their_ends_follow(centre: Store, film: Film) -> None:
    ingest = ingest_of(centre)
    begun = GapReport(camera=GATE, start_90k=DAY_90K, end_90k=None, reason=GapReason.POWER)
    ended = GapReport(camera=GATE, start_90k=DAY_90K, end_90k=DAY_90K + TICKS_PER_S, reason=GapReason.POWER)
    for report in (begun, ended, ended):
        ingest.take_gaps(SCHOOL, GapReports(gaps=(report,)))
    with centre.database.read() as connection:
        gaps = index.gaps_between(connection, GATE, 0, DAY_90K * 2)
    assert gaps == [GapInfo(GATE, DAY_90K, DAY_90K + TICKS_PER_S, GapReason.POWER)]
