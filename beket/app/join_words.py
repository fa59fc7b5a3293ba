"""Owns how a join line comes to a command: from a file that only its owner reads, or from what is pasted."""

import sys
from pathlib import Path

from beket.app.terminal import tell
from beket.kernel.errors import InvalidArgument
from beket.kernel.secrets import read_secret_file
from beket.kernel.text import say


def read_join_line(file: Path | None) -> str:
    """The line; asked for at the terminal when there is no `file`.

    Raises:
        InvalidArgument: there is none.
    """
    if file:
        return read_secret_file(file).reveal()
    if sys.stdin.isatty():
        tell(say("Вставте рядок приєднання і натисніть Enter:", "Paste the join line and press Enter:"))
    line = sys.stdin.readline(4096)
    if not line.strip():
        raise InvalidArgument(
            say("Рядка приєднання немає.", "There is no join line."),
            hint=say("У центрі: beket centre join-line ОБ'ЄКТ", "At the centre: beket centre join-line SITE"),
        )
    return line
