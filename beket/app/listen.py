"""Owns listening sockets and the web server on them: bound before anything else starts, stopped on one event.

A port that is taken is one sentence, not a trace. The server itself is uvicorn; signals are the process's business
(`beket.app.process`), so its own handlers stay off. Runs on the process's one event loop.
"""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from beket.kernel.errors import Busy, Internal, InvalidConfig
from beket.kernel.text import Text, say

# Segments arrive in pieces of 64 KiB; nothing honest sends longer heads or keeps silent connections for longer.
HEADERS_MAX_BYTES = 32 * 1024
KEEP_ALIVE_S = 75
# What a browser says over a WebSocket; sites, which are proven first, send whole frames.
WEBSOCKET_MAX_BYTES = 16 * 1024
WEBSOCKET_PING_S = 10
SHUTDOWN_S = 5
SERVER = "Beket"


def bind(host: str, port: int, *, place: str) -> socket.socket:
    """A listening TCP socket; port 0 takes a free one. `place` is the configuration key, for the sentence.

    Raises:
        Busy: the port is taken.
        InvalidConfig: the address is not one of this machine's, or the port needs more rights.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise InvalidConfig(_cannot_listen(host, port, str(error)), subject=place) from error
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise Busy(
                say("Порт {port} уже зайнятий іншою програмою.", "Port {port} is already in use.", port=port),
                subject=place,
                hint=say(
                    "Змініть порт у налаштуваннях або зупиніть ту програму (хто це: ss -ltnp 'sport = :{port}').",
                    "Change it in the configuration or stop that program (who: ss -ltnp 'sport = :{port}').",
                    port=port,
                ),
            ) from error
        raise InvalidConfig(_cannot_listen(host, port, error.strerror or str(error)), subject=place) from error
    return sock


def bind_first_free(host: str, ports: range, *, place: str) -> socket.socket:
    """The first port of `ports` that is free.

    Raises:
        Busy: all are taken.
    """
    for port in ports[:-1]:
        with contextlib.suppress(Busy):
            return bind(host, port, place=place)
    return bind(host, ports[-1], place=place)


async def serve(
    app: FastAPI,
    sock: socket.socket,
    stop: asyncio.Event,
    *,
    tls: tuple[Path, Path] | None = None,
    websocket_max_bytes: int = WEBSOCKET_MAX_BYTES,
) -> None:
    """Serve `app` on `sock` until `stop` is set; `tls` is (certificate, key)."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        headers=[("Server", SERVER)],
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
        h11_max_incomplete_event_size=HEADERS_MAX_BYTES,
        ws="websockets-sansio",
        ws_max_size=websocket_max_bytes,
        ws_ping_interval=WEBSOCKET_PING_S,
        ws_ping_timeout=WEBSOCKET_PING_S,
        ws_per_message_deflate=False,
        ssl_certfile=str(tls[0]) if tls else None,
        ssl_keyfile=str(tls[1]) if tls else None,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
            raise Internal("the web server ended by itself")
    finally:
        stopping.cancel()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _cannot_listen(host: str, port: int, why: str) -> Text:
    return say(
        "Не можна слухати {host}, порт {port}: {why}.",
        "Cannot listen on {host} port {port}: {why}.",
        host=host,
        port=port,
        why=why,
    )
