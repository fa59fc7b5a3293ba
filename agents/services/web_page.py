"""Owns the probe of a web page: it opens, holds what it should, and over HTTPS its certificate is in order.

A redirect is followed on the same host only, and never from HTTPS down to HTTP: another host is nobody's declared
target, and a site that sends people elsewhere is worth a look by itself.
"""

import contextlib
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

from agents.services.certificate import trusted
from agents.services.connection import Connection, connected
from agents.services.http_answer import Answer, read_answer, request
from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.service_address import ServiceKind
from beket.kernel.text import say

REDIRECTS_MAX = 3
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SHOWN_MAX_CHARS = 80


@dataclass(frozen=True, slots=True)
class Page:
    """Where one request goes."""

    is_tls: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The Host header: a port that goes without saying is left out, as virtual hosts expect."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The page's full address."""
        return f"{'https' if self.is_tls else 'http'}://{self.authority}{self.path}"


async def probe_page(target: Target, tools: Tools) -> Found:
    """Open the page; see `probe.Probe`."""
    page, found = page_of(target), Found(say("Сторінка відкривається.", "The page opens."))
    for _ in range(REDIRECTS_MAX + 1):
        answer, certificate = await get(page, tools)
        if certificate is not None:
            trouble = certificate.trouble
            found = Found(certificate.text if trouble else found.text, trouble, certificate.samples)
        if answer.status not in REDIRECTS or not answer.headers.get("location"):
            return _judged(answer, target.service.expect, found)
        following = followed(page, answer.headers["location"])
        if following is None:
            return _sent_elsewhere(answer.headers["location"], target.service.expect, found)
        page = following
    raise Failed(
        Trouble.ELSEWHERE,
        say("Сторінка відсилає сама на себе без кінця.", "The page redirects to itself without end."),
        found.samples,
    )


def page_of(target: Target) -> Page:
    """The declared page; RDAP is HTTPS."""
    address = target.address
    query = address.url.partition("?")[2]
    is_tls = address.kind is not ServiceKind.HTTP
    return Page(is_tls, address.host, address.port, (address.path or "/") + (f"?{query}" if query else ""))


async def get(page: Page, tools: Tools, *, accept: str = "*/*") -> tuple[Answer, Found | None]:
    """Ask for the page once: the answer, and what its certificate tells when there is one."""
    async with contextlib.AsyncExitStack() as stack:
        connection: Connection
        certificate: Found | None = None
        if page.is_tls:
            connection, certificate = await stack.enter_async_context(trusted(page.host, page.port, tools))
        else:
            connection = await stack.enter_async_context(connected(page.host, page.port))
        await connection.send(request("GET", page.authority, page.path, accept=accept))
        return await read_answer(connection), certificate


def followed(page: Page, location: str) -> Page | None:
    """Where a redirect leads, or None when it leads to another host, away from TLS, or nowhere."""
    try:
        parts = urlsplit(urljoin(page.url, location))
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    is_tls = parts.scheme == "https"
    if host != page.host.lower() or parts.scheme not in ("http", "https") or (page.is_tls and not is_tls):
        return None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii() or not path.isprintable() or " " in path:
        return None
    return Page(is_tls, page.host, port or (443 if is_tls else 80), path)


def _judged(answer: Answer, expected: str, found: Found) -> Found:
    if answer.status >= 400:
        text = say(
            "Замість сторінки сервер показує помилку {status}.",
            "Instead of the page the server shows the error {status}.",
            status=answer.status,
        )
        raise Failed(Trouble.STATUS, text, found.samples)
    if expected and expected.encode() not in answer.body:
        text = say(
            "Сторінка відкривається, але на ній немає «{text}».",
            "The page opens, but “{text}” is not on it.",
            text=expected,
        )
        raise Failed(Trouble.TEXT, text, found.samples)
    return found


def _sent_elsewhere(location: str, expected: str, found: Found) -> Found:
    shown = "".join(letter for letter in location[:SHOWN_MAX_CHARS] if letter.isprintable())
    text = say(
        "Сторінка відсилає на іншу адресу: {where}. Бекет туди не ходить.",
        "The page sends elsewhere: {where}. Beket does not follow.",
        where=shown,
    )
    if expected:
        raise Failed(Trouble.ELSEWHERE, text, found.samples)
    return replace(found, text=text, trouble=Trouble.ELSEWHERE)


def json_body(answer: Answer) -> bytes:
    """The body of an answer that must be there and good.

    Raises:
        Failed: it is an error, or a redirect, or nothing.
    """
    if answer.status != 200 or not answer.body:
        raise not_understood(f"HTTP {answer.status}")
    return answer.body
