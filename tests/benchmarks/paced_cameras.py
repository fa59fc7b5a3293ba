"""Cameras for the capture benchmarks, as a program: real video from memory, each RTP packet its own send, paced.

Packets of a frame are spread over 36 of its 40 ms, as they come from a LAN; frames of different cameras are staggered.
Prints `ready`, then serves; a line on standard input ends the streams after their current frame, and one line of JSON
says how many frames each camera sent, at what rate, and how late the latest packet was. Connections stay open until
the input ends.
"""

import argparse
import contextlib
import heapq
import json
import random
import re
import selectors
import socket
import struct
import sys
import tempfile
import time
from pathlib import Path

from beket.media import sdp
from beket.media.av.encoder import H264Encoder
from beket.media.rtp.packetize import HEADER_BYTES, OutgoingStream, packetize
from beket.testing.access_units import take_apart
from beket.testing.process import output_of

FPS = 25
SPREAD_S = 0.036
GOP_FRAMES = 50
PAYLOAD_TYPE = 96
_CONTROL = re.compile(rb"^(\w+) (\S+) RTSP", re.MULTILINE)
_CSEQ = re.compile(rb"^CSeq: *(\d+)", re.MULTILINE | re.IGNORECASE)
_CAMERA = re.compile(rb"/cam(\d+)")


