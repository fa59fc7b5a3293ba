"""Owns one non-blocking connection to a camera, plain or TLS, awaited during the handshake and drained on a tick after.

Foreign errors become ours here. Lives on one event loop; nothing in it blocks.
"""

import asyncio
import contextlib
import errno
import re
import socket
import ssl
from dataclasses import dataclass

from beket.kernel.errors import BeketError, InvalidArgument, ProtocolError, Unreachable
from beket.kernel.text import say

RECEIVE_BUFFER_BYTES = 1024 * 1024  # a key frame and the next tick fit in; the kernel takes less when its limit says so
_URL = re.compile(
    r"(rtsps?)://(?:([^/?@\s]*)@)?(\[[0-9a-f:.%]+\]|[^/?:@\s\[\]]+)(?::(\d{1,5}))?([/?]\S*)?", re.IGNORECASE
)
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}
_CHECK = say("Перевірте живлення камери, кабель і адресу.", "Check the camera's power, its cable and the address.")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a stream is. `url` is what requests name: complete, and without a login."""

    url: str
    host: str
    port: int
    is_tls: bool

    @property
    def place(self) -> str:
        """`host:port`, for people."""
        return f"{self.host}:{self.port}"


def parse_address(url: str) -> Address:
    """Read `rtsp://host[:port]/path` or `rtsps://…`.

    Raises:
        InvalidArgument: it is neither, or it carries a login: a password in an URL ends up in logs.
    """
    match = _URL.fullmatch(url)
    port = int(match[4] or _DEFAULT_PORTS[match[1].lower()]) if match else 0
    if match is None or not 0 < port < 65536:
        raise InvalidArgument(
            say("Адреса потоку має вигляд rtsp://камера/шлях.", "A stream's address looks like rtsp://camera/path.")
        )
    if match[2] is not None:
        raise InvalidArgument(
            say("В адресі потоку не можна писати пароль.", "A stream's address must not hold a password."),
            subject=f"{match[3]}:{port}",
            hint=say("Запишіть його окремо, як секрет камери.", "Store it apart, as the camera's secret."),
        )
    scheme, host, path = match[1].lower(), match[3], match[5] or ""
    stated_port = f":{match[4]}" if match[4] else ""
    return Address(f"{scheme}://{host}{stated_port}{path}", host.strip("[]"), port, scheme == "rtsps")


def unverified_tls() -> ssl.SSLContext:
    """TLS as cameras can: encrypted, and any certificate will do; theirs are self-signed, old ones have short keys."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


class Wire:
    """A connected socket. `receive_into` and `send_some` never wait; their awaiting twins do."""

    def __init__(self, connected: socket.socket, address: Address) -> None:
        self.address = address
        self.is_tls = isinstance(connected, ssl.SSLSocket)
        self._socket = connected

    @classmethod
    async def open(
        cls, address: Address, *, tls: ssl.SSLContext, within_s: float, connect_s: float | None = None
    ) -> "Wire":
        """Connect, with TLS when the address says so; `connect_s` is for the TCP connection alone, None: no limit more.

        Raises:
            Unreachable: no such host, refused, no route, no answer in time, or cut while TLS was agreed.
            ProtocolError: TLS was refused.
        """
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as undo:
            try:
                async with asyncio.timeout(within_s):
                    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
                    family, kind, protocol, _, target = found[0]
                    sock = socket.socket(family, kind, protocol)
                    undo.callback(sock.close)
                    sock.setblocking(False)
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    async with asyncio.timeout(connect_s):
                        await loop.sock_connect(sock, target)
                    if address.is_tls:
                        secured = tls.wrap_socket(sock, do_handshake_on_connect=False, server_hostname=address.host)
                        undo.callback(secured.close)
                        await _shake_hands(secured)
                        sock = secured
            except OSError as error:  # socket, name and TLS errors, and the time-out, all derive from it
                raise _mapped(error, address) from error
            except ValueError as error:  # a name that DNS cannot even be asked for: `a..b`, a label beyond 63
                raise _no_such_host(address) from error
            undo.pop_all()
        return cls(sock, address)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def receive_into(self, target: memoryview) -> int | None:
        """Bytes read now, or None when there are none.

        Raises:
            Unreachable: the camera closed the connection or the line was cut.
        """
        try:
            count = self._socket.recv_into(target)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None
        except OSError as error:
            raise _mapped(error, self.address) from error
        if count == 0:
            raise closed_by_camera(self.address)
        return count

    def send_some(self, data: bytes) -> int:
        """How many bytes went out now; 0 when the socket is full.

        Raises:
            Unreachable: the line is cut.
        """
        try:
            return self._socket.send(data)
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0
        except OSError as error:
            raise _mapped(error, self.address) from error

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """At least one byte; waits for it.

        Raises:
            Unreachable: the camera closed the connection or the line was cut.
        """
        buffer = bytearray(max_bytes)
        while True:
            count = self.receive_into(memoryview(buffer))
            if count is not None:
                return bytes(buffer[:count])
            await _until_ready(self._socket, writing=False)

    async def send(self, data: bytes) -> None:
        """Send all of `data`; waits while the socket is full.

        Raises:
            Unreachable: the line is cut.
        """
        while data:
            data = data[self.send_some(data) :]
            if data:
                await _until_ready(self._socket, writing=True)

    def close(self) -> None:
        """Give the socket back; twice does no harm."""
        with contextlib.suppress(OSError):
            self._socket.close()


def closed_by_camera(address: Address) -> Unreachable:
    """The error for an orderly end that nobody asked for."""
    return Unreachable(say("Камера закрила з'єднання.", "The camera closed the connection."), subject=address.place)


async def _shake_hands(secured: ssl.SSLSocket) -> None:
    while True:
        try:
            secured.do_handshake()
        except ssl.SSLWantReadError:
            await _until_ready(secured, writing=False)
        except ssl.SSLWantWriteError:
            await _until_ready(secured, writing=True)
        else:
            return


async def _until_ready(waited: socket.socket, *, writing: bool) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
    add(waited.fileno(), _wake, ready)
    try:
        await ready
    finally:
        remove(waited.fileno())


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _mapped(error: OSError, address: Address) -> BeketError:
    if isinstance(error, ssl.SSLError):
        return ProtocolError(
            say("Захищене з'єднання (TLS) не вдалося: {why}.", "TLS failed: {why}.", why=error.reason or "—"),
            subject=address.place,
        )
    if isinstance(error, socket.gaierror):
        return _no_such_host(address)
    if isinstance(error, ConnectionRefusedError):
        what = say("Камера не приймає з'єднань.", "The camera refuses connections.")
    elif isinstance(error, TimeoutError) or error.errno == errno.EHOSTUNREACH:  # nobody of that address in its network
        what = say("Камера не відповідає.", "The camera does not answer.")
    elif isinstance(error, ConnectionError):
        what = say("З'єднання з камерою обірвалося.", "The connection to the camera was cut.")
    else:
        what = say("Немає шляху до камери.", "There is no route to the camera.")
    return Unreachable(what, subject=address.place, hint=_CHECK)


def _no_such_host(address: Address) -> Unreachable:
    what = say("Такої адреси в мережі немає.", "No such host in the network.")
    return Unreachable(what, subject=address.place, hint=_CHECK)
