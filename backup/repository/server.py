"""Owns the repository server: `rest-server` or `rclone serve restic`, whichever is here; the only place that starts it.

Append-only, each host in its own folder, over TLS. The program ends with the centre, however that ended. Passwords are
in a file; nothing secret is in its arguments or its environment. Note: backup/design/0056-repository-service.md.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from beket.kernel.clock import Clock
from beket.kernel.errors import Busy, Internal, NotFound
from beket.kernel.secrets import redact
from beket.kernel.text import say

log = logging.getLogger(__name__)

# Debian calls rest-server by a longer name.
REST_SERVERS = ("restic-rest-server", "rest-server")
PROGRAMS = (*REST_SERVERS, "rclone")
GRACE_S = 5.0
ACCOUNTS_LOOK_S = 0.2
WORDS_KEPT = 20
LINE_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served, where and to whom.

    Attributes:
        folder: the repositories, one folder a host.
        accounts: the htpasswd file.
        certificate: PEM; `key` the file (0600) with its private key.
    """

    folder: Path
    host: str
    port: int
    accounts: Path
    certificate: Path
    key: Path


def find_program(wanted: str = "") -> Path:
    """The server to start: `wanted`, or the best that is installed.

    Raises:
        NotFound: there is none.
    """
    for name in (wanted,) if wanted else PROGRAMS:
        found = shutil.which(name)
        if found:
            return Path(found)
    raise NotFound(
        say("Немає сервера сховищ копій.", "There is no repository server."),
        subject=wanted,
        hint=say(
            "Встановіть його: sudo apt install rclone (Debian 12) або restic-rest-server (Debian 13).",
            "Install one: sudo apt install rclone (Debian 12) or restic-rest-server (Debian 13).",
        ),
    )


def arguments_of(program: Path, serving: Serving) -> list[str]:
    """How `program` is told what to serve."""
    listen = f"{serving.host}:{serving.port}"
    if program.name in REST_SERVERS:
        words = ["--append-only", "--private-repos", "--htpasswd-file", str(serving.accounts)]
        tls = ["--tls", "--tls-cert", str(serving.certificate), "--tls-key", str(serving.key)]
        return [*words, *tls, "--listen", listen, "--path", str(serving.folder)]
    words = ["serve", "restic", "--append-only", "--private-repos", "--htpasswd", str(serving.accounts)]
    tls = ["--cert", str(serving.certificate), "--key", str(serving.key)]
    # Its list of objects is wrong as soon as the centre prunes behind its back.
    return [*words, *tls, "--cache-objects=false", "--config", "", "--addr", listen, str(serving.folder)]


async def serve(program: Path, serving: Serving, *, clock: Clock) -> None:
    """Be the server until cancelled; a server that ends by itself is an error, so that it is started again.

    Raises:
        Busy: the port is taken.
        Internal: it ended; the sentence has its last words.
    """
    process = await _start(program, arguments_of(program, serving))
    assert process.stderr is not None
    last: list[str] = []
    log.info("%s serves repositories on port %d", program.name, serving.port)
    telling = asyncio.create_task(_tell_of_accounts(process, program, serving.accounts, clock))
    try:
        async for line in _lines(process.stderr):
            last = [*last, redact(line)][-WORDS_KEPT:]
            log.debug("%s: %s", program.name, last[-1])
        code = await process.wait()
    finally:
        telling.cancel()
        await _end(process)
    words = last[-1] if last else "…"
    if "address already in use" in "".join(last):
        raise Busy(say("Порт сховищ копій зайнятий.", "The repositories' port is taken."), subject=str(serving.port))
    raise Internal(f"{program.name} ended with code {code}: {words}", subject=program.name)


async def _tell_of_accounts(process: asyncio.subprocess.Process, program: Path, accounts: Path, clock: Clock) -> None:
    """rest-server looks at its accounts each half minute, and at once when told; rclone looks by itself."""
    known = await asyncio.to_thread(_changed_ns, accounts)
    while program.name in REST_SERVERS:
        await clock.sleep(ACCOUNTS_LOOK_S)
        found = await asyncio.to_thread(_changed_ns, accounts)
        if found != known:
            known = found
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGHUP)


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def bound_to(parent: int, words: Sequence[str]) -> list[str]:
    """How to start a program that the kernel ends when process `parent`, which starts it, is gone, even by SIGKILL.

    An orphan would keep the port. One whose parent died before the kernel was told ends by itself.
    """
    begin = 'umask 077; [ "$PPID" = "$0" ] || exit 1; exec "$@"'
    return ["setpriv", "--pdeathsig", "TERM", "sh", "-c", begin, str(parent), *words]


async def _start(program: Path, arguments: list[str]) -> asyncio.subprocess.Process:
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *bound_to(os.getpid(), [str(program), *arguments]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
        start_new_session=True,
        limit=LINE_MAX_BYTES,
    )


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue  # longer than anything that is worth keeping
        if not line:
            return
        yield line.decode(errors="replace").strip()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), GRACE_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
