"""Owns our RTSP server's sockets: accepts, feeds `ServerSession`, attaches readers to mounts. One event loop.

What is played comes from outside through `Mount.send`. Used by the simulated cameras and, later, by the relay to the
police. It listens where it is told; plain RTSP belongs on loopback or inside a VPN.
"""

import asyncio
import secrets
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, cast

from beket.kernel.clock import NS_PER_S, Clock, SystemClock
from beket.kernel.errors import BeketError, Busy, InvalidArgument, Kind, Unreachable
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtsp.digest import Gate, Ha1
from beket.media.rtsp.mount import Mount, Reader
from beket.media.rtsp.server_session import ASK, SESSION_TIMEOUT_S, ServerSession

CONNECTIONS_MAX = 256
# Each is a question to `admit`, on one connection.
ASKS_MAX = 16
# RFC 2326 §7.1.1; what is away for now is 503, and software asks again.
_STATUSES = {Kind.UNAUTHENTICATED: 403, Kind.FORBIDDEN: 403, Kind.NOT_FOUND: 404, Kind.INTERNAL: 500}
_AWAY = 503


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody wants to see `path`.

    Attributes:
        user: who proved a password; "" without a `check`.
        cut: ends the connection from outside.
    """

    path: str
    user: str
    cut: Callable[[], None]


class Visit(Protocol):
    """One connection's leave to see one mount."""

    @property
    def mount(self) -> Mount:
        """What it may see."""

    def end(self) -> None:
        """The connection is over; called once."""


