"""Owns a camera's stream that our own client does not speak (UDP only, MJPEG, MPEG-4, HTTP): read through FFmpeg.

FFmpeg waits for each packet, so each such stream has a thread of its own; `drain` takes what it has put together, on
the tick, as of a `PlayingSession`. H.264 and H.265 stay the camera's own bytes; anything else is transcoded, which
`transcoded_from` says. Sound is never asked for (law). A login is put into the address only here, in memory, because
FFmpeg takes it in no other way.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.container
import av.error
import av.video.stream

from beket.kernel.clock import Clock
from beket.kernel.errors import BeketError, ProtocolError, TimedOut
from beket.kernel.ports import Codec
from beket.kernel.text import say
from beket.kernel.units import MIB, TICKS_PER_S
from beket.media.av.errors import our_error, our_errors
from beket.media.av.transcoder import Transcoder
from beket.media.av.units import CODECS, UnitReader, continues_picture
from beket.media.liveness import STALL_S, Liveness, silent
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.assembly import UNIT_MAX_BYTES, unit_too_large
from beket.media.rtp.rtcp import SenderReport
from beket.media.rtsp.digest import Credentials

log = logging.getLogger(__name__)

OPEN_S = 10.0
QUEUE_MAX_BYTES = 16 * MIB
BROKEN_PACKETS_MAX = 50  # in a row; a camera that sends nothing else is called anew
# What a hostile camera may make FFmpeg open: no files, and no playlist that names other places.
_PROTOCOLS = "rtsp,rtp,udp,tcp,tls,http,https"
_FORMATS = "rtsp,mpjpeg,mjpeg,mpegts,flv,h264,hevc"
_RTSP = {"rtsp_flags": "prefer_tcp", "allowed_media_types": "video"}


async def open_stream(url: str, *, credentials: Credentials | None, clock: Clock) -> "GateStream":
    """Open the stream at `url` (`rtsp`, `rtsps`, `http`, `https`), by TCP if the camera lets us, else by UDP.

    Raises:
        Unreachable, TimedOut, Unauthenticated, Forbidden, NotFound: as the camera answers.
        ProtocolError: what it sends is no video that FFmpeg knows.
    """
    place = urlsplit(url).netloc
    container = await asyncio.to_thread(_open, url, credentials, place)
    return GateStream(container, place=place, mono_ns=clock.mono_ns())


class GateStream:
    """One camera's stream through FFmpeg.

    Attributes:
        clock_rate: of the units' timestamps: FFmpeg's, scaled to 90 kHz.
        received_bytes: of video, since it opened.
        late_packets: 0: FFmpeg puts packets in order by itself and does not count.
        sender_report: None: FFmpeg keeps the camera's own clock to itself.
        transcoded_from: FFmpeg's name of the camera's codec when its pictures are encoded anew, else "".
    """

    def __init__(self, container: av.container.InputContainer, *, place: str, mono_ns: int) -> None:
        self.clock_rate = TICKS_PER_S
        self.received_bytes = 0
        self.late_packets = 0
        self.sender_report: SenderReport | None = None
        self._place = place
        self._container = container
        self._stream = container.streams.video[0]
        codec = self._stream.codec_context.name
        self.transcoded_from = "" if codec in CODECS else codec
        self._units: deque[AccessUnit] = deque()  # the thread appends, the tick takes; both at one end only
        self._waiting_bytes = 0
        self._taken_bytes = 0
        self._error: BeketError | None = None
        self._is_closed = False
        self._liveness = Liveness(place, mono_ns=mono_ns)
        self._looked_at_bytes = 0  # of `received_bytes`, at the last tick
        threading.Thread(target=self._read_for_ever, name=f"gate {place}", daemon=True).start()

    def drain(self, scratch: bytearray, *, mono_ns: int) -> list[AccessUnit]:
        """All units since the last call; see `PlayingSession.drain`."""
        del scratch
        units: list[AccessUnit] = []
        while self._units:
            unit = self._units.popleft()
            self._taken_bytes += len(unit.data)
            units.append(unit)
        before, self._looked_at_bytes = self._looked_at_bytes, self.received_bytes
        if units:
            self._liveness.saw_frames(mono_ns)
        elif self._error is not None:
            raise self._error
        else:
            self._liveness.saw_no_frame(mono_ns, has_video=self._looked_at_bytes > before)
        return units

    def close(self) -> None:
        """Let the thread go; it hangs up at the next packet, at the latest when the camera counts as silent."""
        self._is_closed = True

    def _read_for_ever(self) -> None:
        try:
            with our_errors(self._place):
                self._read()
        except BeketError as error:
            self._error = error
        finally:
            with our_errors(self._place):
                self._container.close()

    def _read(self) -> None:
        units = self._transcoded() if self.transcoded_from else self._untouched()
        lost, needs_key = 0, True
        for unit in units:
            if self._is_closed:
                return
            if unit is None or (needs_key and not unit.is_key) or self._is_full(unit):
                lost, needs_key = lost + 1, True
                continue
            unit.lost_packets, lost, needs_key = lost, 0, False
            self._waiting_bytes += len(unit.data)
            self._units.append(unit)
        raise ProtocolError(say("Потік камери скінчився.", "The camera's stream has ended."), subject=self._place)

    def _is_full(self, unit: AccessUnit) -> bool:
        """Whether the tick has not come for too long."""
        return self._waiting_bytes - self._taken_bytes + len(unit.data) > QUEUE_MAX_BYTES

    def _untouched(self) -> Iterator[AccessUnit | None]:
        """The camera's own units; None for what came damaged.

        FFmpeg takes parameter sets for the begin of a picture, and some cameras send them before each slice: what
        continues a picture is put to it, so each waits for the next.
        """
        codec, whole = CODECS[self._stream.codec_context.name], None
        for unit in self._as_ffmpeg_parts_them(codec):
            if unit is not None and whole is not None and continues_picture(codec, unit.data):
                whole.data += unit.data
                if len(whole.data) > UNIT_MAX_BYTES:
                    raise unit_too_large()
                continue
            if whole is not None:
                yield whole
            whole = unit
            if unit is None:
                yield None
        if whole is not None:
            yield whole

    def _as_ffmpeg_parts_them(self, codec: Codec) -> Iterator[AccessUnit | None]:
        reader = UnitReader(codec, bytes(self._stream.codec_context.extradata or b""))
        for packet in self._packets():
            if packet.pts is None or packet.time_base is None:
                continue
            if packet.is_corrupt:
                yield None
                continue
            timestamp = round(packet.pts * packet.time_base * TICKS_PER_S)
            unit = reader.read(bytes(packet), timestamp=timestamp, is_key=packet.is_keyframe)
            if unit is not None:
                yield unit

    def _transcoded(self) -> Iterator[AccessUnit | None]:
        """Pictures encoded anew; None for what cannot be decoded."""
        transcoder, broken = Transcoder(self._stream), 0
        for packet in self._packets():
            try:
                yield from transcoder.read(packet)
                broken = 0
            except av.error.InvalidDataError:
                broken += 1
                if broken > BROKEN_PACKETS_MAX:
                    raise
                yield None

    def _packets(self) -> Iterator["av.Packet[Any]"]:
        try:
            for packet in self._container.demux(self._stream):
                self.received_bytes += packet.size
                yield packet
        except av.error.ExitError as error:  # nothing for STALL_S
            raise silent(self._place) from error


def _open(url: str, credentials: Credentials | None, place: str) -> av.container.InputContainer:
    options = {"protocol_whitelist": _PROTOCOLS, "format_whitelist": _FORMATS, "analyzeduration": "2000000"}
    is_rtsp = url.lower().startswith("rtsp")
    if is_rtsp:
        options |= _RTSP
    try:
        container = av.open(
            _with_login(url, credentials),
            format="rtsp" if is_rtsp else None,
            options=options,
            timeout=(OPEN_S, STALL_S),
        )
    except av.error.ExitError as error:
        raise TimedOut(
            say("Камера прийняла з'єднання й мовчить.", "The camera took the connection and says nothing."),
            subject=place,
        ) from error
    except av.error.FFmpegError as error:
        raise our_error(error, place) from None  # FFmpeg's own words hold the address, and the address the login
    if not container.streams.video:
        container.close()
        raise ProtocolError(say("Камера не дає відео.", "The camera sends no video."), subject=place)
    return container


def _with_login(url: str, credentials: Credentials | None) -> str:
    if credentials is None:
        return url
    parts = urlsplit(url)
    login = f"{quote(credentials.user, safe='')}:{quote(credentials.password.reveal(), safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{parts.netloc}"))
