"""Owns how a browser carries its session: the cookie, the question where a request comes from, which machine asks.

What a token opens is `beket.access`'s. Programs (JSON) and pages (forms) share these few functions.
Note: beket/access/design/0006-access-and-trust.md.
"""

import ipaddress

from fastapi import Request, Response
from starlette.requests import HTTPConnection

from beket.kernel.errors import Forbidden, Unauthenticated
from beket.kernel.secrets import Secret
from beket.kernel.text import say

COOKIE = "beket_session"
COOKIE_LIFE_S = 30 * 86_400
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def give_cookie(response: Response, token: Secret, request: Request) -> None:
    """Let the browser keep `token`; scripts cannot read it and other sites' pages do not send it."""
    response.set_cookie(
        COOKIE,
        token.reveal(),
        max_age=COOKIE_LIFE_S,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def take_cookie_away(response: Response) -> None:
    """Let the browser forget its session."""
    response.delete_cookie(COOKIE, path="/")


def token_of(request: HTTPConnection) -> Secret:
    """The session token that the browser sent.

    Raises:
        Unauthenticated: it sent none.
    """
    token = request.cookies.get(COOKIE, "")
    if not token:
        raise Unauthenticated(say("Увійдіть, будь ласка.", "Please log in."))
    return Secret(token)


def check_origin(request: HTTPConnection) -> None:
    """Refuse a changing request, or a WebSocket, that another site's page makes the browser open.

    Raises:
        Forbidden: the browser named another origin than the host it called.
    """
    origin = request.headers.get("origin")
    scheme = request.url.scheme.replace("ws", "http", 1)  # a WebSocket's origin is the page's
    if origin and origin != f"{scheme}://{request.headers.get('host', '')}":
        raise Forbidden(say("Запит прийшов з іншого сайту.", "The request came from another site."))


def check_is_this_machine(request: Request) -> None:
    """Refuse whoever does not sit at the centre's own machine; a proxy's word is not taken.

    The name that was called counts too: a foreign page whose name was made to mean this machine calls by that name.

    Raises:
        Forbidden: the caller is elsewhere, stands behind a proxy, or was sent here by another site's page.
    """
    host = request.client.host if request.client else ""
    called = request.url.hostname or ""
    is_own = is_loopback(host) and (called == "localhost" or is_loopback(called))
    sent_by_others = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    if any(name in request.headers for name in FORWARDED) or not is_own or sent_by_others:
        raise Forbidden(say("Це — лише для самого центру.", "This is for the centre's own machine only."))


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
