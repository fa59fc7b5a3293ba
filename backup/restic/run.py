"""Owns the running of the restic binary: the only place that starts it. Streams its lines, stops it, sees it stall.

On the loop that calls. A run has a session of its own, a minimal environment without any RESTIC_ secret, and no
standard input. It is over when `run` returns or raises, whatever happens. Note: backup/design/0009-restic-wrapper.md.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from backup.restic.commands import Command, Operation
from backup.restic.events import ItemError, Summary, Words, parse_line
from backup.restic.life import Life, OnProgress, Stored, work_of
from backup.restic.version import Capabilities, capabilities_of, parse_version
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import NotFound
from beket.kernel.secrets import redact
from beket.kernel.text import say
from beket.kernel.units import KIB, MIB

CHUNK_BYTES = 64 * KIB
# `snapshots` prints one line; anything longer than this is not ours to hold.
LINE_MAX_BYTES = 16 * MIB
KEPT_ITEMS = 1000
KEPT_WORDS = 200
KEPT_OUTPUT_BYTES = LINE_MAX_BYTES
STATUS_PER_S = "1"
# So often within the silence that is borne somebody looks whether anything moved.
LOOKS = 4
# What answers in JSON documents, not in events, and how its lines begin.
_DOCUMENTS = {
    Operation.SNAPSHOTS: b"[n",
    Operation.FORGET: b"[n",
    Operation.LS: b"{",
    Operation.KEY: b"[",
    Operation.CAT: b"{ }",
}
# What a server says for good while 0.14 asks on for a quarter of an hour. An append-only one lets locks go, and nothing
# else; nor may a piece be sent again whose first sending broke half-way and left a torn one under its name.
_ASKED = r"\(<(?!lock)[^>]*>\) (?:returned error|failed).*"
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE")


class Refusal(StrEnum):
    """What a server does not let restic do."""

    REMOVE = "remove"
    WRITE = "write"
    NO_SPACE = "no space"


_REFUSALS = {
    Refusal.REMOVE: re.compile(rf"Remove{_ASKED}\b403\b"),
    Refusal.WRITE: re.compile(rf"Save{_ASKED}\b403\b"),
    Refusal.NO_SPACE: re.compile(rf"Save{_ASKED}\b507\b"),
}


class ResticMissing(NotFound):
    """The restic program is not installed."""

    def __init__(self) -> None:
        super().__init__(
            say("Немає програми restic, тож копії не робляться.", "restic is missing, so there are no backups."),
            hint=say("Встановіть її: sudo apt install restic", "Install it: sudo apt install restic"),
        )


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what.

    Attributes:
        silence_s: a run in which nothing moved for so long is ended (`life.Life` says what moves); None waits for ever.
        interrupt_s: after SIGINT, for restic to finish its pack and remove its lock.
        terminate_s: after SIGTERM, before SIGKILL.
    """

    silence_s: float | None = 15 * 60
    interrupt_s: float = 30
    terminate_s: float = 5


@dataclass(slots=True)
class Ended:
    """Everything that is known of a run that is over; `outcome.classify` judges it.

    Attributes:
        exit_code: as the shell counts: 128 + number for a signal.
        words: the last lines for people of both outputs, redacted.
        output: what `snapshots`, `forget`, `ls`, `key list` and `cat` print, mostly a document a line; else empty.
        stopped: we were asked to stop it. `stalled`: nothing moved for too long and we ended it.
        refusal: what the server does not let it do; restic says so in words alone, and 0.14 would ask for ever.
        lock_may_stay: it ended by a signal that leaves its lock in the repository.
    """

    command: Command
    capabilities: Capabilities
    exit_code: int = 0
    duration_s: float = 0
    summary: Summary | None = None
    items: list[ItemError] = field(default_factory=list)
    items_total: int = 0
    words: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT_WORDS))
    output: bytes = b""
    stopped: bool = False
    stalled: bool = False
    refusal: Refusal | None = None
    lock_may_stay: bool = False


