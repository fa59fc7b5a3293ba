"""A centre whose pages are looked at in a real browser: fixtures and what a person does there.

The centre's own pages, doors and recordings run here in one process; live pictures come from a small stand-in that
speaks the live protocol with a rendered film, so that a test can freeze it, take the camera away or cut the line.
A test module imports the fixtures by name.
"""

import asyncio
import contextlib
import dataclasses
import datetime
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import Depends, WebSocket
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from starlette.websockets import WebSocketDisconnect

from agents.computers.windows_output import parse_windows
from beket.access.community_key import CommunityKey
from beket.access.permit import Grant, Scope
from beket.access.roles import Action, Role
from beket.access.store import AccessStore, open_access_db
from beket.app import listen, web_edge, web_people
from beket.app.wiring.computers import computers_view
from beket.kernel import wire
from beket.kernel.clock import SystemClock, utc
from beket.kernel.database import Database
from beket.kernel.ids import AgentId, CameraId, CommunityId, SiteId
from beket.kernel.inventory import Inventory
from beket.kernel.metrics import Instruments, Point
from beket.kernel.ports import Fragment, GapReason
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.kernel.units import TICKS_PER_S, ns_to_90k
from beket.media.fmp4.reader import read_format
from beket.media.rtp.parameter_sets import codec_string
from beket.sim.community import inventory
from beket.sim.computers import COMPUTERS
from beket.sim.places import MOHYLIV
from beket.testing.access_units import take_apart
from beket.testing.footage import rendered
from beket.testing.fragments import film_fragments, film_stream
from beket.testing.passwords import quick_passwords
from beket.testing.process import wait_for
from beket.testing.programs import find
from collector.assets.config import ComputersConfig
from collector.assets.store import ComputerStore
from collector.assets.view import ComputersView
from collector.inventory.tables import FACTS_MIGRATIONS
from dashboards.web import pages
from dashboards.web.entry import entry_url
from dashboards.web.ports import AlertLine, Parts, Sees
from tests.unit.dashboards.test_device_page import WORDY, wordy_book, wordy_points
from vms import web as vms_web
from vms.recordings.container import Origin
from vms.recordings.disk import PosixDisk
from vms.recordings.playback import Playback
from vms.recordings.store import Store
from vms.recordings.tables import MIGRATIONS
from vms.recordings.writer import Recorder

expect.set_options(timeout=30_000)  # a busy machine is slow, not wrong

PASSWORD = "вода-камінь-дорога-9"
CAMERA = "council-street"
DEVICE_PAGE = f"/equipment/{WORDY}"
RECORDED_S = 300  # “five minutes ago” stays inside however slow the machine is
RECORDED_AGO_S = 400
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1366, "height": 768}
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Known:
    def current(self) -> Inventory:
        return inventory(MOHYLIV)


class Samples:
    """All works but one camera, which is silent."""

    def latest(self, since_ns: int) -> Sequence[Point]:
        known, now_ns = inventory(MOHYLIV), SystemClock().wall_ns()
        up = [("camera_up_ratio", "camera", c) for c in known.cameras]
        up += [("device_up_ratio", "device", d) for d in known.devices]  # type: ignore[misc]
        return [
            Point(name, (("site", thing.site), (label, thing.id)), now_ns, float(thing.id != "school-yard"))
            for name, label, thing in up
        ] + wordy_points(now_ns)


def alerts(sees: Sees) -> list[AlertLine]:
    line = AlertLine(
        title=say("Камера «Шкільне подвір’я» не відповідає", "Camera “School yard” is silent"),
        what=say("Камера мовчить уже 6 хвилин.", "The camera has been silent for 6 minutes."),
        why=say("Порт комутатора, до якого її під’єднано, вимкнувся.", "Its switch port went down."),
        todo=say("Перевірте кабель біля щитка.", "Check the cable at the box."),
        call=say("ІТ громади", "The community’s IT"),
        is_firing=True,
        since_wall_ns=SystemClock().wall_ns() - 360 * 10**9,
        ended_wall_ns=None,
    )
    return [line] if sees(SiteId("school-tsybulkivka")) else []


