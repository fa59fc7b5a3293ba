import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from agents.uplink.budget import Budget
from agents.uplink.bulk import PIECE_BYTES, SegmentUploader, Sent
from agents.uplink.connection import Body, Method, Reply
from beket.kernel.clock import SimulatedClock
from beket.kernel.errors import NotFound, ProtocolError, Unreachable
from beket.kernel.ids import CameraId
from beket.kernel.ports import GapInfo, GapReason, SegmentInfo

GATE = CameraId("gate")


class Backlog:
    """Segments in memory, newest first."""

    def __init__(self, count: int, size_bytes: int) -> None:
        rng = random.Random(count)
        self.data: dict[SegmentInfo, bytes] = {}
        for number in range(count, 0, -1):
            data = rng.randbytes(size_bytes)
            info = SegmentInfo(GATE, number * 1_800_000, 1_800_000, number, size_bytes, hashlib.sha256(data).digest())
            self.data[info] = data
        self.acknowledged: list[SegmentInfo] = []
        self.gaps: list[GapInfo] = []

    def pending(self, limit: int) -> list[SegmentInfo]:
        return [segment for segment in self.data if segment not in self.acknowledged][:limit]

    def read(self, segment: SegmentInfo, offset_bytes: int, max_bytes: int) -> bytes:
        if self.data[segment] == b"gone":
            raise NotFound("the file is gone")
        return self.data[segment][offset_bytes : offset_bytes + max_bytes]

    def acknowledge(self, segment: SegmentInfo) -> None:
        self.acknowledged.append(segment)

    def pending_gaps(self, limit: int) -> list[GapInfo]:
        return self.gaps[:limit]

    def acknowledge_gaps(self, gaps: Sequence[GapInfo]) -> None:
        self.gaps = [gap for gap in self.gaps if gap not in gaps]


