"""Owns how another program is asked: a deadline, a bound on what it says, its own end. The gate to `subprocess`."""

import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from beket.kernel.errors import NotFound, ProtocolError, TimedOut, Unreachable
from beket.kernel.text import say

OUTPUT_MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Output:
    """What a program said; some say true things and end with another code than 0."""

    data: bytes
    exit_code: int


class Programs(Protocol):
    """Asks other programs."""

    def ask(self, command: Sequence[str], *, timeout_s: float) -> Output:
        """What `command` says.

        Raises:
            NotFound: there is no such program here.
            Unreachable: it cannot be started.
            TimedOut: it took longer than `timeout_s`, and was ended.
            ProtocolError: it said more than anyone needs, and was ended.
        """


class RealPrograms:
    """Programs of this machine. See `Programs`."""

    def __init__(self, *, output_max_bytes: int = OUTPUT_MAX_BYTES) -> None:
        self._output_max_bytes = output_max_bytes

    def ask(self, command: Sequence[str], *, timeout_s: float) -> Output:
        """See `Programs.ask`."""
        name = command[0]
        path = shutil.which(name)
        if path is None:
            raise NotFound(say("Програми {name} тут немає.", "The program {name} is not here.", name=name))
        try:
            process = subprocess.Popen(
                [path, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(os.environ),
            )
        except OSError as error:
            raise Unreachable(
                say("Програма {name} не запускається.", "The program {name} does not start.", name=name)
            ) from error
        late = threading.Event()

        def end_late() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(timeout_s, end_late)
        timer.start()
        with process:  # closes its output and waits for its end
            try:
                assert process.stdout is not None
                data = process.stdout.read(self._output_max_bytes + 1)
                if len(data) > self._output_max_bytes:
                    process.kill()
                exit_code = process.wait()
            finally:
                timer.cancel()
        timer.join()
        if late.is_set():
            raise TimedOut(say("Програма {name} не відповіла.", "The program {name} did not answer.", name=name))
        if len(data) > self._output_max_bytes:
            raise ProtocolError(say("Програма {name} каже забагато.", "The program {name} says too much.", name=name))
        return Output(data, exit_code)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Words of programs in one language, so that they can be read."""
    return {**ours, "LC_ALL": "C.UTF-8", "LANGUAGE": ""}
