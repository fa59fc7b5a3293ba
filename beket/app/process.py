"""Owns how a process of Beket lives: its signals, its children, and the order in which they stop.

A parent starts each part as a child process of the same program, starts it again with growing waits when it dies, and
ends it by its own pid: SIGTERM, then, after a grace time, SIGKILL. A child also stops when its parent is gone, however
that ended: it sees the end of its standard input.
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Coroutine, Sequence
from pathlib import Path

from beket.kernel.clock import Clock
from beket.kernel.errors import HANDLING, Internal, Kind
from beket.kernel.supervise import Backoff, keep_running, run_together

log = logging.getLogger(__name__)

GRACE_S = 10.0
_CHILD_MARK = "BEKET_CHILD"
# A child that refused its configuration will refuse it again: the parent stops with the same code.
_FINAL_EXIT_CODES = frozenset({HANDLING[Kind.INVALID_CONFIG].exit_code})


class ChildRefused(Internal):
    """A child process ended with a code that another start cannot mend; `exit_code` is the child's."""

    def __init__(self, name: str, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(f"{name} ended with code {exit_code}", subject=name)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT, SIGTERM or, in a child, the parent's end sets; call it on the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if os.environ.get(_CHILD_MARK):
        loop.add_reader(0, _stop_at_end_of_input, loop, stop)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def run_until(stop: asyncio.Event, units: dict[str, Awaitable[None]]) -> None:
    """Run `units` together until `stop` is set or one fails for good; each has ended when this returns.

    Raises:
        BeketError: the failure of a unit that gave up.
    """
    work = asyncio.create_task(run_together(units))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not work.done():
            work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work


def run(main: Coroutine[object, object, None]) -> None:
    """Run a process's main coroutine on its one loop; uvloop where it is installed, since it costs less."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def run_child(
    name: str, arguments: Sequence[str], *, clock: Clock, rng: random.Random, stop: asyncio.Event
) -> None:
    """Keep `beket <arguments>` running as a child process until `stop` is set.

    Raises:
        ChildRefused: the child said that its configuration is wrong.
    """
    refused: ChildRefused | None = None

    async def run_once() -> None:
        nonlocal refused
        async with child(arguments) as process:
            ended = asyncio.create_task(process.wait())
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
            if stop.is_set():
                return
            if process.returncode in _FINAL_EXIT_CODES:
                refused = ChildRefused(name, process.returncode or 0)
                return
            raise Internal(f"{name} ended with code {process.returncode}", subject=name)

    await keep_running(name, run_once, clock=clock, rng=rng, backoff=Backoff(steps_s=(1, 1, 2, 5, 10)))
    if refused:
        raise refused


@contextlib.asynccontextmanager
async def child(
    arguments: Sequence[str], *, log_file: Path | None = None, quiet: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process `beket <arguments>` that is over, whatever happens, when the block ends.

    Its log lines go to `log_file`, appended, or to where ours go; `quiet`: what it says goes nowhere.
    """
    # A session of its own: Ctrl-C in the terminal reaches the parent alone, which then stops its children in order.
    with contextlib.ExitStack() as stack:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "beket",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL if quiet else None,
            stderr=stack.enter_context(log_file.open("ab")) if log_file else None,
            start_new_session=True,
            env={**os.environ, _CHILD_MARK: "1"},
        )
    try:
        yield process
    finally:
        await _end(process)


def _stop_at_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(0, 1024):
        loop.remove_reader(0)
        stop.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(asyncio.shield(process.wait()), GRACE_S)
    except TimeoutError:
        log.warning("process %d did not stop in %.0f s and is killed", process.pid, GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
