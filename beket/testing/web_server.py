"""Owns a real web server on loopback for tests (the standard library's), plain or over TLS, with the pages given."""

import contextlib
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Page:
    """What the server answers for one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_chunked: bool = False


@dataclass(slots=True)
class WebServer:
    """A running server.

    Attributes:
        asked: the paths that were asked for, in order.
    """

    port: int
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def web_server(pages: Mapping[str, Page], *, tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """Serve `pages` on 127.0.0.1 until the block ends."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            page = pages.get(self.path, Page(b"no such page", 404))
            self.send_response(page.status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            if page.is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for at in range(0, len(page.body), 1000):
                    some = page.body[at : at + 1000]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(some), some))
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that hangs up is what some tests want."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield WebServer(server.server_address[1], asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
