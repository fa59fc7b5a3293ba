"""Owns one published stream: its description, its RTP numbering and its readers.

An access unit is packetised and framed once, however many read it. Memory is bounded: a reader who falls behind misses
everything up to the next key frame, and one who takes nothing for `STALL_S` is cut off. All calls from the loop of the
`RtspServer` that owns the mount.
"""

import asyncio
import secrets

from beket.kernel.clock import NS_PER_S, Clock
from beket.media import sdp
from beket.media.rtp.access_unit import VideoFormat
from beket.media.rtp.packetize import OutgoingStream, packetize, sender_report

PAYLOAD_TYPE = 96
BUFFER_MAX_BYTES = 4 * 1024 * 1024
STALL_S = 10
REPORT_EVERY_S = 5


class Reader:
    """One connection that plays a mount; starts, and starts again after a loss, at a key frame.

    Attributes:
        missed_units: access units that it was too slow to take.
    """

    def __init__(self, transport: asyncio.Transport, *, rtp_channel: int, rtcp_channel: int) -> None:
        self.rtp_channel = rtp_channel
        self.rtcp_channel = rtcp_channel
        self.missed_units = 0
        self._transport = transport
        self._waits_for_key = True
        self._stuck_since_ns: int | None = None

    def offer(self, framed: bytes, *, is_key: bool, mono_ns: int) -> None:
        """Send the framed packets of one access unit, or pass them over."""
        waiting_bytes = self._transport.get_write_buffer_size()
        if waiting_bytes + len(framed) > BUFFER_MAX_BYTES:
            self._waits_for_key = True
            self._stuck_since_ns = self._stuck_since_ns or mono_ns
            if mono_ns - self._stuck_since_ns > STALL_S * NS_PER_S:
                self._transport.abort()
        elif not self._waits_for_key or (is_key and waiting_bytes <= BUFFER_MAX_BYTES // 4):
            self._waits_for_key = False
            self._stuck_since_ns = None
            self._transport.write(framed)
            return
        self.missed_units += 1

    def close(self) -> None:
        """End the connection."""
        self._transport.close()


class Mount:
    """A stream that an `RtspServer` offers at `path`. Assign `format` when the parameter sets change."""

    def __init__(self, path: str, video_format: VideoFormat, *, clock: Clock) -> None:
        self.path = path
        self.format = video_format
        self._clock = clock
        self._stream = OutgoingStream(video_format.codec, ssrc=secrets.randbits(32), payload_type=PAYLOAD_TYPE)
        self._readers: set[Reader] = set()
        self._sequence = secrets.randbits(15)
        self._packets = 0
        self._octets = 0
        self._reported_ns: int | None = None

    @property
    def readers(self) -> int:
        """How many connections play this mount now."""
        return len(self._readers)

    def describe(self) -> bytes:
        """The SDP for a DESCRIBE."""
        return sdp.compose(self.format.codec, self.format.parameter_sets, payload_type=PAYLOAD_TYPE)

    def attach(self, reader: Reader) -> None:
        """Begin to serve `reader` at the next key frame."""
        self._readers.add(reader)
        self._reported_ns = None

    def detach(self, reader: Reader) -> None:
        """Stop serving `reader`; no effect when it is not served."""
        self._readers.discard(reader)

    def close_readers(self) -> None:
        """Cut all connections that play this mount, as a camera does that loses its power."""
        for reader in tuple(self._readers):
            reader.close()
        self._readers.clear()

    def send(self, data: bytes | bytearray, timestamp_90k: int, is_key: bool, *, wall_ns: int | None = None) -> None:
        """Publish one access unit: NAL units with 4-byte lengths; parameter sets are added in front of key frames.

        `wall_ns` is the moment of the frame, for the sender reports; without it they say that it is now.
        """
        if not self._readers:
            return
        packets = packetize(
            self._stream,
            data,
            timestamp=timestamp_90k,
            first_sequence=self._sequence,
            parameter_sets=self.format.parameter_sets if is_key else (),
        )
        self._sequence = (self._sequence + len(packets)) & 0xFFFF
        self._packets += len(packets)
        self._octets += len(data)
        mono_ns = self._clock.mono_ns()
        # With a key frame all readers get it.
        report = self._report_if_due(timestamp_90k, mono_ns, wall_ns or self._clock.wall_ns()) if is_key else []
        framed_by_channel: dict[tuple[int, int], bytes] = {}
        for reader in tuple(self._readers):
            channels = (reader.rtp_channel, reader.rtcp_channel)
            framed = framed_by_channel.get(channels)
            if framed is None:
                framed = _frame(reader.rtcp_channel, report) + b"".join(_frame(channels[0], [p]) for p in packets)
                framed_by_channel[channels] = framed
            reader.offer(framed, is_key=is_key, mono_ns=mono_ns)

    def _report_if_due(self, timestamp_90k: int, mono_ns: int, wall_ns: int) -> list[bytes]:
        if self._reported_ns is not None and mono_ns - self._reported_ns < REPORT_EVERY_S * NS_PER_S:
            return []
        self._reported_ns = mono_ns
        report = sender_report(
            self._stream.ssrc,
            wall_ns=wall_ns,
            timestamp=timestamp_90k,
            packets=self._packets,
            octets=self._octets,
        )
        return [report]


def _frame(channel: int, packets: list[bytes]) -> bytes:
    # RFC 2326 §10.12: a dollar sign, the channel, the length in two bytes.
    return b"".join(b"$" + bytes([channel]) + len(packet).to_bytes(2, "big") + packet for packet in packets)
