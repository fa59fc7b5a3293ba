"""Owns the ping: whether a host answers at all, how much is lost, how long it takes; and it says how it asked.

Ways, best first: an unprivileged ICMP datagram socket if the kernel allows this group (`net.ipv4.ping_group_range`), a
raw socket for root, the `ping` program, a TCP connection (an answer, even a refusal, proves that the host lives).
ICMP sockets here speak IPv4; an IPv6 host goes to the `ping` program, or to TCP. On the loop that made the pinger.
"""

import asyncio
import contextlib
import random
import re
import shutil
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import fmean

from beket.kernel.clock import NS_PER_S, Clock

ECHO_REQUEST = 8
ECHO_REPLY = 0
TOKEN_BYTES = 16
PACKET_MAX_BYTES = 1500
# Any one of these answering or refusing shows life; what switches, cameras, printers and PCs have open.
TCP_PORTS = (80, 443, 22, 554)
_PROGRAM_TIME = re.compile(rb"time[=<]([0-9.]+) ms")


class Method(StrEnum):
    """How the host was asked."""

    DATAGRAM = "icmp-datagram"
    RAW = "icmp-raw"
    PROGRAM = "ping-program"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Ping:
    """What came of `sent` probes; `times_s` has one round trip for each answer."""

    method: Method
    sent: int
    times_s: tuple[float, ...]

    @property
    def loss_ratio(self) -> float:
        """Share of probes without an answer."""
        return 1 - len(self.times_s) / self.sent

    @property
    def latency_s(self) -> float | None:
        """Mean round trip; None when nothing came back. Rounded to 10 µs: more is noise, and costs storage."""
        return round(fmean(self.times_s), 5) if self.times_s else None

    @property
    def jitter_s(self) -> float | None:
        """Mean difference between neighbouring round trips (as in RFC 3550, unsmoothed); None with fewer than two."""
        steps = [abs(after - before) for before, after in pairwise(self.times_s)]
        return round(fmean(steps), 5) if steps else None


class Pinger:
    """Pings many hosts at once through one socket."""

    def __init__(self, *, clock: Clock, rng: random.Random, methods: tuple[Method, ...] = tuple(Method)) -> None:
        """Find the best of `methods` that this process may use; TCP always works."""
        self._clock = clock
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[bytes, tuple[int, asyncio.Future[float]]] = {}
        self._program = shutil.which("ping") if Method.PROGRAM in methods else None
        self._socket: socket.socket | None = None
        self.method = Method.PROGRAM if self._program else Method.TCP
        for method, kind in ((Method.DATAGRAM, socket.SOCK_DGRAM), (Method.RAW, socket.SOCK_RAW)):
            if method in methods and self._open(kind):
                self.method = method
                break

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    async def ping(self, host: str, *, count: int = 3, gap_s: float = 0.1, timeout_s: float = 1.0) -> Ping:
        """Send `count` probes `gap_s` apart and wait up to `timeout_s` for each.

        A silent or unknown host is a result with nothing in it, not an error.
        """
        address = await self._ipv4(host)
        if self._socket and address:
            probe: Callable[[], asyncio.Future[float]] = lambda: self._send_echo(address)  # noqa: E731
            return Ping(self.method, count, await self._probe(probe, count, gap_s, timeout_s))
        if self._program:
            return Ping(Method.PROGRAM, count, await _run_program(self._program, host, count, timeout_s))
        times = [await self._connect(host, timeout_s)]
        return Ping(Method.TCP, 1, tuple(time_s for time_s in times if time_s is not None))

    async def _probe(
        self, send: Callable[[], "asyncio.Future[float]"], count: int, gap_s: float, timeout_s: float
    ) -> tuple[float, ...]:
        answers: list[asyncio.Future[float]] = []
        try:
            for i in range(count):
                if i:
                    await self._clock.sleep(gap_s)
                answers.append(send())
            await asyncio.wait(answers, timeout=timeout_s)
            return tuple(answer.result() for answer in answers if answer.done())
        finally:
            for answer in answers:
                answer.cancel()

    def _send_echo(self, address: str) -> "asyncio.Future[float]":
        # The token finds its probe: the kernel rewrites the identifier of datagram sockets.
        token = self._rng.randbytes(TOKEN_BYTES)
        answer: asyncio.Future[float] = self._loop.create_future()
        self._waiting[token] = (self._clock.mono_ns(), answer)
        answer.add_done_callback(lambda _: self._waiting.pop(token, None))
        head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, 0xBE, len(self._waiting) & 0xFFFF)
        packet = head[:2] + struct.pack("!H", checksum(head + token)) + head[4:] + token
        if self._socket:
            with contextlib.suppress(OSError):  # no route, or the buffer is full: a lost probe
                self._socket.sendto(packet, (address, 0))
        return answer

    def _open(self, kind: socket.SocketKind) -> bool:
        try:
            sock = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
        except OSError:
            return False
        sock.setblocking(False)
        self._loop.add_reader(sock, self._read, sock, kind == socket.SOCK_RAW)
        self._socket = sock
        return True

    def _read(self, sock: socket.socket, has_ip_header: bool) -> None:
        for _ in range(64):
            try:
                packet = sock.recv(PACKET_MAX_BYTES)
            except OSError:
                return
            token = echoed_token(packet, has_ip_header=has_ip_header)
            sent_mono_ns, answer = self._waiting.get(token, (0, None))
            if answer is not None and not answer.done():
                answer.set_result((self._clock.mono_ns() - sent_mono_ns) / NS_PER_S)

    async def _ipv4(self, host: str) -> str | None:
        try:
            return str(socket.getaddrinfo(host, 0, socket.AF_INET, flags=socket.AI_NUMERICHOST)[0][4][0])
        except (OSError, UnicodeError):
            pass
        try:
            return str((await self._loop.getaddrinfo(host, 0, family=socket.AF_INET))[0][4][0])
        except (OSError, UnicodeError):
            return None

    async def _connect(self, host: str, timeout_s: float) -> float | None:
        """Time until the first of the usual ports answers or refuses; None when none does."""
        began_ns = self._clock.mono_ns()
        tries = [asyncio.ensure_future(_knock(host, port)) for port in TCP_PORTS]
        try:
            for first in asyncio.as_completed(tries, timeout=timeout_s):
                if await first:
                    return (self._clock.mono_ns() - began_ns) / NS_PER_S
        except TimeoutError:
            pass
        finally:
            for one in tries:
                one.cancel()
            await asyncio.gather(*tries, return_exceptions=True)
        return None


def echoed_token(packet: bytes, *, has_ip_header: bool) -> bytes:
    """The token of an echo reply, or b"" when the packet is anything else."""
    at = (packet[0] & 0x0F) * 4 if has_ip_header and packet else 0
    if len(packet) < at + 8 + TOKEN_BYTES or packet[at] != ECHO_REPLY:
        return b""
    return packet[at + 8 : at + 8 + TOKEN_BYTES]


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


async def _run_program(program: str, host: str, count: int, timeout_s: float) -> tuple[float, ...]:
    # "--" because a host from an inventory must never be read as an option.
    arguments = ("-n", "-c", str(count), "-i", "0.2", "-W", str(timeout_s), "--", host)
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, stdin=None
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), timeout_s + count)
    except TimeoutError:
        return ()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return tuple(float(time_ms) / 1000 for time_ms in _PROGRAM_TIME.findall(output)[:count])


async def _knock(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return True
    except (OSError, UnicodeError):
        return False
    writer.close()
    return True
