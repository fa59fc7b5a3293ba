import struct

from hypothesis import given
from hypothesis import strategies as st

from agents.network.icmp import TOKEN_BYTES, Method, Ping, checksum, echoed_token

TOKEN = bytes(range(TOKEN_BYTES))
REPLY = b"\x00\x00\x00\x00\x00\xbe\x00\x01" + TOKEN


def test_the_token_of_a_reply_is_found_with_and_without_an_ip_header() -> None:
    assert echoed_token(REPLY, has_ip_header=False) == TOKEN
    assert echoed_token(b"\x46" + bytes(23) + REPLY, has_ip_header=True) == TOKEN


def test_other_packets_have_no_token() -> None:
    for packet in (b"", REPLY[:-1], b"\x08" + REPLY[1:], b"\x03" + REPLY[1:]):
        assert echoed_token(packet, has_ip_header=False) == b""


@given(st.binary(max_size=100), st.booleans())
def test_any_bytes_are_looked_at_without_an_error(packet: bytes, has_ip_header: bool) -> None:
    assert len(echoed_token(packet, has_ip_header=has_ip_header)) in (0, TOKEN_BYTES)


@given(st.binary(max_size=100).filter(lambda data: len(data) % 2 == 0))
def test_a_packet_with_its_checksum_sums_to_nothing(data: bytes) -> None:
    assert checksum(data + struct.pack("!H", checksum(data))) == 0


def test_loss_and_latency_follow_from_the_answers() -> None:
    ping = Ping(Method.RAW, 4, (0.010001, 0.020002))
    assert ping.loss_ratio == 0.5
    assert ping.latency_s == 0.015
    assert Ping(Method.RAW, 3, ()).latency_s is None
