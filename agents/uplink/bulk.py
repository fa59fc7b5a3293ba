"""Owns bringing recordings and gaps to the centre: newest first, in pieces, resumed, within the budget.

Blocking; runs in the uplink's own thread. A segment is acknowledged when the centre says that it holds the same hash,
and only then. Note: vms/design/0002-recording-store.md "Wire".
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from agents.uplink.budget import Budget
from agents.uplink.connection import Body, Method, Reply
from agents.uplink.messages import GAPS_PATH, OFFER_HEADER, GapReport, GapReports, SegmentOffer, SegmentState
from beket.kernel import wire
from beket.kernel.clock import NS_PER_S, Clock
from beket.kernel.errors import Busy, DataLoss, Forbidden, InvalidArgument, NotFound, ProtocolError
from beket.kernel.ports import SegmentBacklog, SegmentInfo
from beket.kernel.text import say
from beket.kernel.units import KIB

log = logging.getLogger(__name__)

PIECE_BYTES = 64 * KIB
# One request; after each the centre confirms how much it has.
PUT_BYTES = 1024 * KIB
SEGMENTS_PER_ROUND = 16
GAPS_PER_ROUND = 500
# A segment that the centre refuses (damaged on our disk) must not hold up the others behind it.
REFUSED_PAUSE_S = 300
REFUSED_KEPT = 1000


class Centre(Protocol):
    """What the uploader needs of a connection."""

    def request(
        self, method: Method, path: str, *, headers: Mapping[str, str] | None = None, body: Body = b""
    ) -> Reply:
        """See `CentreConnection.request`."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one round brought to the centre."""

    segments: int = 0
    size_bytes: int = 0
    gaps: int = 0


