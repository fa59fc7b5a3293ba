import asyncio
import random
import threading
from pathlib import Path

import pytest

from agents.computers.config import ComputerConfig
from agents.computers.report import REPORT_PATH, ComputerReport, ReportReceipt
from agents.computers.rounds import keep_telling, look_and_tell, tell
from agents.computers.waiting import WaitingReport
from beket.kernel import wire
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NoSpace, ProtocolError, Unreachable

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1" / "computer-receipt.json"


class Centre:
    """Answers, or is away."""

    def __init__(self) -> None:
        self.is_away = False
        self.got: list[bytes] = []
        self.tries = 0

    def post(self, path: str, body: bytes) -> bytes:
        assert path == REPORT_PATH
        self.tries += 1
        if self.is_away:
            raise Unreachable("away")
        self.got.append(body)
        return GOLDEN.read_bytes()


def report(name: str) -> ComputerReport:
    return ComputerReport(name=name)


def test_a_round_tells_and_leaves_nothing_waiting(tmp_path: Path) -> None:
    centre, waiting = Centre(), WaitingReport(tmp_path)
    assert look_and_tell(lambda: report("a"), waiting, centre.post) == ReportReceipt(changes=3)
    assert centre.got == [wire.encode(report("a"))]
    assert waiting.take() is None
    assert tell(waiting, centre.post) is None


def test_while_the_centre_is_away_only_the_newest_report_waits(tmp_path: Path) -> None:
    centre = Centre()
    centre.is_away = True
    for name in ("a", "b"):
        with pytest.raises(Unreachable):
            look_and_tell(lambda name=name: report(name), WaitingReport(tmp_path), centre.post)  # type: ignore[misc]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json"]
    centre.is_away = False
    tell(WaitingReport(tmp_path), centre.post)  # after a restart
    assert centre.got == [wire.encode(report("b"))]


def test_an_answer_that_is_not_the_centres_keeps_the_report(tmp_path: Path) -> None:
    waiting = WaitingReport(tmp_path)
    with pytest.raises(ProtocolError):
        look_and_tell(lambda: report("a"), waiting, lambda _path, _body: b"<html>hotel wifi</html>")
    assert waiting.take() is not None


def test_a_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NoSpace):
        WaitingReport(tmp_path / "file").put(report("a"))


async def settle() -> None:
    """Let the threads that a round uses come back."""
    for _ in range(50):
        await asyncio.sleep(0.005)


def test_a_service_looks_once_a_day_and_tries_again_soon_when_the_centre_is_away(tmp_path: Path) -> None:
    looks = 0
    lock = threading.Lock()

    def look() -> ComputerReport:
        nonlocal looks
        with lock:
            looks += 1
        return report(f"look {looks}")

    async def story() -> None:
        clock, centre = SimulatedClock(), Centre()
        config = ComputerConfig(every_h=24, retry_min=15)
        centre.is_away = True
        telling = asyncio.create_task(
            keep_telling(look, WaitingReport(tmp_path), centre.post, config, clock=clock, rng=random.Random(1))
        )
        for _ in range(8):
            await settle()
            await clock.advance(1800)
        await settle()
        assert looks == 1
        assert centre.tries > 3
        centre.is_away = False
        for _ in range(60):
            await settle()
            await clock.advance(1800)
        await settle()
        telling.cancel()
        assert [body for body in centre.got if b"look 1" in body]
        assert 2 <= looks <= 3
        assert len(centre.got) == looks

    asyncio.run(story())
