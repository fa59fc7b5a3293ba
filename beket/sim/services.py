"""Owns what a simulated community relies on beyond its buildings: its web page, a name server, a clock, a far host.

As small as they can be and still be asked by anybody: `curl`, `dig` and `ntpdate` are answered too. They stand at the
provider's end and have light when a site has none. On one event loop.
"""

import asyncio
import ipaddress
import struct
from collections.abc import Callable, Iterator
from typing import cast

from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import Busy
from beket.kernel.ids import ServiceId, SiteId
from beket.kernel.inventory import Camera, Service
from beket.kernel.text import say

FAR_HOST, WEB_HOST, NAMES_HOST, CLOCK_HOST = (f"127.20.0.{n}" for n in (1, 2, 3, 4))
WEB_PORT, NAMES_PORT, CLOCK_PORT = 8480, 1053, 1123
NAME = "hromada.test"
_REQUEST_MAX_BYTES = 4096
_UNIX_EPOCH_S = 2_208_988_800
_PAGE = "<!doctype html><meta charset=utf-8><title>Громада</title><h1>Навчальна громада</h1>".encode()


def services_of(sites: list[SiteId], camera: Camera) -> Iterator[Service]:
    """The line of each site, and what the first one asks besides: a page, names, time, a port, a stream."""
    for site in sites:
        yield Service(id=ServiceId(f"line-{site}"), site=site, name="Лінія провайдера", address=f"ping://{FAR_HOST}")

    def ask(id_: str, name: str, address: str, *, expect: str = "", secret: str = "") -> Service:
        return Service(id=ServiceId(id_), site=sites[0], name=name, address=address, expect=expect, secret=secret)

    host_and_port = camera.url.partition("://")[2].partition("/")[0]
    yield ask("page", "Сайт громади", f"http://{WEB_HOST}:{WEB_PORT}/", expect="громада")
    yield ask("names", "Сервер імен", f"dns://{NAMES_HOST}:{NAMES_PORT}/{NAME}", expect=WEB_HOST)
    yield ask("clock", "Сервер часу", f"ntp://{CLOCK_HOST}:{CLOCK_PORT}")
    yield ask("camera-port", f"Порт камери «{camera.name}»", f"tcp://{host_and_port}")
    yield ask("camera-stream", f"Потік камери «{camera.name}»", camera.url, secret=camera.secret)


class SimulatedServices:
    """The services at work."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: list[asyncio.BaseTransport | asyncio.Server] = []

    async def start(self) -> None:
        """Listen.

        Raises:
            Busy: an address is taken: a second simulation runs on this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._open.append(await asyncio.start_server(_show_page, WEB_HOST, WEB_PORT))
            for answer, host, port in (
                (name_answer, NAMES_HOST, NAMES_PORT),
                (lambda asked: clock_answer(asked, self._clock.wall_ns()), CLOCK_HOST, CLOCK_PORT),
            ):
                transport, _ = await loop.create_datagram_endpoint(_answering(answer), local_addr=(host, port))
                self._open.append(transport)
        except OSError as error:
            self.close()
            raise Busy(
                say("Адреси навчальних служб зайняті.", "The addresses of the training services are taken.")
            ) from error

    def close(self) -> None:
        """Go away."""
        for one in self._open:
            one.close()
        self._open.clear()


def name_answer(asked: bytes) -> bytes | None:
    """What the name server says: one address for the one name it knows, "no such name" for any other (RFC 1035)."""
    known = b"".join(bytes([len(label)]) + label.encode() for label in NAME.split(".")) + b"\0"
    if len(asked) < 12 + 5 or asked[2] & 0x80:
        return None
    question = asked[12:]
    end = question.find(b"\0") + 5
    name, wants_address = question[: end - 4].lower(), question[end - 4 : end] == b"\0\1\0\1"
    is_known = name == known
    records = (
        b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + ipaddress.IPv4Address(WEB_HOST).packed
        if is_known and wants_address
        else b""
    )
    flags = 0x8480 | (0 if is_known else 3)
    return asked[:2] + struct.pack("!5H", flags, 1, bool(records), 0, 0) + question[:end] + records


def clock_answer(asked: bytes, wall_ns: int) -> bytes | None:
    """What the time server says: `wall_ns`, as a clock of stratum 2 (RFC 5905)."""
    if len(asked) < 48 or asked[0] & 7 != 3:
        return None
    seconds, rest_ns = divmod(wall_ns, NS_PER_S)
    now = struct.pack("!II", (seconds + _UNIX_EPOCH_S) & 0xFFFFFFFF, (rest_ns << 32) // NS_PER_S)
    head = struct.pack("!BBbb", 0x24, 2, 6, -20) + bytes(8) + ipaddress.IPv4Address(FAR_HOST).packed
    return head + now + asked[40:48] + now + now


async def _show_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(10):
            await reader.readuntil(b"\r\n\r\n")
        head = ("HTTP/1.1 200 OK", "Content-Type: text/html", f"Content-Length: {len(_PAGE)}", "Connection: close")
        writer.write("\r\n".join((*head, "", "")).encode() + _PAGE)
        await writer.drain()
    except (OSError, EOFError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()


def _answering(answer: Callable[[bytes], bytes | None]) -> Callable[[], asyncio.DatagramProtocol]:
    class Answering(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            # asyncio's own datagram transport is none by its base classes.
            self._transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            said = answer(data[:_REQUEST_MAX_BYTES])
            if said is not None:
                self._transport.sendto(said, addr)

    return Answering
