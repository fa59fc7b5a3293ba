import struct

from hypothesis import given
from hypothesis import strategies as st

from beket.media.rtp.rtcp import SenderReport, parse_sender_report

UNIX_1970 = 2_208_988_800


def sender_report(ntp_s: int, fraction: int, rtp: int) -> bytes:
    return struct.pack(">BBHIIIIII", 0x80, 200, 6, 0xCAFE, ntp_s, fraction, rtp, 10, 1000)


DESCRIPTION = struct.pack(">BBHI", 0x81, 202, 1, 0xCAFE)


def test_sender_report_gives_wall_time_and_rtp_time() -> None:
    packet = sender_report(UNIX_1970 + 1_700_000_000, 1 << 31, 90_000) + DESCRIPTION
    assert parse_sender_report(memoryview(packet)) == SenderReport(0xCAFE, 1_700_000_000_500_000_000, 90_000)


def test_sender_report_is_found_behind_other_packets() -> None:
    packet = DESCRIPTION + sender_report(UNIX_1970, 0, 7)
    assert parse_sender_report(memoryview(packet)) == SenderReport(0xCAFE, 0, 7)


def test_ntp_time_after_2036_belongs_to_the_next_era() -> None:
    report = parse_sender_report(memoryview(sender_report(10, 0, 0)))
    assert report is not None
    assert report.wall_ns == ((1 << 32) + 10 - UNIX_1970) * 1_000_000_000


def test_camera_without_a_clock_gives_no_report() -> None:
    assert parse_sender_report(memoryview(sender_report(0, 0, 7))) is None


def test_other_packets_give_no_report() -> None:
    assert parse_sender_report(memoryview(DESCRIPTION)) is None
    assert parse_sender_report(memoryview(sender_report(1, 1, 1)[:20])) is None


@given(st.binary(max_size=200))
def test_bytes_that_are_not_rtcp_never_raise(packet: bytes) -> None:
    parse_sender_report(memoryview(packet))