class Restic:
    """The installed binary."""

    def __init__(self, program: Path, capabilities: Capabilities, *, clock: Clock, patience: Patience) -> None:
        self.program = program
        self.capabilities = capabilities
        self._clock = clock
        self._patience = patience

    async def run(
        self,
        command: Command,
        *,
        stop: asyncio.Event | None = None,
        on_progress: OnProgress | None = None,
        stored: Stored | None = None,
    ) -> Ended:
        """Run `command` to its end; after `stop` is set it is ended in order.

        `stored` tells what has come to rest in the repository: over a thin line a pack takes minutes without a word.

        Raises:
            ResticMissing: the binary is gone.
        """
        ended = Ended(command, self.capabilities)
        began_ns = self._clock.mono_ns()
        process = await start(self.program, command.arguments)
        life = Life(
            command.operation,
            self._clock,
            silence_s=self._patience.silence_s,
            on_progress=on_progress,
            stored=stored,
        )
        refused = asyncio.Event()
        assert process.stdout is not None
        assert process.stderr is not None
        document = _DOCUMENTS.get(command.operation, b"")
        reading = asyncio.gather(
            _read(process.stdout, ended, life, refused, document=document),
            _read(process.stderr, ended, life, refused),
        )
        over = asyncio.create_task(_over(process, reading))
        try:
            await self._wait(over, ended, stop or asyncio.Event(), refused, lambda: _look(life, process.pid))
        finally:
            if not over.done():
                await end(process, over, self._patience)
        code = await over
        ended.exit_code = code if code >= 0 else 128 - code
        ended.duration_s = (self._clock.mono_ns() - began_ns) / NS_PER_S
        by_term = ended.exit_code == 128 + signal.SIGTERM and not self.capabilities.cleans_lock_on_term
        ended.lock_may_stay = by_term or ended.exit_code == 128 + signal.SIGKILL
        return ended

    async def _wait(
        self,
        over: "asyncio.Task[int]",
        ended: Ended,
        stop: asyncio.Event,
        refused: asyncio.Event,
        still_s: Callable[[], Awaitable[float]],
    ) -> None:
        stopping = asyncio.create_task(stop.wait())
        refusal = asyncio.create_task(refused.wait())
        silence_s = self._patience.silence_s
        look_s = None if silence_s is None else silence_s / LOOKS
        try:
            while not over.done():
                await asyncio.wait({over, stopping, refusal}, timeout=look_s, return_when=asyncio.FIRST_COMPLETED)
                if over.done() or refusal.done():
                    return
                if stopping.done():
                    ended.stopped = True
                    return
                if silence_s is not None and await still_s() >= silence_s:
                    ended.stalled = True
                    return
        finally:
            stopping.cancel()
            refusal.cancel()


async def find_restic(program: str, *, clock: Clock, patience: Patience | None = None) -> Restic:
    """The binary called `program`, asked for its version once.

    Raises:
        ResticMissing: it is not installed.
        ProtocolError: it is another program, or too old.
    """
    found = shutil.which(program)
    if not found:
        raise ResticMissing
    process = await start(Path(found), ("version",))
    words, _ = await process.communicate()
    version = parse_version(words[:CHUNK_BYTES].decode(errors="replace"))
    return Restic(Path(found), capabilities_of(version), clock=clock, patience=patience or Patience())


async def start(program: Path, arguments: tuple[str, ...]) -> asyncio.subprocess.Process:
    """The process, with both its outputs as pipes; `end` it whatever happens.

    Raises:
        ResticMissing: the binary is gone.
    """
    try:
        return await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
            start_new_session=True,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise ResticMissing from error


def environment() -> dict[str, str]:
    """What restic sees of ours: nothing that holds a secret, no RESTIC_ setting of somebody else's."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed_on, "LC_ALL": "C.UTF-8", "RESTIC_PROGRESS_FPS": STATUS_PER_S}


async def _look(life: Life, pid: int) -> float:
    """For how long nothing moved; a run is the first of a session of its own."""
    life.look(await asyncio.to_thread(work_of, pid))
    return life.still_s()


async def _over(process: asyncio.subprocess.Process, reading: "asyncio.Future[tuple[None, None]]") -> int:
    await reading
    return await process.wait()


async def _read(
    stream: asyncio.StreamReader, ended: Ended, life: Life, refused: asyncio.Event, *, document: bytes = b""
) -> None:
    async for line in _lines(stream, life):
        if line and line[0] in document and len(ended.output) + len(line) <= KEPT_OUTPUT_BYTES:
            ended.output += line + b"\n"
            continue
        event = parse_line(line)
        life.see(event)
        if isinstance(event, Summary):
            ended.summary = event
        elif isinstance(event, ItemError):
            ended.items_total += 1
            if len(ended.items) < KEPT_ITEMS:
                ended.items.append(event)
        elif isinstance(event, Words) and event.text:
            ended.words.append(redact(event.text))
            refusal = next((one for one, words in _REFUSALS.items() if words.search(event.text)), None)
            if refusal:
                ended.refusal = refusal
                refused.set()


async def _lines(stream: asyncio.StreamReader, life: Life) -> AsyncIterator[bytes]:
    """Lines without their ends; of a line longer than `LINE_MAX_BYTES` only the beginning."""
    held = bytearray()
    while chunk := await stream.read(CHUNK_BYTES):
        life.hear(len(chunk))
        *whole, rest = chunk.split(b"\n")
        for part in whole:
            held += part[: LINE_MAX_BYTES - len(held)]
            yield bytes(held)
            held.clear()
        held += rest[: LINE_MAX_BYTES - len(held)]
    if held:
        yield bytes(held)


async def end(process: asyncio.subprocess.Process, over: "asyncio.Task[int]", patience: Patience) -> None:
    """SIGINT, wait, SIGTERM, wait, SIGKILL; a second cancellation while we wait goes straight to SIGKILL."""
    try:
        for number, wait_s in ((signal.SIGINT, patience.interrupt_s), (signal.SIGTERM, patience.terminate_s)):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(over), wait_s)
                return
    finally:
        if not over.done():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    await asyncio.shield(over)
