"""Owns RTSP/1.0 messages (RFC 2326): bytes to requests and responses and back, without sockets.

Bounded in every direction, and tolerant where real cameras are: bare line feeds, folded headers, blank lines between
messages, a missing reason phrase, header lines that are none. Hostile bytes raise `ProtocolError` and nothing else;
what is read holds no line breaks and no NUL, so it may be said again in a request (a nonce, a session).
Does not own interleaved media frames (`session`, `server_session`) nor who says what when.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from beket.kernel.errors import InvalidArgument, ProtocolError
from beket.kernel.text import say

HEAD_MAX_BYTES = 16 * 1024
LINE_MAX_CHARS = 4096
HEADERS_MAX = 64
BODY_MAX_BYTES = 64 * 1024

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE = re.compile(r"RTSP/\d\.\d +(\d{3})(?: +(.*))?", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Za-z_]{3,32}) +(\S+) +RTSP/\d\.\d", re.IGNORECASE)
_FIRST_WORD = re.compile(rb"[A-Za-z_]{1,32}(?:[ /].*)?", re.DOTALL)
_LINE_BREAKS = b"\r\n"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    503: "Service Unavailable",
}


class Headers:
    """Header fields in order; names are compared without case, a name may come twice."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = list(fields)

    def get(self, name: str, default: str = "") -> str:
        """The first value of `name`."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> list[str]:
        """All values of `name`, in order."""
        wanted = name.lower()
        return [value for key, value in self._fields if key.lower() == wanted]

    def items(self) -> list[tuple[str, str]]:
        """All fields as they came."""
        return list(self._fields)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. `url` is as sent, `*` included."""

    method: str
    url: str
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""

    def encode(self) -> bytes:
        """The request as it travels; a Content-Length is added when there is a body."""
        return _encode(f"{self.method} {self.url} RTSP/1.0", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answers; an empty reason is filled in from the status."""

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    reason: str = ""

    def encode(self) -> bytes:
        """The response as it travels; a Content-Length is added when there is a body."""
        reason = self.reason or _REASONS.get(self.status, "Status")
        return _encode(f"RTSP/1.0 {self.status} {reason}", self.headers, self.body)


Message = Request | Response


def parse_message(buffer: bytes | bytearray, start: int, end: int) -> tuple[Message | None, int]:
    """Read one message at `buffer[start:end]`.

    Returns the message and where the next one starts; `(None, n)` means that more bytes are needed from `n` on.

    Raises:
        ProtocolError: these bytes are no RTSP, or beyond the limits of this module.
    """
    while start < end and buffer[start] in _LINE_BREAKS:
        start += 1
    head_end = _HEAD_END.search(buffer, start, min(end, start + HEAD_MAX_BYTES))
    if head_end is None:
        if end - start >= HEAD_MAX_BYTES:
            raise _not_rtsp("the head is too long")
        _check_beginning(buffer, start, end)
        return None, start
    first, headers = _parse_head(bytes(buffer[start : head_end.start()]).decode("utf-8", "replace"))
    body_start = head_end.end()
    body_end = body_start + _body_bytes(headers)
    if body_end > end:
        return None, start
    body = bytes(buffer[body_start:body_end])
    if status := _STATUS_LINE.fullmatch(first):
        return Response(int(status[1]), headers, body, (status[2] or "").strip()), body_end
    if asked := _REQUEST_LINE.fullmatch(first):
        return Request(asked[1].upper(), asked[2], headers, body), body_end
    raise _not_rtsp(repr(first[:60]))


def _check_beginning(buffer: bytes | bytearray, start: int, end: int) -> None:
    # Rubbish must not make us wait for a head that never ends: the first line starts with a word, then / or a space.
    if start < end and not _FIRST_WORD.fullmatch(buffer, start, min(end, start + 40)):
        raise _not_rtsp("it does not start with a word")


def _parse_head(head: str) -> tuple[str, Headers]:
    lines = [line.rstrip("\r") for line in head.split("\n")]
    if len(lines) > HEADERS_MAX or max(map(len, lines)) > LINE_MAX_CHARS:
        raise _not_rtsp("too many or too long header lines")
    if any("\r" in line or "\0" in line for line in lines):
        raise _not_rtsp("a line break or a NUL inside a line")
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and fields:  # a folded header: goes on with the one before
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip(), value.strip()))
    return lines[0].strip(), Headers(fields)


def _body_bytes(headers: Headers) -> int:
    stated = headers.get("Content-Length", "0")
    if not (stated.isascii() and stated.isdigit()) or len(stated) > 9 or int(stated) > BODY_MAX_BYTES:
        raise _not_rtsp(f"Content-Length {stated[:20]!r}")
    return int(stated)


def _encode(first: str, headers: Headers, body: bytes) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise InvalidArgument("a line break inside an RTSP header")
    return "\r\n".join([*lines, "", ""]).encode() + body


def _not_rtsp(why: str) -> ProtocolError:
    return ProtocolError(
        say(
            "Відповідь не схожа на RTSP: {why}.",
            "This is not RTSP: {why}.",
            why=why,
        ),
        hint=say(
            "Перевірте порт камери: зазвичай 554.",
            "Check the camera's port: it is usually 554.",
        ),
    )
