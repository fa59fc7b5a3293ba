"""Owns one question over UDP: sent again while nothing comes, only the asked host heard, strays passed over."""

import asyncio
from collections.abc import Callable

from beket.kernel.clock import Clock

DATAGRAM_MAX_BYTES = 4096
AGAIN_AFTER_S = 1.5
TRIES_MAX = 3


class _Heard(asyncio.DatagramProtocol):
    def __init__(self, is_wanted: Callable[[bytes], bool]) -> None:
        self._is_wanted = is_wanted
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if not self.answer.done() and len(data) <= DATAGRAM_MAX_BYTES and self._is_wanted(data):
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def ask(
    host: str, port: int, question: Callable[[], bytes], is_wanted: Callable[[bytes], bool], *, clock: Clock
) -> bytes:
    """The first wanted datagram that `host` answers with; `question` is formed anew for each try. Waits until ended.

    Raises:
        OSError: no such host, refused, no route.
    """
    loop = asyncio.get_running_loop()
    # Connected, so the kernel drops what comes from anybody else and reports a refusal.
    transport, heard = await loop.create_datagram_endpoint(lambda: _Heard(is_wanted), remote_addr=(host, port))
    try:
        again = asyncio.ensure_future(_send(transport, question, clock))
        try:
            return await heard.answer
        finally:
            again.cancel()
    finally:
        heard.answer.cancel()
        transport.abort()


async def _send(transport: asyncio.DatagramTransport, question: Callable[[], bytes], clock: Clock) -> None:
    for _ in range(TRIES_MAX):
        transport.sendto(question())
        await clock.sleep(AGAIN_AFTER_S)
