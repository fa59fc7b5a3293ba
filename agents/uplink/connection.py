"""Owns one HTTPS connection from the agent to its centre: the pinned key, the session, reconnecting, errors.

Blocking; one thread uses it. Nothing is retried but what costs nothing: a connection that the centre closed while it
was idle, and a session that it forgot. Everything else is told to the caller, who is a unit that tries again.
"""

import contextlib
import http.client
import ssl
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

import msgspec

from beket.access.agent_key import AgentKey, Enrolled, answer_challenge
from beket.access.messages import Challenge, ChallengeRequest, SessionGrant
from beket.access.tls import check_pin, client_context
from beket.kernel import wire
from beket.kernel.errors import (
    HANDLING,
    BeketError,
    Busy,
    Forbidden,
    InvalidArgument,
    InvalidConfig,
    Kind,
    NoSpace,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, plain, say

Method = Literal["GET", "HEAD", "POST", "PUT"]
Body = bytes | Iterable[bytes]
T = TypeVar("T")

TIMEOUT_S = 20
RESPONSE_MAX_BYTES = 4 * 1024 * 1024
WORDS_MAX_BYTES = 16 * 1024

_JSON = {"Content-Type": "application/json"}
_FAILURES: tuple[type[BeketError], ...] = (
    Unauthenticated,
    Forbidden,
    NotFound,
    Busy,
    NoSpace,
    InvalidArgument,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the centre answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def raise_for_status(self, subject: str) -> "Reply":
        """Itself, when the centre agreed.

        Raises:
            Unauthenticated, Forbidden, NotFound, Busy, NoSpace, InvalidArgument: the centre said so.
            Unreachable: it fails, or what stands before it does; later it may work.
            ProtocolError: any other status.
        """
        if 200 <= self.status < 300:
            return self
        message = _sentence(self)
        for failure in _FAILURES:
            if HANDLING[failure.kind].http_status == self.status:
                raise failure(message, subject=subject)
        if self.status >= 500:
            raise Unreachable(message, subject=subject)
        raise ProtocolError(message, subject=subject)


class PinnedConnection:
    """HTTPS to one address whose key is known; opened when needed, nothing is sent before the key was checked."""

    def __init__(
        self, url: str, pin: str, *, timeout_s: float = TIMEOUT_S, response_max_bytes: int = RESPONSE_MAX_BYTES
    ) -> None:
        """`timeout_s` bounds each wait for the network, not the whole of a long body.

        Raises:
            InvalidConfig: the address is not an https URL.
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise InvalidConfig(say("Адреса центру хибна.", "The centre's address is wrong."), subject=url[:200])
        self.url = url
        self._address = (parts.hostname, parts.port or 443)
        self._pin = pin
        self._timeout_s = timeout_s
        self._response_max_bytes = response_max_bytes
        self._tls = client_context()
        self._http: http.client.HTTPSConnection | None = None

    def send(self, method: Method, path: str, *, headers: Mapping[str, str], body: Body = b"") -> Reply:
        """One request and its whole answer, whatever the status.

        Raises:
            Unreachable: nobody answers, or the line was cut.
            TimedOut: no answer in time.
            Unauthenticated: the centre has another key.
            ProtocolError: it answers with something that is not HTTP, or too long.
        """
        reused = self._http is not None
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            try:
                reply = self._exchange(method, path, headers, body)
            except Unreachable:
                if not reused:
                    raise
                # The centre may close an idle connection at any time; a fresh one tells that from a dead line.
                self.close()
                reply = self._exchange(method, path, headers, body)
            undo.pop_all()
        return reply

    def ask(self, path: str, message: msgspec.Struct, answer_type: type[T]) -> T:
        """Post a message and read the answer as `answer_type`.

        Raises:
            BeketError: as `send` and `Reply.raise_for_status`.
        """
        reply = self.send("POST", path, headers=_JSON, body=wire.encode(message))
        return wire.decode(reply.raise_for_status(path).body, answer_type)

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def _exchange(self, method: Method, path: str, headers: Mapping[str, str], body: Body) -> Reply:
        with _Mapped(self.url):
            http_connection = self._connected()
            # A centre that refuses answers before it has read the whole body, and hangs up.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                http_connection.request(method, path, body=body, headers=dict(headers))
            response = http_connection.getresponse()
            with contextlib.closing(response):
                data = self._body_of(response)
            if response.will_close:
                self.close()
            return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, data)

    def _body_of(self, response: http.client.HTTPResponse) -> bytes:
        data = response.read(self._response_max_bytes + 1)
        if len(data) > self._response_max_bytes:
            raise ProtocolError(say("Відповідь центру завелика.", "The centre's answer is too large."))
        if response.length:
            raise http.client.IncompleteRead(data, response.length)
        return data

    def _connected(self) -> http.client.HTTPSConnection:
        if self._http is None:
            host, port = self._address
            fresh = http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=self._tls)
            with contextlib.ExitStack() as undo:
                undo.callback(fresh.close)
                fresh.connect()
                assert isinstance(fresh.sock, ssl.SSLSocket)
                check_pin(fresh.sock, self._pin)
                undo.pop_all()
            self._http = fresh
        return self._http


class CentreConnection:
    """A pinned connection that proves who this agent is, and proves it again when the centre forgot."""

    def __init__(
        self,
        key: AgentKey,
        enrolled: Enrolled,
        *,
        timeout_s: float = TIMEOUT_S,
        response_max_bytes: int = RESPONSE_MAX_BYTES,
    ) -> None:
        """See `PinnedConnection`."""
        self._key = key
        self._enrolled = enrolled
        self._pinned = PinnedConnection(
            enrolled.centre_url, enrolled.pin, timeout_s=timeout_s, response_max_bytes=response_max_bytes
        )
        self._token: Secret | None = None

    def request(
        self, method: Method, path: str, *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> Reply:
        """Send one request as this agent and read the whole answer, whatever its status.

        A body in pieces needs its `Content-Length` in `headers`; it must be fit to be iterated again.

        Raises:
            Unreachable, TimedOut, ProtocolError: see `PinnedConnection.send`.
            Unauthenticated: the centre has another key, or does not take ours.
        """
        reply = self._send_as_agent(method, path, headers, body)
        if reply.status == HANDLING[Kind.UNAUTHENTICATED].http_status:
            self._token = None
            reply = self._send_as_agent(method, path, headers, body)
        return reply

    def post(self, path: str, body: bytes) -> bytes:
        """The answer to a JSON message.

        Raises:
            BeketError: as `request` and `Reply.raise_for_status`.
        """
        return self.request("POST", path, headers=_JSON, body=body).raise_for_status(path).body

    def session_token(self) -> Secret:
        """A session opened now, for a connection that is not HTTP requests: the live WebSocket.

        Raises:
            BeketError: as `request`.
        """
        return self._open_session()

    def close(self) -> None:
        """Hang up; the next request connects again."""
        self._pinned.close()

    def _send_as_agent(self, method: Method, path: str, headers: Mapping[str, str] | None, body: Body) -> Reply:
        if self._token is None:
            self._token = self._open_session()
        proven = {**(headers or {}), "Authorization": f"Bearer {self._token.reveal()}"}
        return self._pinned.send(method, path, headers=proven, body=body)

    def _open_session(self) -> Secret:
        challenge = self._pinned.ask("/agent/v1/challenge", ChallengeRequest(agent=self._enrolled.agent), Challenge)
        answer = answer_challenge(self._key, self._enrolled, challenge)
        return Secret(self._pinned.ask("/agent/v1/session", answer, SessionGrant).token)


class _Mapped:
    """The gate: errors of sockets, TLS and http.client leave as ours."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def __enter__(self) -> None: ...

    def __exit__(self, _type: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, BeketError):
            return
        if isinstance(error, TimeoutError):
            raise TimedOut(
                say("Центр не відповів вчасно.", "The centre did not answer in time."), subject=self._subject
            ) from error
        if isinstance(error, http.client.RemoteDisconnected | OSError):
            raise Unreachable(
                say(
                    "Центр недосяжний: {why}.",
                    "The centre cannot be reached: {why}.",
                    why=getattr(error, "strerror", "") or error,
                ),
                subject=self._subject,
                hint=say("Перевірте інтернет на об'єкті.", "Check the site's internet."),
            ) from error
        if isinstance(error, http.client.IncompleteRead):
            raise Unreachable(
                say("Зв'язок із центром обірвався.", "The line to the centre was cut."), subject=self._subject
            ) from error
        if isinstance(error, http.client.HTTPException):
            raise ProtocolError(
                say("Відповідь центру незрозуміла.", "The centre's answer is not understood."), subject=self._subject
            ) from error


class RefusalBody(msgspec.Struct, frozen=True):
    """The centre's own words about a request that failed, as `beket.app.web_edge.ErrorBody` writes them."""

    uk: str
    en: str


def _sentence(reply: Reply) -> Text:
    try:
        said = wire.decode(reply.body[:WORDS_MAX_BYTES], RefusalBody)
    except ProtocolError:
        words = plain(reply.body[:300].decode("utf-8", "replace"))
    else:
        words = Text("{uk}", "{en}", {"uk": said.uk, "en": said.en})
    return say(
        "Центр відповів {status}: {words}",
        "The centre answered {status}: {words}",
        status=reply.status,
        words=words,
    )
