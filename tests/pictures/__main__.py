"""Owns the pictures of the pages: a demo runs, a real browser enters as each role, and what it shows is saved.

`make pictures` renews those of the README in `dashboards/pictures`; `python -m tests.pictures --all DIR` saves every
page of each role at phone and desktop size, light and dark.
"""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from beket.testing.programs import find

README_FOLDER = Path("dashboards/pictures")
PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=800)
CHROMIUM_ARGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
DEMO_WARMS_S = 25
PICTURES_MOVE_S = 6
SITE = "school-tsybulkivka"
PAGES = {
    "head": ("/", "/wall", "/alerts", "/equipment", "/backups", "/lists", "/journal"),
    "deputy": ("/", "/wall", "/cameras/council-street"),
    "secretary": ("/", "/wall"),
    "starosta": ("/wall", "/alerts", "/cameras/novopidkriazh-street"),
    "school": ("/wall", "/alerts", "/equipment", "/lists"),
    "finance": ("/lists",),
    "it": ("/equipment", "/equipment/router-school", "/alerts", "/backups", "/lists", "/journal"),
    "police": ("/wall", "/alerts", "/cameras/council-street"),
    "police-wall": ("/wall",),
    "auditor": ("/journal",),
    "technician": ("/equipment",),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the README."""

    name: str
    login: str
    path: str
    size: ViewportSize
    is_dark: bool = False
    in_the_dark: bool = False  # while the light is off at one place


README_PICTURES = (
    Picture("wall-desktop", "deputy", "/wall?tiles=4", DESKTOP),
    Picture("overview-alert-desktop", "deputy", "/", DESKTOP, in_the_dark=True),
    Picture("wall-phone", "starosta", "/wall", PHONE),
    Picture("archive-phone", "starosta", "/cameras/novopidkriazh-street", PHONE, is_dark=True),
)


def main() -> None:
    """Save pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--all", type=Path, metavar="DIR", help="every role's pages, phone and desktop, light and dark")
    folder: Path | None = parser.parse_args().all
    with _demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(find("chromium")), args=CHROMIUM_ARGS)
        if folder:
            _everything(browser, address, folder)
        else:
            _of_the_readme(browser, address)
        browser.close()


def _of_the_readme(browser: Browser, address: str) -> None:
    README_FOLDER.mkdir(exist_ok=True)
    for picture in sorted(README_PICTURES, key=lambda one: one.in_the_dark):
        page = _enter(browser, address, picture.login, picture.size, is_dark=picture.is_dark)
        if picture.in_the_dark:
            _switch_off(page)
        _go(page, address + picture.path)
        page.wait_for_timeout(PICTURES_MOVE_S * 1000)
        page.screenshot(path=README_FOLDER / f"{picture.name}.jpg", type="jpeg", quality=82)
        page.context.close()


def _everything(browser: Browser, address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for login, paths in PAGES.items():
        for size, is_dark in ((PHONE, False), (DESKTOP, True), (PHONE, True), (DESKTOP, False)):
            page = _enter(browser, address, login, size, is_dark=is_dark)
            for path in paths:
                _go(page, address + path)
                page.wait_for_timeout(3000 if "/wall" in path or "/cameras" in path else 300)
                name = re.sub(r"\W+", "-", path).strip("-") or "first"
                look = f"{'phone' if size is PHONE else 'desktop'}-{'dark' if is_dark else 'light'}"
                page.screenshot(path=folder / f"{login}-{name}-{look}.png", full_page=True)
            page.context.close()


def _enter(browser: Browser, address: str, login: str, size: ViewportSize, *, is_dark: bool) -> Page:
    scheme = "dark" if is_dark else "light"
    context = browser.new_context(viewport=size, color_scheme=scheme, locale="uk-UA")
    page = context.new_page()
    _go(page, f"{address}/as/{login}")
    return page


def _go(page: Page, address: str) -> None:
    page.goto(address)
    if "/reason" in page.url:
        with page.expect_navigation():
            page.locator("button[name=ready]").first.click()


def _switch_off(page: Page) -> None:
    page.locator(f"form:has(input[value={SITE}]) button[value=off]").click()
    page.wait_for_selector("article.alert[data-state=firing]", timeout=20_000)


@contextlib.contextmanager
def _demo() -> Iterator[str]:
    """A running demo; gives the address of its pages."""
    with tempfile.TemporaryDirectory() as data:
        argv = [sys.executable, "-m", "beket", "demo", "--data", data]
        demo = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            assert demo.stdout is not None
            address = next(
                found[1] for line in demo.stdout if (found := re.search(r"(http://[0-9.:]+)/as/deputy", line))
            )
            time.sleep(DEMO_WARMS_S)
            yield address
        finally:
            demo.send_signal(signal.SIGINT)
            demo.communicate(timeout=30)


if __name__ == "__main__":
    main()
