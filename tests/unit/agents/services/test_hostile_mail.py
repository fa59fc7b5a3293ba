"""Mail servers that do not mean well: only the declared failure, and an end."""

import asyncio
import random
import ssl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.services.connection import Connection
from agents.services.imap_talk import Mailbox
from agents.services.smtp_talk import send_letter
from agents.services.trouble import Failed
from beket.kernel.secrets import Secret
from tests.hostile import damaged

TLS = ssl.create_default_context()
SMTP = b"220 hi\r\n250-mail\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n354 go on\r\n250 taken\r\n"
IMAP = b"* OK hi\r\n+ \r\na1 OK in\r\n* 3 EXISTS\r\na2 OK\r\na3 OK\r\n* SEARCH 2 3\r\na4 OK\r\n"


class Deaf:
    """A writer over TLS, as far as the talks use one, that sends nowhere."""

    def __init__(self) -> None:
        self.sent = b""

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        pass

    def get_extra_info(self, _: str) -> "Deaf":
        return self

    def getpeercert(self, *, binary_form: bool) -> bytes:
        return b"der" if binary_form else b""


def talking(data: bytes) -> Connection:
    reader = asyncio.StreamReader(limit=16 * 1024)
    reader.feed_data(data)
    reader.feed_eof()
    return Connection(reader, Deaf())  # type: ignore[arg-type]


def smtp(data: bytes) -> bytes:
    async def run() -> bytes:
        connection = talking(data)
        await send_letter(connection, "h", tls=TLS, login=Secret("a:b"), box="r@a.ua", letter=b"x")
        return connection.writer.sent  # type: ignore[attr-defined, no-any-return]

    return asyncio.run(run())


def imap(data: bytes) -> list[int]:
    async def run() -> list[int]:
        box = Mailbox(talking(data))
        await box.open("h", tls=TLS, login=Secret("a:b"))
        return await box.find("beket-probe")

    return asyncio.run(run())


def test_a_good_talk_is_followed() -> None:
    assert b"MAIL FROM:<r@a.ua>\r\nRCPT TO:<r@a.ua>\r\nDATA\r\nx\r\n.\r\n" in smtp(SMTP)
    assert imap(IMAP) == [2, 3]


@pytest.mark.parametrize("endless", [b"250-more\r\n" * 5000, b"x" * 100_000, b"\r\n" * 5000, b"220 hi\r\n" * 3])
def test_an_endless_greeting_ends(endless: bytes) -> None:
    with pytest.raises(Failed):
        smtp(endless)
    with pytest.raises(Failed):
        imap(endless)
    with pytest.raises((Failed, EOFError)):
        imap(b"* OK hi\r\n" + b"* 1 FETCH\r\n" * 5000)


@pytest.mark.parametrize("seed", range(10))
def test_damaged_talks_raise_the_declared_failure_alone(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(30):
        for talk, good in ((smtp, SMTP), (imap, IMAP)):
            try:
                talk(damaged(rng, [good]))
            except (Failed, EOFError):
                continue


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end(data: bytes) -> None:
    for talk, head in ((smtp, b"220 hi\r\n250 "), (imap, b"* OK hi\r\na1 OK\r\n")):
        try:
            talk(head + data)  # type: ignore[operator]
        except (Failed, EOFError):
            continue
