"""Recordings travel from an edge store to a centre's over real HTTPS, through a line that breaks."""

import asyncio
import contextlib
import functools
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

from agents.uplink.budget import Budget
from agents.uplink.bulk import SegmentUploader
from agents.uplink.connection import CentreConnection
from agents.uplink.holds import HoldsWatch
from agents.uplink.seals import SealCourier
from beket.access.agent_key import AgentKey, Enrolled
from beket.access.messages import Challenge, SessionGrant
from beket.access.signing import SigningKey
from beket.access.tls import server_files
from beket.app.listen import bind, serve
from beket.app.web_edge import new_app
from beket.app.wiring.capture import keep_held
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, SimulatedClock, SystemClock
from beket.kernel.database import Database
from beket.kernel.errors import Forbidden, Unauthenticated, Unreachable
from beket.kernel.ids import AgentId, CameraId, CommunityId, SiteId
from beket.kernel.inventory import Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.kernel.ports import GapReason
from beket.kernel.units import KIB, TICKS_PER_S
from beket.testing.fragments import DAY_90K, made_up_fragments, made_up_stream
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy
from vms import web
from vms.hold_news import HoldNews
from vms.ingest import Ingest
from vms.recordings import index
from vms.recordings.age import AgeClock
from vms.recordings.backlog import Backlog
from vms.recordings.check import check
from vms.recordings.cleaner import Cleaner
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.findings import Fault, Finding, Progress
from vms.recordings.holds import Holds, Wanted
from vms.recordings.playback import Playback
from vms.recordings.sacrifice import Keeping
from vms.recordings.sealing import Sealer
from vms.recordings.segments import key_of
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder
from vms.seal_ingest import SealIngest

GATE, SCHOOL, DOBRIANKA = CameraId("gate"), SiteId("school"), CommunityId("dobrianka")


class FixedInventory:
    def current(self) -> Inventory:
        return Inventory(
            version=1,
            community=Community(id=DOBRIANKA, name="Добрянка"),
            sites=(Site(id=SCHOOL, name="Школа", village="Добрянка"),),
            cameras=(Camera(id=GATE, site=SCHOOL, name="Ворота", url="rtsp://a/1"),),
        )


class Principal:
    site = SCHOOL
    agent = AgentId("a1")


# The key that the site's agent enrolled with.
SITE_KEYS: dict[AgentId, str] = {}


async def authenticate(request: Request) -> Principal:
    if request.headers.get("authorization") != "Bearer t1":
        raise Unauthenticated("who?")
    return Principal()


async def authorize(request: Request, camera: str) -> None:
    if camera != GATE or request.headers.get("x-who") != "head":
        raise Forbidden("not for you")


def centre_app(store: Store, news: HoldNews) -> FastAPI:
    app = new_app()
    proved_ns = AgeClock(store, clock=SystemClock()).proved_ns
    app.include_router(web.holds_router(news, authenticate=authenticate, proved_ns=proved_ns))
    ingest = Ingest(store, FixedInventory(), instruments=Instruments(site=SCHOOL, unit="test"))
    app.include_router(web.agent_router(ingest, authenticate=authenticate))
    seals = SealIngest(store, FixedInventory(), clock=SystemClock(), instruments=Instruments(site=SCHOOL, unit="test"))
    app.include_router(web.seals_router(seals, authenticate=authenticate, key_of=SITE_KEYS.__getitem__))
    app.include_router(web.people_router(Playback(store), authorize=authorize))

    @app.post("/agent/v1/challenge")
    async def challenge() -> Any:
        return wire.to_builtins(Challenge(nonce="n1", life_s=60))

    @app.post("/agent/v1/session")
    async def session() -> Any:
        return wire.to_builtins(SessionGrant(token="t1", life_s=3600))

    return app


class Served:
    """An application on a thread of its own; `port` is where."""

    def __init__(self, app: FastAPI, tls: tuple[Path, Path]) -> None:
        sock = bind("127.0.0.1", 0, place="test")
        self.port = sock.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(serve(app, sock, self._stop, tls=tls),))
        self._thread.start()

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    def _run(self, serving: Any) -> None:
        self._loop.run_until_complete(serving)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())


def open_store(folder: Path) -> Iterator[Store]:
    (folder / "video").mkdir(parents=True)
    database = Database(folder / "video.db", migrations=MIGRATIONS)
    origin = Origin(DOBRIANKA, SCHOOL, "b1", "0.1.0", lambda: True)
    yield Store(database, PosixDisk(folder / "video"), origin=origin)
    database.close()


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Store]:
    yield from open_store(tmp_path / "edge")


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Store]:
    yield from open_store(tmp_path / "centre")


