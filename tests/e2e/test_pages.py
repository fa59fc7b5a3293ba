"""The pages in a real browser: people log in, see living pictures with their age, and play an earlier minute."""

import datetime
import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from beket.testing.process import wait_for
from tests.pages_centre import CAMERA, DESKTOP, DEVICE_PAGE, PASSWORD, PHONE, Centre, enter, wait_state, watched
from tests.pages_centre import browser as browser
from tests.pages_centre import centre as centre
from tests.pages_centre import errors as errors
from tests.pages_centre import page as page

pytestmark = pytest.mark.needs("chromium", "ffmpeg")


def test_deputy_logs_in_says_why_sees_living_pictures_and_plays_an_earlier_minute(
    page: Page, centre: Centre, errors: list[str]
) -> None:
    page.goto(centre.url)
    page.get_by_label("Логін").fill("deputy")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Увійти").click()
    expect(page.locator(".sentence")).to_contain_text("Працюють камери: 5\u00a0із\u00a06")
    page.get_by_role("link", name="Камери", exact=True).click()
    page.get_by_role("button", name="Щоденний огляд громади").click()
    assert page.locator(".tile").count() == 4
    wait_state(page, "live")
    video = page.locator(".tile video").first
    began = float(video.evaluate("v => v.currentTime"))
    page.wait_for_function("began => document.querySelector('.tile video').currentTime > began + 1", arg=began)
    assert video.evaluate("v => v.videoWidth") == 640
    assert float(page.locator(".tile").first.get_attribute("data-age-s") or "99") < 60
    assert "wall" in centre.live.watchers

    page.locator(".tile .open").first.click()
    wait_state(page, "live")
    assert "large" in centre.live.watchers
    wanted_at = centre.recorded_at + datetime.timedelta(seconds=20)
    page.get_by_label("Який час показати?").fill(wanted_at.isoformat(timespec="seconds"))
    page.get_by_role("button", name="Показати").click()
    wait_state(page, "works")
    page.wait_for_function("() => document.querySelector('#player video').currentTime > 1")
    length_s = float(page.locator("#player video").evaluate("v => v.duration"))
    assert 55 < length_s < 65
    before = page.locator("#player video").evaluate("v => v.currentTime")
    page.get_by_role("link", name="+10 с").click()
    page.wait_for_function("before => document.querySelector('#player video').currentTime > before + 9", arg=before)
    page.get_by_role("link", name="+1 хв").click()
    page.wait_for_function("() => document.querySelector('#player video').currentTime < 20")
    wait_state(page, "works")
    expect(page.locator(".gaps")).to_contain_text("немає світла")
    assert errors == []


def test_frozen_away_and_cut_pictures_say_so_and_come_back(page: Page, centre: Centre, errors: list[str]) -> None:
    enter(page, centre, "starosta", "/wall")
    wait_state(page, "live")
    centre.live.frozen = True
    wait_state(page, "frozen")
    expect(page.locator(".cover").first).to_contain_text(re.compile(r"ЗАВМЕРЛО \d\d:\d\d"))
    assert "grayscale" in page.locator(".tile video").first.evaluate("v => getComputedStyle(v).filter")
    expect(page.locator("#announcer")).to_contain_text("ЗАВМЕРЛО")
    centre.live.away = True
    wait_state(page, "away")
    expect(page.locator(".cover").first).to_have_text("Камера без світла.")
    assert page.locator(".tile video").first.evaluate("v => getComputedStyle(v).visibility") == "hidden"
    centre.live.away = centre.live.frozen = False
    wait_state(page, "live")
    assert errors == []


def test_open_page_of_facts_becomes_true_by_itself_and_says_when_it_cannot(page: Page, centre: Centre) -> None:
    enter(page, centre, "deputy", "/alerts")
    page.evaluate("document.querySelector('article.alert h3 span').textContent = 'Те, що було'")
    expect(page.locator("article.alert h3")).to_contain_text("Шкільне подвір’я")
    page.wait_for_event("response", lambda answer: answer.status == 304)
    expect(page.locator(".stale")).to_be_hidden()
    page.route("**/alerts", lambda route: route.abort())
    expect(page.locator(".stale")).to_be_visible()
    page.unroute("**/alerts")
    expect(page.locator(".stale")).to_be_hidden()


def test_hidden_tab_stops_its_pictures_and_a_returning_one_starts_them(page: Page, centre: Centre) -> None:
    enter(page, centre, "starosta", "/wall")
    wait_state(page, "live")
    hide = "is => { Object.defineProperty(document, 'hidden', {value: is, configurable: true}); document.dispatchEvent(new Event('visibilitychange')) }"  # noqa: E501
    page.evaluate(hide, True)
    wait_for(lambda: not centre.live.watchers, what="the end of every live look")
    wait_state(page, "paused")
    page.evaluate(hide, False)
    wait_state(page, "live")


def test_each_role_sees_its_page_on_phone_and_desktop_in_light_and_dark(
    browser: Browser, centre: Centre, errors: list[str]
) -> None:
    """With BEKET_SCREENSHOT_DIR the pictures are kept there."""
    folder = os.environ.get("BEKET_SCREENSHOT_DIR")
    looks: dict[str, tuple[str, ...]] = {
        "deputy": ("/", "/wall", f"/cameras/{CAMERA}", f"/cameras/{CAMERA}?at=5 хв тому", "/alerts"),
        "starosta": ("/wall",),
        "it": ("/equipment", DEVICE_PAGE),
        "police": ("/wall",),
        "auditor": ("/journal",),
        "finance": ("/lists",),
    }
    for name, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
        for login, places in looks.items():
            context = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
            page = watched(context, errors)
            enter(page, centre, login)
            for number, place in enumerate(places):
                page.goto(centre.url + place)
                if "/reason" in page.url:
                    with page.expect_navigation():
                        page.locator("button.choice").first.click()
                if page.locator(".tile").count():
                    wait_state(page, "works" if "at=" in place else "live")
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    if folder:
                        Path(folder).mkdir(parents=True, exist_ok=True)
                        page.screenshot(path=f"{folder}/{login}-{number}-{name}-{scheme}.png", full_page=True)
            context.close()
    assert errors == []