class LiveStandIn:
    """Speaks the live protocol of the centre: start, init, batches with the wall time; away when told."""

    def __init__(self, film_init: bytes, fragments: list[Fragment], size: tuple[int, int]) -> None:
        self.away = False
        self.frozen = False
        self.watchers: list[str] = []
        self._init = film_init
        self._fragments = fragments
        codec = codec_string(read_format(film_init))
        start = {"type": "start", "mime": f'video/mp4; codecs="{codec}"', "width": size[0], "height": size[1]}
        self._start = json.dumps(start)

    async def serve(self, socket: WebSocket, mode: str) -> None:
        self.watchers.append(mode)
        try:
            await self._show(socket)
        except (WebSocketDisconnect, RuntimeError):
            return
        finally:
            self.watchers.remove(mode)

    async def _show(self, socket: WebSocket) -> None:
        at, is_started = 0, False
        while True:
            if self.away:
                await socket.send_text(json.dumps({"type": "away", "uk": "Камера без світла.", "en": "No power."}))
                is_started = False
            elif not self.frozen:
                if not is_started:
                    await socket.send_text(self._start)
                    await socket.send_bytes(self._init)
                    at, is_started = 0, True
                batch = b"".join(self._fragments[(at + n) % len(self._fragments)].data for n in range(2))
                moment_90k = ns_to_90k(SystemClock().wall_ns())
                await socket.send_bytes(moment_90k.to_bytes(8, "big") + batch)
                at += 2
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(socket.receive_text(), 0.2)


