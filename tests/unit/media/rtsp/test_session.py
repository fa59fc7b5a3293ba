"""A playing session at the end of a real socket, by a time of our own."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from beket.kernel.clock import NS_PER_S
from beket.kernel.errors import TimedOut
from beket.media.rtp.access_unit import AccessUnit
from beket.media.rtsp.session import Agreed, PlayingSession, make_scratch
from beket.media.rtsp.wire import Wire, parse_address

SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")
PPS = bytes.fromhex("68ce3c80")
KEY, DELTA = b"\x65\x88key", b"\x41\x9adelta"
AGREED = Agreed(
    codec="h264", parameter_sets=(SPS, PPS), control_url="rtsp://10.0.0.5/1", session_id="77", rtp_channel=0,
    rtcp_channel=1, keep_alive_method="OPTIONS", keep_alive_s=1e9, next_cseq=5, clock_rate=90_000,
)  # fmt: skip


@dataclass
class Line:
    """Both ends: the camera's socket, and our session that is drained at the time the test says."""

    camera: socket.socket
    session: PlayingSession
    number: int = 0
    units: list[AccessUnit] = field(default_factory=list)

    def packet(self, payload: bytes, *, timestamp: int | None = None, is_last: bool = True) -> None:
        timestamp = self.number * 3600 if timestamp is None else timestamp
        header = bytes([0x80, 96 | is_last << 7]) + self.number.to_bytes(2, "big") + timestamp.to_bytes(4, "big")
        data = header + bytes(4) + payload
        self.camera.sendall(b"$\0" + len(data).to_bytes(2, "big") + data)
        self.number += 1

    def drain(self, at_s: float) -> None:
        self.units += self.session.drain(make_scratch(), mono_ns=round(at_s * NS_PER_S))


@pytest.fixture
def line() -> Iterator[Line]:
    camera, ours = socket.socketpair()
    ours.setblocking(False)
    with camera, ours:
        wire = Wire(ours, parse_address("rtsp://10.0.0.5/1"))
        yield Line(camera, PlayingSession(wire, AGREED, authenticator=None, early=b"", mono_ns=0))


def test_camera_joined_in_the_middle_of_a_long_group_of_pictures_is_waited_for(line: Line) -> None:
    for at_s in range(1, 13):
        line.packet(DELTA)
        line.drain(at_s)
    assert line.units == []
    line.packet(KEY)
    line.packet(DELTA)
    line.drain(13)
    assert [unit.is_key for unit in line.units] == [True, False]


def test_camera_without_a_key_frame_for_a_minute_is_told_from_a_silent_one(line: Line) -> None:
    def send_without_key(seconds: range) -> None:
        for at_s in seconds:
            line.packet(DELTA)
            line.drain(at_s)

    send_without_key(range(1, 61))
    with pytest.raises(TimedOut) as caught:
        send_without_key(range(61, 62))
    assert "I-frame" in caught.value.sentence().uk


def test_one_frame_that_takes_twenty_seconds_to_come_is_no_silence(line: Line) -> None:
    for at_s in range(1, 21):  # in fragments (RFC 6184 §5.8)
        begin_end = {1: 0x80, 20: 0x40}.get(at_s, 0)
        line.packet(bytes((0x7C, begin_end | 5)) + b"\x88" * 50, timestamp=0, is_last=at_s == 20)
        line.drain(at_s)
    assert len(line.units) == 1


def test_camera_whose_encoder_hangs_is_silent_whatever_keeps_the_line_open(line: Line) -> None:
    line.packet(KEY)
    line.drain(1)
    assert len(line.units) == 1

    def keep_open(seconds: range) -> None:
        for at_s in seconds:
            line.camera.sendall(b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n")  # it still answers
            line.camera.sendall(b"$\1\0\x08\x80\xc9\0\1" + bytes(4))  # and still reports (RTCP)
            line.packet(b"")
            line.drain(at_s)

    keep_open(range(2, 10))
    with pytest.raises(TimedOut) as caught:
        keep_open(range(10, 11))
    assert "мовчить" in caught.value.sentence().uk
