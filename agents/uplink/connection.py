"""Owns one HTTPS connection of the agent to its centre: pinned key, proven identity, errors that are ours.

Blocking, for one thread at a time; each kind of traffic opens its own, so that a backlog never delays a question. The
standard library's client does the HTTP. Nothing is sent before the pin was checked, so a stranger who answers at the
centre's address learns nothing. Note: beket/design/0003-wire-and-versions.md.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

from beket.access import tls
from beket.access.agent_key import AgentKey, Enrolled, answer_challenge
from beket.access.messages import Challenge, ChallengeRequest, SessionGrant
from beket.kernel import wire
from beket.kernel.errors import BeketError, Internal, ProtocolError, TimedOut, Unauthenticated, Unreachable
from beket.kernel.secrets import Secret
from beket.kernel.text import Text, say

ANSWER_MAX_BYTES = 8 * 1024 * 1024
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the centre answered; header names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class PinnedHttps:
    """Requests to one `https://host:port`, over a connection that is opened when needed and again after a cut."""

    def __init__(self, url: str, pin: str, *, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        self.url = url
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._pin = pin
        self._timeout_s = timeout_s
        self._context = tls.client_context()
        self._http: http.client.HTTPConnection | None = None

    def request(self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One exchange; the answer's status is the caller's to judge.

        Raises:
            Unreachable, TimedOut: no way to the centre; whether it saw the request is unknown.
            Unauthenticated: who answers there is not the pinned centre.
            ProtocolError: the answer is not HTTP, or longer than `ANSWER_MAX_BYTES`.
        """
        was_open = self._http is not None
        try:
            return self._exchange(method, path, body, headers or {})
        except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLEOFError) as error:
            self.close()
            if not was_open:
                raise self._unreachable(error) from error
        except BeketError:
            self.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._ours(error) from error
        # The centre had closed a connection that lay idle: that is no failure, a fresh one gets its try.
        return self.request(method, path, body=body, headers=headers)

    def close(self) -> None:
        """Let go of the connection; the next request opens one."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._http is None:
            self._http = self._open()
        self._http.request(method, path, body=body or None, headers={"Host": self._host, **headers})
        response = self._http.getresponse()
        answer_body = response.read(ANSWER_MAX_BYTES + 1)
        if len(answer_body) > ANSWER_MAX_BYTES:
            raise ProtocolError(
                say("Відповідь центру завелика.", "The centre's answer is too large."), subject=self.url
            )
        if response.will_close:
            self.close()
        return Answer(response.status, answer_body, {k.lower(): v for k, v in response.getheaders()})

    def _open(self) -> http.client.HTTPConnection:
        sock = socket.create_connection((self._host, self._port), timeout=self._timeout_s)
        try:
            # Chunks are small and answers awaited: waiting for more to send only adds a round trip.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = self._context.wrap_socket(sock, server_hostname=self._host)
            tls.check_pin(secured, self._pin)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
        connection.sock = secured
        # Without a port to dial, http.client never reconnects by itself behind the pin's back.
        connection.auto_open = 0
        return connection

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable(
            say(
                "Центр не відповідає: {why}.",
                "The centre does not answer: {why}.",
                why=str(error) or type(error).__name__,
            ),
            subject=self.url,
            hint=say(
                "Записи й виміри чекають на об'єкті; перевірте Інтернет.",
                "Recordings and samples wait at the site; check the internet line.",
            ),
        )

    def _ours(self, error: Exception) -> BeketError:
        if isinstance(error, TimeoutError):
            return TimedOut(
                say("Центр мовчить понад {n} с.", "The centre is silent for {n} s.", n=round(self._timeout_s)),
                subject=self.url,
            )
        if isinstance(error, http.client.HTTPException | ssl.SSLError):
            return ProtocolError(
                say("Відповідь центру незрозуміла: {why}.", "The centre's answer is not understood: {why}.", why=error),
                subject=self.url,
            )
        return self._unreachable(error)


class CentreConnection:
    """Requests as an enrolled agent: a session is opened by signing the centre's challenge, again when it has ended."""

    def __init__(self, key: AgentKey, enrolled: Enrolled, *, timeout_s: float = TIMEOUT_S) -> None:
        self._key = key
        self._enrolled = enrolled
        self._https = PinnedHttps(enrolled.centre_url, enrolled.pin, timeout_s=timeout_s)
        self._session: Secret | None = None

    def request(self, method: str, path: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One exchange with the centre, in a session; statuses of 400 and more other than 401 are the caller's.

        Raises:
            Unreachable, TimedOut, ProtocolError: see `PinnedHttps.request`.
            Unauthenticated: the centre does not know this agent any more.
        """
        answer = self._in_session(method, path, body, headers or {})
        if answer.status == 401:
            self._session = None
            answer = self._in_session(method, path, body, headers or {})
        if answer.status == 401:
            raise refusal(answer, self._https.url)
        return answer

    def post(self, path: str, body: bytes) -> bytes:
        """POST a message and return the answer's body.

        Raises:
            BeketError: the centre refused it, in its own words.
        """
        answer = self.request("POST", path, body=body, headers={"Content-Type": "application/json"})
        if answer.status >= 300:
            raise refusal(answer, self._https.url)
        return answer.body

    def close(self) -> None:
        """Let go of the connection; the next request opens one."""
        self._https.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _in_session(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self._session is None:
            self._session = self._open_session()
        bearer = {"Authorization": f"Bearer {self._session.reveal()}"}
        return self._https.request(method, path, body=body, headers={**headers, **bearer})

    def _open_session(self) -> Secret:
        question = wire.encode(ChallengeRequest(agent=self._enrolled.agent))
        challenge = wire.decode(self._post_bare("/agent/v1/challenge", question), Challenge)
        answer = wire.encode(answer_challenge(self._key, self._enrolled, challenge))
        return Secret(wire.decode(self._post_bare("/agent/v1/session", answer), SessionGrant).token)

    def _post_bare(self, path: str, body: bytes) -> bytes:
        answer = self._https.request("POST", path, body=body, headers={"Content-Type": "application/json"})
        if answer.status != 200:
            raise refusal(answer, self._https.url)
        return answer.body


class RefusalBody(msgspec.Struct, frozen=True):
    """The centre's own words about a request that failed."""

    uk: str = ""
    en: str = ""
    kind: str = ""


def refusal(answer: Answer, url: str) -> BeketError:
    """The error that a failed answer means; the sentence is the centre's."""
    try:
        words = wire.decode(answer.body, RefusalBody, max_bytes=16 * 1024)
        message = Text(
            _braced(words.uk or f"Центр відповів {answer.status}."),
            _braced(words.en or f"The centre answered {answer.status}."),
        )
    except ProtocolError:
        message = say("Центр відповів {n}.", "The centre answered {n}.", n=answer.status)
    kinds: dict[int, type[BeketError]] = {401: Unauthenticated}
    return kinds.get(answer.status, Internal if answer.status >= 500 else ProtocolError)(message, subject=url)


def _braced(words: str) -> str:
    # The centre's words are a sentence, not a template.
    return words.replace("{", "{{").replace("}", "}}")
