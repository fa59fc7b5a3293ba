"""Owns the talk with an interactive command line: find the prompt, type, read until the prompt is there again.

A prompt or a pager is believed only when the device is quiet after it: the same words inside an answer are followed by
more. Everything is bounded: the answer's size, its time, the pages. Blocking; for one thread.
"""

import contextlib
import re
from collections.abc import Callable

from agents.hosts.families import Manner
from agents.hosts.link import Channel, was_cut
from agents.hosts.screen import Screen
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.secrets import Secret
from beket.kernel.text import say

# How long a device must be quiet for its last line to count as the end; a weak line stutters by a fifth of a second.
SETTLED_S = 0.3
SETTLED_FIRST_S = 0.6
SETTLED_TORN_S = 2.0
QUIET_S = 0.02
PAGES_MAX = 5000
CHUNKS_DROPPED_MAX = 64
BEGIN_MAX_BYTES = 256 * 1024
PREPARE_WITHIN_S = 20.0
LEAVES_WITHIN_S = 2.0


class Conversation:
    """A shell at its prompt."""

    def __init__(self, channel: Channel, manner: Manner, *, device: str, clock: Clock) -> None:
        self._channel = channel
        self._manner = manner
        self._device = device
        self._clock = clock
        self._screen = Screen()
        self._prompt = ""
        self._is_prompt = re.compile(manner.prompt).fullmatch
        self._is_pager = re.compile(manner.pager).fullmatch if manner.pager else _never
        self._questions = [(re.compile(one.ask).fullmatch, one.answer) for one in manner.questions]

    def begin(self, *, within_s: float, enable_secret: Secret | None = None) -> None:
        """Wait for the first prompt, become privileged if the family wants it, turn paging off.

        Raises:
            Unreachable, TimedOut, ProtocolError: as `run`.
            Unauthenticated: the device refuses the privileged level.
        """
        self._wait(self._is_prompt, within_s=within_s, max_bytes=BEGIN_MAX_BYTES, settled_s=SETTLED_FIRST_S)
        self._learn()
        self._become_privileged(within_s, enable_secret)
        for command in self._manner.prepare:
            self.run(command, within_s=PREPARE_WITHIN_S, max_bytes=BEGIN_MAX_BYTES)

    def run(self, command: str, *, within_s: float, max_bytes: int) -> str:
        """See `ShellSession.run`."""
        self._type(command)
        self._wait(self._is_our_prompt, within_s=within_s, max_bytes=max_bytes, settled_s=SETTLED_S)
        lines = self._screen.lines
        if lines and _is_echo(lines[0], command, self._prompt):
            del lines[0]
        rest = self._screen.current().removesuffix(self._prompt)
        if rest:  # the answer did not end its last line
            lines.append(rest)
        while lines and lines[-1].rstrip() == self._prompt.rstrip():  # it took our line end for another command
            del lines[-1]
        return self._screen.text()

    def end(self) -> None:
        """Say good-bye and let the device hang up; one that does not listen any more is no failure.

        Gear has few sessions, and keeps one that was merely dropped for minutes.
        """
        with contextlib.suppress(Unreachable, TimedOut, ProtocolError):
            for command in self._manner.leave:
                self._channel.send(command.encode() + self._manner.newline.encode())
            for _ in range(CHUNKS_DROPPED_MAX):
                if not self._channel.receive(LEAVES_WITHIN_S):
                    return

    def _type(self, words: str) -> None:
        with contextlib.suppress(TimedOut):
            for _ in range(CHUNKS_DROPPED_MAX):  # what is still coming belongs to the answer before
                if not self._channel.receive(QUIET_S):
                    break
        self._screen.clear()
        self._channel.send(words.encode() + self._manner.newline.encode())

    def _learn(self) -> None:
        self._prompt = self._screen.current()

    def _become_privileged(self, within_s: float, secret: Secret | None) -> None:
        enable = self._manner.enable
        if enable is None or re.fullmatch(enable.proof, self._prompt):
            return
        asks = re.compile(enable.ask).fullmatch

        def is_over(line: str) -> object:
            return asks(line) or self._is_prompt(line)

        self._type(enable.command)
        self._wait(is_over, within_s=within_s, max_bytes=BEGIN_MAX_BYTES, settled_s=SETTLED_S)
        if asks(self._screen.current()):
            if secret is None:
                raise self._no_privilege()
            self._type(secret.reveal())
            self._wait(is_over, within_s=within_s, max_bytes=BEGIN_MAX_BYTES, settled_s=SETTLED_S)
        self._learn()
        if not re.fullmatch(enable.proof, self._prompt):
            raise self._no_privilege()

    def _no_privilege(self) -> Unauthenticated:
        return Unauthenticated(
            say(
                "Пристрій не пускає до привілейованого режиму.",
                "The device does not let us into the privileged mode.",
            ),
            subject=self._device,
            hint=say(
                "Дайте обліковому запису потрібний рівень або вкажіть enable_secret.",
                "Give the account the level it needs, or name an enable_secret.",
            ),
        )

    def _is_our_prompt(self, line: str) -> bool:
        return line == self._prompt

    def _wait(self, is_over: Callable[[str], object], *, within_s: float, max_bytes: int, settled_s: float) -> None:
        """Read until the device is quiet after a line that `is_over`; pages and questions are answered."""
        deadline_ns = self._clock.mono_ns() + int(within_s * NS_PER_S)
        pages = 0
        while True:
            line = self._screen.current()
            answer = self._answer_to(line)
            quiet_s = settled_s if answer is not None or is_over(line) else self._torn_s(line)
            left_s = (deadline_ns - self._clock.mono_ns()) / NS_PER_S
            if left_s <= 0:
                raise self._too_late()
            try:
                data = self._channel.receive(min(quiet_s or left_s, left_s))
            except TimedOut:
                if quiet_s is None:
                    raise self._too_late() from None
                if answer is None:
                    return
                pages += 1
                if pages > PAGES_MAX:
                    raise self._too_much() from None
                self._screen.clear_current()
                self._channel.send(answer.encode())
                continue
            if not data:
                raise was_cut(self._device)
            self._screen.feed(data)
            if self._screen.received_bytes > max_bytes:
                raise self._too_much()

    def _torn_s(self, line: str) -> float | None:
        """How long to be quiet where the prompt stands behind a last line without an end; None where it does not."""
        return SETTLED_TORN_S if self._prompt and line.endswith(self._prompt) else None

    def _answer_to(self, line: str) -> str | None:
        """What to type when the device waits for a key or an answer; None when it does not."""
        if self._is_pager(line):
            return self._manner.pager_answer
        return next((answer for asks, answer in self._questions if asks(line)), None)

    def _too_late(self) -> TimedOut:
        return TimedOut(
            say("Пристрій не закінчив відповіді вчасно.", "The device did not end its answer in time."),
            subject=self._device,
        )

    def _too_much(self) -> ProtocolError:
        return ProtocolError(
            say("Відповідь пристрою задовга.", "The device's answer is too long."), subject=self._device
        )


def _is_echo(line: str, command: str, prompt: str) -> bool:
    return line.rstrip().removeprefix(prompt.rstrip()).strip() == command.strip()


def _never(_: str) -> None:
    return None
