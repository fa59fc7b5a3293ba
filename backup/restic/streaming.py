"""Owns a run of restic whose standard output is the content of a file: read as it comes, never held whole.

A stream that ends without an error was whole: restic checks each piece against its hash, and its exit code is looked at
before the last bytes are given out.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from backup.restic.commands import Command
from backup.restic.run import Patience, Restic, end, start
from beket.kernel.errors import DataLoss
from beket.kernel.secrets import redact
from beket.kernel.text import say
from beket.kernel.units import KIB

CHUNK_BYTES = 256 * KIB
WORDS_BYTES = 16 * KIB
PATIENCE = Patience(interrupt_s=2, terminate_s=2)


async def stream(restic: Restic, command: Command) -> AsyncIterator[bytes]:
    """The bytes that `command` writes; whoever stops listening ends it.

    Raises:
        DataLoss: restic could not read all of it; what was given so far is not the whole.
        ResticMissing: the binary is gone.
    """
    process = await start(restic.program, command.arguments)
    assert process.stdout is not None
    assert process.stderr is not None
    words = asyncio.create_task(_last_words(process.stderr))
    over = asyncio.create_task(process.wait())
    try:
        held = b""
        while chunk := await process.stdout.read(CHUNK_BYTES):
            if held:
                yield held
            held = chunk
        if await over:
            raise DataLoss(
                say("Файл із копії не читається.", "The file cannot be read from the copy."),
                subject=redact(await words)[-300:],
            )
        if held:
            yield held
    finally:
        if not over.done():
            await end(process, over, PATIENCE)
        words.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await words


async def _last_words(stream: asyncio.StreamReader) -> str:
    kept = b""
    while chunk := await stream.read(WORDS_BYTES):
        kept = (kept + chunk)[-WORDS_BYTES:]
    return kept.decode(errors="replace").strip()
