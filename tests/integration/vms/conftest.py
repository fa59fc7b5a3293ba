"""Fixtures of the video room: a store over a real database and the disk a test asks for; a village seen live."""

import asyncio
import contextlib
import datetime
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.cameras.capture import Capture, Pace
from agents.uplink.budget import Budget
from agents.uplink.config import UplinkConfig
from agents.uplink.live import BACKOFF
from beket.access import tls
from beket.access.community_key import CommunityKey
from beket.access.permit import Grant, Scope
from beket.access.roles import Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.app import listen, web_agents, web_edge
from beket.app.wiring.agent_side import AgentFiles, connect, join, load_identity
from beket.app.wiring.live import SITE_MESSAGE_MAX_BYTES, Live
from beket.app.wiring.live_site import live_uplink
from beket.kernel.clock import SystemClock
from beket.kernel.database import Database
from beket.kernel.errors import NotFound
from beket.kernel.ids import CameraId, CommunityId, SiteId
from beket.kernel.inventory import AccessClass, Camera, Community, Inventory, Site
from beket.kernel.metrics import Instruments
from beket.kernel.ports import Fragment, GapReason, RunClocks, StreamFormat
from beket.kernel.secrets import Secret
from beket.kernel.supervise import keep_running
from beket.sim.camera import SimulatedCamera, SimulatedCameras
from beket.sim.scene import Scene
from beket.sim.street import COUNCIL_STREET
from beket.sim.traffic import VillageTraffic
from beket.testing.passwords import quick_passwords
from dashboards.web.session import COOKIE
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


GATE = CameraId("gate")
YARD = CameraId("yard")
COUNCIL = SiteId("council")
CLOCK = SystemClock()


class Nowhere:
    """A SegmentSink that keeps nothing but a count."""

    def __init__(self) -> None:
        self.writes = 0

    def start_run(
        self, camera: CameraId, stream: StreamFormat, *, start_90k: int, clocks: RunClocks | None = None
    ) -> None: ...

    def write(self, camera: CameraId, fragments: Sequence[Fragment]) -> None:
        self.writes += 1

    def end_run(self, camera: CameraId, *, reason: GapReason) -> None: ...

    def note_gap(self, camera: CameraId, *, reason: GapReason, start_90k: int) -> None: ...

    def sync(self) -> None: ...


class NoSecrets:
    """A SecretStore without secrets."""

    def get(self, name: str) -> Secret:
        raise NotFound(name)


@dataclass
class Known:
    """An InventoryView."""

    inventory: Inventory

    def current(self) -> Inventory:
        return self.inventory


@dataclass
class Village:
    """One simulated camera, a site agent that captures it and a centre, all on one loop over real TLS."""

    access: AccessStore
    known: Known
    live: Live
    camera: SimulatedCamera
    pages_port: int
    agents_port: int
    instruments: Instruments
    site_instruments: Instruments
    agent: "asyncio.Task[None]"
    start_agent: Callable[[], "asyncio.Task[None]"]

    def person(self, login: str, *, role: Role, cameras: Sequence[CameraId] = (), reason: str = "") -> str:
        """An account with a grant for live pictures; the cookie of its session."""
        now_at = datetime.datetime.now(datetime.UTC)
        user = self.access.users.create(login, name=login, role=role, password=None, by="test")
        if cameras:
            grant = Grant(
                number=f"G-{login}",
                actions=frozenset({Action.VIEW_LIVE}),
                scope=Scope(cameras=frozenset(cameras)),
                from_at=now_at - datetime.timedelta(hours=1),
                until_at=now_at + datetime.timedelta(hours=1),
            )
            self.access.users.grant(user.id, grant, by="test")
        token, session = self.access.sessions.open(user.id)
        if reason:
            self.access.sessions.state_reason(session.id, reason)
        return f"{COOKIE}={token.reveal()}"

    def number(self, name: str, instruments: Instruments | None = None) -> float:
        """The sum of one of the centre's own numbers, or of the site's."""
        return sum(p.value for p in (instruments or self.instruments).read(0) if p.name == name)

    def live_url(self, camera: str, query: str = "") -> str:
        """Where a browser connects."""
        return f"ws://127.0.0.1:{self.pages_port}/live/{camera}{query}"

    async def stop_agent(self) -> None:
        """The site goes away."""
        self.agent.cancel()
        await asyncio.gather(self.agent, return_exceptions=True)


