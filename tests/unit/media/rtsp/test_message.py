import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.kernel.errors import InvalidArgument, ProtocolError
from beket.media.rtsp.message import (
    BODY_MAX_BYTES,
    HEAD_MAX_BYTES,
    Headers,
    Message,
    Request,
    Response,
    parse_message,
)


def parse(data: bytes) -> Message | None:
    message, _ = parse_message(data, 0, len(data))
    return message


def test_response_is_read_with_its_body_and_tells_where_the_next_message_starts() -> None:
    data = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: 3\r\n\r\nabcRTSP"
    message, after = parse_message(data, 0, len(data))
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.headers.get("cseq"), message.body) == (200, "OK", "2", b"abc")
    assert data[after:] == b"RTSP"


def test_request_is_read_when_it_stands_inside_a_larger_buffer() -> None:
    buffer = bytearray(b"$$$$OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n$$$$")
    message, after = parse_message(buffer, 4, len(buffer) - 4)
    assert isinstance(message, Request)
    assert (message.method, message.url, after) == ("OPTIONS", "*", len(buffer) - 4)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\nRTSP/1.0 200 OK\r\nSession: 7\r\n\r\n",
        b"RTSP/1.0 200\r\nSession: 7\r\n\r\n",
        b"rtsp/1.0 200 OK\nsession : 7\n\n",
        b"RTSP/1.0 200 OK\r\nno header at all\r\nSESSION:7\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nSession:\r\n 7\r\n\r\n",
        b"RTSP/1.0 200 \xd0\x94\xff\r\nSession: 7\r\n\r\n",
    ],
)
def test_response_is_read_when_a_camera_spells_it_in_its_own_way(data: bytes) -> None:
    message = parse(data)
    assert isinstance(message, Response)
    assert (message.status, message.headers.get("Session")) == (200, "7")


@pytest.mark.parametrize(
    "data", [b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n", b"RT", b"", b"RTSP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nab"]
)
def test_message_waits_for_more_when_it_is_not_whole(data: bytes) -> None:
    assert parse_message(data, 0, len(data)) == (None, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"RTSP/1.0 20 OK\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: " + str(BODY_MAX_BYTES + 1).encode() + b"\r\n\r\n",
        b"RTSP/1.0 200 OK\r\n" + b"A: b\r\n" * 100 + b"\r\n",
        b"RTSP/1.0 200 OK\r\nA: " + b"b" * 5000 + b"\r\n\r\n",
        b"R" * HEAD_MAX_BYTES,
        b'RTSP/1.0 401 No\r\nWWW-Authenticate: Digest realm="c", nonce="a\rb"\r\n\r\n',
        b"RTSP/1.0 200 OK\r\nSession: 7\0\r\n\r\n",
        b"RTSP/1.0 200 O\rK\r\n\r\n",
    ],
)
def test_message_is_refused_when_it_is_no_rtsp_or_beyond_bounds(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse(data)


def test_header_given_twice_keeps_both_values_in_order() -> None:
    message = parse(b"RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n\r\n")
    assert message is not None
    assert message.headers.all("www-authenticate") == ["Basic", "Digest"]


def test_request_cannot_smuggle_a_header_when_its_url_holds_a_line_break() -> None:
    with pytest.raises(InvalidArgument):
        Request("PLAY", "rtsp://c/\r\nX: y").encode()


tokens = st.text("abcXYZ019-_", min_size=3, max_size=12)
values = st.text('abc XYZ:;,="0/', max_size=20).map(str.strip)


@given(
    st.text("ABCXYZ_", min_size=3, max_size=12),
    st.lists(st.tuples(tokens, values), max_size=10),
    st.binary(max_size=200),
)
def test_request_comes_back_as_it_was_sent(method: str, fields: list[tuple[str, str]], body: bytes) -> None:
    sent = Request(method.upper(), "rtsp://camera/1", Headers(fields), body)
    data = sent.encode()
    message, after = parse_message(data, 0, len(data))
    assert isinstance(message, Request)
    assert (message.method, message.url, message.body, after) == (sent.method, sent.url, body, len(data))
    assert message.headers.items()[: len(fields)] == fields


@given(st.binary(max_size=400) | st.binary(max_size=200).map(lambda tail: b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n" + tail))
@settings(max_examples=300)
def test_any_bytes_give_a_message_or_a_wait_or_a_protocol_error(data: bytes) -> None:
    try:
        message, after = parse_message(data, 0, len(data))
    except ProtocolError:
        return
    assert 0 <= after <= len(data)
    if message is not None:  # whatever it holds may be said again
        Request("PLAY", "rtsp://c/1", Headers(message.headers.items())).encode()