@pytest.fixture
def holds(centre: Store) -> Holds:
    clock = SimulatedClock(wall_ns=(DAY_90K // TICKS_PER_S + 3600) * NS_PER_S)
    return Holds(centre, clock=clock, budget_bytes=1 << 30)


@pytest.fixture
def news(holds: Holds) -> HoldNews:
    return HoldNews(holds, FixedInventory())


@pytest.fixture
def line(centre: Store, news: HoldNews, tmp_path: Path) -> Iterator[TcpProxy]:
    certificate, key, _ = server_files(tmp_path / "tls", ["127.0.0.1"])
    served = Served(centre_app(centre, news), (certificate, key))
    with tcp_proxy(served.port) as proxy:
        yield proxy
    served.end()


@pytest.fixture
def connect(line: TcpProxy, tmp_path: Path) -> Iterator[Callable[[], CentreConnection]]:
    made: list[CentreConnection] = []

    def make() -> CentreConnection:
        _, _, pin = server_files(tmp_path / "tls", ["127.0.0.1"])
        enrolled = Enrolled(
            agent=AgentId("a1"),
            site=SCHOOL,
            community=DOBRIANKA,
            centre_url=f"https://127.0.0.1:{line.port}",
            pin=pin,
            community_key="",
        )
        made.append(CentreConnection(AgentKey.load_or_create(tmp_path / "agent.key"), enrolled, timeout_s=10))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def uploader(edge: Store, connection: CentreConnection) -> SegmentUploader:
    clock = SystemClock()
    budget = Budget(rate_bps=60_000_000, burst_bytes=256 * KIB, clock=clock)
    return SegmentUploader(Backlog(edge, FixedInventory()), connection, budget=budget, clock=clock, put_bytes=256 * KIB)


def record(edge: Store, *, seconds: int, frame_bytes: int) -> None:
    recorder = Recorder(edge, clock=SystemClock(), instruments=Instruments(site=SCHOOL, unit="test"))
    sent = made_up_fragments(random.Random(1), start_90k=DAY_90K, seconds=seconds, frame_bytes=frame_bytes)
    recorder.start_run(GATE, made_up_stream(), start_90k=DAY_90K)
    recorder.write(GATE, sent)
    recorder.end_run(GATE, reason=GapReason.POWER)
    assert recorder.close()


def all_segments(store: Store) -> list[index.StoredSegment]:
    with store.database.read() as connection:
        return index.page(connection, GATE, after=None, limit=100)


def test_recordings_survive_a_line_that_breaks_and_arrive_as_they_were(
    edge: Store, centre: Store, line: TcpProxy, connect: Callable[[], CentreConnection]
) -> None:
    record(edge, seconds=90, frame_bytes=30_000)
    backlog = Backlog(edge, FixedInventory())
    sending = uploader(edge, connect())
    resets = 0

    def break_often() -> None:
        nonlocal resets
        for _ in range(10):
            threading.Event().wait(0.06)
            line.reset()
            resets += 1

    breaker = threading.Thread(target=break_often)
    breaker.start()
    while backlog.pending(1):
        with contextlib.suppress(Unreachable):
            sending.run_once()
    # The budget makes the journey longer than all the breaks together.
    assert resets == 10
    breaker.join()
    assert all_segments(centre) == all_segments(edge)
    for segment in all_segments(edge):
        arrived = centre.find(key_of(segment))
        assert arrived is not None
        assert centre.read(arrived, 0, 1 << 30) == edge.read(segment, 0, 1 << 30)
    assert [found for found in check(centre) if not isinstance(found, Progress)] == []
    here = Playback(centre).timeline(GATE, from_90k=DAY_90K, until_90k=DAY_90K + 120 * TICKS_PER_S)
    assert [hole.reason for hole in here.missing] == [GapReason.POWER]
    assert [span.end_90k - span.start_90k for span in here.recorded] == [90 * TICKS_PER_S]


def test_people_get_lists_and_copies_only_when_they_may(
    edge: Store, centre: Store, connect: Callable[[], CentreConnection]
) -> None:
    record(edge, seconds=45, frame_bytes=300)
    connection = connect()
    uploader(edge, connection).run_once()
    copy = "/cameras/gate/minute.mp4?at=2026-11-25T00:00:05Z&seconds=60"
    assert connection.request("GET", copy).status == 403
    assert connection.request("GET", copy.replace("gate", "yard"), headers={"X-Who": "head"}).status == 403
    reply = connection.request("GET", copy, headers={"X-Who": "head"})
    assert (reply.status, reply.headers["content-type"], reply.headers["beket-parts"]) == (200, "video/mp4", "1")
    assert reply.headers["beket-missing"] == "20261125T000045Z/20261125T000105Z power"
    assert reply.body.startswith(made_up_stream().init)
    span = "start_at=2026-11-25T00:00:00Z&end_at=2026-11-26T00:00:00Z"
    listed = connection.request("GET", f"/cameras/gate/recordings?{span}", headers={"X-Who": "head"})
    answer = wire.decode(listed.body, web.Listed)
    assert [(start, end) for start, end, *_ in answer.recorded] == [(DAY_90K, DAY_90K + 45 * TICKS_PER_S)]
    assert answer.missing == ((DAY_90K + 45 * TICKS_PER_S, DAY_90K + 86_400 * TICKS_PER_S, "power"),)
    for wrong in ("at=2026-11-25T00:00:05", "at=now", "at=2026-11-25T00:00:05Z&seconds=0", "at=2026-11-25T09:00:00Z"):
        refused = connection.request("GET", f"/cameras/gate/minute.mp4?{wrong}", headers={"X-Who": "head"})
        assert refused.status in (400, 404, 422)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Range": "bytes 0-9/10"},
        {"Content-Range": "bytes 5-4/10"},
        {"Content-Range": "bytes 0-99999999/100000000"},
        {"Content-Range": "bytes 0-9/10", "Beket-Segment": "{"},
        {"Content-Range": "bytes 0-3/4", "Beket-Segment": '{"duration_90k": 1, "sha256": "' + "0" * 64 + '"}'},
    ],
)
def test_senseless_requests_are_refused_and_leave_nothing(
    centre: Store, connect: Callable[[], CentreConnection], headers: dict[str, str]
) -> None:
    connection = connect()
    reply = connection.request("PUT", "/agent/v1/segments/gate/5-1", headers=headers, body=b"0123456789")
    assert 400 <= reply.status < 600
    assert connection.request("PUT", "/agent/v1/segments/../5-1", headers=headers, body=b"").status >= 400
    assert all_segments(centre) == []