class SegmentUploader:
    """Empties a backlog into the centre."""

    def __init__(
        self,
        backlog: SegmentBacklog,
        centre: Centre,
        *,
        budget: Budget,
        clock: Clock,
        wait: Callable[[float], None] = time.sleep,
        put_bytes: int = PUT_BYTES,
    ) -> None:
        self._backlog = backlog
        self._centre = centre
        self._budget = budget
        self._clock = clock
        self._wait = wait
        self._put_bytes = put_bytes
        self._sent_bytes = 0
        self._refused: dict[SegmentInfo, int] = {}

    def run_once(self) -> Sent:
        """Send the gaps, then the newest segments of now; nothing sent means that nothing was waiting.

        Raises:
            BeketError: the centre or the line failed; what was sent stays sent, and the next round goes on there.
        """
        gaps = self._send_gaps()
        segments, begun_bytes = 0, self._sent_bytes
        for segment in self._waiting():
            segments += self._send(segment)
        return Sent(segments, self._sent_bytes - begun_bytes, gaps)

    def _waiting(self) -> list[SegmentInfo]:
        now_ns = self._clock.mono_ns()
        self._refused = {s: until_ns for s, until_ns in self._refused.items() if until_ns > now_ns}
        pending = self._backlog.pending(SEGMENTS_PER_ROUND + len(self._refused))
        return [segment for segment in pending if segment not in self._refused][:SEGMENTS_PER_ROUND]

    def _send(self, segment: SegmentInfo) -> bool:
        """Bring one segment to the centre; False when it has to wait for a later round."""
        try:
            state = _state_in(self._centre.request("HEAD", _path(segment)))
            while state.sha256 != segment.sha256.hex():
                if state.sha256:
                    raise DataLoss(
                        say("Центр має інший запис за цей час.", "The centre holds another recording of that time."),
                        subject=_path(segment),
                    )
                state = self._put(segment, state.offset_bytes)
        except Busy:
            return False
        except (Forbidden, InvalidArgument, DataLoss, NotFound) as error:
            # Only this segment is wrong: it was damaged or deleted here, or the centre refuses it for good.
            log.error("%s: %s", _path(segment), error.sentence().en)  # noqa: TRY400 the sentence says it all
            if len(self._refused) < REFUSED_KEPT:
                self._refused[segment] = self._clock.mono_ns() + REFUSED_PAUSE_S * NS_PER_S
            return False
        self._backlog.acknowledge(segment)
        return True

    def _put(self, segment: SegmentInfo, offset_bytes: int) -> SegmentState:
        if not 0 <= offset_bytes <= segment.size_bytes:
            raise ProtocolError(say("Центр відповів незрозуміло.", "The centre's offset makes no sense."))
        data = _Range(self, segment, offset_bytes, min(self._put_bytes, segment.size_bytes - offset_bytes))
        offer = SegmentOffer(duration_90k=segment.duration_90k, sha256=segment.sha256.hex())
        headers = {
            OFFER_HEADER: wire.encode(offer).decode("ascii"),
            "Content-Range": data.content_range(),
            "Content-Length": str(data.size_bytes),
            "Content-Type": "application/octet-stream",
        }
        return _state_in(self._centre.request("PUT", _path(segment), headers=headers, body=data))

    def _send_gaps(self) -> int:
        gaps = self._backlog.pending_gaps(GAPS_PER_ROUND)
        if not gaps:
            return 0
        reports = tuple(
            GapReport(camera=gap.camera, start_90k=gap.start_90k, end_90k=gap.end_90k, reason=gap.reason.value)
            for gap in gaps
        )
        body = wire.encode(GapReports(gaps=reports))
        self._wait(self._budget.spend(len(body)))
        headers = {"Content-Type": "application/json"}
        try:
            self._centre.request("POST", GAPS_PATH, headers=headers, body=body).raise_for_status(GAPS_PATH)
        except (Forbidden, InvalidArgument) as error:
            # Both sides may have another inventory for a while; recordings do not wait for that.
            log.warning("gaps are told later: %s", error.sentence().en)
            return 0
        self._backlog.acknowledge_gaps(gaps)
        return len(gaps)

    def _pieces(self, segment: SegmentInfo, offset_bytes: int, size_bytes: int) -> Iterator[bytes]:
        end_bytes = offset_bytes + size_bytes
        while offset_bytes < end_bytes:
            piece = self._backlog.read(segment, offset_bytes, min(PIECE_BYTES, end_bytes - offset_bytes))
            if not piece:
                raise DataLoss(
                    say("Файл запису коротший, ніж має бути.", "The recording's file is shorter than it should be."),
                    subject=_path(segment),
                )
            self._wait(self._budget.spend(len(piece)))
            yield piece
            self._sent_bytes += len(piece)
            offset_bytes += len(piece)


class _Range:
    """Part of a segment as a request's body; iterated anew when the request is sent again."""

    def __init__(self, uploader: SegmentUploader, segment: SegmentInfo, offset_bytes: int, size_bytes: int) -> None:
        self._uploader = uploader
        self._segment = segment
        self._offset_bytes = offset_bytes
        self.size_bytes = size_bytes

    def __iter__(self) -> Iterator[bytes]:
        return self._uploader._pieces(self._segment, self._offset_bytes, self.size_bytes)

    def content_range(self) -> str:
        """RFC 9110 §14.4; without bytes it only asks the centre to finish what it has."""
        last = self._offset_bytes + self.size_bytes - 1
        place = f"{self._offset_bytes}-{last}" if self.size_bytes else "*"
        return f"bytes {place}/{self._segment.size_bytes}"


def _path(segment: SegmentInfo) -> str:
    return f"/agent/v1/segments/{segment.camera}/{segment.start_90k}-{segment.sequence}"


def _state_in(reply: Reply) -> SegmentState:
    """The state that an answer carries in its headers.

    Raises:
        BeketError: the centre did not agree.
        ProtocolError: it says no offset.
    """
    reply.raise_for_status("segments")
    offset = reply.headers.get("beket-offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 16):
        raise ProtocolError(say("Центр відповів незрозуміло.", "The centre's answer has no offset."))
    return SegmentState(offset_bytes=int(offset), sha256=reply.headers.get("beket-sha256", ""))
