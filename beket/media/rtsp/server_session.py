"""Owns what our RTSP server answers (RFC 2326), for one connection, without sockets.

The shell (`server`) feeds bytes and sends what comes back, and looks at `wanted`, `playing` and `closing` afterwards.
Only RTP over the same TCP connection is offered: it passes every firewall, and UDP gets an honest 461.
"""

import re
from collections.abc import Callable

from beket.kernel.errors import ProtocolError
from beket.media.rtsp.digest import Gate
from beket.media.rtsp.message import BODY_MAX_BYTES, HEAD_MAX_BYTES, Headers, Request, Response, parse_message
from beket.media.rtsp.mount import Mount

SESSION_TIMEOUT_S = 60
REFUSALS_MAX = 5
# Instead of a status: what stands at a path has to be asked for first.
ASK = 0
BUFFER_MAX_BYTES = HEAD_MAX_BYTES + BODY_MAX_BYTES
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
_DOLLAR = 0x24
_AUTHORITY = re.compile(r"rtsps?://[^/?]*", re.IGNORECASE)
_TRACK = re.compile(r"/trackID=0/?$")
_INTERLEAVED = re.compile(r"interleaved=(\d{1,3})(?:-(\d{1,3}))?")


class ServerSession:
    """The state of one connection.

    Attributes:
        mount: what SETUP chose, None before.
        playing: between PLAY and TEARDOWN.
        closing: the connection ends after the answer.
        user: who proved a password, "" for nobody.
        wanted: a path whose request waits until `settle` says what is there; "" for none.
    """

    def __init__(self, find_mount: Callable[[str], Mount | int | None], *, gate: Gate | None, session_id: str) -> None:
        """`find_mount` gives what stands at a path, None for nothing, a status that refuses it, or `ASK`."""
        self.mount: Mount | None = None
        self.rtp_channel, self.rtcp_channel = 0, 1
        self.playing = False
        self.closing = False
        self.user = ""
        self.wanted = ""
        self._find_mount = find_mount
        self._gate = gate
        self._session_id = session_id
        self._refusals = 0
        self._buffer = bytearray()

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the client; return the answers, in order. After `wanted` was set: until that is settled."""
        self._buffer += data
        answers = []
        at = 0
        try:
            while at < len(self._buffer) and not (self.closing or self.wanted):
                if self._buffer[at] == _DOLLAR:  # the client's RTCP reports: proof of life, no more
                    after = at + 4 + int.from_bytes(self._buffer[at + 2 : at + 4], "big")
                    if at + 4 > len(self._buffer) or after > len(self._buffer):
                        break
                    at = after
                    continue
                message, after = parse_message(self._buffer, at, len(self._buffer))
                if message is None:
                    break
                if isinstance(message, Request):
                    answer = self._answer(message)
                    if answer is None:  # it stays in the buffer, and is read again once `wanted` is settled
                        break
                    answers.append(answer.encode())
                at = after
            if len(self._buffer) - at > BUFFER_MAX_BYTES:
                raise ProtocolError("more bytes than one request may have")
        except ProtocolError:
            self.closing = True
            answers.append(Response(400).encode())
        del self._buffer[:at]
        return b"".join(answers)

    def settle(self) -> bytes:
        """What stands at `wanted` can be found now; return the answers."""
        self.wanted = ""
        return self.receive(b"")

    def _answer(self, request: Request) -> Response | None:
        fields = [("CSeq", request.headers.get("CSeq", "0")[:20])]
        if request.method != "OPTIONS" and self._gate and not self._admit(request, self._gate):
            self._refusals += 1
            self.closing = self._refusals > REFUSALS_MAX
            challenges = [("WWW-Authenticate", value) for value in self._gate.challenges()]
            return Response(401, Headers(fields + challenges))
        status, more, body = self._dispatch(request)
        if self.wanted:
            return None
        return Response(status, Headers(fields + more), body)

    def _admit(self, request: Request, gate: Gate) -> bool:
        authorization = request.headers.get("Authorization")
        user = gate.admit(request.method, authorization) if authorization else None
        self.user = user or ""
        if user is None and not authorization:
            self._refusals -= 1  # asking for the challenge is no wrong password
        return user is not None

    def _dispatch(self, request: Request) -> "_Answer":
        match request.method:
            case "OPTIONS":
                return 200, [("Public", METHODS)], b""
            case "DESCRIBE":
                return self._describe(request)
            case "SETUP":
                return self._set_up(request)
            case "PLAY" | "GET_PARAMETER" | "SET_PARAMETER" | "TEARDOWN":
                return self._control(request)
        return 405, [("Allow", METHODS)], b""

    def _mount_at(self, path: str) -> Mount | int:
        found = self._find_mount(path)
        if found == ASK:
            self.wanted = path
        return 404 if found is None else found

    def _describe(self, request: Request) -> "_Answer":
        mount = self._mount_at(_path_of(request.url))
        if isinstance(mount, int):
            return mount, [], b""
        base = request.url.rstrip("/") + "/"
        return 200, [("Content-Base", base), ("Content-Type", "application/sdp")], mount.describe()

    def _set_up(self, request: Request) -> "_Answer":
        mount = self._mount_at(_path_of(_TRACK.sub("", request.url)))
        if isinstance(mount, int):
            return mount, [], b""
        if self.playing or (self.mount is not None and self.mount is not mount):
            return 455, [("Allow", METHODS)], b""
        # A client may list several transports, in the order it prefers.
        offers = [offer for offer in request.headers.get("Transport").split(",") if "RTP/AVP/TCP" in offer.upper()]
        if not offers:
            return 461, [], b""
        channels = _INTERLEAVED.search(offers[0])
        rtp_channel = int(channels[1]) if channels else 0
        rtcp_channel = int(channels[2]) if channels and channels[2] else rtp_channel + 1
        if max(rtp_channel, rtcp_channel) > 255:
            return 461, [], b""
        self.mount, self.rtp_channel, self.rtcp_channel = mount, rtp_channel, rtcp_channel
        transport = f"RTP/AVP/TCP;unicast;interleaved={rtp_channel}-{rtcp_channel}"
        session = f"{self._session_id};timeout={SESSION_TIMEOUT_S}"
        return 200, [("Transport", transport), ("Session", session)], b""

    def _control(self, request: Request) -> "_Answer":
        named = request.headers.get("Session").partition(";")[0].strip()
        is_ours = self.mount is not None and named == self._session_id
        if not is_ours and (named or request.method in ("PLAY", "TEARDOWN")):
            return 454, [], b""
        more = [("Session", f"{self._session_id};timeout={SESSION_TIMEOUT_S}")] if is_ours else []
        if request.method == "PLAY":
            self.playing = True
            more.append(("Range", "npt=now-"))
        elif request.method == "TEARDOWN":
            self.playing, self.closing = False, True
        return 200, more, b""


_Answer = tuple[int, list[tuple[str, str]], bytes]


def _path_of(url: str) -> str:
    return "/" + _AUTHORITY.sub("", url, count=1).strip("/")
