"""Owns the choice of who reads a camera: our own RTSP client, or FFmpeg for what ours does not speak."""

import logging
from typing import Protocol

from beket.kernel.clock import Clock
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtp.rtcp import SenderReport
from beket.media.rtsp.client import connect
from beket.media.rtsp.digest import Credentials
from beket.media.sdp import UnspokenStream

log = logging.getLogger(__name__)

FREED_S = 1.0  # cameras need a moment to let go of the session that we have just given up


class Stream(Protocol):
    """A camera's open stream, drained on a tick; see `PlayingSession`."""

    clock_rate: int
    received_bytes: int
    sender_report: SenderReport | None

    @property
    def late_packets(self) -> int:
        """Packets that came too late or twice since it opened; 0 where nobody counts them."""

    def drain(self, scratch: bytearray, *, mono_ns: int) -> list[AccessUnit]:
        """The units complete by now, in order."""

    def close(self) -> None:
        """Hang up."""


async def open_stream(url: str, *, credentials: Credentials | None, clock: Clock) -> Stream:
    """Open the stream at `url`; its address says HTTP, or the camera's first answers say that FFmpeg has to read it.

    Raises:
        BeketError: see `beket.media.rtsp.client.connect`.
    """
    if url.lower().startswith("http"):
        return await _through_ffmpeg(url, credentials=credentials, clock=clock)
    try:
        return await connect(url, credentials=credentials, clock=clock)
    except UnspokenStream as why:
        log.info("%s: read through FFmpeg: %s", url, why.sentence().en)
        await clock.sleep(FREED_S)
        return await _through_ffmpeg(url, credentials=credentials, clock=clock)


async def _through_ffmpeg(url: str, *, credentials: Credentials | None, clock: Clock) -> Stream:
    from beket.media.av import stream as through  # FFmpeg's libraries are large, and few cameras need them

    opened = await through.open_stream(url, credentials=credentials, clock=clock)
    if opened.transcoded_from:
        log.warning(
            "%s: the camera sends %s, which is encoded anew and costs much CPU; choose H.264 in its settings",
            url,
            opened.transcoded_from,
        )
    return opened
