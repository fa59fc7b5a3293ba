"""Owns how a page is made: the template, the language, who looks, and the headers that every page carries.

A `BeketError` raised by a page becomes a page of one sentence; who is not logged in is sent to the log-in page and
comes back. Sentences stand in the templates in both languages side by side, as everywhere in Beket.
Note: dashboards/design/0012-pages.md.
"""

import datetime
import hashlib
import re
import urllib.parse
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import jinja2
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from beket.access.users import Throttled
from beket.kernel.errors import BeketError, InvalidArgument, Unauthenticated
from beket.kernel.text import Language, Text, say
from dashboards.web import kyiv_time

LANGUAGE_COOKIE = "beket_lang"
LANGUAGE_LIFE_S = 365 * 86_400
FORM_MAX_BYTES = 16 * 1024
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser hides the origin of our own forms
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]{0,400}", re.ASCII)


class Renderer:
    """Makes pages from the templates. `static` is the address of their files."""

    def __init__(self, *, static: str, community: Callable[[], str], training: bool) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._static = static
        self._community = community
        self._training = training

    def page(self, request: Request, template: str, *, status: int = 200, **values: object) -> Response:
        """A whole page, or 304 when the browser holds the very same.

        `who` and `menu` among the values are the person's; without them nobody is logged in.
        """
        language = language_of(request)
        common: dict[str, object] = {
            "lang": language,
            "t": lambda uk, en: uk if language == "uk" else en,
            "say": lambda text: text.to(language) if isinstance(text, Text) else text,
            "stretch": lambda duration_s: kyiv_time.stretch_words(duration_s, language),
            "static": self._static,
            "community": self._community(),
            "training": self._training,
            "here": str(request.url.path),
            "other_language": _in_other_language(request, language),
            "who": None,
            "menu": (),
            "csrf": "",
            "state_line": None,
        }
        body = self._environment.get_template(template).render({**common, **values})
        tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        if status == 200 and request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={**PAGE_HEADERS, "ETag": tag})
        response = HTMLResponse(body, status_code=status, headers={**PAGE_HEADERS, "ETag": tag})
        asked = request.query_params.get("lang")
        if asked in ("uk", "en"):
            response.set_cookie(LANGUAGE_COOKIE, asked, max_age=LANGUAGE_LIFE_S, path="/", samesite="lax")
        return response

    def problem(self, request: Request, error: BeketError) -> Response:
        """The page that says what is wrong and what to do."""
        status = 429 if isinstance(error, Throttled) else error.handling.http_status
        return self.page(request, "problem.html", status=status, what=error.message, hint=error.hint)

    def route_class(self) -> type[APIRoute]:
        """A route whose errors are pages."""
        renderer = self

        class PageRoute(APIRoute):
            def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
                handle = super().get_route_handler()

                async def handle_for_people(request: Request) -> Response:
                    try:
                        return await handle(request)
                    except Unauthenticated as error:
                        if request.method != "GET":
                            return renderer.problem(request, error)
                        return RedirectResponse(with_next("/login", request), 303, headers=PAGE_HEADERS)
                    except BeketError as error:
                        return renderer.problem(request, error)

                return handle_for_people

        return PageRoute


def language_of(request: Request) -> Language:
    """Ukrainian, unless the person chose English, now (`?lang=en`) or before (the cookie)."""
    chosen = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return "en" if chosen == "en" else "uk"


def with_next(page: str, request: Request) -> str:
    """The address of `page` that leads back here afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return page if here == "/" else f"{page}?{urllib.parse.urlencode({'next': here})}"


def local_next(given: str) -> str:
    """Where to go on: an address of this site, "/" for anything else."""
    return given if _LOCAL.fullmatch(given) else "/"


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that a page sent; the last of each name counts.

    Raises:
        InvalidArgument: it has more fields than any form of ours.
    """
    body = (await request.body())[:FORM_MAX_BYTES]
    try:
        return dict(urllib.parse.parse_qsl(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=50))
    except ValueError as error:
        raise InvalidArgument(say("Форма незрозуміла.", "The form is not understood.")) from error


def moment_writer(language: Language, now_at: datetime.datetime) -> Callable[..., str]:
    """What templates call to write a moment."""

    def write(at: datetime.datetime, *, seconds: bool = False) -> str:
        return kyiv_time.moment_words(at, language, now_at=now_at, seconds=seconds)

    return write


def _in_other_language(request: Request, language: Language) -> str:
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("lang", "token")]
    return "?" + urllib.parse.urlencode([*kept, ("lang", "en" if language == "uk" else "uk")])
