"""Owns what a terminal would show of a device's output: finished lines, and the one being written; sans-I/O.

Pagers and prompts draw with carriage returns, backspaces and escape sequences; what they erased is not part of the
answer. One byte is one column here: whole lines are decoded when they are over.
"""

import re

from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

LINE_MAX_BYTES = 64 * 1024
# An escape sequence that is not over within so many bytes is none.
ESCAPE_MAX_BYTES = 64
CURSOR_MAX_COLUMNS = 1024
# Prompts and pagers are shorter than this.
CURRENT_SHOWN_BYTES = 300

# Text, a control sequence (CSI), an operating system command, another escape, or one control character.
_TOKEN = re.compile(
    rb"(?P<text>[^\x00-\x08\x0a-\x1f\x7f]+)"
    rb"|\x1b\[(?P<arguments>[0-?]*)[ -/]*(?P<final>[@-~])"
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b[ -/]*[0-Z\\^-~]"
    rb"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
)


class Screen:
    """The lines so far.

    Attributes:
        lines: the finished ones, without their ends.
        received_bytes: how much was fed since `clear`.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.received_bytes = 0
        self._line = bytearray()
        self._column = 0
        self._held = b""

    def current(self) -> str:
        """The beginning of the line that is being written."""
        return decode(bytes(self._line[:CURRENT_SHOWN_BYTES]))

    def clear(self) -> None:
        """Forget everything shown; what comes next begins a line."""
        self.lines = []
        self.received_bytes = 0
        self.clear_current()

    def clear_current(self) -> None:
        """Forget the line being written: it was a prompt or a pager that is answered now."""
        self._line.clear()
        self._column = 0

    def finish(self) -> None:
        """End the line being written, if there is anything in it."""
        if self._line:
            self.lines.append(decode(bytes(self._line)))
            self.clear_current()

    def feed(self, data: bytes) -> None:
        """Show what came.

        Raises:
            ProtocolError: a line is longer than any device's.
        """
        self.received_bytes += len(data)
        data = self._held + data
        self._held = b""
        at = 0
        while at < len(data):
            token = _TOKEN.match(data, at)
            if token is None:
                if len(data) - at < ESCAPE_MAX_BYTES:
                    self._held = data[at:]  # the rest of it may still come
                    return
                at += 1  # no sequence at all: the escape alone is dropped
                continue
            at = token.end()
            self._show(token)

    def text(self) -> str:
        """The finished lines, each with a line feed; spaces at their ends are the terminal's."""
        return "".join(f"{line.rstrip()}\n" for line in self.lines)

    def _show(self, token: "re.Match[bytes]") -> None:
        text = token["text"]
        if text:
            self._write(text)
            return
        control, final = token["control"], token["final"]
        if control == b"\n":
            self.lines.append(decode(bytes(self._line)))
            self.clear_current()
        elif control == b"\r":
            self._column = 0
        elif control == b"\b":
            self._column = max(0, self._column - 1)
        elif final == b"K":
            self._erase(token["arguments"])
        elif final in (b"C", b"D", b"G"):
            self._move(final, token["arguments"])

    def _write(self, text: bytes) -> None:
        end = self._column + len(text)
        if end > LINE_MAX_BYTES:
            raise ProtocolError(say("Пристрій пише рядок без кінця.", "The device writes a line without an end."))
        self._line.extend(b" " * (self._column - len(self._line)))
        self._line[self._column : end] = text
        self._column = end

    def _erase(self, arguments: bytes) -> None:
        if arguments == b"2":
            self._line.clear()
        elif arguments == b"1":
            self._line[: self._column] = b" " * min(self._column, len(self._line))
        else:
            del self._line[self._column :]

    def _move(self, final: bytes, arguments: bytes) -> None:
        steps = min(int(arguments[:6]), CURSOR_MAX_COLUMNS) if arguments[:6].isdigit() else 1
        moved = {b"C": self._column + steps, b"D": self._column - steps, b"G": steps - 1}[final]
        self._column = min(max(0, moved), LINE_MAX_BYTES)


def decode(raw: bytes) -> str:
    """Text of a device: UTF-8, else Windows-1251, which names and comments in old gear are written in."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1251", errors="replace")
