"""Owns real programs that a test starts: waits until one is ready, keeps its output, ends it with all its children.

Output goes to a file, so a talkative program never blocks and no thread reads it. A program gets a session of its own
and is ended by that process group: nothing that it started outlives the test.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

POLL_S = 0.02
OUTPUT_SHOWN_CHARS = 4000


class ProgramFailed(AssertionError):
    """A program ended by itself, answered with an error, or was not ready in time; the message holds its output."""


class Program:
    """A program that runs now.

    Attributes:
        process: the child, for its pid and its standard input.
    """

    def __init__(self, argv: Sequence[str], process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self.argv = list(argv)
        self.process = process
        self._log = log

    def output(self) -> str:
        """Everything it has printed so far, standard error included."""
        return Path(self._log.name).read_text(errors="replace")

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def wait_until(self, ready: "Ready", *, within_s: float = 15) -> None:
        """Wait for `ready`.

        Raises:
            ProgramFailed: it ended first, or the time is over.
        """
        deadline_s = time.monotonic() + within_s
        while not ready(self):
            if not self.is_running():
                raise ProgramFailed(self._sentence(f"ended with code {self.process.returncode}"))
            if time.monotonic() > deadline_s:
                raise ProgramFailed(self._sentence(f"was not ready within {within_s:.0f} s"))
            time.sleep(POLL_S)

    def freeze(self) -> None:
        """Stop it where it stands, as a hung camera: its sockets stay open and nothing answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def end(self, *, within_s: float = 3) -> None:
        """Ask it to end, then make it; takes its whole process group along. Ending twice does no harm."""
        if self.is_running():
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(within_s)
        self._signal(signal.SIGKILL)
        self.process.wait()

    def kill(self) -> None:
        """End it without a word, as a power cut does."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _sentence(self, what: str) -> str:
        return f"{' '.join(self.argv)[:300]} {what}; it printed:\n{self.output()[-OUTPUT_SHOWN_CHARS:]}"


Ready = Callable[[Program], bool]


def port_answers(port: int, host: str = "127.0.0.1") -> Ready:
    """Ready when a TCP connection to `port` succeeds."""

    def answers(_: Program) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
            return True
        return False

    return answers


def printed(words: str) -> Ready:
    """Ready when its output holds `words`."""
    return lambda program: words in program.output()


def started(_: Program) -> bool:
    """Ready at once."""
    return True


@contextlib.contextmanager
def running(
    argv: Sequence[str],
    *,
    ready: Ready = started,
    within_s: float = 15,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Program]:
    """Start `argv`, hand it over once `ready`, and end it whatever happens.

    `env` is added to our own environment. Standard input is a pipe, closed at the end.

    Raises:
        ProgramFailed: it ended or was not ready within `within_s`.
    """
    with tempfile.NamedTemporaryFile(prefix="beket-test-", suffix=".log") as log:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            start_new_session=True,
        )
        program = Program(argv, process, log)
        try:
            program.wait_until(ready, within_s=within_s)
            yield program
        finally:
            program.end()
            if process.stdin:
                process.stdin.close()


def output_of(*argv: str | Path, within_s: float = 30, stdin: bytes = b"", may_complain: bool = True) -> str:
    """Run a program to its end and return what it wrote to standard output.

    Raises:
        ProgramFailed: it failed or took longer than `within_s`, or wrote to standard error though it `may_complain`
            not (ffmpeg and ffprobe end with 0 over a broken film); the message holds what it wrote there.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=within_s, check=False)
    except subprocess.TimeoutExpired as late:
        raise ProgramFailed(f"{' '.join(words)[:300]} took over {within_s:.0f} s:\n{_tail(late.stderr)}") from None
    if done.returncode != 0:
        raise ProgramFailed(f"{' '.join(words)[:300]} ended with code {done.returncode}:\n{_tail(done.stderr)}")
    if done.stderr and not may_complain:
        raise ProgramFailed(f"{' '.join(words)[:300]} complains:\n{_tail(done.stderr)}")
    return done.stdout.decode(errors="replace")


def free_tcp_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now."""
    return _free_port(socket.SOCK_STREAM, host)


def free_udp_port(host: str = "127.0.0.1") -> int:
    """A UDP port that nobody listens on now."""
    return _free_port(socket.SOCK_DGRAM, host)


@contextlib.contextmanager
def silent_tcp_port(host: str = "127.0.0.1") -> Iterator[int]:
    """A TCP port that answers nothing, as a machine without power: its queue is full, so that Linux drops each SYN."""
    with contextlib.ExitStack() as undo:
        listener = undo.enter_context(socket.create_server((host, 0), backlog=0))
        while True:
            one = undo.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            _, connected, _ = select.select([], [one], [], 0.2)
            if not connected:
                break
        yield listener.getsockname()[1]


def wait_for(condition: Callable[[], bool], *, within_s: float = 10, what: str = "the condition") -> None:
    """Poll `condition` until it holds.

    Raises:
        AssertionError: it did not hold `within_s`.
    """
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise AssertionError(f"{what} did not come within {within_s:.0f} s")
        time.sleep(POLL_S)


def _free_port(kind: socket.SocketKind, host: str) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")[-OUTPUT_SHOWN_CHARS:]
