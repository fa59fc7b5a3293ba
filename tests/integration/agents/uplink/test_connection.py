import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from agents.uplink.connection import CentreConnection
from beket.access.agent_key import AgentKey, Enrolled
from beket.access.messages import challenge_answer
from beket.access.signing import Purpose, verify
from beket.access.tls import server_files
from beket.kernel.errors import (
    Busy,
    Forbidden,
    InvalidConfig,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.ids import AgentId, CommunityId, SiteId
from beket.testing.tcp_proxy import tcp_proxy

AGENT = AgentId("a1")


class Centre(ThreadingHTTPServer):
    """A centre of a few lines over real TLS: sessions by challenge, and whatever `answer` does."""

    daemon_threads = True

    def __init__(self, folder: Path, public_key: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        certificate, key, self.pin = server_files(folder, ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.public_key = public_key
        self.tokens: set[str] = set()
        self.opened = 0
        self.connections = 0
        self.goes_on = threading.Event()
        self.answer: Callable[[Handler, bytes], None] = lambda handler, body: handler.reply(200, b"ok:" + body)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of these tests."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Centre

    def setup(self) -> None:
        self.server.connections += 1
        super().setup()

    def do_POST(self) -> None:
        if self.headers["Expect-Early"]:
            self.close_connection = True
            self.server.answer(self, b"")
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/agent/v1/challenge":
            self.reply(200, b'{"nonce": "n1", "life_s": 60}')
        elif self.path == "/agent/v1/session":
            message = msgspec.json.decode(body)
            answer = challenge_answer(AGENT, "n1", self.server.pin)
            signature = bytes.fromhex(message["signature"])
            if not verify(self.server.public_key, Purpose.AGENT_CHALLENGE, answer, signature):
                self.reply(401, b"no")
                return
            self.server.opened += 1
            token = f"t{self.server.opened}"
            self.server.tokens.add(token)
            self.reply(200, b'{"token": "%s", "life_s": 3600}' % token.encode())
        elif self.headers["Authorization"].removeprefix("Bearer ") not in self.server.tokens:
            self.reply(401, b"unknown session")
        else:
            self.server.answer(self, body)

    def reply(self, status: int, body: bytes, *, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def key(tmp_path: Path) -> AgentKey:
    return AgentKey.load_or_create(tmp_path / "agent.key")


@pytest.fixture
def centre(tmp_path: Path, key: AgentKey) -> Iterator[Centre]:
    with Centre(tmp_path / "centre", key.public) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.goes_on.set()
        server.shutdown()
        thread.join()


Connect = Callable[..., CentreConnection]


@pytest.fixture
def connect(centre: Centre, key: AgentKey) -> Iterator[Connect]:
    made: list[CentreConnection] = []

    def make(*, port: int = 0, pin: str = "", **limits: float) -> CentreConnection:
        enrolled = Enrolled(
            agent=AGENT,
            site=SiteId("school"),
            community=CommunityId("dobrianka"),
            centre_url=f"https://127.0.0.1:{port or centre.server_port}",
            pin=pin or centre.pin,
            community_key="",
        )
        made.append(CentreConnection(key, enrolled, **limits))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def test_one_connection_and_one_session_serve_many_requests(centre: Centre, connect: Connect) -> None:
    connection = connect()
    for number in range(5):
        assert connection.post("/x", b"%d" % number) == b"ok:%d" % number
    assert (centre.opened, centre.connections) == (1, 1)
    connection.close()
    assert connection.post("/x", b"again") == b"ok:again"


def test_a_body_in_pieces_is_sent_as_it_comes(centre: Centre, connect: Connect) -> None:
    connection = connect()
    reply = connection.request("POST", "/x", headers={"Content-Length": "6"}, body=[b"12", b"34", b"56"])
    assert reply.body == b"ok:123456"


def test_a_forgotten_session_is_opened_again(centre: Centre, connect: Connect) -> None:
    connection = connect()
    connection.post("/x", b"")
    centre.tokens.clear()
    assert connection.post("/x", b"1") == b"ok:1"
    assert centre.opened == 2


def test_another_centre_is_told_nothing(centre: Centre, connect: Connect) -> None:
    with pytest.raises(Unauthenticated, match="another centre"):
        connect(pin="0" * 64).post("/x", b"secret")
    assert centre.opened == 0


def test_an_agent_that_the_centre_does_not_know_is_unauthenticated(
    centre: Centre, connect: Connect, tmp_path: Path
) -> None:
    centre.public_key = AgentKey.load_or_create(tmp_path / "other.key").public
    with pytest.raises(Unauthenticated):
        connect().post("/x", b"")


def test_an_idle_connection_that_the_centre_closed_is_opened_again(centre: Centre, connect: Connect) -> None:
    with tcp_proxy(centre.server_port) as proxy:
        connection = connect(port=proxy.port)
        connection.post("/x", b"1")
        proxy.reset()
        assert connection.post("/x", b"2") == b"ok:2"
        proxy.cut()
        with pytest.raises(Unreachable):
            connection.post("/x", b"3")
        proxy.restore()
        assert connection.post("/x", b"4") == b"ok:4"


def test_silence_is_a_time_out(centre: Centre, connect: Connect) -> None:
    centre.answer = lambda handler, body: (centre.goes_on.wait(5), handler.reply(200, b""))[1]
    with pytest.raises(TimedOut):
        connect(timeout_s=0.3).post("/x", b"")


def test_an_endless_answer_is_cut_off(centre: Centre, connect: Connect) -> None:
    centre.answer = lambda handler, body: handler.reply(200, bytes(100_000))
    with pytest.raises(ProtocolError):
        connect(response_max_bytes=50_000).post("/x", b"")


def test_an_answer_that_breaks_off_is_unreachable(centre: Centre, connect: Connect) -> None:
    def break_off(handler: Handler, _body: bytes) -> None:
        handler.reply(200, b"123", length=10)
        handler.close_connection = True

    centre.answer = break_off
    with pytest.raises(Unreachable):
        connect().post("/x", b"")


def test_an_answer_that_is_not_http_is_a_protocol_error(centre: Centre, connect: Connect) -> None:
    def babble(handler: Handler, _body: bytes) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
        handler.close_connection = True

    centre.answer = babble
    with pytest.raises(ProtocolError):
        connect().post("/x", b"")


def test_a_refusal_is_heard_while_the_body_is_still_being_sent(centre: Centre, connect: Connect) -> None:
    connection = connect()
    connection.post("/x", b"")
    centre.answer = lambda handler, body: handler.reply(409, b"busy")
    pieces = [bytes(64 * 1024)] * 4
    headers = {"Content-Length": str(4 * 64 * 1024), "Expect-Early": "1"}
    with pytest.raises((Busy, Unreachable)):
        connection.request("POST", "/x", headers=headers, body=pieces).raise_for_status("/x")


@pytest.mark.parametrize(
    ("status", "error"), [(403, Forbidden), (409, Busy), (503, Unreachable), (302, ProtocolError), (418, ProtocolError)]
)
def test_statuses_leave_as_our_errors(centre: Centre, connect: Connect, status: int, error: type[Exception]) -> None:
    centre.answer = lambda handler, body: handler.reply(status, b"words for people")
    with pytest.raises(error, match="words for people"):
        connect().post("/x", b"")


def test_a_centre_without_https_is_refused(centre: Centre, key: AgentKey) -> None:
    enrolled = Enrolled(
        agent=AGENT,
        site=SiteId("s"),
        community=CommunityId("c"),
        centre_url="http://127.0.0.1:1",
        pin=centre.pin,
        community_key="",
    )
    with pytest.raises(InvalidConfig):
        CentreConnection(key, enrolled)
