"""Telling facts: what the centre did not take waits, a full disk stops nothing."""

from pathlib import Path

import pytest

from agents.facts.book import FactBook
from agents.facts.messages import FACTS_PATH, FactsMessage, FactsReceipt
from agents.facts.teller import FactTeller
from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import ProtocolError, Unreachable
from beket.kernel.ids import DeviceId


class Centre:
    """Takes messages, or is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.answer = wire.encode(FactsReceipt(taken=1, refused=1, changes=1))
        self.heard: list[FactsMessage] = []

    def post(self, path: str, body: bytes) -> bytes:
        if self.is_away:
            raise Unreachable("away")
        assert path == FACTS_PATH
        self.heard.append(wire.decode(body, FactsMessage))
        return self.answer


def book_of(n: int, path: Path | None = None) -> FactBook:
    book = FactBook(path, clock=SimulatedClock())
    for device in range(n):
        book.note(DeviceId(f"d{device}"), "snmp", {"firmware": "6.49"})
    return book


def test_all_that_waits_is_told_in_short_messages() -> None:
    centre = Centre()
    assert FactTeller(book_of(10), centre.post, message_bytes=300).tell() == len(centre.heard) > 2
    assert sorted(page.device for message in centre.heard for page in message.devices) == [f"d{n}" for n in range(10)]


def test_what_the_centre_did_not_take_waits(tmp_path: Path) -> None:
    centre, book = Centre(), book_of(1, tmp_path)  # a folder stands where the file should
    teller = FactTeller(book, centre.post)
    centre.is_away = True
    with pytest.raises(Unreachable):
        teller.tell()
    centre.is_away, centre.answer = False, b"<html>"
    with pytest.raises(ProtocolError):
        teller.tell()
    centre.answer = b'{"taken":1}'
    assert teller.tell() == 0
    assert len(centre.heard) == 2
    assert teller.tell() == 0
    assert len(centre.heard) == 2
