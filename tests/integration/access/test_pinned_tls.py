"""A real handshake on loopback: the pin decides, dates and names do not."""

import asyncio
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beket.access import tls
from beket.access.tls import check_pin, client_context, server_files
from beket.kernel.errors import Unauthenticated


@contextmanager
def centre(cert_path: Path, key_path: Path) -> Iterator[int]:
    """A TLS server that says hello to each caller; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_path, key_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, context, stop))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            socket.create_connection(listener.getsockname()).close()
            thread.join()


def _serve(listener: socket.socket, context: ssl.SSLContext, stop: threading.Event) -> None:
    while True:
        connection, _ = listener.accept()
        with connection:
            if stop.is_set():
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    secured.sendall(b"hello")
            except OSError:
                continue


def call(port: int, pin: str) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port)) as connection,
        client_context().wrap_socket(connection, server_hostname="whatever.example") as secured,
    ):
        check_pin(secured, pin)
        assert secured.version() == "TLSv1.3"
        return secured.recv(16)


def test_a_pinned_centre_is_reached_and_another_is_refused(tmp_path: Path) -> None:
    cert_path, key_path, pin = server_files(tmp_path / "ours", ["centre.example"])
    _, _, other_pin = server_files(tmp_path / "other", ["centre.example"])
    with centre(cert_path, key_path) as port:
        assert call(port, pin) == b"hello"
        with pytest.raises(Unauthenticated) as caught:
            call(port, other_pin)
        assert "Це не той центр" in caught.value.sentence().uk


def test_a_certificate_out_of_date_is_still_trusted_by_its_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "VALID_UNTIL_AT", datetime.datetime(2020, 1, 2, tzinfo=datetime.UTC))
    cert_path, key_path, pin = server_files(tmp_path, ["centre.example"])
    with centre(cert_path, key_path) as port:
        assert call(port, pin) == b"hello"


def test_the_pin_is_checked_on_an_asyncio_connection_too(tmp_path: Path) -> None:
    cert_path, key_path, pin = server_files(tmp_path, ["centre.example"])

    async def call_once(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_context())
        try:
            check_pin(writer.get_extra_info("ssl_object"), pin)
            return await reader.read(16)
        finally:
            writer.close()
            await writer.wait_closed()

    with centre(cert_path, key_path) as port:
        assert asyncio.run(call_once(port)) == b"hello"
