"""Owns a camera's stream after PLAY: reads what has come, splits it in place, keeps the session alive.

Nobody is woken per packet. Whoever owns the session calls `drain` on a tick (DESIGN §4: that is what makes capture
cheap) with one large buffer that all sessions share; packets go to the depacketizer where they lie. Nothing waits
here; every call returns at once. Called from one thread.
"""

import contextlib
from dataclasses import dataclass

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import BeketError, ProtocolError, Unreachable
from beket.kernel.ports import Codec
from beket.kernel.text import say
from beket.media.liveness import Liveness
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.depacketizer import depacketizer_for
from beket.media.rtp.rtcp import SenderReport, parse_sender_report
from beket.media.rtsp.digest import Authenticator
from beket.media.rtsp.message import Headers, Request, Response, parse_message
from beket.media.rtsp.wire import Wire

SCRATCH_BYTES = 256 * 1024  # more than the longest interleaved frame and the longest RTSP message together
READS_MAX = 16  # one camera's burst does not keep the others waiting
_DOLLAR = 0x24
_EMPTY_BYTES = 16  # of a frame whose RTP packet carries nothing: some cameras keep the line open with them


def make_scratch() -> bytearray:
    """The buffer that all sessions of one thread share."""
    return bytearray(SCRATCH_BYTES)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the handshake agreed on.

    Attributes:
        control_url: what PLAY, keep-alive and TEARDOWN name.
        keep_alive_method: GET_PARAMETER when the camera offers it, else OPTIONS; which follows when it is refused.
        next_cseq: number of the next request.
        clock_rate: of RTP time, in ticks a second, as the description says.
    """

    codec: Codec
    parameter_sets: tuple[bytes, ...]
    control_url: str
    session_id: str
    rtp_channel: int
    rtcp_channel: int
    keep_alive_method: str
    keep_alive_s: float
    next_cseq: int
    clock_rate: int


class PlayingSession:
    """One camera's stream.

    Attributes:
        clock_rate: of the units' timestamps, in ticks a second, as the camera says.
        received_bytes: from the socket, since PLAY.
        sender_report: the camera's newest statement of its own clock, None before the first.
    """

    def __init__(
        self, wire: Wire, agreed: Agreed, *, authenticator: Authenticator | None, early: bytes, mono_ns: int
    ) -> None:
        self.address = wire.address
        self.clock_rate = agreed.clock_rate
        self.received_bytes = len(early)
        self.sender_report: SenderReport | None = None
        self._wire = wire
        self._agreed = agreed
        self._authenticator = authenticator
        self._depacketizer = depacketizer_for(agreed.codec, parameter_sets=agreed.parameter_sets)
        self._rest = early
        self._unsent = b""
        self._ended: BeketError | None = None
        self._cseq = agreed.next_cseq
        self._liveness = Liveness(self.address.place, mono_ns=mono_ns)
        self._has_video = False  # packets came of which no unit was made yet
        self._keep_alive_method = agreed.keep_alive_method
        self._keep_alive_every_ns = round(agreed.keep_alive_s * NS_PER_S)
        self._keep_alive_at_ns = mono_ns + self._keep_alive_every_ns
        self._answered_nonce = False
        self._is_first_read = True

    def drain(self, scratch: bytearray, *, mono_ns: int) -> list[AccessUnit]:
        """All access units that are complete by now, in order; `mono_ns` is the tick's time.

        Raises:
            Unreachable: the connection ended (frames read before it are returned first).
            TimedOut: see `Liveness.saw_no_frame`.
            ProtocolError: the camera sends what is no RTSP, or ended the session.
        """
        if self._ended is not None:
            raise self._ended
        units: list[AccessUnit] = []
        try:
            self._read(scratch, units)
            self._speak(mono_ns)
        except (Unreachable, ProtocolError) as error:
            if not units:
                raise
            self._ended = error
        has_video, self._has_video = self._has_video, False
        if units:
            self._liveness.saw_frames(mono_ns)
        else:
            self._liveness.saw_no_frame(mono_ns, has_video=has_video)
        return units

    @property
    def late_packets(self) -> int:
        """Packets that came too late or twice since PLAY; see `Depacketizer`."""
        return self._depacketizer.late_packets

    def close(self) -> None:
        """Say TEARDOWN if the socket takes it at once, so that the camera frees its session, and hang up."""
        try:
            with contextlib.suppress(Unreachable, ProtocolError):  # a line that is cut, TLS that is
                if not self._unsent:
                    self._send("TEARDOWN")
        finally:
            self._wire.close()

    # Reading ----------------------------------------------------------------------------------------------------------

    def _read(self, scratch: bytearray, units: list[AccessUnit]) -> None:
        view = memoryview(scratch)
        kept = len(self._rest)
        view[:kept] = self._rest
        if self._is_first_read:  # there may be frames that came together with the answer to PLAY
            self._is_first_read = False
            kept = self._split(view, scratch, kept, units)
        reads_max = READS_MAX if not self._wire.is_tls else READS_MAX * SCRATCH_BYTES // 16384  # TLS gives records
        try:
            for _ in range(reads_max):
                room = SCRATCH_BYTES - kept
                count = self._wire.receive_into(view[kept:])
                if count is None:
                    break
                self.received_bytes += count
                kept = self._split(view, scratch, kept + count, units)
                if count < room and not self._wire.is_tls:  # a short read: the socket is empty, do not ask again
                    break
        finally:
            self._rest = bytes(view[:kept])

    def _split(self, view: memoryview, scratch: bytearray, end: int, units: list[AccessUnit]) -> int:
        """Take all whole frames and messages of `scratch[:end]`; move the rest to the front, return its length."""
        at = 0
        rtp_channel = self._agreed.rtp_channel
        push, push_alike = self._depacketizer.push, self._depacketizer.push_alike
        while end - at >= 4:
            if scratch[at] == _DOLLAR:
                after = at + 4 + (scratch[at + 2] << 8 | scratch[at + 3])
                if after > end:
                    break
                channel = scratch[at + 1]
                if channel == rtp_channel:
                    unit = push(scratch, at + 4, after)
                    if unit is not None:
                        units.append(unit)
                    elif scratch[after : after + 4] == scratch[at : at + 4]:  # as long: mostly more of one picture
                        after += (after - at) * push_alike(view, at, after, end)
                    if after - at > _EMPTY_BYTES:
                        self._has_video = True
                elif channel == self._agreed.rtcp_channel:
                    self.sender_report = parse_sender_report(view[at + 4 : after]) or self.sender_report
                at = after
            else:
                message, at = parse_message(scratch, at, end)
                if message is None:
                    break
                if isinstance(message, Response):
                    self._take_answer(message)
        rest = end - at
        if at and rest:
            view[:rest] = view[at:end]
        return rest

    def _take_answer(self, answer: Response) -> None:
        if answer.status == 401 and self._authenticator is not None and not self._answered_nonce:
            self._answered_nonce = True  # a nonce of its own time: say it again, once
            self._authenticator.take(answer.headers.all("WWW-Authenticate"))
            if not self._unsent:  # a camera that asks on without listening gets no more to hear
                self._send(self._keep_alive_method)
        elif answer.status == 454:
            raise ProtocolError(
                say("Камера забула наш сеанс.", "The camera has forgotten our session."), subject=self.address.place
            )
        elif answer.status < 300:
            self._answered_nonce = False
        else:  # some offer what they do not do; OPTIONS every server knows (RFC 2326 §10.1)
            self._keep_alive_method = "OPTIONS"

    # Speaking ---------------------------------------------------------------------------------------------------------

    def _speak(self, mono_ns: int) -> None:
        if self._unsent:
            self._unsent = self._unsent[self._wire.send_some(self._unsent) :]
        elif mono_ns >= self._keep_alive_at_ns:
            self._keep_alive_at_ns = mono_ns + self._keep_alive_every_ns
            self._send(self._keep_alive_method)

    def _send(self, method: str) -> None:
        fields = [("CSeq", str(self._cseq)), ("Session", self._agreed.session_id), ("User-Agent", "Beket")]
        self._cseq += 1
        if self._authenticator is not None:
            authorization = self._authenticator.authorization(method, self._agreed.control_url)
            if authorization is not None:
                fields.append(("Authorization", authorization))
        data = self._unsent + Request(method, self._agreed.control_url, Headers(fields)).encode()
        self._unsent = data[self._wire.send_some(data) :]
