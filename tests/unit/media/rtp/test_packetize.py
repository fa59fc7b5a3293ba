import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.media.rtp.depacketizer import depacketizer_for
from beket.media.rtp.packetize import OutgoingStream, packetize, sender_report
from beket.media.rtp.rtcp import parse_sender_report

H264 = OutgoingStream("h264", ssrc=7, max_bytes=100)
H265 = OutgoingStream("h265", ssrc=7, max_bytes=100)
SPS = bytes.fromhex("6742c01fda014016ec0440000003004000000c83c60ca8")  # 1280×720
PPS = bytes.fromhex("68ce3c80")


def avcc(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


def test_packets_carry_the_marker_on_the_last_one_and_numbers_that_wrap() -> None:
    packets = packetize(H264, avcc(b"\x65" + bytes(200)), timestamp=1 << 32 | 5, first_sequence=0xFFFF)
    headers = [struct.unpack_from(">BBHII", packet) for packet in packets]
    assert [header[1] for header in headers] == [96, 96, 96 | 0x80]
    assert [header[2] for header in headers] == [0xFFFF, 0, 1]
    assert {header[3:] for header in headers} == {(5, 7)}
    assert max(map(len, packets)) <= 100


def test_parameter_sets_of_h264_travel_in_one_packet_in_front_of_a_key_frame() -> None:
    first, second = packetize(H264, avcc(b"\x65abc"), timestamp=0, first_sequence=0, parameter_sets=(SPS, PPS))
    assert first[12] == 0x60 | 24
    assert first[13:] == len(SPS).to_bytes(2, "big") + SPS + len(PPS).to_bytes(2, "big") + PPS
    assert second[12:] == b"\x65abc"


def test_fragments_of_h265_name_the_unit_they_belong_to() -> None:
    packets = packetize(H265, avcc(b"\x26\x01" + bytes(200)), timestamp=0, first_sequence=0)
    assert [packet[12:15] for packet in packets] == [b"\x62\x01\x93", b"\x62\x01\x13", b"\x62\x01\x53"]


@pytest.mark.parametrize("data", [b"", b"\0\0\0", avcc(b""), b"\0\0\0\xffab"])
def test_data_cut_short_gives_no_packets(data: bytes) -> None:
    assert packetize(H264, data, timestamp=0, first_sequence=0) == []


units = st.lists(
    st.binary(min_size=1, max_size=400).map(lambda body: b"\x65\x88" + body + b"\x80"), min_size=1, max_size=4
)


@given(units, st.integers(0, 0xFFFF))
def test_depacketizer_gives_back_what_was_packetized(parts: list[bytes], first: int) -> None:
    depacketizer = depacketizer_for("h264", parameter_sets=())
    data = avcc(*parts)
    packets = packetize(H264, data, timestamp=9, first_sequence=first, parameter_sets=(SPS, PPS))
    found = [depacketizer.push(bytearray(packet), 0, len(packet)) for packet in packets]
    assert found[:-1] == [None] * (len(packets) - 1)
    assert found[-1] is not None
    assert (bytes(found[-1].data), found[-1].is_key, found[-1].timestamp) == (data, True, 9)


@given(st.integers(0, 4_000_000_000 * 10**9), st.integers(0, 2**32 - 1))
def test_sender_report_is_read_back_to_the_nanosecond(wall_ns: int, timestamp: int) -> None:
    report = parse_sender_report(
        memoryview(sender_report(7, wall_ns=wall_ns, timestamp=timestamp, packets=1, octets=2))
    )
    assert report is not None
    assert abs(report.wall_ns - wall_ns) <= 1
    assert (report.rtp_timestamp, report.ssrc) == (timestamp, 7)
