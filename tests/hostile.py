"""Hostile bytes for everything that reads a camera's: the parsers by name, the kept corpus, and damage done to it.

Shared by the short run of each `make test` and the long one of `make torture`. The corpus is `tests/fixtures/corpus`;
an input that ever broke a parser is added there and stays.
"""

import contextlib
import io
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from beket.kernel.clock import SystemClock
from beket.kernel.errors import Busy, Forbidden, NotFound, ProtocolError, Unauthenticated, Unreachable
from beket.kernel.ports import Codec
from beket.kernel.secrets import Secret
from beket.media import sdp
from beket.media.fmp4.reader import read_format, read_segment
from beket.media.rtp.depacketizer import depacketizer_for
from beket.media.rtp.parameter_sets import format_of
from beket.media.rtp.rtcp import parse_sender_report
from beket.media.rtsp import client
from beket.media.rtsp.digest import Authenticator, Credentials, parse_challenge
from beket.media.rtsp.message import Response, parse_message
from beket.media.rtsp.session import Agreed, PlayingSession, make_scratch
from beket.media.rtsp.wire import Wire, parse_address

CORPUS = Path(__file__).with_name("fixtures") / "corpus"
INPUT_MAX_BYTES = 64 * 1024
DECLARED = (ProtocolError, Unreachable)  # all that hostile bytes may raise
# What a handshake may end with besides: a camera that refuses in its own words, or sends us elsewhere.
_REFUSALS = (Unauthenticated, Forbidden, NotFound, Busy, client._Redirected)
_SCRATCH, _CLOCK = make_scratch(), SystemClock()
_LOGIN = Credentials("admin", Secret("se:sam"))


def _sdp(data: bytes) -> None:
    sdp.choose_video(sdp.parse(data))


def _rtsp(data: bytes) -> None:
    at = 0
    while at < len(data):
        message, at = parse_message(data, at, len(data))
        if message is None:
            return
        if isinstance(message, Response):
            for value in message.headers.all("WWW-Authenticate"):
                parse_challenge(value)


def _session(codec: Codec) -> Callable[[bytes], None]:
    agreed = Agreed(
        codec=codec, parameter_sets=(), control_url="rtsp://c/1", session_id="1", rtp_channel=0, rtcp_channel=1,
        keep_alive_method="OPTIONS", keep_alive_s=30, next_cseq=5, clock_rate=90_000,
    )  # fmt: skip

    def read(data: bytes) -> None:
        """A stream after PLAY, over a real socket, as it comes from a camera that asks for a login now and then."""
        early, later = data[: len(data) // 3], data[len(data) // 3 :]
        with _camera_that_says(later) as wire:
            session = PlayingSession(wire, agreed, authenticator=Authenticator(_LOGIN), early=early, mono_ns=0)
            _play(session)

    return read


def _handshake(data: bytes) -> None:
    """All answers of a camera from OPTIONS on, and the stream after them; nothing waits, for all has come already."""
    with _camera_that_says(data) as wire, contextlib.suppress(*_REFUSALS):
        handshake = client._Handshake(wire, _LOGIN).run(_CLOCK)
        try:
            handshake.send(None)
        except StopIteration as done:
            _play(done.value)
        else:
            raise AssertionError("it waits for something")


def _play(session: PlayingSession) -> None:
    try:
        for tick in range(4):
            session.drain(_SCRATCH, mono_ns=tick)
    finally:
        session.close()


@contextlib.contextmanager
def _camera_that_says(data: bytes) -> Iterator[Wire]:
    """A connection to a camera that has said all it will ever say, and reads nothing."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * INPUT_MAX_BYTES)
    with ours, theirs:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        yield Wire(ours, parse_address("rtsp://c/1"))


def _rtp(codec: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        """Packets, each after its length in two bytes."""
        depacketizer = depacketizer_for("h265" if codec == "h265" else "h264", parameter_sets=())
        at = 0
        while at + 2 <= len(data):
            end = min(at + 2 + int.from_bytes(data[at : at + 2], "big"), len(data))
            depacketizer.push(bytearray(data[:end]), at + 2, end)
            at = end

    return read


def _rtcp(data: bytes) -> None:
    parse_sender_report(memoryview(data))


def _sets(data: bytes) -> None:
    """Parameter sets, each after its length in two bytes."""
    nals: list[bytes] = []
    at = 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        nals.append(data[at + 2 : end])
        at = end
    for codec in ("h264", "h265"):
        try:
            format_of("h265" if codec == "h265" else "h264", tuple(nals))
        except ProtocolError:
            continue


def _mp4(data: bytes) -> None:
    read_format(read_segment(io.BytesIO(data)).init)


PARSERS: dict[str, Callable[[bytes], None]] = {
    "sdp": _sdp,
    "rtsp": _rtsp,
    "session": _session("h264"),
    "session-h265": _session("h265"),
    "handshake": _handshake,
    "rtp-h264": _rtp("h264"),
    "rtp-h265": _rtp("h265"),
    "rtcp": _rtcp,
    "sets": _sets,
    "mp4": _mp4,
}


def corpus(name: str) -> list[bytes]:
    """What is kept for the parser `name`, in the order of the files' names."""
    return [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]


def damaged(rng: random.Random, seeds: list[bytes]) -> bytes:
    """One of `seeds`, damaged in one to four of the ways that find faults in parsers."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.randint(1, 4)):
        _damage(rng, data, seeds)
    return bytes(data[:INPUT_MAX_BYTES])


def _damage(rng: random.Random, data: bytearray, seeds: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    length = min(rng.choice((1, 2, 4, 16, 200)), len(data) - at)
    match rng.randrange(7):
        case 0 if length:
            data[at] ^= 1 << rng.randrange(8)
        case 1 if length:  # the numbers at which lengths and counts go wrong
            edge = rng.choice((0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
            data[at : at + length] = edge.to_bytes(4, "big")[-length:]
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = data[at : at + length] * rng.choice((1, 2, 50))
        case 4:
            data[at:at] = rng.randbytes(length)
        case 5:
            other = rng.choice(seeds)
            cut = rng.randrange(len(other) + 1)
            data[at:] = other[cut:]
        case _:
            del data[at:]
