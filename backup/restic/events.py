"""Owns how a line of restic's output becomes a value; hostile or torn lines become words, never errors.

Sans-I/O. Unknown types and fields are ignored, so that a newer restic is still understood.
"""

import datetime
import re
from dataclasses import dataclass

import msgspec

from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

WORDS_MAX_CHARS = 1000
_ERASE_LINE = re.compile(r"\x1b\[\d*[A-Za-z]")
# 0.14 tells this in words alone, and ends with code 0.
_SKIPPED = re.compile(r"^(?P<item>/.*) does not exist, skipping$")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backup is; restic counts what it read, not what is stored. `ratio` is 0-1."""

    ratio: float
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a backup that came to its end says of itself. `snapshot_id` may be the short form, or "" for none."""

    snapshot_id: str
    files: int
    size_bytes: int
    added_bytes: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class ItemError:
    """One file or folder that could not be read or restored. `is_absent`: it was not there at all."""

    item: str
    why: str
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """A line for people."""

    text: str


Event = Progress | Summary | ItemError | Words


class _Reason(msgspec.Struct, frozen=True):
    message: str = ""
    Op: str = ""
    Err: object = None


class _Line(msgspec.Struct, frozen=True):
    message_type: str = ""
    percent_done: float = 0
    files_done: int = 0
    bytes_done: int = 0
    snapshot_id: str = ""
    total_files_processed: int = 0
    total_bytes_processed: int = 0
    data_added: int = 0
    total_duration: float = 0
    item: str = ""
    error: _Reason = _Reason()
    message: str = ""


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot as the repository holds it. `time` is RFC 3339 by the clock of the host that made it."""

    id: str
    time: str
    paths: tuple[str, ...]
    hostname: str = ""
    tags: tuple[str, ...] = ()

    def made_at(self) -> datetime.datetime:
        """When, by the clock of its host; aware.

        Raises:
            ProtocolError: `time` is none.
        """
        try:
            moment = datetime.datetime.fromisoformat(self.time)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ProtocolError(
                say(
                    "Копія має незрозумілий час: {time}.",
                    "The snapshot's time is not understood: {time}.",
                    time=self.time[:40],
                )
            )
        return moment


def parse_line(line: bytes) -> Event:
    """The event in one line, without its line end."""
    try:
        found = msgspec.json.decode(line, type=_Line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _of_words(line)
    match found.message_type:
        case "status":
            return Progress(found.percent_done, found.files_done, found.bytes_done)
        case "summary":
            return Summary(
                found.snapshot_id,
                found.total_files_processed,
                found.total_bytes_processed,
                found.data_added,
                found.total_duration,
            )
        case "error":
            return ItemError(found.item, _why(found.error))
        case "exit_error":
            return Words(found.message[:WORDS_MAX_CHARS])
    return _of_words(line)


def parse_snapshots(document: bytes) -> tuple[Snapshot, ...]:
    """What `snapshots --json` printed.

    Raises:
        ProtocolError: it is no list of snapshots.
    """
    try:
        return tuple(msgspec.json.decode(document, type=list[Snapshot] | None) or ())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(
            say("Перелік копій незрозумілий: {why}.", "The list of snapshots is not understood: {why}.", why=error)
        ) from error


def _of_words(line: bytes) -> Event:
    text = _ERASE_LINE.sub("", line[: 4 * WORDS_MAX_CHARS].decode(errors="replace")).strip()[:WORDS_MAX_CHARS]
    skipped = _SKIPPED.match(text)
    return ItemError(skipped["item"], "does not exist", is_absent=True) if skipped else Words(text)


def _why(reason: _Reason) -> str:
    # 0.14 prints Go's error as {Op, Path, Err}, Err being errno; later releases print a message.
    return (reason.message or f"{reason.Op} error {reason.Err if isinstance(reason.Err, int) else ''}".strip())[:200]
