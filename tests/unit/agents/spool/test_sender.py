import asyncio
from pathlib import Path

import msgspec
import pytest

from agents.spool.messages import PointsReceipt
from agents.spool.sender import Sender
from agents.spool.spool import Spool
from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import ProtocolError, Unreachable
from beket.kernel.ids import SiteId
from beket.kernel.metrics import Instruments, Point


class Centre:
    """Takes everything, unless told to be away; `takes` bounds how many batches it acknowledges at once."""

    def __init__(self) -> None:
        self.is_away = False
        self.takes = 1000
        self.sequences: list[int] = []

    def post(self, path: str, body: bytes) -> bytes:
        if self.is_away:
            raise Unreachable("no route")
        assert path == "/agent/v1/points"
        batches = [batch["sequence"] for batch in msgspec.json.decode(body)["batches"]][: self.takes]
        self.sequences += batches
        return wire.encode(PointsReceipt(batches[-1] if batches else -1))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path, site=SiteId("school"), cap_bytes=10**8, instruments=Instruments(unit="polling"))
    for i in range(10):
        spool.put([Point("device_up_ratio", (("device", "d"),), i * 10**9, 1.0)])
    return spool


def test_everything_is_sent_once_and_forgotten(spool: Spool) -> None:
    centre = Centre()
    assert Sender(spool, centre.post, message_bytes=200).run_once() == 10
    assert centre.sequences == list(range(1, 11))
    assert spool.pending() == 0


def test_each_message_says_what_the_clock_shows(spool: Spool) -> None:
    centre = Centre()
    bodies: list[bytes] = []

    def post(path: str, body: bytes) -> bytes:
        bodies.append(body)
        return centre.post(path, body)

    Sender(spool, post).run_once(SimulatedClock(wall_ns=1_500_000_000_123_456_789))
    assert b'"sent_ms":1500000000123' in bodies[0]


def test_nothing_is_forgotten_while_the_centre_is_away(spool: Spool) -> None:
    centre = Centre()
    centre.is_away = True
    sender = Sender(spool, centre.post)
    with pytest.raises(Unreachable):
        sender.run_once()
    assert spool.pending() == 10
    centre.is_away = False
    sender.run_once()
    assert centre.sequences == list(range(1, 11))


def test_a_centre_that_takes_part_gets_the_rest_again(spool: Spool) -> None:
    centre = Centre()
    centre.takes = 3
    assert Sender(spool, centre.post).run_once() == 10
    assert centre.sequences == list(range(1, 11))


def test_a_centre_that_takes_nothing_ends_the_round(spool: Spool) -> None:
    centre = Centre()
    centre.takes = 0
    assert Sender(spool, centre.post).run_once() == 0
    assert spool.pending() == 10


def test_an_answer_that_is_no_receipt_is_a_protocol_error(spool: Spool) -> None:
    with pytest.raises(ProtocolError):
        Sender(spool, lambda _path, _body: b"<html>captive portal</html>").run_once()
    assert spool.pending() == 10


def test_it_sends_again_at_its_beat(spool: Spool) -> None:
    async def story() -> None:
        centre, clock = Centre(), SimulatedClock()
        running = asyncio.create_task(Sender(spool, centre.post).run(clock=clock, every_s=2))
        while spool.pending():
            await asyncio.sleep(0.01)
        spool.put([Point("device_up_ratio", (("device", "d"),), 0, 1.0)])
        while spool.pending():
            await clock.advance(2)
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert centre.sequences == list(range(1, 12))

    asyncio.run(story())
