"""Owns what can be wrong with a service: one bounded word for labels and rules, one sentence for people.

Foreign errors of sockets and TLS become ours here.
"""

import asyncio
import socket
import ssl
from enum import StrEnum

from beket.kernel.errors import BeketError, Kind, Unreachable
from beket.kernel.metrics import Metric
from beket.kernel.text import Text, say


class Trouble(StrEnum):
    """The word; it stands in the label `reason`, so it never changes and there are not many."""

    NAME = "no-such-name"
    REFUSED = "refused"
    SILENT = "silent"
    NO_ROUTE = "no-route"
    CUT = "cut"
    NOT_UNDERSTOOD = "not-understood"
    TLS = "tls"
    CERTIFICATE = "certificate"
    CERTIFICATE_ENDED = "certificate-ended"
    CERTIFICATE_ENDS = "certificate-ends-soon"
    STATUS = "error-page"
    ELSEWHERE = "sent-elsewhere"
    TEXT = "text-absent"
    ABSENT = "absent"
    LOGIN = "login"
    CLOCK_OFF = "clock-off"
    CLOCK_UNSET = "clock-unset"
    DOMAIN_ENDED = "domain-ended"
    DOMAIN_ENDS = "domain-ends-soon"
    LETTER = "letter-not-come"
    LOSSY = "lossy"
    SETTING = "setting"
    OTHER = "other"


class Failed(Unreachable):
    """A service does not do its work; `trouble` says how, `samples` what was measured before it turned out."""

    def __init__(self, trouble: Trouble, text: Text, samples: tuple[tuple[Metric, float], ...] = ()) -> None:
        super().__init__(text)
        self.trouble = trouble
        self.samples = samples


_BY_KIND = {
    Kind.UNREACHABLE: Trouble.NO_ROUTE,
    Kind.TIMED_OUT: Trouble.SILENT,
    Kind.PROTOCOL: Trouble.NOT_UNDERSTOOD,
    Kind.UNAUTHENTICATED: Trouble.LOGIN,
    Kind.FORBIDDEN: Trouble.LOGIN,
    Kind.NOT_FOUND: Trouble.SETTING,
    Kind.INVALID_CONFIG: Trouble.SETTING,
    Kind.INVALID_ARGUMENT: Trouble.SETTING,
}


def failure_of(error: OSError | EOFError | BeketError) -> tuple[Trouble, Text]:
    """The word and the sentence for what went wrong on the way."""
    cause = error.__cause__
    if isinstance(error, BeketError) and not isinstance(error, Failed) and isinstance(cause, OSError):
        return failure_of(cause)[0], error.message
    if isinstance(error, BeketError):
        return _BY_KIND.get(error.kind, Trouble.OTHER), error.message
    if isinstance(error, socket.gaierror):
        return Trouble.NAME, say("Такої назви в мережі немає.", "There is no such name in the network.")
    if isinstance(error, ssl.SSLCertVerificationError):
        return Trouble.CERTIFICATE, say("Сертифікату не можна вірити.", "The certificate cannot be trusted.")
    if isinstance(error, ssl.SSLError):
        return Trouble.TLS, say("Захищене з'єднання (TLS) не вдалося.", "The secure connection (TLS) failed.")
    if isinstance(error, ConnectionRefusedError):
        return Trouble.REFUSED, say(
            "Вузол є, але служба на цьому порту не працює.", "The host is there, but nothing serves this port."
        )
    if isinstance(error, TimeoutError):
        return Trouble.SILENT, say("Немає відповіді.", "No answer.")
    if isinstance(error, ConnectionError | EOFError | asyncio.IncompleteReadError):
        return Trouble.CUT, say("З'єднання обірвалося посеред відповіді.", "The connection was cut while it answered.")
    return Trouble.NO_ROUTE, say("Немає шляху до цього вузла.", "There is no route to this host.")


def not_understood(what: str) -> Failed:
    """The failure for an answer outside its protocol; `what` is ours, never the peer's bytes."""
    return Failed(
        Trouble.NOT_UNDERSTOOD,
        say("Відповідь незрозуміла ({what}).", "The answer is not understood ({what}).", what=what),
    )
