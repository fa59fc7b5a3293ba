"""Owns running a program of the host around a backup: with a deadline, without a shell, leaving no child behind.

What it says is kept in part, redacted. On the loop that calls.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from beket.kernel.secrets import redact
from beket.kernel.units import KIB

WORDS_BYTES = 4 * KIB
CHUNK_BYTES = 64 * KIB
NOT_STARTED = 127
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True, slots=True)
class ProgramEnd:
    """How a program ended.

    Attributes:
        code: as the shell counts; 127 when it could not be started.
        words: the last it said, redacted.
        timed_out: its time was over and it was ended, with all that it had started.
    """

    code: int
    words: str = ""
    timed_out: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it did its work."""
        return self.code == 0 and not self.timed_out


async def run_program(
    argv: Sequence[str], *, within_s: float, environment: Mapping[str, str] | None = None
) -> ProgramEnd:
    """Run `argv` to its end; whatever happens, nothing of its process group runs when this returns or raises.

    A `sudo` or `runuser` in `argv` may start programs of another account: those we may not be able to end.
    """
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**passed_on, **(environment or {})},
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        return ProgramEnd(NOT_STARTED, error.strerror or "?")
    words = bytearray()
    reading = asyncio.create_task(_read(process, words))
    timed_out = False
    try:
        async with asyncio.timeout(within_s):
            await asyncio.shield(reading)
            await process.wait()
    except TimeoutError:
        timed_out = True
    finally:
        # Also after a good end: a hook that leaves a process behind would hold its files.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await asyncio.shield(process.wait())
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
    code = process.returncode or 0
    said = redact(bytes(words).decode(errors="replace").strip())
    return ProgramEnd(code if code >= 0 else 128 - code, said, timed_out)


async def _read(process: asyncio.subprocess.Process, words: bytearray) -> None:
    assert process.stdout is not None
    while chunk := await process.stdout.read(CHUNK_BYTES):
        words += chunk
        del words[:-WORDS_BYTES]