class RtspServer:
    """Serves mounts at `rtsp://host:port/…`.

    `check` gives the password of a user, or its hashes, or None; without it everybody may look. Port 0 takes a free
    one; `port` then says which. `ways` are what a login may use: "MD5", "SHA-256", "Basic". A path that no mount was
    added for is asked of `admit`, if given, once for each connection, and its errors become statuses.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        check: Callable[[str], Secret | Ha1 | None] | None = None,
        ways: tuple[str, ...] = ("MD5",),
        admit: Callable[[Asked], Awaitable[Visit]] | None = None,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._check = check
        self._ways = ways
        self._admit = admit
        self._clock = clock or SystemClock()
        self._tls = tls
        self._mounts: dict[str, Mount] = {}
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    def add_mount(self, path: str, video_format: VideoFormat) -> Mount:
        """Offer a stream at `path` (`/cam0`; a query is part of it).

        Raises:
            InvalidArgument: the path is taken.
        """
        key = "/" + path.strip("/")
        if key in self._mounts:
            raise InvalidArgument(f"the path {key} is already served")
        self._mounts[key] = Mount(key, video_format, clock=self._clock)
        return self._mounts[key]

    def remove_mount(self, path: str) -> None:
        """Offer `path` no longer and cut its readers; no effect when it is not offered."""
        mount = self._mounts.pop("/" + path.strip("/"), None)
        if mount:
            mount.close_readers()

    async def start(self) -> None:
        """Listen.

        Raises:
            Busy: the port is taken.
            Unreachable: the address is not one of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connect, self.host, self.port, ssl=self._tls)
        except OSError as error:
            place = f"{self.host}:{self.port}"
            if isinstance(error, PermissionError) or error.errno == 98:  # EADDRINUSE
                raise Busy(say("Порт зайнятий.", "The port is in use."), subject=place) from error
            raise Unreachable(
                say("Цієї адреси немає на машині.", "This machine does not have that address."), subject=place
            ) from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut all connections; `start` may be called again and takes the same port."""
        if self._server is None:
            return
        self._server.close()
        asking = [connection.abort() for connection in tuple(self._connections)]
        await asyncio.gather(*(task for task in asking if task), return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def _connect(self) -> "_Connection":
        gate = Gate(self._check, ways=self._ways) if self._check else None
        return _Connection(self._mounts, gate, self._admit, self._connections, self._clock)


class _Connection(asyncio.Protocol):
    """One client. Cut off when it neither plays nor asks for longer than the session time-out."""

    def __init__(
        self,
        mounts: dict[str, Mount],
        gate: Gate | None,
        admit: Callable[[Asked], Awaitable[Visit]] | None,
        register: "set[_Connection]",
        clock: Clock,
    ) -> None:
        self._session = ServerSession(self._find, gate=gate, session_id=secrets.token_hex(8))
        self._mounts = mounts
        self._admit = admit
        self._visits: dict[tuple[str, str], Visit | int] = {}  # by user and path
        self._asks = 0
        self._asking: asyncio.Task[None] | None = None
        self._register = register
        self._clock = clock
        self._heard_ns = clock.mono_ns()
        self._reader: Reader | None = None
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast(asyncio.Transport, transport)  # uvloop's does not inherit from it
        if len(self._register) >= CONNECTIONS_MAX:
            transport.abort()
            return
        self._register.add(self)
        self._look_again()

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._heard_ns = self._clock.mono_ns()
        self._go_on(self._session.receive(data))

    def _find(self, path: str) -> Mount | int | None:
        if path in self._mounts or self._admit is None:
            return self._mounts.get(path)
        visit = self._visits.get((self._session.user, path), ASK)
        return visit if isinstance(visit, int) else visit.mount

    async def _ask(self, admit: Callable[[Asked], Awaitable[Visit]], path: str) -> None:
        key = (self._session.user, path)
        try:
            visit: Visit | int = await admit(Asked(path, self._session.user, self.cut))
        except BeketError as error:
            visit = _STATUSES.get(error.kind, _AWAY)
        self._visits[key] = visit
        self._asking = None
        if self._is_over:
            self._end_visits()
            return
        answers = self._session.settle()
        if isinstance(visit, int):
            del self._visits[key]  # the next request asks anew
        self._go_on(answers)

    def _go_on(self, answers: bytes) -> None:
        assert self._transport is not None
        if answers:
            self._transport.write(answers)
        if self._session.wanted and self._admit is not None and self._asking is None:
            self._asks += 1
            if self._asks > ASKS_MAX:
                self.cut()
                return
            self._asking = asyncio.get_running_loop().create_task(self._ask(self._admit, self._session.wanted))
        if self._session.playing and self._reader is None and self._session.mount is not None:
            self._reader = Reader(
                self._transport, rtp_channel=self._session.rtp_channel, rtcp_channel=self._session.rtcp_channel
            )
            self._session.mount.attach(self._reader)
        if self._session.closing:
            self._leave()
            self._transport.close()

    def pause_writing(self) -> None:
        # Who does not take our answers is not heard further: else the answers would pile up.
        if self._transport is not None and self._reader is None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None and not self._transport.is_reading() and not self._transport.is_closing():
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()
        self._is_over = True
        self._end_visits()
        self._register.discard(self)
        if self._watch is not None:
            self._watch.cancel()

    def cut(self) -> None:
        """End the connection at once."""
        self._leave()
        if self._transport is not None:
            self._transport.abort()

    def abort(self) -> asyncio.Task[None] | None:
        """End it at once and ask for nothing more; a question that is cancelled thereby."""
        self.cut()
        if self._asking is not None:
            self._asking.cancel()
        return self._asking

    def _end_visits(self) -> None:
        ended, self._visits = self._visits, {}
        for visit in ended.values():
            if not isinstance(visit, int):
                visit.end()

    def _leave(self) -> None:
        if self._reader is not None and self._session.mount is not None:
            self._session.mount.detach(self._reader)

    def _look_again(self) -> None:
        assert self._transport is not None
        silent_s = (self._clock.mono_ns() - self._heard_ns) / NS_PER_S
        if self._reader is None and silent_s > SESSION_TIMEOUT_S:
            self._transport.abort()
            return
        self._watch = asyncio.get_running_loop().call_later(SESSION_TIMEOUT_S / 4, self._look_again)
