import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.snmp.oid import format_oid, parse_oid, sub_ids
from beket.kernel.errors import InvalidArgument, ProtocolError

arcs = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20)


@given(st.sampled_from(["0.3", "1.39", "2.5", "2.999"]), arcs)
def test_dotted_text_survives_the_way_there_and_back(start: str, rest: list[int]) -> None:
    dotted = ".".join([start, *map(str, rest)])
    assert format_oid(parse_oid(dotted)) == dotted


def test_a_leading_dot_is_allowed() -> None:
    assert parse_oid(".1.3.6.1") == parse_oid("1.3.6.1") == b"\x2b\x06\x01"


@pytest.mark.parametrize("text", ["", "1", "1.", "3.1", "1.40", "1.3.x", "1.3.-1", "1..3", "1.3.6 ", "1" + ".1" * 200])
def test_text_that_is_no_oid_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_oid(text)


@pytest.mark.parametrize("raw", [b"", b"\x81", b"\x2b\x86"])
def test_bytes_that_end_inside_a_number_are_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        sub_ids(raw)


@given(st.binary(max_size=300))
def test_any_bytes_give_text_or_a_protocol_error(raw: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert format_oid(raw)
