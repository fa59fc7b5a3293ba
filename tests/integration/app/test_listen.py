"""Listening: a taken port and a foreign address are sentences; a server stops when it is told to."""

import asyncio
import socket

import pytest
from fastapi import FastAPI

from beket.app import listen
from beket.kernel.errors import Busy, InvalidConfig


def test_bind_names_the_setting_and_the_remedy_when_the_port_is_taken() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Busy) as caught:
            listen.bind("127.0.0.1", port, place="listen.port")
    sentence = caught.value.sentence()
    assert sentence.uk.startswith(f"listen.port: Порт {port} уже зайнятий")
    assert "ss -ltnp" in sentence.en


def test_bind_refuses_an_address_of_another_machine() -> None:
    with pytest.raises(InvalidConfig, match=r"Cannot listen on 192\.0\.2\.1"):
        listen.bind("192.0.2.1", 0, place="listen.host")


def test_first_free_port_is_taken_when_the_first_is_in_use() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with listen.bind_first_free("127.0.0.1", range(port, port + 20), place="pages.port") as taken:
            assert port < taken.getsockname()[1] < port + 20


def test_server_answers_until_it_is_told_to_stop() -> None:
    app = FastAPI()

    @app.get("/")
    def hello() -> str:
        return "so"

    async def story() -> bytes:
        sock = listen.bind("127.0.0.1", 0, place="test")
        stop = asyncio.Event()
        serving = asyncio.create_task(listen.serve(app, sock, stop))
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        stop.set()
        await asyncio.wait_for(serving, 5)
        return answer

    assert asyncio.run(story()).endswith(b'"so"')
