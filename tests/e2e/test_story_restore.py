"""Somebody who has never seen the page brings back a deleted file, and prints the act of the last drill.

The village is the demo's, its centre and the council's agent are processes, the browser is real. The person reads what
stands on the page and clicks; no address is typed but the first.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect, sync_playwright

from backup.training import LOST as MISSING
from beket.app.demo.stage import BACKED_UP, DOCUMENTS, PLAN_NAME, Stage, join_agents, prepare
from beket.kernel.clock import SystemClock
from beket.sim.places import MOHYLIV
from beket.testing.process import port_answers, running
from beket.testing.programs import find
from dashboards.web.entry import one_click_url

pytestmark = [pytest.mark.needs("chromium", "restic", "rclone"), pytest.mark.timeout(400)]

CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PATIENCE_MS = 90_000
SCREENS = (ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844))
# Buttons that lie on one another, are too small for a thumb, or stand beside the screen.
AWKWARD = """() => {
  const shown = [...document.querySelectorAll("main .button, main button, .print a")].filter((one) => one.offsetParent);
  const boxes = shown.map((one) => [one.textContent.trim(), one.getBoundingClientRect()]);
  const found = boxes.filter(([, box]) => box.height < 43.5 || box.right > innerWidth + 1).map(([name]) => name);
  boxes.forEach(([name, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
    if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
      found.push(`${name} / ${other}`);
  }));
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push("wider than the screen");
  return found;
}"""
LOST = f"{next(iter(DOCUMENTS))}.txt"


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder, clock = tmp_path_factory.mktemp("village"), SystemClock()
    restic = str(find("restic"))
    stage = prepare(folder / "demo", MOHYLIV, clock=clock, light_line=folder / "light", restic=restic, ports_skipped=70)
    beket = [sys.executable, "-m", "beket"]
    with contextlib.ExitStack() as stack:
        pages = port_answers(stage.centre.pages.port)
        centre = [*beket, "centre", "--config", str(stage.centre_file)]
        stack.enter_context(running(centre, ready=pages, within_s=60))
        join_agents(stage, clock=clock)
        stack.enter_context(running([*beket, "agent", "--config", str(stage.agent_file(BACKED_UP))]))
        yield stage


@pytest.fixture(params=SCREENS, ids=lambda screen: "phone" if screen["width"] < 500 else "desktop")
def page(village: Stage, request: pytest.FixtureRequest) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find("chromium")), args=CHROMIUM_ARGS)
        page = browser.new_context(locale="uk-UA", viewport=request.param).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(one_click_url(village.pages_url, "head"))
        yield page
        browser.close()


def test_newcomer_brings_a_deleted_file_back_and_prints_the_act(village: Stage, page: Page, tmp_path: Path) -> None:
    lost = village.folder / "documents" / LOST
    content = lost.read_bytes()

    def look(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        assert page.evaluate(AWKWARD) == [], name

    page.get_by_role("link", name="Копії").click()
    expect(page.get_by_text(f"{PLAN_NAME}: остання копія — сьогодні")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("відновлення перевірено сьогодні")).to_be_visible(timeout=PATIENCE_MS)
    look("backups")
    lost.unlink()

    page.get_by_role("link", name="Знайти й повернути файл").first.click()
    page.get_by_label("Або своїми словами").fill("Видалили бюджет")
    page.get_by_role("button", name="Далі").click()
    expect(page.get_by_text("Крок 1 із 3")).to_be_visible()
    look("snapshots")
    page.locator(".places a.button").first.click()
    expect(page.get_by_text("Крок 2 із 3")).to_be_visible()
    look("folder")
    page.get_by_role("link", name=f"На місце {LOST}").click()
    expect(page.get_by_text("Крок 3 із 3. Нічого не зітреться")).to_be_visible()
    look("back")
    page.get_by_role("button", name="Повернути", exact=False).first.click()
    expect(page.get_by_text("Готово: повернуто.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(str(lost), exact=True)).to_be_visible()
    assert lost.read_bytes() == content
    look("done")
    expect(page.get_by_text("Голова громади.")).to_be_visible()  # who asked, by name
    page.get_by_role("link", name="Повернути ще один файл").click()
    expect(page.get_by_role("link", name=f"На місце {LOST}")).to_be_visible()

    page.get_by_role("link", name="Копії", exact=True).click()
    page.get_by_role("link", name="Історія").first.click()
    expect(page.get_by_text("Що повертали на місце")).to_be_visible()
    look("history")
    page.get_by_role("link", name="Усі копії").click()
    page.get_by_role("link", name="Акти перевірок відновлення").first.click()
    page.get_by_role("link", name="Акт №").first.click()
    expect(page.get_by_text("ВІДНОВЛЕННЯ ПІДТВЕРДЖЕНО")).to_be_visible()
    for words in ("перевірки відновлення з резервної копії", PLAN_NAME, "канарка", "RTO", "Керівник установи"):
        expect(page.get_by_text(words, exact=False).first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.verdict')).borderTopStyle") == "solid"
    look("act")
    page.go_back()
    look("acts")
    page.go_forward()
    sheet = tmp_path / "akt.pdf"
    page.pdf(path=sheet, format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", sheet.read_bytes())) == 1
    text = _text_of(sheet)
    assert text is None or "АКТ" in text
    page.emulate_media(media="print")
    page.screenshot(path=tmp_path / "akt.png", full_page=True)


def test_newcomer_practises_first_on_invented_documents(page: Page, tmp_path: Path) -> None:
    page.get_by_role("link", name="Копії").click()
    page.get_by_role("link", name="Потренуватися повертати файл").click()
    page.screenshot(path=tmp_path / "practice.png")
    page.get_by_role("button", name="Почати").click()
    expect(page.get_by_text("нічого справжнього ви тут не зіпсуєте")).to_be_visible()
    page.locator(".places a.button").first.click()
    page.get_by_role("link", name=f"На місце {MISSING}").click()
    page.get_by_role("button", name="Повернути", exact=False).first.click()
    expect(page.get_by_text("Ви впоралися")).to_be_visible()
    page.screenshot(path=tmp_path / "solved.png")


def _text_of(sheet: Path) -> str | None:
    reader = find("pdftotext")
    if reader is None:
        return None
    return subprocess.run([reader, sheet, "-"], capture_output=True, text=True, check=True, timeout=60).stdout
