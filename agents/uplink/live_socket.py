"""Owns the WebSocket to the centre: the only gate to `websockets`. The key is checked before anything is said.

Only the capture process loads it. Pings find a dead line within 20 s. Note: vms/design/0008-live.md.
"""

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import AsyncIterator
from types import TracebackType

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agents.uplink.connection import Reply
from agents.uplink.live_messages import LIVE_PATH
from beket.access.tls import check_pin, client_context
from beket.kernel.errors import BeketError, InvalidConfig, ProtocolError, TimedOut, Unreachable
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.kernel.units import KIB

PING_EVERY_S = 10
PONG_WITHIN_S = 10
MESSAGE_MAX_BYTES = 64 * KIB
# What may wait in the process below the outbox; the rest waits above, where it can still be let go.
WRITE_BUFFER_BYTES = 64 * KIB


class LiveSocket:
    """See `agents.uplink.live.LiveLine`."""

    def __init__(self, connection: ClientConnection, url: str) -> None:
        self._connection = connection
        self._url = url

    async def send(self, message: bytes | str) -> None:
        """See `LiveLine.send`."""
        with _Mapped(self._url):
            await self._connection.send(message)

    async def receive(self) -> bytes:
        """See `LiveLine.receive`."""
        with _Mapped(self._url):
            return await self._connection.recv(decode=False)


@contextlib.asynccontextmanager
async def live_socket(url: str, *, pin: str, token: Secret, timeout_s: float) -> AsyncIterator[LiveSocket]:
    """An open live line to the centre at the https `url`, closed with the block.

    Raises:
        Unreachable, TimedOut: no way to the centre.
        Unauthenticated: it has another key, or does not take our session.
        BeketError: it refused with another word.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidConfig(say("Адреса центру хибна.", "The centre's address is wrong."), subject=url[:200])

    class Pinned(ClientConnection):
        async def handshake(self, *arguments: object, **named: object) -> None:
            shown = self.transport.get_extra_info("ssl_object")
            assert isinstance(shown, ssl.SSLObject)
            check_pin(shown, pin)
            await super().handshake(*arguments, **named)  # type: ignore[arg-type] # handed on as they came

    opening = connect(
        f"wss://{parts.netloc}{LIVE_PATH}",
        ssl=client_context(),
        create_connection=Pinned,
        additional_headers={"Authorization": f"Bearer {token.reveal()}"},
        compression=None,  # video does not compress
        proxy=None,
        open_timeout=timeout_s,
        close_timeout=1,
        ping_interval=PING_EVERY_S,
        ping_timeout=PONG_WITHIN_S,
        max_size=MESSAGE_MAX_BYTES,
        write_limit=WRITE_BUFFER_BYTES,
    )
    with _Mapped(url):
        connection = await opening
    try:
        yield LiveSocket(connection, url)
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await connection.close()


class _Mapped:
    """The gate: errors of sockets, TLS and websockets leave as ours."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def __enter__(self) -> None: ...

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, BeketError):
            return
        if isinstance(error, InvalidStatus):
            said = error.response
            headers = {name.lower(): value for name, value in said.headers.raw_items()}
            reply = Reply(said.status_code, headers, bytes(said.body or b""))
            reply.raise_for_status(self._subject)
            raise ProtocolError(say("Центр відповів незрозуміло.", "The centre's answer makes no sense.")) from error
        if isinstance(error, TimeoutError):
            raise TimedOut(
                say("Центр не відповів вчасно.", "The centre did not answer in time."), subject=self._subject
            ) from error
        if isinstance(error, ConnectionClosed | EOFError | OSError):
            raise Unreachable(
                say("Живий зв'язок із центром обірвався.", "The live line to the centre was cut."),
                subject=self._subject,
            ) from error
        if isinstance(error, WebSocketException):
            raise ProtocolError(
                say("Відповідь центру незрозуміла.", "The centre's answer is not understood."), subject=self._subject
            ) from error
