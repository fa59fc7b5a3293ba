"""Owns a probe's TCP connection: opened to the declared host, read within a bound, closed without ceremony."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

READ_AT_ONCE_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Connection:
    """Both directions."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_until_end(self, max_bytes: int) -> bytes:
        """What the peer sends until it closes, or the first `max_bytes` of it."""
        return await self.read_until(b"", max_bytes)

    async def read_until(self, wanted: bytes, max_bytes: int) -> bytes:
        """What the peer sends until `wanted` is in it (never, when that is empty), it closes, or `max_bytes` came."""
        data = bytearray()
        while len(data) < max_bytes and not (wanted and wanted in data):
            some = await self.reader.read(min(READ_AT_ONCE_BYTES, max_bytes - len(data)))
            if not some:
                break
            data += some
        return bytes(data)

    def certificate(self) -> bytes | None:
        """The peer's certificate (DER); None without TLS."""
        secured = self.writer.get_extra_info("ssl_object")
        return secured.getpeercert(binary_form=True) if secured else None


@contextlib.asynccontextmanager
async def connected(host: str, port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Connection]:
    """A connection to `host`, with TLS when a context is given; cut at the end of the block.

    Raises:
        OSError: what the system says of it; TLS errors and time-outs among them.
    """
    reader, writer = await asyncio.open_connection(
        host, port, ssl=tls, server_hostname=host if tls else None, limit=READ_AT_ONCE_BYTES
    )
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()  # a peer that never closes its half must not keep us