@dataclasses.dataclass
class Centre:
    url: str
    access: AccessStore
    live: LiveStandIn
    recorded_at: datetime.datetime


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    folder = tmp_path_factory.mktemp("centre")
    film = take_apart(rendered(folder).file, folder)
    stream = film_stream(film)
    clock = SystemClock()
    with contextlib.ExitStack() as stack:
        access = _access(folder, stack)
        database = Database(folder / "video.db", migrations=MIGRATIONS)
        stack.callback(database.close)
        (folder / "video").mkdir()
        origin = Origin(CommunityId("mohyliv"), SiteId("centre"), "b1", "0.1.0", lambda: True)
        store = Store(database, PosixDisk(folder / "video"), origin=origin)
        recorded_90k = ns_to_90k(clock.wall_ns()) - RECORDED_AGO_S * TICKS_PER_S
        recorder = Recorder(store, clock=clock, instruments=Instruments(site="centre"))
        recorder.start_run(CameraId(CAMERA), stream, start_90k=recorded_90k)
        for frame in _repeated(film_fragments(film, start_90k=0), recorded_90k, seconds=RECORDED_S):
            recorder.write(CameraId(CAMERA), [frame])
        recorder.end_run(CameraId(CAMERA), reason=GapReason.POWER)
        assert recorder.close()
        live = LiveStandIn(stream.init, film_fragments(film, start_90k=0), (stream.width, stream.height))
        url = stack.enter_context(_serving(access, Playback(store), live, _computers(stack, folder, clock), clock))
        yield Centre(url, access, live, utc(recorded_90k * 100_000 // 9))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(find("chromium")), args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def errors() -> list[str]:
    """What the browser's console complained of."""
    return []


@pytest.fixture
def page(browser: Browser, centre: Centre, errors: list[str]) -> Iterator[Page]:
    centre.live.away = centre.live.frozen = False
    context = browser.new_context(viewport=DESKTOP, locale="uk-UA")
    yield watched(context, errors)
    context.close()


def watched(context: BrowserContext, errors: list[str]) -> Page:
    page = context.new_page()
    page.on("console", lambda message: errors.append(message.text) if _is_complaint(message) else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return page


def _is_complaint(message: ConsoleMessage) -> bool:
    """Whether the browser complains of the page; of one that is left before its pictures came it always does."""
    return message.type in ("error", "warning") and "closed before the connection is established" not in message.text


def enter(page: Page, centre: Centre, login: str, onward: str = "/") -> None:
    """By a one-time link, as the demo does."""
    page.goto(entry_url(centre.access, centre.access.users.find(login).id, pages_url=centre.url, onward=onward))
    if "/reason" in page.url:
        with page.expect_navigation():
            page.locator("button.choice").first.click()


def wait_state(page: Page, state: str, *, of: str = ".tile", within_ms: int = 60_000) -> None:
    expect(page.locator(of).first).to_have_attribute("data-state", state, timeout=within_ms)


def _repeated(film: list[Fragment], start_90k: int, *, seconds: int) -> Iterator[Fragment]:
    """The film again and again, in one decode time."""
    step_90k = film[0].duration_90k
    for number in range(seconds * TICKS_PER_S // step_90k):
        frame = film[number % len(film)]
        data = bytearray(frame.data)
        data[60:68] = (number * step_90k).to_bytes(8, "big")
        yield dataclasses.replace(frame, data=bytes(data), start_90k=start_90k + number * step_90k)


def _access(folder: Path, stack: contextlib.ExitStack) -> AccessStore:
    database = open_access_db(folder / "access.db")
    stack.callback(database.close)
    key = CommunityKey.load_or_create(folder / "community.key")
    store = AccessStore(
        database,
        clock=SystemClock(),
        boot_id="boot",
        community="mohyliv",
        community_key=key,
        pin="0" * 64,
        passwords=quick_passwords(),
    )
    now_at = store.time.now_at()
    scopes = {
        "starosta": Scope(cameras=frozenset({CameraId(CAMERA)}), sites=frozenset({SiteId("council-mohyliv")})),
        "deputy": Scope(everywhere=True, cameras=frozenset(camera.id for camera in inventory(MOHYLIV).cameras)),
        "police": Scope(everywhere=True),
    }
    for role in (Role.DEPUTY, Role.STAROSTA, Role.IT, Role.POLICE, Role.AUDITOR, Role.FINANCE):
        user = store.users.create(
            role.value, name=f"Олена {role.value}", role=role, password=Secret(PASSWORD), by="test"
        )
        if role.value in scopes:
            grant = Grant(
                number=f"G-{role.value}",
                actions=frozenset({Action.SEE_STATUS, Action.VIEW_LIVE, Action.VIEW_ARCHIVE}),
                scope=scopes[role.value],
                from_at=now_at - datetime.timedelta(days=1),
                until_at=now_at + datetime.timedelta(days=1),
                archive_days=30,
            )
            store.users.grant(user.id, grant, by="test")
    return store


def _computers(stack: contextlib.ExitStack, folder: Path, clock: SystemClock) -> ComputersView:
    """The training community's computers, as they told of themselves."""
    facts = Database(folder / "facts.db", migrations=FACTS_MIGRATIONS)
    stack.callback(facts.close)
    store = ComputerStore(facts, clock=clock)
    for computer in COMPUTERS:
        store.take(computer.site, AgentId(computer.name.lower()), wire.encode(parse_windows(computer.recording())))
    return computers_view(ComputersConfig(), store, Known(), clock=clock)


@contextlib.contextmanager
def _serving(
    access: AccessStore, playback: Playback, live: LiveStandIn, computers: ComputersView, clock: SystemClock
) -> Iterator[str]:
    app = web_edge.new_app()
    parts = Parts(
        access=access,
        inventory=Known(),
        archive=playback,
        samples=Samples(),
        clock=clock,
        camera_up="camera_up_ratio",
        device_up="device_up_ratio",
        alerts=alerts,
        computers=computers,
        devices=wordy_book(clock.wall_ns()),
        training=True,
    )
    app.include_router(pages.router(parts))
    app.include_router(web_people.router(access))
    archive = web_people.archive_guard(access, Known())
    app.include_router(vms_web.people_router(playback, authorize=archive))

    @app.websocket("/live/{camera}", dependencies=[Depends(web_people.live_guard(access, Known()))])
    async def door(socket: WebSocket, camera: str, mode: str) -> None:
        await socket.accept()
        await live.serve(socket, mode)

    sock = listen.bind("127.0.0.1", 0, place="pages.port")
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        stop = asyncio.Event()
        ready.append((asyncio.get_running_loop(), stop))
        await listen.serve(app, sock, stop)

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    wait_for(lambda: bool(ready))
    loop, stop = ready[0]
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        sock.close()
