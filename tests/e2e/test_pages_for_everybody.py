"""The pages for everybody: an old browser, no script, a keyboard alone, a small screen, weak eyes, a thin line."""

import datetime
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from beket.testing.process import wait_for
from tests.pages_centre import CAMERA, DESKTOP, DEVICE_PAGE, PASSWORD, PHONE, Centre, enter, wait_state, watched
from tests.pages_centre import browser as browser
from tests.pages_centre import centre as centre
from tests.pages_centre import errors as errors
from tests.pages_centre import page as page

pytestmark = pytest.mark.needs("chromium", "ffmpeg")
FIRST_SCREEN_MAX_BYTES = 150_000


def test_browser_without_live_video_gets_a_sentence_and_the_file(browser: Browser, centre: Centre) -> None:
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource")
    enter(page, centre, "deputy", f"/cameras/{CAMERA}")
    wait_state(page, "cannot")
    expect(page.locator(".cover").first).to_have_text("Цей браузер не показує живе відео.")
    expect(page.locator("a.instead")).to_have_attribute(
        "href", re.compile(r"^/cameras/council-street/minute\.mp4\?at=")
    )
    context.close()


def test_pages_work_without_a_script(browser: Browser, centre: Centre) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{centre.url}/cameras/{CAMERA}")
    page.get_by_label("Логін").fill("deputy")
    page.get_by_label("Пароль").fill(PASSWORD)
    page.get_by_role("button", name="Увійти").click()
    page.get_by_role("button", name="Звернення мешканця").click()
    assert page.url == f"{centre.url}/cameras/{CAMERA}"
    page.get_by_label("Який час показати?").fill("5 хв тому")
    page.get_by_role("button", name="Показати").click()
    assert "minute.mp4" in (page.locator("video.plain").get_attribute("src") or "")
    page.get_by_role("button", name="Вийти").click()
    assert page.url == f"{centre.url}/login"
    context.close()


def test_everything_is_reached_by_keyboard_with_a_visible_focus(page: Page, centre: Centre, errors: list[str]) -> None:
    enter(page, centre, "deputy")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    steps = _tab_to(page, "a[href='/wall']")
    assert steps < 10
    page.keyboard.press("Enter")
    page.wait_for_url("**/reason**")
    _tab_to(page, "button.choice")
    page.keyboard.press("Enter")
    page.wait_for_url("**/wall")
    _tab_to(page, ".tile .open")
    outline = page.evaluate(
        "(() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth })()"
    )
    assert outline == "solid4px"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement === document.querySelectorAll('.tile .open')[1]")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cameras/{CAMERA}")
    _tab_to(page, "#at")
    page.keyboard.type((centre.recorded_at + datetime.timedelta(seconds=70)).isoformat(timespec="seconds"))
    page.keyboard.press("Enter")
    page.wait_for_url("**at=**")
    wait_state(page, "works")
    page.locator("#player").focus()
    page.keyboard.press(" ")
    wait_state(page, "paused")
    page.keyboard.press("Shift+ArrowLeft")
    wait_state(page, "works")
    page.keyboard.press("Home")
    page.wait_for_url(f"**/cameras/{CAMERA}")
    assert errors == []


def _tab_to(page: Page, selector: str) -> int:
    for step in range(40):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return step
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


PLACES = (
    "/", "/wall", f"/cameras/{CAMERA}", "/alerts", "/equipment", DEVICE_PAGE, "/lists", "/lists/computers",
    "/lists/computers/write-off", "/journal", "/reason",
)  # fmt: skip


@pytest.mark.parametrize("width", [390, 195], ids=["phone", "phone at 200 %"])
def test_phone_never_scrolls_sideways_and_targets_are_large(
    browser: Browser, centre: Centre, width: int, errors: list[str]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = watched(context, errors)
    enter(page, centre, "deputy")
    for place in PLACES:
        page.goto(centre.url + place)
        if "/reason" in page.url and place != "/reason":
            with page.expect_navigation():
                page.locator("button.choice").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
        small = page.evaluate(_SMALL_TARGETS)
        assert small == [], place
    assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "18px"
    assert errors == []
    context.close()


# A link within a sentence is exempt (WCAG 2.5.5, inline).
_SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), summary')]
  .filter(e => e.getClientRects().length && !e.closest('p, .note, .unseen, .skip'))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, r]) => r.height < 43.5 || r.width < 30).map(([h, r]) => `${h} ${r.width}x${r.height}`)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(browser: Browser, centre: Centre, scheme: str) -> None:
    context = browser.new_context(viewport=DESKTOP, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    enter(page, centre, "deputy")
    for place in PLACES:
        page.goto(centre.url + place)
        if "/reason" in page.url and place != "/reason":
            with page.expect_navigation():
                page.locator("button.choice").first.click()
        assert page.evaluate(_FAINT_WORDS) == [], place
    context.close()


# Contrast of WCAG 1.4.3 (4.5 : 1) of each element with words of its own against the nearest painted ground.
_FAINT_WORDS = """() => {
  const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = c => { const [r, g, b] = rgb(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 }); return .2126 * r + .7152 * g + .0722 * b };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c } return 'rgb(255,255,255)' };
  return [...document.querySelectorAll('body *')].filter(e => e.getClientRects().length && !e.closest('svg, .cover, .unseen, .skip') && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => { const a = light(getComputedStyle(e).color), b = light(ground(e)); return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05), e.outerHTML.slice(0, 90)] })
    .filter(([ratio]) => ratio < 4.5) }"""  # noqa: E501


@pytest.mark.parametrize("place", ["/login", "/", "/wall"])
def test_first_screen_weighs_little(browser: Browser, centre: Centre, place: str) -> None:
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    if place != "/login":
        enter(page, centre, "deputy", place)
    context.clear_cookies(name="none")
    sizes: list[int] = []
    fresh = context.new_page()
    session = context.new_cdp_session(fresh)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    fresh.goto(centre.url + place, wait_until="load")
    wait_for(lambda: bool(fresh.evaluate("document.readyState === 'complete'")), what="the page")
    assert 3_000 < sum(sizes) < FIRST_SCREEN_MAX_BYTES, sizes
    context.close()
