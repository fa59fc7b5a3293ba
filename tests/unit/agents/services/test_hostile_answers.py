"""Bytes from a declared server that does not mean well: only the declared failure, and never a loop."""

import asyncio
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.services.connection import Connection
from agents.services.dns_message import answers, encode_query, parse_answer
from agents.services.http_answer import BODY_MAX_BYTES, Answer, parse_head, read_answer
from agents.services.time_server import parse_server_time
from agents.services.trouble import Failed
from tests.hostile import damaged

QUERY = encode_query(7, "rada.test", "A")
HEAD = QUERY[:2] + struct.pack("!5H", 0x8180, 1, 2, 0, 0) + QUERY[12:]
GOOD_DNS = HEAD + b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([10, 1, 2, 3])
GOOD_DNS += b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, 5) + b"\x04spf1"
GOOD_NTP = bytes([0x24, 8]) + bytes(22) + b"12345678" + struct.pack("!QQ", 0xE900000000000000, 0xE900000080000000)
GOOD_HTTP = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n"


def http(data: bytes) -> Answer:
    """What a peer that sends `data` and closes is understood to say."""

    async def run() -> Answer:
        reader = asyncio.StreamReader(limit=16 * 1024)
        reader.feed_data(data)
        reader.feed_eof()
        return await read_answer(Connection(reader, None))  # type: ignore[arg-type]

    return asyncio.run(run())


def test_a_good_answer_is_read() -> None:
    assert answers(GOOD_DNS, QUERY)
    answer = parse_answer(GOOD_DNS, "A")
    assert (answer.code, answer.is_cut, answer.values) == (0, False, ("10.1.2.3",))
    assert parse_answer(GOOD_DNS, "TXT").values == ("spf1",)
    time = parse_server_time(GOOD_NTP)
    assert (time.stratum, time.sent_ns - time.received_ns) == (8, 500_000_000)
    assert http(GOOD_HTTP).body == b"hello"
    assert http(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nContent-Length: 2\r\n\r\nabc").body == b"ab"


def test_an_answer_to_another_question_is_none() -> None:
    assert not answers(GOOD_DNS, encode_query(8, "rada.test", "A"))
    assert not answers(GOOD_DNS, encode_query(7, "rada2.test", "A"))
    assert not answers(QUERY, QUERY)


@pytest.mark.parametrize("seed", range(20))
def test_damaged_answers_raise_the_declared_failure_alone(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        for parse, good in ((lambda d: parse_answer(d, "TXT"), GOOD_DNS), (parse_server_time, GOOD_NTP)):
            try:
                parse(damaged(rng, [good]))
            except Failed:
                continue
    for _ in range(10):
        try:
            assert len(http(damaged(rng, [GOOD_HTTP])).body) <= BODY_MAX_BYTES
        except (Failed, EOFError):
            continue


@settings(deadline=None)
@given(data=st.binary(max_size=600), kind=st.sampled_from(["A", "AAAA", "MX", "NS", "TXT"]))
def test_any_bytes_are_an_answer_or_the_declared_failure(data: bytes, kind: str) -> None:
    try:
        values = parse_answer(data, kind).values
    except Failed:
        return
    assert all(len(value) <= 300 for value in values)


def test_names_that_point_at_themselves_or_forward_end() -> None:
    for target in (0x0C, 0x0D, 0x20):
        with pytest.raises(Failed):
            parse_answer(HEAD[:12] + bytes([0xC0, target]) + bytes(40), "A")


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        GOOD_NTP[:47],
        bytes([0x23]) + GOOD_NTP[1:],
        bytes([0xE4]) + GOOD_NTP[1:],
        GOOD_NTP[:1] + b"\x10" + GOOD_NTP[2:],
    ],
)
def test_packets_that_tell_no_time_are_refused(packet: bytes) -> None:
    with pytest.raises(Failed):
        parse_server_time(packet)


def test_a_time_server_that_wants_no_questions_is_quoted_in_letters_only() -> None:
    with pytest.raises(Failed) as raised:
        parse_server_time(GOOD_NTP[:1] + b"\0" + GOOD_NTP[2:12] + b"RA\x1bT" + GOOD_NTP[16:])
    assert raised.value.message.uk == "Сервер часу просить не питати (RAT)."


def test_time_goes_on_after_2036() -> None:
    before = parse_server_time(GOOD_NTP[:32] + struct.pack("!QQ", 0xFFFFFFFF00000000, 0x0000000100000000))
    assert before.sent_ns - before.received_ns == 2_000_000_000


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_head_is_read_or_refused(data: bytes) -> None:
    try:
        parse_head(b"HTTP/1.1 200 OK\r\n" + data)
    except Failed:
        return
