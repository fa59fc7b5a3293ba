import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from beket.kernel.errors import (
    BeketError,
    Busy,
    Forbidden,
    NotFound,
    ProtocolError,
    TimedOut,
    Unauthenticated,
    Unreachable,
)
from beket.kernel.secrets import Secret
from beket.testing.process import free_tcp_port
from collector.sinks.forwarder import Refused
from collector.sinks.influx import InfluxWriter

TOKEN = "t0p-secret"


class _Answer(http.server.BaseHTTPRequestHandler):
    status, body = 204, b""
    seen: tuple[str, str, bytes] = ("", "", b"")
    hang: threading.Event | None = None

    def do_POST(self) -> None:
        cls = type(self)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        cls.seen = self.path, self.headers["Authorization"], gzip.decompress(body)
        if cls.hang:
            cls.hang.wait(5)
        self.send_response(cls.status)
        self.send_header("Content-Length", str(len(cls.body)))
        self.end_headers()
        self.wfile.write(cls.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def engine(status: int, body: bytes = b"", hang: threading.Event | None = None) -> Iterator[tuple[str, type[_Answer]]]:
    answer = type("Answer", (_Answer,), {"status": status, "body": body, "hang": hang})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", answer
        finally:
            if hang:
                hang.set()
            server.shutdown()
            thread.join()


def write(url: str, *, timeout_s: float = 5) -> None:
    writer = InfluxWriter(url=url, org="o", bucket="b", token=Secret(TOKEN), timeout_s=timeout_s)
    try:
        writer.write(b"device_up,site=s ratio=1 1700000000000")
    finally:
        writer.close()


def test_lines_go_to_the_bucket_with_the_token_and_in_milliseconds() -> None:
    with engine(204) as (url, answer):
        write(url)
        path, authorization, body = answer.seen
    assert path.startswith("/api/v2/write?")
    assert set(path.partition("?")[2].split("&")) == {"org=o", "bucket=b", "precision=ms"}
    assert authorization == f"Token {TOKEN}"
    assert body == b"device_up,site=s ratio=1 1700000000000"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, ProtocolError),
        (400, Refused),
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (413, Refused),
        (422, Refused),
        (429, Busy),
        (500, ProtocolError),
        (503, Busy),
    ],
)
def test_each_answer_has_its_error_and_none_shows_the_token(status: int, error: type[BeketError]) -> None:
    with engine(status, b"why token=abc") as (url, _), pytest.raises(error) as caught:
        write(url)
    assert type(caught.value) is error
    sentence = caught.value.sentence()
    assert url in sentence.uk
    assert TOKEN not in sentence.uk
    assert "abc" not in sentence.en


def test_an_answer_that_is_not_text_is_an_answer_we_do_not_understand() -> None:
    with engine(400, b"\xff\xfe") as (url, _), pytest.raises(ProtocolError):
        write(url)


def test_a_door_that_speaks_no_tls_is_told_as_such() -> None:
    with engine(204) as (url, _), pytest.raises(Unreachable) as caught:
        write(url.replace("http:", "https:"))
    assert "[sinks] url" in caught.value.sentence().uk


def test_an_absent_engine_and_a_silent_one_are_told_apart() -> None:
    with pytest.raises(Unreachable):
        write(f"http://127.0.0.1:{free_tcp_port()}")
    with pytest.raises(Unreachable):
        write("http://nowhere.invalid:8428")
    with engine(204, hang=threading.Event()) as (url, _), pytest.raises(TimedOut):
        write(url, timeout_s=0.2)
