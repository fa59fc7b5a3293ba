import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from beket.testing.process import wait_for
from beket.testing.tcp_proxy import TcpProxy, tcp_proxy


@contextlib.contextmanager
def echo_server() -> Iterator[int]:
    """A server that sends back what it gets."""

    def answer(peer: socket.socket) -> None:
        with peer, contextlib.suppress(OSError):
            while data := peer.recv(65536):
                peer.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                threading.Thread(target=answer, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def proxy() -> Iterator[TcpProxy]:
    with echo_server() as port, tcp_proxy(port) as running:
        yield running


def dial(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=5)


def ask(line: socket.socket, words: bytes) -> bytes:
    line.sendall(words)
    answer = b""
    while len(answer) < len(words):
        part = line.recv(65536)
        if not part:
            break
        answer += part
    return answer


def test_proxy_passes_bytes_both_ways_and_counts_them(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        assert ask(line, b"x" * 300_000) == b"x" * 300_000
    assert (proxy.traffic.connections, proxy.traffic.up_bytes, proxy.traffic.down_bytes) == (1, 300_000, 300_000)


def test_proxy_passes_the_end_of_a_stream_without_losing_its_last_bytes(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        line.sendall(b"last words")
        line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(100), b""))
    assert answer == b"last words"


def test_proxy_resets_and_refuses_when_cut_and_answers_on_the_same_port_when_restored(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        ask(line, b"hello")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            line.recv(1)
    with pytest.raises(ConnectionRefusedError):
        dial(proxy)
    proxy.restore()
    with dial(proxy) as line:
        assert ask(line, b"again") == b"again"


def test_proxy_keeps_silent_when_frozen_and_delivers_when_thawed(proxy: TcpProxy) -> None:
    with dial(proxy) as line:
        ask(line, b"hello")
        proxy.freeze()
        line.sendall(b"anyone?")
        line.settimeout(0.1)
        with pytest.raises(TimeoutError):
            line.recv(100)
        proxy.thaw()
        line.settimeout(5)
        assert line.recv(100) == b"anyone?"


def test_proxy_holds_the_stated_rate_when_throttled(proxy: TcpProxy) -> None:
    proxy.line.bytes_per_s = 100_000
    with dial(proxy) as line:
        began_s = time.monotonic()
        ask(line, b"x" * 30_000)
        took_s = time.monotonic() - began_s
    assert took_s > 0.29  # a slow machine may take longer, no machine may be quicker


def test_proxy_delivers_late_when_delayed(proxy: TcpProxy) -> None:
    proxy.line.delay_s = 0.1
    with dial(proxy) as line:
        began_s = time.monotonic()
        ask(line, b"hello")
        assert time.monotonic() - began_s >= 0.2


def test_proxy_resets_each_connection_after_its_time(proxy: TcpProxy) -> None:
    proxy.line.reset_after_s = 0.1
    with dial(proxy) as line:
        ask(line, b"hello")
        with pytest.raises(ConnectionResetError):
            line.recv(1)


def test_proxy_breaks_the_line_when_nobody_listens_behind_it() -> None:
    with echo_server() as port:
        pass
    with tcp_proxy(port) as proxy:
        with pytest.raises(ConnectionResetError), dial(proxy) as line:  # a slow machine is reset while it still dials
            line.recv(1)
        wait_for(lambda: proxy.traffic.connections == 1)
