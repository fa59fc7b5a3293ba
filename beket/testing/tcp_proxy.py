"""Owns a bad line between a client and a server: cuts, throttles, delays, freezes or resets TCP on demand.

It is our own because no `tc netem` is at hand in a container. Runs an event loop in a thread of its own, so that tests
of any kind use it; every control may be called from any thread and works on connections that already stand.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

CHUNK_BYTES = 16 * 1024
IN_FLIGHT_CHUNKS = 64
THROTTLE_SLICE_S = 0.05


@dataclass(slots=True)
class Line:
    """What the line is like now; the proxy reads it for each chunk.

    Attributes:
        bytes_per_s: shared by all connections, in each direction for itself; None means no limit.
        delay_s: how late each byte arrives.
        reset_after_s: each new connection is reset so long after it began; None means never.
    """

    bytes_per_s: float | None = None
    delay_s: float = 0
    reset_after_s: float | None = None


@dataclass(slots=True)
class Traffic:
    """What has passed since the start."""

    connections: int = 0
    up_bytes: int = 0
    down_bytes: int = 0


@dataclass(slots=True)
class _Direction:
    count: Callable[[int], None]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class TcpProxy:
    """A running proxy; made by `tcp_proxy`. Set `line` fields at any moment.

    Attributes:
        port: where clients connect; stays the same when the line is cut and restored.
    """

    def __init__(self, target: tuple[str, int], host: str) -> None:
        self.host = host
        self.port = 0
        self.line = Line()
        self.traffic = Traffic()
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tcp-proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}
        self._flows = asyncio.Event()
        self._flows.set()
        self._up = _Direction(self._count_up)
        self._down = _Direction(self._count_down)

    def cut(self) -> None:
        """Reset every connection and refuse new ones, until `restore`."""
        self._call(self._cut())

    def restore(self) -> None:
        """Listen again on the same port."""
        self._call(self._listen())

    def reset(self) -> None:
        """Reset every connection; new ones are welcome."""
        self._call(self._reset())

    def freeze(self) -> None:
        """Pass nothing, without closing: both ends believe that the other is silent (half-open)."""
        self._loop.call_soon_threadsafe(self._flows.clear)

    def thaw(self) -> None:
        """Pass what waited, and go on."""
        self._loop.call_soon_threadsafe(self._flows.set)

    def start(self) -> None:
        """Begin to listen, on a free port."""
        self._thread.start()
        self.restore()

    def stop(self) -> None:
        """End all connections and the thread."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=60)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._reset()

    async def _reset(self) -> None:
        tasks = list(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.traffic.connections += 1
        writers = self._open[task] = [writer]
        close = _break
        try:
            async with asyncio.timeout(self.line.reset_after_s):
                await self._flows.wait()
                far_reader, far_writer = await asyncio.open_connection(*self._target)
                writers.append(far_writer)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, far_writer, self._up))
                    both.create_task(self._pump(far_reader, writer, self._down))
                close = _end
        except (asyncio.CancelledError, TimeoutError, OSError, ExceptionGroup):
            # The line broke, by our hand or by an end's: both ends see a reset.
            pass
        finally:
            del self._open[task]
            for each in writers:
                close(each)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Direction) -> None:
        in_flight: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(IN_FLIGHT_CHUNKS)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._read(reader, in_flight))
            both.create_task(self._write(in_flight, writer, way))

    async def _read(self, reader: asyncio.StreamReader, in_flight: asyncio.Queue[tuple[float, bytes]]) -> None:
        data = b"begin"
        while data:
            data = await reader.read(self._chunk_bytes())
            await in_flight.put((self._loop.time() + self.line.delay_s, data))

    async def _write(
        self, in_flight: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, way: _Direction
    ) -> None:
        while True:
            due_s, data = await in_flight.get()
            await asyncio.sleep(max(0, due_s - self._loop.time()))
            await self._flows.wait()
            if not data:
                writer.write_eof()
                return
            async with way.turn:
                if self.line.bytes_per_s:
                    await asyncio.sleep(len(data) / self.line.bytes_per_s)
                    await self._flows.wait()
                way.count(len(data))
                writer.write(data)
            await writer.drain()

    def _chunk_bytes(self) -> int:
        if not self.line.bytes_per_s:
            return CHUNK_BYTES
        return max(1, min(CHUNK_BYTES, int(self.line.bytes_per_s * THROTTLE_SLICE_S)))

    def _count_up(self, n_bytes: int) -> None:
        self.traffic.up_bytes += n_bytes

    def _count_down(self, n_bytes: int) -> None:
        self.traffic.down_bytes += n_bytes


@contextlib.contextmanager
def tcp_proxy(target_port: int, *, target_host: str = "127.0.0.1", host: str = "127.0.0.1") -> Iterator[TcpProxy]:
    """A proxy to `target_port` that listens on a free port until the block ends."""
    proxy = TcpProxy((target_host, target_port), host)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()


def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()


def _break(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if not writer.is_closing():
        # Linger of zero makes the kernel send RST in place of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
