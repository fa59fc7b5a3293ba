"""Owns the one tree of errors and the one table that says what each kind of failure means.

    BeketError
    ├── InvalidConfig          a file or a setting is wrong                   operator
    ├── InvalidArgument        the caller's input is wrong                    caller
    ├── Unauthenticated        who you are could not be proven                operator
    ├── Forbidden              known, but not allowed                         operator
    ├── NotFound               the named thing is absent                      caller
    ├── Unreachable            no route, refused, no such host                wait   (also ConnectionError)
    ├── TimedOut               no answer in time                              wait   (also TimeoutError)
    ├── ProtocolError          an answer we do not understand                 vendor
    ├── Busy                   a lock or a limit is held by another           wait
    ├── NoSpace                a disk or a quota is full                      operator
    ├── DataLoss               a hash, an index or a restore does not match   operator, now
    ├── Cancelled              we are shutting down                           nobody
    └── Internal               a bug of ours                                  developer

Foreign exceptions become ours only in gates. Rooms subclass these thinly where a caller must tell cases apart.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from beket.kernel.text import Text, plain


class Kind(StrEnum):
    """What went wrong, in the one word that logs, pages and exit codes share."""

    INVALID_CONFIG = "invalid_config"
    INVALID_ARGUMENT = "invalid_argument"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    PROTOCOL = "protocol"
    BUSY = "busy"
    NO_SPACE = "no_space"
    DATA_LOSS = "data_loss"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class Remedy(StrEnum):
    """Who has to act before the same call can succeed."""

    NOBODY = "nobody"
    WAIT = "wait"
    CALLER = "caller"
    OPERATOR = "operator"
    VENDOR = "vendor"
    DEVELOPER = "developer"


@dataclass(frozen=True, slots=True)
class Handling:
    """How a kind is treated at each edge of the process.

    `exit_code` follows sysexits.h; `retry` says whether trying again soon can help: if not, a loop waits its longest.
    """

    remedy: Remedy
    retry: bool
    http_status: int
    exit_code: int
    log_level: str


HANDLING: dict[Kind, Handling] = {
    Kind.INVALID_CONFIG: Handling(Remedy.OPERATOR, False, 500, 78, "error"),
    Kind.INVALID_ARGUMENT: Handling(Remedy.CALLER, False, 400, 64, "info"),
    Kind.UNAUTHENTICATED: Handling(Remedy.OPERATOR, True, 401, 77, "warning"),
    Kind.FORBIDDEN: Handling(Remedy.OPERATOR, True, 403, 77, "warning"),
    Kind.NOT_FOUND: Handling(Remedy.CALLER, False, 404, 66, "info"),
    Kind.UNREACHABLE: Handling(Remedy.WAIT, True, 502, 69, "warning"),
    Kind.TIMED_OUT: Handling(Remedy.WAIT, True, 504, 75, "warning"),
    Kind.PROTOCOL: Handling(Remedy.VENDOR, True, 502, 76, "error"),
    Kind.BUSY: Handling(Remedy.WAIT, True, 409, 75, "info"),
    Kind.NO_SPACE: Handling(Remedy.OPERATOR, True, 507, 73, "error"),
    Kind.DATA_LOSS: Handling(Remedy.OPERATOR, False, 500, 65, "critical"),
    Kind.CANCELLED: Handling(Remedy.NOBODY, False, 503, 0, "debug"),
    Kind.INTERNAL: Handling(Remedy.DEVELOPER, True, 500, 70, "error"),
}


class BeketError(Exception):
    """A failure with a kind, a sentence for people, the thing it concerns and, if there is one, the next step.

    Attributes:
        message: what happened, as a sentence; a plain `str` is taken as a developer's words.
        subject: id of the site, device, camera, file or setting concerned; "" when there is none.
        hint: what the person who must act should do; None when nothing better than the message is known.
    """

    kind: ClassVar[Kind] = Kind.INTERNAL

    def __init__(self, message: Text | str, *, subject: str = "", hint: Text | None = None) -> None:
        self.message = plain(message) if isinstance(message, str) else message
        self.subject = subject
        self.hint = hint
        super().__init__(self.message.en)

    @property
    def handling(self) -> Handling:
        """The row of `HANDLING` for this error's kind."""
        return HANDLING[self.kind]

    def sentence(self) -> Text:
        """What happened and what to do, as one text for a terminal or a page."""
        parts = Text("{subject}{message}", "{subject}{message}", {"subject": self._prefix(), "message": self.message})
        if self.hint is None:
            return parts
        return Text("{what} {hint}", "{what} {hint}", {"what": parts, "hint": self.hint})

    def _prefix(self) -> str:
        return f"{self.subject}: " if self.subject else ""


class InvalidConfig(BeketError):
    """A configuration file or value is wrong; nothing was started with it."""

    kind = Kind.INVALID_CONFIG


class InvalidArgument(BeketError, ValueError):
    """The caller gave something this call cannot take."""

    kind = Kind.INVALID_ARGUMENT


class Unauthenticated(BeketError):
    """A password, key or session was refused: by us, or by a device we called."""

    kind = Kind.UNAUTHENTICATED


class Forbidden(BeketError):
    """The actor is known and the action is not allowed to it."""

    kind = Kind.FORBIDDEN


class NotFound(BeketError, LookupError):
    """The named thing does not exist here."""

    kind = Kind.NOT_FOUND


class Unreachable(BeketError, ConnectionError):
    """Nobody answers at that address: refused, no route, no such host, or the line was cut."""

    kind = Kind.UNREACHABLE


class TimedOut(BeketError, TimeoutError):
    """No answer came within the stated time."""

    kind = Kind.TIMED_OUT


class ProtocolError(BeketError):
    """The peer answered with something outside its protocol; the only error hostile bytes may raise."""

    kind = Kind.PROTOCOL


class Busy(BeketError):
    """Someone else holds the lock, the port or the limit; trying later can succeed."""

    kind = Kind.BUSY


class NoSpace(BeketError):
    """A disk or a quota is full; what was recorded is kept."""

    kind = Kind.NO_SPACE


class DataLoss(BeketError):
    """Stored bytes are not what was written: a hash, an index or a restore does not match."""

    kind = Kind.DATA_LOSS


class Cancelled(BeketError):
    """Work stopped because the process is shutting down."""

    kind = Kind.CANCELLED


class Internal(BeketError):
    """A bug of ours; the supervisor restarts the unit and the log keeps the trace."""

    kind = Kind.INTERNAL
