import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from beket.kernel.clock import SystemClock
from beket.kernel.errors import (
    BeketError,
    Busy,
    InvalidArgument,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.secrets import Secret
from beket.media.rtp.access_unit import AccessUnit, VideoFormat
from beket.media.rtsp.client import connect
from beket.media.rtsp.digest import Credentials
from beket.media.rtsp.mount import Mount
from beket.media.rtsp.server import RtspServer
from beket.media.rtsp.session import Agreed, PlayingSession, make_scratch
from beket.media.rtsp.wire import Wire, parse_address
from beket.media.sdp import UnspokenStream
from beket.testing.gst_rtsp import LiveScene, gst_rtsp_server
from beket.testing.process import free_tcp_port, silent_tcp_port

CLOCK = SystemClock()
LOGIN = Credentials("admin", Secret("se:sam"))
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")  # 1280×720
FORMAT = VideoFormat("h264", 1280, 720, (SPS, bytes.fromhex("68ce3c80")))
OK = "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n"
SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=1\r\n"


def frame(number: int) -> bytes:
    body = (b"\x65\x88" if number % 10 == 0 else b"\x41\x9a") + number.to_bytes(4, "big") * 1000 + b"\x80"
    return len(body).to_bytes(4, "big") + body


async def send_frames(mount: Mount, *, fps: int = 100) -> None:
    number = 0
    while True:
        if mount.readers:
            mount.send(frame(number), number * 90_000 // fps, number % 10 == 0)
            number += 1
        await asyncio.sleep(1 / fps)


async def watch(session: PlayingSession, *, frames: int, within_s: float = 10) -> list[AccessUnit]:
    """Drain on a tick until `frames` have come."""
    scratch, units = make_scratch(), list[AccessUnit]()
    async with asyncio.timeout(within_s):
        while len(units) < frames:
            units += session.drain(scratch, mono_ns=CLOCK.mono_ns())
            await asyncio.sleep(0.02)
    return units


@contextlib.asynccontextmanager
async def our_server(**options: object) -> AsyncIterator[tuple[RtspServer, Mount]]:
    server = RtspServer("127.0.0.1", 0, **options)  # type: ignore[arg-type]
    mount = server.add_mount("/live/main", FORMAT)
    await server.start()
    sender = asyncio.create_task(send_frames(mount))
    try:
        yield server, mount
    finally:
        sender.cancel()
        await server.close()


@contextlib.asynccontextmanager
async def scripted_camera(answer: Callable[[str, str], str | bytes | None]) -> AsyncIterator[int]:
    """A camera of a few words: `answer(method, request)` gives the reply, None says nothing; yields its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode()
                reply = answer(request.split(" ")[0], request)
                if reply is None:
                    continue
                cseq = request.split("CSeq: ")[1].split("\r\n")[0]
                writer.write(reply if isinstance(reply, bytes) else reply.format(cseq=cseq).encode())
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def usual(method: str) -> str:
    """What a decent camera answers."""
    more = {
        "OPTIONS": "Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER\r\n\r\n",
        "DESCRIBE": f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}",
        "SETUP": "Session: 77;timeout=10\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
    }
    return OK + more.get(method, "Session: 77\r\n\r\n")


def error_of(story: Callable[[], Awaitable[object]], *, within_s: float = 20) -> BeketError:
    with pytest.raises(BeketError) as caught:
        asyncio.run(asyncio.wait_for(story(), within_s))  # type: ignore[arg-type]
    assert "se:sam" not in str(caught.value) + caught.value.sentence().uk + repr(caught.value.__dict__)
    return caught.value


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("auth", ["digest", "basic"])
def test_client_plays_from_gstreamer(codec: str, auth: str) -> None:
    scene = LiveScene(codec="h265" if codec == "h265" else "h264")
    with gst_rtsp_server(scene, login=("admin", "sesam"), auth="digest" if auth == "digest" else "basic") as server:

        async def story() -> None:
            login = Credentials("admin", Secret("sesam"))
            session = await connect(server.url(scene.path), credentials=login, clock=CLOCK)
            units = await watch(session, frames=15)
            session.close()
            assert units[0].is_key
            assert units[0].format is not None
            assert (units[0].format.codec, units[0].format.width, units[0].format.height) == (codec, 640, 360)
            assert sum(unit.lost_packets for unit in units) == 0

        asyncio.run(story())


@pytest.mark.parametrize("ways", [(), ("MD5",), ("SHA-256",), ("Basic",), ("MD5-sess",)])
def test_client_gets_every_byte_that_our_server_sent(ways: tuple[str, ...]) -> None:
    async def story() -> None:
        check = {"admin": LOGIN.password}.get if ways else None
        async with our_server(check=check, ways=ways) as (server, mount):
            url = f"rtsp://127.0.0.1:{server.port}/live/main"
            session = await connect(url, credentials=LOGIN, clock=CLOCK)
            units = await watch(session, frames=40)
            assert [bytes(unit.data) for unit in units] == [frame(i) for i in range(len(units))]
            assert [unit.is_key for unit in units[:11]] == [True, *[False] * 9, True]
            assert units[0].format == FORMAT
            assert session.sender_report is not None
            assert abs(session.sender_report.wall_ns - CLOCK.wall_ns()) < 10_000_000_000
            session.close()
            while mount.readers:
                await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(story(), 20))


def test_client_plays_over_tls_from_a_camera_with_its_own_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=camera", "-days", "1",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)

    async def story() -> None:
        async with our_server(tls=tls) as (server, _):
            session = await connect(f"rtsps://127.0.0.1:{server.port}/live/main", credentials=None, clock=CLOCK)
            units = await watch(session, frames=40)
            assert [bytes(unit.data) for unit in units] == [frame(i) for i in range(len(units))]
            session.close()

    asyncio.run(asyncio.wait_for(story(), 20))


@pytest.mark.parametrize("credentials", [None, Credentials("admin", Secret("wrong"))])
def test_wrong_password_names_the_camera_and_what_to_do(credentials: Credentials | None) -> None:
    async def story() -> None:
        async with our_server(check={"admin": LOGIN.password}.get) as (server, _):
            await connect(f"rtsp://127.0.0.1:{server.port}/live/main", credentials=credentials, clock=CLOCK)

    error = error_of(story)
    assert isinstance(error, Unauthenticated)
    assert error.subject.startswith("127.0.0.1:")
    assert error.hint is not None


def test_absent_stream_is_not_found() -> None:
    async def story() -> None:
        async with our_server() as (server, _):
            await connect(f"rtsp://127.0.0.1:{server.port}/live/other", credentials=None, clock=CLOCK)

    assert isinstance(error_of(story), NotFound)


def test_refused_port_is_unreachable() -> None:
    url = f"rtsp://127.0.0.1:{free_tcp_port()}/"
    assert isinstance(error_of(lambda: connect(url, credentials=LOGIN, clock=CLOCK)), Unreachable)


def test_camera_without_power_is_given_up_long_before_a_slow_handshake_would_be() -> None:
    with silent_tcp_port() as port:
        error = error_of(
            lambda: connect(f"rtsp://127.0.0.1:{port}/", credentials=LOGIN, clock=CLOCK, handshake_s=600), within_s=60
        )
    assert isinstance(error, Unreachable)
    assert "не відповідає" in error.sentence().uk


@pytest.mark.parametrize("url", ["http://c/", "rtsp://", "rtsp://c:99999/", "rtsp://c/a b", "rtsp://admin:se:sam@c/1"])
def test_address_that_is_none_or_holds_a_password_is_refused(url: str) -> None:
    assert isinstance(error_of(lambda: connect(url, credentials=LOGIN, clock=CLOCK)), InvalidArgument)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (None, TimedOut),
        (b"\x00\x01\x02garbage", ProtocolError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ProtocolError),
        (OK + "Content-Length: 99999999\r\n\r\n", ProtocolError),
        ("RTSP/1.0 503 Service Unavailable\r\nCSeq: {cseq}\r\n\r\n", Busy),
        ("RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: Negotiate\r\n\r\n", ProtocolError),
        (
            'RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\nWWW-Authenticate: Digest realm="c", nonce="a\rb"\r\n\r\n',
            ProtocolError,
        ),
        ("RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: http://elsewhere/\r\n\r\n", ProtocolError),
        ("RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\nLocation: rtsp://nowhere..village/\r\n\r\n", Unreachable),
        (
            OK + "Content-Length: 64\r\n\r\nv=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:1\r1",
            ProtocolError,
        ),
        (OK + "Content-Length: 33\r\n\r\nv=0\r\nm=video 0 RTP/AVP 26\r\nc=IN\r\n", UnspokenStream),
    ],
)
def test_answer_to_describe_becomes_one_clear_error(reply: str | bytes | None, expected: type[BeketError]) -> None:
    async def story() -> None:
        async with scripted_camera(lambda method, _: reply if method == "DESCRIBE" else usual(method)) as port:
            await connect(f"rtsp://127.0.0.1:{port}/1", credentials=LOGIN, clock=CLOCK, handshake_s=0.5)

    error = error_of(story)
    assert type(error) is expected
    assert error.handling.retry


def test_a_description_needs_no_content_type() -> None:
    asked: list[str] = []

    def answer(method: str, request: str) -> str:
        asked.append(request)
        return usual(method).replace("Content-Type: application/sdp\r\n", "")

    async def story() -> None:
        async with scripted_camera(answer) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            session.close()

    asyncio.run(asyncio.wait_for(story(), 60))
    assert [request.split(" ")[0] for request in asked[:4]] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert "/1/trackID=1 " in asked[2]


def test_client_follows_a_redirect_but_not_in_circles() -> None:
    async def story() -> None:
        async with our_server() as (server, _):
            target = f"rtsp://127.0.0.1:{server.port}/live/main"
            moved = f"RTSP/1.0 302 Moved\r\nCSeq: {{cseq}}\r\nLocation: {target}\r\n\r\n"
            async with scripted_camera(lambda *_: moved) as port:
                session = await connect(f"rtsp://127.0.0.1:{port}/", credentials=None, clock=CLOCK)
                assert session.address.url == target
                session.close()

    asyncio.run(asyncio.wait_for(story(), 20))

    async def circle() -> None:
        async with scripted_camera(lambda _, request: "RTSP/1.0 302 Moved\r\nCSeq: {cseq}\r\n"
                                   f"Location: {request.split(' ')[1]}\r\n\r\n") as port:  # fmt: skip
            await connect(f"rtsp://127.0.0.1:{port}/", credentials=None, clock=CLOCK)

    assert isinstance(error_of(circle), ProtocolError)


def test_frames_that_come_before_and_with_the_answer_to_play_are_not_lost() -> None:
    sps_pps_idr = [FORMAT.parameter_sets[0], FORMAT.parameter_sets[1], b"\x65\x88abc"]
    packets = b""
    for number, nal in enumerate(sps_pps_idr):
        packet = bytes([0x80, 96 | (0x80 if number == 2 else 0)]) + number.to_bytes(2, "big") + bytes(8) + nal
        packets += b"$\0" + len(packet).to_bytes(2, "big") + packet
    play = packets[:40] + b"RTSP/1.0 200 OK\r\nSession: 77\r\n\r\n"

    async def story() -> None:
        cut = 4 + 12 + len(sps_pps_idr[0])  # the first packet overtakes the answer, the others follow it
        reply = packets[:cut] + play[40:] + packets[cut:]
        async with scripted_camera(lambda method, _: reply if method == "PLAY" else usual(method)) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            (unit,) = await watch(session, frames=1)
            assert bytes(unit.data) == b"\0\0\0\5\x65\x88abc"
            session.close()

    asyncio.run(asyncio.wait_for(story(), 20))


def test_session_is_kept_alive_with_what_the_camera_offers_and_torn_down_at_the_end() -> None:
    asked: list[str] = []

    def answer(method: str, _: str) -> str:
        asked.append(method)
        return usual(method)

    async def story() -> None:
        async with scripted_camera(answer) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            scratch = make_scratch()
            session.drain(scratch, mono_ns=CLOCK.mono_ns() + 6_000_000_000)  # half of the 10 s it named has passed
            while "GET_PARAMETER" not in asked:
                await asyncio.sleep(0.01)
            session.close()
            while asked[-1] != "TEARDOWN":
                await asyncio.sleep(0.01)
            assert asked == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "GET_PARAMETER", "TEARDOWN"]

    asyncio.run(asyncio.wait_for(story(), 20))


def test_the_connection_ends_even_if_the_farewell_cannot_be_said() -> None:
    ours, theirs = socket.socketpair()
    agreed = Agreed(
        codec="h264", parameter_sets=(), control_url="rtsp://c/1", session_id="7\r\n", rtp_channel=0, rtcp_channel=1,
        keep_alive_method="OPTIONS", keep_alive_s=30, next_cseq=5, clock_rate=90_000,
    )  # fmt: skip
    wire = Wire(ours, parse_address("rtsp://c/1"))
    with theirs, pytest.raises(InvalidArgument):
        PlayingSession(wire, agreed, authenticator=None, early=b"", mono_ns=0).close()
    assert wire.fileno() == -1


async def drain_until(session: PlayingSession, seen: Callable[[], bool], *, after_s: int) -> None:
    """Drain as if `after_s` had passed, until the camera was asked what the test waits for."""
    scratch, mono_ns = make_scratch(), CLOCK.mono_ns() + after_s * 1_000_000_000
    async with asyncio.timeout(30):
        while not seen():
            session.drain(scratch, mono_ns=mono_ns)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("refusal", ["405 Method Not Allowed", "451 Parameter Not Understood", "501 Not Implemented"])
def test_session_is_kept_alive_by_options_when_the_camera_refuses_what_it_offered(refusal: str) -> None:
    asked: list[str] = []

    def answer(method: str, _: str) -> str:
        asked.append(method)
        return f"RTSP/1.0 {refusal}\r\nCSeq: {{cseq}}\r\n\r\n" if method == "GET_PARAMETER" else usual(method)

    async def story() -> None:
        async with scripted_camera(answer) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            await drain_until(session, lambda: "GET_PARAMETER" in asked, after_s=6)
            received = session.received_bytes
            await drain_until(session, lambda: session.received_bytes > received, after_s=7)
            with contextlib.suppress(TimedOut):  # there was never a frame
                await drain_until(session, lambda: False, after_s=12)
            while asked[-1] != "OPTIONS":
                await asyncio.sleep(0.01)
            session.close()
            assert asked[4:6] == ["GET_PARAMETER", "OPTIONS"]

    asyncio.run(asyncio.wait_for(story(), 60))


def test_a_new_nonce_is_answered_at_once_in_the_middle_of_the_stream_and_when_the_first_was_too_old() -> None:
    nonces: list[str] = []
    asked: list[tuple[str, str]] = []

    def answer(method: str, request: str) -> str:
        nonce = request.partition('nonce="')[2].partition('"')[0]
        asked.append((method, nonce))
        wanted = {"DESCRIBE": "second", "GET_PARAMETER": "third"}.get(method, nonce)
        if nonce == wanted:
            return usual(method)
        given = "first" if nonce == "" else wanted
        nonces.append(given)
        return (
            "RTSP/1.0 401 Unauthorized\r\nCSeq: {cseq}\r\n"
            f'WWW-Authenticate: Digest realm="c", nonce="{given}", stale={"true" if nonce else "false"}\r\n\r\n'
        )

    async def story() -> None:
        async with scripted_camera(answer) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=LOGIN, clock=CLOCK)
            assert nonces == ["first", "second"]
            await drain_until(session, lambda: ("GET_PARAMETER", "third") in asked, after_s=6)
            session.close()
            assert nonces == ["first", "second", "third"]

    asyncio.run(asyncio.wait_for(story(), 60))


@pytest.mark.parametrize(
    ("after_play", "expected"),
    [
        (b"garbage?garbage", ProtocolError),
        (b"RTSP/1.0 454 Session Not Found\r\n\r\n", ProtocolError),
        (b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="c", nonce="a\rb"\r\n\r\n', ProtocolError),
    ],
)
def test_stream_that_turns_to_nonsense_ends_with_a_protocol_error(
    after_play: bytes, expected: type[BeketError]
) -> None:
    async def story() -> None:
        reply = b"RTSP/1.0 200 OK\r\n\r\n" + after_play
        async with scripted_camera(lambda method, _: reply if method == "PLAY" else usual(method)) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            try:
                await watch(session, frames=1)
            finally:
                session.close()

    assert isinstance(error_of(story), expected)


def test_stall_is_seen_within_ten_seconds_and_a_cut_at_once() -> None:
    async def stalled() -> None:
        async with scripted_camera(lambda method, _: usual(method)) as port:
            session = await connect(f"rtsp://127.0.0.1:{port}/1", credentials=None, clock=CLOCK)
            scratch, begin_ns = make_scratch(), CLOCK.mono_ns()
            assert session.drain(scratch, mono_ns=begin_ns + 7_000_000_000) == []
            try:
                session.drain(scratch, mono_ns=begin_ns + 10_000_000_000)
            finally:
                session.close()

    assert isinstance(error_of(stalled), TimedOut)

    async def cut() -> None:
        async with our_server() as (server, mount):
            url = f"rtsp://127.0.0.1:{server.port}/live/main"
            session = await connect(url, credentials=None, clock=CLOCK)
            await watch(session, frames=3)
            mount.close_readers()
            try:
                await watch(session, frames=1_000_000)
            finally:
                session.close()

    assert isinstance(error_of(cut), Unreachable)
