"""A router of the training community has its configuration copied; the IT person sees what a technician changed.

The router answers over real SSH, the centre and the site's agent are processes that know of it from the inventory
alone, the browser is real.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from agents.hosts.config import parse_ssh_address
from agents.hosts.listed import gear_of
from beket.app.demo.stage import Stage, join_agents, prepare
from beket.kernel.clock import SystemClock
from beket.kernel.ids import DeviceId, SiteId
from beket.sim.community import inventory
from beket.sim.places import MOHYLIV
from beket.sim.router_settings import TECHNICIAN, RouterSettings
from beket.sim.shell_server import ShellServer
from beket.testing.process import free_tcp_port, port_answers, running
from beket.testing.programs import find
from dashboards.web.entry import one_click_url

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.timeout(400)]

SITE = SiteId("starostat-novopidkriazh")
PATIENCE_MS = 90_000
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture
def village(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr("beket.sim.community.SSH_PORT", free_tcp_port())  # a demo may run beside
    clock = SystemClock()
    stage = prepare(tmp_path / "demo", MOHYLIV, clock=clock, light_line=tmp_path / "light", restic="", ports_skipped=40)
    ((device, access),) = stage.shells.items()
    known = inventory(MOHYLIV, shells=stage.shells).devices
    (router,) = (gear for one in known if (gear := gear_of(one)) is not None)
    assert router.device == device
    settings = RouterSettings(DeviceId(device), clock=clock, changes_after_s=5)
    server = ShellServer(password=access.password, host_key=access.host_key, answer=settings.answer)
    server.start(*parse_ssh_address(router.address))
    beket = [sys.executable, "-m", "beket"]
    with contextlib.ExitStack() as stack:
        stack.callback(server.close)
        pages = port_answers(stage.centre.pages.port)
        centre = [*beket, "centre", "--config", str(stage.centre_file)]
        stack.enter_context(running(centre, ready=pages, within_s=60))
        join_agents(stage, clock=clock)
        stack.enter_context(running([*beket, "agent", "--config", str(stage.agent_file(SITE))]))
        yield stage


@pytest.fixture
def page(village: Stage) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find("chromium")), args=CHROMIUM_ARGS)
        page = browser.new_context(locale="uk-UA", viewport={"width": 390, "height": 844}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(one_click_url(village.pages_url, "it"))
        yield page
        browser.close()


def test_it_person_sees_what_was_changed_from_the_page_of_copies_and_from_the_alert(
    village: Stage, page: Page, tmp_path: Path
) -> None:
    page.get_by_role("link", name="Копії").click()
    page.get_by_role("link", name="Налаштування пристроїв").click()
    expect(page.get_by_text("Змінено не пізніше")).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Що змінювали").click()
    expect(page.get_by_text("+add action=dst-nat")).to_be_visible()
    expect(page.get_by_text(TECHNICIAN)).to_be_visible()
    expect(page.get_by_text("перша копія")).to_be_visible()
    shown = page.content()
    assert "passphrase=•••" in shown
    assert "Hosti" not in shown
    page.screenshot(path=tmp_path / "changed.png", full_page=True)

    page.get_by_role("link", name="Тривоги", exact=True).click()
    page.get_by_role("link", name="Що саме змінили").click()
    expect(page.get_by_text("+add action=dst-nat")).to_be_visible()
    for folder in (village.folder / f"agent-{SITE}", village.folder / "centre"):
        for file in folder.rglob("*"):
            assert not file.is_file() or b"Hosti-gromady" not in file.read_bytes(), file