@pytest.fixture
def village(tmp_path: Path) -> Callable[[], AbstractAsyncContextManager[Village]]:
    """Starts a village on the running loop."""

    @contextlib.asynccontextmanager
    async def start() -> AsyncIterator[Village]:
        async with contextlib.AsyncExitStack() as stack:
            camera = SimulatedCamera(Scene(COUNCIL_STREET, VillageTraffic(3)), clock=CLOCK)
            cameras = SimulatedCameras([camera])
            await _running(stack, cameras.run())
            await asyncio.wait_for(cameras.serving(), 10)
            known = Known(_inventory(camera.url))
            cert, key, pin = tls.server_files(tmp_path / "keys", ["127.0.0.1"])
            database = await asyncio.to_thread(open_access_db, tmp_path / "access.db")
            stack.callback(database.close)
            access = AccessStore(
                database,
                clock=CLOCK,
                boot_id="boot",
                community="dobrianka",
                community_key=CommunityKey.load_or_create(tmp_path / "keys" / "community.key"),
                pin=pin,
                passwords=quick_passwords(),
            )
            instruments = Instruments(site="centre", unit="centre")
            live = Live(access, known, clock=CLOCK, instruments=instruments)
            stack.push_async_callback(live.hub.close)
            agents_socket, pages_socket = (listen.bind("127.0.0.1", 0, place="test") for _ in range(2))
            stop = asyncio.Event()
            agents_app, pages_app = web_edge.new_app(), web_edge.new_app()
            authenticate = web_agents.authenticate_with(access.enrolment)
            agents_app.include_router(
                web_agents.router(access.enrolment, authenticate=authenticate, inventory_part=lambda _: (0, b""))
            )
            agents_app.include_router(live.agent_router(authenticate))
            pages_app.include_router(live.people_router())
            serving = [
                asyncio.create_task(
                    listen.serve(
                        agents_app, agents_socket, stop, tls=(cert, key), websocket_max_bytes=SITE_MESSAGE_MAX_BYTES
                    )
                ),
                asyncio.create_task(listen.serve(pages_app, pages_socket, stop)),
            ]
            stack.push_async_callback(asyncio.gather, *serving)
            stack.callback(stop.set)
            agents_port = agents_socket.getsockname()[1]
            site_instruments = Instruments(site=COUNCIL, unit="capture")
            line = access.enrolment.create_join_token(
                COUNCIL, centre_url=f"https://127.0.0.1:{agents_port}", by="test"
            ).text()
            await asyncio.to_thread(join, AgentFiles(tmp_path / "agent"), line.reveal(), clock=CLOCK)

            sink = Nowhere()

            def start_agent() -> "asyncio.Task[None]":
                return asyncio.create_task(_be_an_agent(tmp_path / "agent", known, site_instruments, sink))

            there = Village(
                access,
                known,
                live,
                camera,
                pages_socket.getsockname()[1],
                agents_port,
                instruments,
                site_instruments,
                start_agent(),
                start_agent,
            )
            stack.push_async_callback(there.stop_agent)
            async with asyncio.timeout(15):
                while not (sink.writes and there.number("live_connected_sites")):
                    await asyncio.sleep(0.02)
            yield there

    return start


async def _be_an_agent(data: Path, known: Known, instruments: Instruments, sink: Nowhere) -> None:
    identity = load_identity(AgentFiles(data))
    with connect(identity, UplinkConfig()) as centre:
        budget = Budget(rate_bps=100_000_000, burst_bytes=100_000, clock=CLOCK)
        uplink = live_uplink(identity, centre, clock=CLOCK, budget=budget, instruments=instruments, timeout_s=5)
        rng = random.Random(1)
        capture = Capture(sink=sink, secrets=NoSecrets(), clock=CLOCK, rng=rng, pace=Pace(tick_s=0.02), tap=uplink)
        capture.apply(known.current().cameras)
        async with asyncio.TaskGroup() as group:
            group.create_task(capture.run())
            group.create_task(keep_running("live", uplink.run_once, clock=CLOCK, rng=rng, backoff=BACKOFF))


async def _running(stack: contextlib.AsyncExitStack, work: Coroutine[object, object, None]) -> None:
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


def _inventory(url: str) -> Inventory:
    facts = {"purpose": "порядок на вулиці", "basis": "рішення 12", "retention_days": 7}
    return Inventory(
        version=1,
        community=Community(id=CommunityId("dobrianka"), name="Добрянка"),
        sites=(Site(id=COUNCIL, name="Сільрада", village="Добрянка"),),
        cameras=(
            Camera(id=GATE, site=COUNCIL, name="Брама", url=url, access=AccessClass.STREET, **facts),
            Camera(id=YARD, site=COUNCIL, name="Двір", url="rtsp://127.0.0.1:9/x", access=AccessClass.STREET, **facts),
        ),
    )