@dataclass
class Centre:
    """Keeps what comes, and can be cut after so many bytes."""

    cut_after_bytes: int = 1 << 60
    lie: Callable[[Reply], Reply] = lambda reply: reply
    held: dict[str, bytes] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    largest_piece: int = 0
    gaps: list[object] = field(default_factory=list)
    refuses_gaps: bool = False

    def request(
        self, method: Method, path: str, *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> Reply:
        headers = headers or {}
        self.requests.append(f"{method} {path} {headers.get('Content-Range', '')}".strip())
        if method == "POST":
            assert isinstance(body, bytes)
            if self.refuses_gaps:
                return Reply(403, {}, b"not yours")
            self.gaps += msgspec.json.decode(body)["gaps"]
            return Reply(204, {}, b"")
        if method == "PUT":
            assert not isinstance(body, bytes)
            place, _, total = headers["Content-Range"].removeprefix("bytes ").partition("/")
            if place != "*" and int(place.partition("-")[0]) != len(self.held.get(path, b"")):
                return Reply(409, {}, b"{}")
            for piece in body:
                self.largest_piece = max(self.largest_piece, len(piece))
                taken = piece[: self.cut_after_bytes]
                self.cut_after_bytes -= len(taken)
                self.held[path] = self.held.get(path, b"") + taken
                if len(taken) < len(piece):
                    raise Unreachable("cut")
            if len(self.held[path]) == int(total):
                digest = hashlib.sha256(self.held[path]).hexdigest()
                if digest != msgspec.json.decode(headers["Beket-Segment"])["sha256"]:
                    self.held.pop(path)
                    return Reply(400, {}, b"damaged")
                self.done[path] = digest
        state = {"beket-offset": str(len(self.held.get(path, b""))), "beket-sha256": self.done.get(path, "")}
        return self.lie(Reply(202, state, b""))


def uploader_of(
    backlog: Backlog, centre: Centre, *, clock: SimulatedClock | None = None, **sizes: int
) -> SegmentUploader:
    clock = clock or SimulatedClock()
    budget = Budget(rate_bps=10**12, burst_bytes=10**9, clock=clock)
    return SegmentUploader(backlog, centre, budget=budget, clock=clock, wait=clock.pass_time, **sizes)


def test_the_newest_segment_goes_first_in_pieces_of_64_kib_and_is_acknowledged_with_its_hash() -> None:
    backlog, centre = Backlog(3, 300_000), Centre()
    sent = uploader_of(backlog, centre, put_bytes=128 * 1024).run_once()
    assert sent == Sent(segments=3, size_bytes=900_000)
    assert [segment.sequence for segment in backlog.acknowledged] == [3, 2, 1]
    assert centre.largest_piece == PIECE_BYTES
    assert centre.requests[:4] == [
        "HEAD /agent/v1/segments/gate/5400000-3",
        "PUT /agent/v1/segments/gate/5400000-3 bytes 0-131071/300000",
        "PUT /agent/v1/segments/gate/5400000-3 bytes 131072-262143/300000",
        "PUT /agent/v1/segments/gate/5400000-3 bytes 262144-299999/300000",
    ]


def test_a_cut_loses_nothing_and_sending_goes_on_where_it_stopped() -> None:
    backlog, centre = Backlog(2, 300_000), Centre(cut_after_bytes=170_000)
    uploader = uploader_of(backlog, centre)
    with pytest.raises(Unreachable):
        uploader.run_once()
    assert backlog.acknowledged == []
    centre.cut_after_bytes = 1 << 60
    assert uploader.run_once().size_bytes == 600_000 - 170_000
    assert len(backlog.acknowledged) == 2
    assert sum(map(len, centre.held.values())) == 600_000


def test_a_segment_that_the_centre_has_already_is_only_acknowledged() -> None:
    backlog, centre = Backlog(1, 1000), Centre()
    uploader_of(backlog, centre).run_once()
    (segment,) = backlog.acknowledged
    backlog.acknowledged.clear()
    centre.requests.clear()
    assert uploader_of(backlog, centre).run_once() == Sent(segments=1)
    assert len(centre.requests) == 1
    assert backlog.acknowledged == [segment]


def test_bytes_that_were_all_there_are_finished_without_sending_them_again() -> None:
    backlog, centre = Backlog(1, 1000), Centre()
    ((segment, data),) = backlog.data.items()
    centre.held["/agent/v1/segments/gate/1800000-1"] = data
    assert uploader_of(backlog, centre).run_once() == Sent(segments=1)
    assert centre.requests[-1] == "PUT /agent/v1/segments/gate/1800000-1 bytes */1000"
    assert backlog.acknowledged == [segment]


@pytest.mark.parametrize("damage", [b"x" * 1000, b"short", b"gone"])
def test_a_damaged_segment_is_never_acknowledged_and_does_not_hold_up_the_others(damage: bytes) -> None:
    backlog, centre, clock = Backlog(3, 1000), Centre(), SimulatedClock()
    newest = next(iter(backlog.data))
    sound, backlog.data[newest] = backlog.data[newest], damage
    uploader = uploader_of(backlog, centre, clock=clock)
    assert uploader.run_once().segments == 2
    assert newest not in backlog.acknowledged
    assert uploader.run_once() == Sent()
    backlog.data[newest] = sound
    centre.held.clear()
    clock.pass_time(301)
    assert uploader.run_once().segments == 1
    assert newest in backlog.acknowledged


def test_another_hash_at_the_centre_is_never_taken_for_ours() -> None:
    backlog = Backlog(1, 1000)
    centre = Centre(lie=lambda reply: replace(reply, headers={**reply.headers, "beket-sha256": "0" * 64}))
    assert uploader_of(backlog, centre).run_once() == Sent()
    assert backlog.acknowledged == []


@pytest.mark.parametrize("offset", ["", "-1", "1e3", "٣", "99999999", "9" * 400])
def test_a_centre_that_makes_no_sense_is_a_protocol_error(offset: str) -> None:
    backlog = Backlog(1, 1000)
    centre = Centre(lie=lambda reply: replace(reply, headers={"beket-offset": offset}))
    with pytest.raises(ProtocolError):
        uploader_of(backlog, centre).run_once()


def test_a_busy_segment_waits_for_a_later_round() -> None:
    backlog = Backlog(1, 1000)
    centre = Centre(lie=lambda reply: replace(reply, status=409))
    assert uploader_of(backlog, centre).run_once() == Sent()
    centre.lie = lambda reply: reply
    assert uploader_of(backlog, centre).run_once().segments == 1


def test_gaps_go_first_and_are_acknowledged() -> None:
    backlog, centre = Backlog(1, 10), Centre()
    backlog.gaps = [GapInfo(GATE, 5, None, GapReason.POWER)]
    assert uploader_of(backlog, centre).run_once().gaps == 1
    assert centre.requests[0] == "POST /agent/v1/gaps"
    assert centre.gaps == [{"camera": "gate", "start_90k": 5, "end_90k": None, "reason": "power"}]
    assert backlog.gaps == []


def test_gaps_that_the_centre_refuses_do_not_hold_up_recordings() -> None:
    backlog, centre = Backlog(1, 10), Centre(refuses_gaps=True)
    backlog.gaps = [GapInfo(GATE, 5, None, GapReason.POWER)]
    assert uploader_of(backlog, centre).run_once() == Sent(segments=1, size_bytes=10)
    assert len(backlog.gaps) == 1


def test_sending_keeps_to_the_budget() -> None:
    backlog, centre, clock = Backlog(1, 1_000_000), Centre(), SimulatedClock()
    budget = Budget(rate_bps=1_000_000, burst_bytes=PIECE_BYTES, clock=clock)
    begun_ns = clock.mono_ns()
    SegmentUploader(backlog, centre, budget=budget, clock=clock, wait=clock.pass_time).run_once()
    assert (clock.mono_ns() - begun_ns) / 1e9 == pytest.approx((1_000_000 - PIECE_BYTES) * 8 / 1_000_000, rel=0.01)
