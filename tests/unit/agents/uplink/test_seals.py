"""Seals travel in order, wait for nobody else's, and are forgotten only when the centre has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from agents.uplink.budget import Budget
from agents.uplink.connection import Body, Method, Reply
from agents.uplink.seals import REFUSED_PAUSE_S, SealCourier
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import BeketError, Busy, NotFound, Unreachable
from beket.kernel.ids import CameraId

GATE, YARD = CameraId("gate"), CameraId("yard")


@dataclass(frozen=True)
class Seal:
    camera: CameraId
    number: int


@dataclass
class Backlog:
    """Seals that lie in a ledger."""

    waiting: list[Seal]
    failing: dict[Seal, BeketError] = field(default_factory=dict)

    def unsent_seals(self, limit: int) -> Sequence[Seal]:
        return self.waiting[:limit]

    def read_seal(self, seal: Seal) -> bytes:
        if seal in self.failing:
            raise self.failing[seal]
        return f"{seal.camera} {seal.number}".encode()

    def forget_seal(self, seal: Seal) -> None:
        self.waiting.remove(seal)


@dataclass
class Centre:
    """Takes everything but of cameras for which it has another answer."""

    answers: dict[str, int] = field(default_factory=dict)
    taken: list[bytes] = field(default_factory=list)

    def request(
        self, method: Method, path: str, *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> Reply:
        assert method == "POST"
        assert isinstance(body, bytes)
        status = self.answers.get(path, 204)
        if status == 204:
            self.taken.append(body)
        return Reply(status, {}, b"")


def courier(backlog: Backlog, centre: Centre, clock: SimulatedClock) -> SealCourier[Seal]:
    budget = Budget(rate_bps=10**9, burst_bytes=10**9, clock=clock)
    return SealCourier(backlog, centre, budget=budget, clock=clock, wait=lambda _s: None)


@pytest.fixture
def backlog() -> Backlog:
    return Backlog([Seal(GATE, 1), Seal(GATE, 2), Seal(YARD, 7)])


def test_each_seal_goes_as_it_was_signed_and_is_forgotten(backlog: Backlog) -> None:
    centre = Centre()
    going = courier(backlog, centre, SimulatedClock())
    assert (going.run_once(), going.run_once()) == (3, 0)
    assert centre.taken == [b"gate 1", b"gate 2", b"yard 7"]
    assert backlog.waiting == []


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_seal_that_is_refused_holds_up_its_own_camera_alone_and_for_a_while(backlog: Backlog, status: int) -> None:
    centre, clock = Centre({"/agent/v1/seals/gate": status}), SimulatedClock()
    going = courier(backlog, centre, clock)
    assert going.run_once() == 1
    assert centre.taken == [b"yard 7"]
    centre.answers.clear()
    assert going.run_once() == 0
    clock.pass_time(REFUSED_PAUSE_S + 1)
    assert going.run_once() == 2
    assert centre.taken == [b"yard 7", b"gate 1", b"gate 2"]


def test_a_centre_that_fails_has_taken_nothing(backlog: Backlog) -> None:
    with pytest.raises(Unreachable):
        courier(backlog, Centre({"/agent/v1/seals/gate": 500}), SimulatedClock()).run_once()
    assert len(backlog.waiting) == 3


def test_a_seal_whose_file_is_gone_is_given_up_and_one_on_a_bad_disk_waits(backlog: Backlog) -> None:
    backlog.failing = {Seal(GATE, 1): NotFound("gone"), Seal(YARD, 7): Busy("an I/O error")}
    centre = Centre()
    assert courier(backlog, centre, SimulatedClock()).run_once() == 1
    assert centre.taken == [b"gate 2"]
    assert backlog.waiting == [Seal(YARD, 7)]