def test_seals_travel_and_what_arrived_is_held_against_them(
    edge: Store, centre: Store, connect: Callable[[], CentreConnection], tmp_path: Path
) -> None:
    key = SigningKey.load_or_create(tmp_path / "site.key")
    SITE_KEYS[Principal.agent] = key.public
    record(edge, seconds=90, frame_bytes=500)
    Sealer(edge, key, clock=SystemClock()).seal_all()
    backlog, clock = Backlog(edge, FixedInventory()), SystemClock()
    budget = Budget(rate_bps=10**9, burst_bytes=10**9, clock=clock)
    courier = SealCourier(backlog, connect(), budget=budget, clock=clock)
    assert (courier.run_once(), courier.run_once()) == (1, 0)
    sending = uploader(edge, connect())
    while sending.run_once().segments:
        pass
    assert all_segments(centre) == all_segments(edge)

    def trusts(site: str, public_key: str) -> bool:
        return (site, public_key) == (SCHOOL, key.public)

    def faults() -> list[Fault]:
        return [
            one.fault
            for one in check(centre, rehash=False, is_complete=False, trusts=trusts)
            if isinstance(one, Finding)
        ]

    assert faults() == []
    # Somebody exchanges a recording at the centre, index and all: the site has signed another.
    victim = all_segments(centre)[2]
    centre.database.write(
        lambda c: c.exec_driver_sql("UPDATE segments SET sha256 = ? WHERE sequence = ?", (bytes(32), victim.sequence))
    )
    assert Fault.ALTERED in faults()


def test_a_site_believes_its_clock_again_when_the_centre_has_proved_the_same_time(
    edge: Store, centre: Store, connect: Callable[[], CentreConnection]
) -> None:
    clock = SimulatedClock(wall_ns=SystemClock().wall_ns() - 10 * 86_400 * NS_PER_S)
    age = AgeClock(edge, clock=clock)
    watch = HoldsWatch(connect(), functools.partial(keep_held, edge), hear_time=age.hear)
    age.look()
    clock.step_wall(10 * 86_400)  # ten days without power, or a clock that leapt: who knows?
    watch.run_once()
    assert age.look().ahead_ns > 0  # the centre has proved nothing yet
    AgeClock(centre, clock=SystemClock()).look()
    watch.run_once()
    assert age.look().ahead_ns == 0


def test_a_hold_placed_at_the_centre_saves_what_is_still_only_at_the_site(
    edge: Store, holds: Holds, news: HoldNews, connect: Callable[[], CentreConnection]
) -> None:
    record(edge, seconds=90, frame_bytes=2000)
    wanted = Wanted(
        cameras=(GATE,), start_90k=DAY_90K + 25 * TICKS_PER_S, end_90k=DAY_90K + 50 * TICKS_PER_S, reason="Крадіжка"
    )
    hold = holds.place(wanted, by="officer", by_police=True)
    watch = HoldsWatch(connect(), functools.partial(keep_held, edge))
    assert watch.run_once()
    assert news.unaware(hold) == [SCHOOL]
    assert not watch.run_once()
    assert news.unaware(hold) == []
    # A camera whose recordings stay at the site, long past its term, on a disk without room: all goes but what is held.
    keeping = {GATE: Keeping(1, needs_acknowledgement=False, has_copies=True)}
    later = SimulatedClock(wall_ns=(DAY_90K // TICKS_PER_S + 10 * 86_400) * NS_PER_S)
    instruments = Instruments(site=SCHOOL, unit="test")
    edge.shelf.floor_bytes = 1 << 60
    cleaned = Cleaner(edge, lambda: keeping, clock=later, instruments=instruments).run_once()
    assert [(one.start_90k - DAY_90K) // TICKS_PER_S for one in all_segments(edge)] == [20, 40]
    assert cleaned.short_bytes > 0
