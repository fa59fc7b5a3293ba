"""Owns how log lines look and that no secret is in them.

One line an event, on standard error: time in UTC, level, place, words. Whoever starts the process (systemd, the demo)
keeps the lines. Anything that looks like a secret is redacted in the finished line, traces included.
"""

import json
import logging
import re
import sys
from typing import Literal, TextIO

from beket.kernel.clock import utc
from beket.kernel.secrets import redact

# Line ends, escapes and direction marks from a device's name or a page would forge lines or repaint the terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

LogFormat = Literal["text", "json"]
# Libraries whose news is no news to an operator.
_CHATTY = ("alembic", "uvicorn")
LogLevel = Literal["debug", "info", "warning", "error"]


def configure(*, level: LogLevel = "info", style: LogFormat = "text", stream: TextIO | None = None) -> None:
    """Send all log lines of this process through one redacting handler; called once, by the app."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines() if style == "json" else _TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


def level_number(level: str) -> int:
    """The `logging` number of a level's name, as `errors.HANDLING` spells it."""
    return logging.getLevelNamesMapping()[level.upper()]


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = utc(round(record.created * 1e9)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", redact(record.getMessage()))
        line = f"{moment} {record.levelname.lower():8} {record.name}: {words}"
        if record.exc_info:
            line += "\n" + redact(self.formatException(record.exc_info))
        return line


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "at": utc(round(record.created * 1e9)).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if record.exc_info:
            fields["trace"] = redact(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)