def film(width: int, height: int, bitrate_bps: int) -> tuple[bytes, list[list[bytes]]]:
    """A description and the packets of each frame of one closed group of pictures."""
    encoder = H264Encoder(width, height, fps=FPS, bitrate_bps=bitrate_bps, gop_frames=GOP_FRAMES)
    rng = random.Random(1)
    noise = rng.randbytes(width * height * 3 // 2 + 64 * GOP_FRAMES)
    grain = bytes(112 + value // 8 for value in noise)
    stream = OutgoingStream("h264", 0, PAYLOAD_TYPE)
    frames = []
    for number in range(GOP_FRAMES):
        # The picture slides, so that motion is predicted but not free.
        data, is_key = encoder.encode(grain[number * 64 : number * 64 + width * height * 3 // 2])
        sets = encoder.format.parameter_sets if is_key else ()
        frames.append(packetize(stream, data, timestamp=0, first_sequence=0, parameter_sets=sets))
    return sdp.compose("h264", encoder.format.parameter_sets, payload_type=PAYLOAD_TYPE), frames


def film_h265(width: int, height: int, bitrate_bps: int) -> tuple[bytes, list[list[bytes]]]:
    """The same of H.265, which only ffmpeg can write."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.mp4"
        picture = f"testsrc2=size={width}x{height}:rate={FPS},noise=alls=12:allf=t"
        output_of(
            "ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture,
            "-frames:v", str(GOP_FRAMES), "-c:v", "libx265", "-preset", "ultrafast", "-b:v", str(bitrate_bps),
            "-x265-params", f"keyint={GOP_FRAMES}:bframes=0:repeat-headers=0:log-level=error", "-tag:v", "hvc1", file,
            within_s=120,
        )  # fmt: skip
        taken = take_apart(file, Path(folder))
    stream = OutgoingStream("h265", 0, PAYLOAD_TYPE)
    frames = [
        packetize(stream, data, timestamp=0, first_sequence=0,
                  parameter_sets=taken.format.parameter_sets if is_key else ())
        for data, is_key in taken.units
    ]  # fmt: skip
    return sdp.compose("h265", taken.format.parameter_sets, payload_type=PAYLOAD_TYPE), frames


class Camera:
    """One playing connection."""

    def __init__(self, number: int, sock: socket.socket, frames: list[list[bytes]]) -> None:
        self.number = number
        self.sock = sock
        self.frames = frames
        self.sent_frames = 0
        self.next_packet = 0
        self.sequence = number * 1000 & 0xFFFF
        self.began_s = 0.0

    def due_s(self) -> float:
        """When the next packet goes."""
        packets = self.frames[self.sent_frames % len(self.frames)]
        return self.began_s + self.sent_frames / FPS + SPREAD_S * self.next_packet / len(packets)

    def send(self) -> None:
        """Send the next packet, alone."""
        packets = self.frames[self.sent_frames % len(self.frames)]
        packet = packets[self.next_packet]
        head = struct.pack(
            ">BBHBBHII",
            0x24,
            0,
            len(packet),
            packet[0],
            packet[1],
            self.sequence,
            self.sent_frames * (90_000 // FPS) & 0xFFFFFFFF,
            self.number,
        )
        self.sock.sendall(head + packet[HEADER_BYTES:])
        self.sequence = self.sequence + 1 & 0xFFFF
        self.next_packet += 1
        if self.next_packet == len(packets):
            self.next_packet = 0
            self.sent_frames += 1


def shake_hands(sock: socket.socket, description: bytes) -> int:
    """Answer one client until it plays; the number of the camera that it asked for."""
    number, buffer = 0, b""
    while True:
        buffer += sock.recv(65536)
        while b"\r\n\r\n" in buffer:
            request, _, buffer = buffer.partition(b"\r\n\r\n")
            method = _CONTROL.search(request)[1]  # type: ignore[index]
            if found := _CAMERA.search(request):
                number = int(found[1])
            sequence = _CSEQ.search(request)[1].decode()  # type: ignore[index]
            head, body = [f"RTSP/1.0 200 OK\r\nCSeq: {sequence}"], b""
            if method == b"DESCRIBE":
                head.append("Content-Type: application/sdp")
                body = description
            elif method == b"SETUP":
                head.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
            else:
                head.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN")
            head.append(f"Session: {number}\r\nContent-Length: {len(body)}\r\n\r\n")
            sock.sendall("\r\n".join(head).encode() + body)
            if method == b"PLAY":
                return number


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--bitrate", type=int, default=4_000_000)
    parser.add_argument("--codec", choices=("h264", "h265"), default="h264")
    parsed = parser.parse_args()
    width, height = map(int, parsed.size.split("x"))
    description, frames = (film_h265 if parsed.codec == "h265" else film)(width, height, parsed.bitrate)
    size_bytes = sum(len(packet) for packets in frames for packet in packets)
    listener = socket.create_server(("127.0.0.1", parsed.port), backlog=256)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ, "new")
    selector.register(sys.stdin, selectors.EVENT_READ, "stop")
    print(json.dumps({"ready": True}), flush=True)
    queue: list[tuple[float, int, Camera]] = []
    cameras: list[Camera] = []
    late_s, is_stopping = 0.0, False
    while not is_stopping or queue:
        now_s = time.monotonic()
        wait_s = min(0.02, max(0.0, queue[0][0] - now_s)) if queue else 0.02
        for key, _ in selector.select(wait_s):
            if key.data == "stop":
                sys.stdin.readline()
                selector.unregister(sys.stdin)
                is_stopping = True
            else:
                sock, _ = listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                camera = Camera(shake_hands(sock, description), sock, frames)
                camera.began_s = time.monotonic() + 0.002 * (camera.number % 20)
                cameras.append(camera)
                heapq.heappush(queue, (camera.due_s(), camera.number, camera))
        now_s = time.monotonic()
        while queue and queue[0][0] <= now_s:
            due_s, number, camera = heapq.heappop(queue)
            late_s = max(late_s, now_s - due_s)
            with contextlib.suppress(OSError):
                camera.send()
                if not (is_stopping and camera.next_packet == 0):
                    heapq.heappush(queue, (camera.due_s(), number, camera))
    sent = {f"cam{camera.number}": camera.sent_frames for camera in cameras}
    bitrate_bps = size_bytes * 8 * FPS // GOP_FRAMES
    print(json.dumps({"sent": sent, "late_s": late_s, "bitrate_bps": bitrate_bps}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
