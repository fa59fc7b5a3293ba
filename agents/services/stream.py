"""Owns the probe of an RTSP stream: the server speaks, lets us in, and has the stream; nothing is played."""

import contextlib

from agents.services.probe import Found, Target, Tools
from agents.services.trouble import Failed, Trouble, not_understood
from beket.kernel.errors import InvalidConfig
from beket.kernel.secrets import Secret
from beket.kernel.text import say
from beket.media.rtsp.digest import Authenticator, Credentials
from beket.media.rtsp.message import BODY_MAX_BYTES, HEAD_MAX_BYTES, Headers, Request, Response, parse_message
from beket.media.rtsp.wire import Wire, parse_address, unverified_tls

CONNECT_WITHIN_S = 30.0  # the reading's own deadline is shorter
ANSWER_MAX_BYTES = HEAD_MAX_BYTES + BODY_MAX_BYTES
OK, LOGIN_WANTED, NOT_FOUND = 200, 401, 404


async def probe_stream(target: Target, tools: Tools) -> Found:
    """OPTIONS and DESCRIBE; see `probe.Probe`."""
    secret = target.secret(tools)
    authenticator = Authenticator(_credentials(secret)) if secret else None
    wire = await Wire.open(parse_address(target.address.url), tls=unverified_tls(), within_s=CONNECT_WITHIN_S)
    with contextlib.closing(wire):
        talk = _Talk(wire, authenticator)
        await talk.ask("OPTIONS")
        answer = await talk.ask("DESCRIBE")
        if answer.status == LOGIN_WANTED and authenticator:
            authenticator.take(answer.headers.all("WWW-Authenticate"))
            answer = await talk.ask("DESCRIBE")
    return _judged(answer, target)


class _Talk:
    """Requests and answers in strict turn."""

    def __init__(self, wire: Wire, authenticator: Authenticator | None) -> None:
        self._wire = wire
        self._authenticator = authenticator
        self._cseq = 0

    async def ask(self, method: str) -> Response:
        self._cseq += 1
        url = self._wire.address.url
        fields = [("CSeq", str(self._cseq)), ("User-Agent", "Beket"), ("Accept", "application/sdp")]
        authorization = self._authenticator.authorization(method, url) if self._authenticator else None
        if authorization:
            fields.append(("Authorization", authorization))
        await self._wire.send(Request(method, url, Headers(fields)).encode())
        buffer = bytearray()
        while len(buffer) <= ANSWER_MAX_BYTES:
            buffer += await self._wire.receive()
            message, _ = parse_message(buffer, 0, len(buffer))
            if isinstance(message, Response):
                return message
            if message is not None:
                break
        raise not_understood("RTSP")


def _credentials(secret: Secret) -> Credentials:
    user, colon, password = secret.reveal().partition(":")
    if not colon:
        raise InvalidConfig(say("Секрет має вигляд «логін:пароль».", "The secret looks like “login:password”."))
    return Credentials(user, Secret(password))


def _judged(answer: Response, target: Target) -> Found:
    if answer.status == LOGIN_WANTED:
        text = say("Камера не прийняла логін чи пароль.", "The camera refused the login or the password.")
        if not target.service.secret:
            text = say("Камера вимагає логін і пароль.", "The camera asks for a login and a password.")
        raise Failed(Trouble.LOGIN, text)
    if answer.status == NOT_FOUND:
        raise Failed(Trouble.ABSENT, say("У камери немає такого потоку.", "The camera has no such stream."))
    if answer.status != OK:
        raise Failed(
            Trouble.STATUS,
            say("Камера відповіла помилкою {n}.", "The camera answered with the error {n}.", n=answer.status),
        )
    if target.service.expect and target.service.expect.encode() not in answer.body:
        raise Failed(
            Trouble.TEXT,
            say(
                "Потік є, але в його описі немає «{text}».",
                "The stream is there, but its description lacks “{text}”.",
                text=target.service.expect,
            ),
        )
    return Found(say("Потік є.", "The stream is there."))
