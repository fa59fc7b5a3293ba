"""Owns HTTP/1.1 as far as a probe needs it: one GET, and an answer read within bounds. Sans I/O but for the reader.

Lengths are believed only up to the bounds; a body that is longer is cut there, which an answer of any size outlives.
"""

import asyncio
import re
from dataclasses import dataclass

from agents.services.connection import Connection
from agents.services.trouble import not_understood

HEAD_MAX_BYTES = 16 * 1024
HEADERS_MAX = 100
BODY_MAX_BYTES = 256 * 1024
CHUNK_LINE_MAX_BYTES = 256
_STATUS = re.compile(r"HTTP/1\.[01] (\d{3})(?: .*)?")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: header names are lower case, of a repeated one the last is kept."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(method: str, host: str, path: str, *, accept: str = "*/*") -> bytes:
    """A request that asks for no compression and for the connection to be closed."""
    lines = [f"{method} {path or '/'} HTTP/1.1", f"Host: {host}", "User-Agent: Beket", f"Accept: {accept}"]
    return "\r\n".join([*lines, "Accept-Encoding: identity", "Connection: close", "", ""]).encode("ascii")


async def read_answer(connection: Connection) -> Answer:
    """Read one answer; interim ones (1xx) are passed over.

    Raises:
        Failed: it is no HTTP, or beyond the bounds of this module.
        OSError, EOFError: cut.
    """
    for _ in range(5):
        answer = parse_head(await _until(connection, b"\r\n\r\n", HEAD_MAX_BYTES))
        if answer.status >= 200:
            return Answer(answer.status, answer.headers, await _body(connection, answer))
    raise not_understood("HTTP 1xx")


def parse_head(head: bytes) -> Answer:
    """Status and headers; the body is empty.

    Raises:
        Failed: these bytes are no head of an answer.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    match = _STATUS.fullmatch(first)
    if match is None or len(lines) > HEADERS_MAX:
        raise not_understood("HTTP")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return Answer(int(match[1]), headers, b"")


async def _body(connection: Connection, head: Answer) -> bytes:
    if head.status in (204, 304):
        return b""
    if "chunked" in head.headers.get("transfer-encoding", "").lower():
        return await _chunks(connection)
    stated = head.headers.get("content-length", "")
    if not stated:
        return await connection.read_until_end(BODY_MAX_BYTES)
    if not (stated.isascii() and stated.isdigit() and len(stated) < 20):
        raise not_understood("Content-Length")
    return await connection.reader.readexactly(min(int(stated), BODY_MAX_BYTES))


async def _chunks(connection: Connection) -> bytes:
    body = bytearray()
    while len(body) < BODY_MAX_BYTES:
        line = await _until(connection, b"\r\n", CHUNK_LINE_MAX_BYTES)
        digits = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
            raise not_understood("chunk")
        size_bytes = int(digits, 16)
        if size_bytes == 0:
            break
        wanted = min(size_bytes, BODY_MAX_BYTES - len(body))
        body += await connection.reader.readexactly(wanted)
        if wanted == size_bytes:
            await connection.reader.readexactly(2)
    return bytes(body)


async def _until(connection: Connection, end: bytes, max_bytes: int) -> bytes:
    try:
        data = await connection.reader.readuntil(end)
    except asyncio.LimitOverrunError as error:
        raise not_understood("HTTP") from error
    if len(data) > max_bytes:
        raise not_understood("HTTP")
    return data.removesuffix(end)
