"""The simulated name server and clock answer as real ones do, and garbage not at all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.services.dns_message import answers, encode_query, parse_answer
from agents.services.time_server import parse_server_time
from beket.sim.services import NAME, WEB_HOST, clock_answer, name_answer

NOW_NS = 1_795_651_200_250_000_000


def test_the_name_server_knows_one_name() -> None:
    for name, kind, code, values in (
        (NAME, "A", 0, (WEB_HOST,)),
        (NAME.upper(), "A", 0, (WEB_HOST,)),
        (NAME, "MX", 0, ()),
        ("other.test", "A", 3, ()),
    ):
        query = encode_query(77, name, kind)
        said = name_answer(query)
        assert said is not None
        assert answers(said, query)
        answer = parse_answer(said, kind)
        assert (answer.code, answer.values) == (code, values)


def test_the_clock_tells_the_time() -> None:
    said = clock_answer(bytes([0x23]) + bytes(39) + b"12345678", NOW_NS)
    assert said is not None
    assert said[24:32] == b"12345678"
    time = parse_server_time(said)
    assert (time.stratum, abs(time.sent_ns - NOW_NS) <= 1) == (2, True)


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_garbage_gets_no_answer_or_a_short_one(data: bytes) -> None:
    for said in (name_answer(data), clock_answer(data, NOW_NS)):
        assert said is None or len(said) <= len(data) + 48
