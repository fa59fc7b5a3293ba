"""Owns the handshake with a camera: OPTIONS, DESCRIBE, SETUP over the same TCP connection, PLAY (RFC 2326).

Awaits on the caller's loop and ends within `handshake_s`; what follows is `PlayingSession`, read on a tick. A password
is sent only as an answer to a challenge, is never part of an URL, and stands in no error.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from beket.kernel.clock import Clock
from beket.kernel.errors import (
    BeketError,
    Busy,
    Forbidden,
    InvalidArgument,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
)
from beket.kernel.text import say
from beket.media import sdp
from beket.media.rtsp.digest import Authenticator, Credentials
from beket.media.rtsp.message import Headers, Request, Response, parse_message
from beket.media.rtsp.session import SCRATCH_BYTES, Agreed, PlayingSession
from beket.media.rtsp.wire import Address, Wire, parse_address, unverified_tls

HANDSHAKE_S = 10.0
CONNECT_S = 1.5  # the kernel asks twice in it; a camera that just came back is better asked anew
REDIRECTS_MAX = 3
SESSION_TIMEOUT_S = 60  # RFC 2326 §12.37, when the camera names none
KEEP_ALIVE_MIN_S = 5.0
KEEP_ALIVE_MAX_S = 60.0
_DOLLAR = 0x24
_TIMEOUT = re.compile(r"timeout\s*=\s*(\d{1,5})", re.IGNORECASE)
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)


async def connect(
    url: str,
    *,
    credentials: Credentials | None,
    clock: Clock,
    handshake_s: float = HANDSHAKE_S,
    tls: ssl.SSLContext | None = None,
) -> PlayingSession:
    """Open the stream at `url` and let it play; the TCP connection must stand within `CONNECT_S`.

    Raises:
        InvalidArgument: `url` is no stream address, or has a password in it.
        Unreachable: no such host, refused, no route, cut.
        TimedOut: connected, but silent.
        Unauthenticated: the camera wants a login, or another one.
        Forbidden: the login is right and may not see this stream.
        NotFound: no such stream at this camera.
        Busy: the camera serves as many viewers as it can.
        UnspokenStream: its video is neither H.264 nor H.265, or it does not send it over TCP.
        ProtocolError: what it says is no RTSP, or it offers no video.
    """
    address = parse_address(url)
    tls = tls or unverified_tls()
    for _ in range(REDIRECTS_MAX + 1):
        wire = await Wire.open(address, tls=tls, within_s=handshake_s, connect_s=CONNECT_S)
        with contextlib.ExitStack() as undo:
            undo.callback(wire.close)
            try:
                async with asyncio.timeout(handshake_s):
                    session = await _Handshake(wire, credentials).run(clock)
            except _Redirected as elsewhere:
                if elsewhere.address.host != address.host:
                    credentials = None  # the password is this camera's, not a stranger's
                address = elsewhere.address
            except TimeoutError as error:
                raise _silent(address) from error
            else:
                undo.pop_all()
                return session
    raise ProtocolError(
        say("Камера надто багато разів відсилає за іншою адресою.", "The camera redirects too many times."),
        subject=address.place,
    )


class _Redirected(Exception):
    def __init__(self, address: Address) -> None:
        super().__init__(address.url)
        self.address = address


@dataclass(frozen=True, slots=True)
class _Track:
    """What DESCRIBE told."""

    video: sdp.Media
    track_url: str
    control_url: str


class _Handshake:
    """Requests and answers in strict turn, over one connection."""

    def __init__(self, wire: Wire, credentials: Credentials | None) -> None:
        self._wire = wire
        self._place = wire.address.place
        self._authenticator = Authenticator(credentials) if credentials else None
        self._cseq = 0
        self._buffer = bytearray()
        self._media = bytearray()  # frames that overtook the answer to PLAY

    async def run(self, clock: Clock) -> PlayingSession:
        url = self._wire.address.url
        options = await self._ask("OPTIONS", url, refusals_ok=True)
        track = await self._describe(url)
        setup = await self._ask("SETUP", track.track_url, [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")])
        session_id, _, parameters = setup.headers.get("Session").partition(";")
        if not session_id.strip():
            raise self._strange("SETUP without a session")
        channels = _INTERLEAVED.search(setup.headers.get("Transport"))
        rtp_channel = int(channels[1]) if channels else 0
        named = [("Session", session_id.strip())]
        await self._ask("PLAY", track.control_url, [*named, ("Range", "npt=0.000-")])
        agreed = Agreed(
            codec=track.video.codec or "h264",
            parameter_sets=track.video.parameter_sets,
            control_url=track.control_url,
            session_id=session_id.strip(),
            rtp_channel=rtp_channel,
            rtcp_channel=int(channels[2]) if channels and channels[2] else rtp_channel + 1,
            keep_alive_method="GET_PARAMETER" if "GET_PARAMETER" in options.headers.get("Public") else "OPTIONS",
            keep_alive_s=_keep_alive_s(parameters),
            next_cseq=self._cseq + 1,
            clock_rate=track.video.clock_rate,
        )
        early = bytes(self._media + self._buffer)
        return PlayingSession(
            self._wire, agreed, authenticator=self._authenticator, early=early, mono_ns=clock.mono_ns()
        )

    async def _describe(self, url: str) -> _Track:
        answer = await self._ask("DESCRIBE", url, [("Accept", "application/sdp")])
        description = sdp.parse(answer.body)
        video = sdp.choose_video(description)
        reference = sdp.reference_url(
            url,
            content_base=answer.headers.get("Content-Base"),
            content_location=answer.headers.get("Content-Location"),
        )
        return _Track(
            video,
            track_url=sdp.resolve_control(video.control, reference=reference),
            control_url=sdp.resolve_control(description.control, reference=reference),
        )

    async def _ask(
        self, method: str, url: str, more: Sequence[tuple[str, str]] = (), *, refusals_ok: bool = False
    ) -> Response:
        """The good answer to one request; a login is given when asked for, and once more when its nonce was too old."""
        answer = await self._exchange(method, url, more)
        tries = 0
        while answer.status == 401:
            if self._authenticator is None:
                raise self._refused_login(given=False)
            stale = self._authenticator.take(answer.headers.all("WWW-Authenticate"))
            if tries >= (2 if stale else 1):
                raise self._refused_login(given=True)
            tries += 1
            answer = await self._exchange(method, url, more)
        if answer.status in (301, 302, 303, 305):
            raise self._redirected(answer)
        if answer.status >= 300 and not refusals_ok:
            raise self._refused(method, answer)
        return answer

    async def _exchange(self, method: str, url: str, more: Sequence[tuple[str, str]]) -> Response:
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", "Beket"), *more]
        authorization = self._authenticator.authorization(method, url) if self._authenticator else None
        if authorization:
            fields.append(("Authorization", authorization))
        await self._wire.send(Request(method, url, Headers(fields)).encode())
        while True:
            answer = self._next_answer()
            if answer is None:
                self._buffer += await self._wire.receive()
            elif answer.headers.get("CSeq", str(self._cseq)).strip() == str(self._cseq) and answer.status >= 200:
                return answer

    def _next_answer(self) -> Response | None:
        while self._buffer:
            if self._buffer[0] == _DOLLAR:
                after = 4 + int.from_bytes(self._buffer[2:4], "big")
                if len(self._buffer) < max(4, after):
                    return None
                self._media += self._buffer[:after]
                del self._buffer[:after]
                if len(self._media) > SCRATCH_BYTES // 2:
                    raise self._strange("frames without an answer to PLAY")
                continue
            message, after = parse_message(self._buffer, 0, len(self._buffer))
            del self._buffer[:after]
            if message is None or isinstance(message, Response):
                return message
        return None

    # What went wrong, for people --------------------------------------------------------------------------------------

    def _refused_login(self, *, given: bool) -> Unauthenticated:
        if given:
            what = say("Камера не прийняла логін чи пароль.", "The camera refused the login or the password.")
            hint = say(
                "Перевірте їх на сторінці самої камери й запишіть у секрет.",
                "Check them on the camera's own page and store them in the secret.",
            )
        else:
            what = say("Камера вимагає логін і пароль.", "The camera asks for a login and a password.")
            hint = say("Запишіть секрет «логін:пароль».", "Store the secret “login:password”.")
        return Unauthenticated(what, subject=self._place, hint=hint)

    def _refused(self, method: str, answer: Response) -> BeketError:
        if answer.status == 403:
            return Forbidden(
                say("Цьому логіну не можна дивитися потік.", "This login may not see the stream."),
                subject=self._place,
                hint=say("Дозвольте його в налаштуваннях камери.", "Allow it in the camera's settings."),
            )
        if answer.status == 404:
            return NotFound(
                say("У камери немає такого потоку.", "The camera has no such stream."),
                subject=self._place,
                hint=say(
                    "Перевірте шлях у адресі: {url}", "Check the address's path: {url}", url=self._wire.address.url
                ),
            )
        if answer.status in (453, 503):
            return Busy(
                say("Камера зайнята: забагато глядачів.", "The camera is busy: too many viewers."), subject=self._place
            )
        if answer.status == 461:
            return sdp.UnspokenStream(
                say("Камера не віддає потік через TCP.", "The camera does not stream over TCP."),
                subject=self._place,
                hint=say("Увімкніть RTSP через TCP.", "Allow RTSP over TCP in its settings."),
            )
        return self._strange(f"{method}: {answer.status} {answer.reason[:40]}")

    def _redirected(self, answer: Response) -> Exception:
        try:
            return _Redirected(parse_address(answer.headers.get("Location")))
        except InvalidArgument:
            return self._strange("a redirect to nowhere")

    def _strange(self, what: str) -> ProtocolError:
        return ProtocolError(
            say("Камера відповіла незрозуміло: {what}.", "The camera's answer is not understood: {what}.", what=what),
            subject=self._place,
        )


def _keep_alive_s(parameters: str) -> float:
    """Half of the session's time-out (`timeout=60`), within reason: 0 and garbage exist."""
    match = _TIMEOUT.search(parameters)
    timeout_s = int(match[1]) if match and int(match[1]) else SESSION_TIMEOUT_S
    return min(max(timeout_s / 2, KEEP_ALIVE_MIN_S), KEEP_ALIVE_MAX_S)


def _silent(address: Address) -> TimedOut:
    return TimedOut(
        say("Камера прийняла з'єднання й мовчить.", "The camera took the connection and says nothing."),
        subject=address.place,
        hint=say("Перезавантажте камеру.", "Restart the camera."),
    )
