"""Which facts the centre lets in, and when they were so by its clock."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.facts.messages import is_key as is_key_at_the_agent
from agents.facts.messages import spelled
from beket.kernel import wire
from beket.kernel.errors import ProtocolError
from collector.devices.admission import FACTS_MAX, Refusal, admitted, fields_of, is_key, is_source, is_value
from collector.devices.messages import FACTS_MAX_BYTES, DeviceFacts, Fact, FactsReceipt, read_facts
from collector.devices.times import AGE_MAX_NS, NS_PER_MS, Arrival

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1"


def told(*facts: Fact) -> DeviceFacts:
    return DeviceFacts("router", "snmp", 1, list(facts))


def fact(key: str, value: str, kind: str = "text") -> Fact:
    return Fact(key, value, 0, 0, kind)


def test_the_golden_message_is_read_and_all_of_it_let_in() -> None:
    message = read_facts((GOLDEN / "facts-message.json").read_bytes())
    for device in message.devices:
        good, refused = admitted(device)
        assert len(good) == len(device.facts)
        assert not refused
    assert wire.encode(FactsReceipt(3, 0, 1)) == (GOLDEN / "facts-receipt.json").read_bytes().rstrip()
    newer = (
        b'{"book":"b","sent_ms":1,"devices":[{"device":"d","source":"s","sequence":1,"facts":[],"colour":1}],"x":[]}'
    )
    assert read_facts(newer).devices[0].is_whole is False


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"{}", b'{"book":"b","sent_ms":1}', b'{"book":"b","sent_ms":1e400,"devices":[]}',
        b'{"book":"b","sent_ms":1,"devices":[{"device":"d"}]}', b"[" * 100_000,
        b'{"book":"\xff","sent_ms":1,"devices":[]}', b"{" + b" " * FACTS_MAX_BYTES + b"}",
    ],
)  # fmt: skip
def test_what_is_no_message_of_facts_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_facts(body)


@given(st.binary(max_size=2000))
def test_hostile_bytes_end_in_the_declared_error(body: bytes) -> None:
    try:
        read_facts(body)
    except ProtocolError:
        return


def test_a_bad_fact_is_refused_and_its_neighbours_are_not() -> None:
    good, refused = admitted(
        told(
            fact("firmware", "6.49"), fact("Firmware", "6.49"), fact("part/", "x"), fact("model", ""),
            fact("model", "a\nb"), fact("model", "x" * 513), fact("ports", "many", "number"),
            fact("link", "[]", "fields"), fact("link", '{"a":"\\n"}', "fields"), fact("link", "x", "code"),
            fact("location", "\u202eevil"), fact("link", '{"port":"1"}', "fields"), fact("ports", "24", "number"),
        )
    )  # fmt: skip
    assert sorted(good) == ["firmware", "link", "ports"]
    assert refused == {Refusal.KEY: 2, Refusal.VALUE: 8}
    assert fields_of(good["link"].value) == {"port": "1"}
    many, over = admitted(told(*(fact(f"part/{n}", "x") for n in range(FACTS_MAX + 5))))
    assert (len(many), over) == (FACTS_MAX, {Refusal.MANY: 5})


@pytest.mark.parametrize("source", ["", "SNMP", "a" * 17, "1st", "x y", "x\n"])
def test_a_source_has_a_short_plain_name(source: str) -> None:
    assert not is_source(source)
    assert is_source("snmp")


@given(st.one_of(st.text(max_size=900), st.floats(), st.dictionaries(st.text(), st.text(), max_size=40)))
def test_whatever_an_honest_agent_spells_is_let_in(value: str | float | dict[str, str]) -> None:
    text, kind = spelled(value)
    assert not text or is_value(kind, text)


@given(st.text(max_size=120))
def test_agent_and_centre_agree_on_names(key: str) -> None:
    assert is_key(key) == is_key_at_the_agent(key)


_MS = st.integers(min_value=-(2**62), max_value=2**62)
_NOW_NS = 1_795_590_300_000 * NS_PER_MS


@given(_MS, _MS, st.none() | st.integers(min_value=0, max_value=2 * _NOW_NS))
def test_no_clock_of_an_agent_brings_a_moment_that_cannot_be(sent_ms: int, agent_ms: int, known: int | None) -> None:
    found_ns = Arrival(_NOW_NS, sent_ms).moment(agent_ms, not_before_ns=known)
    assert found_ns <= _NOW_NS
    assert found_ns >= (_NOW_NS - AGE_MAX_NS if known is None else min(known, _NOW_NS))


def test_a_clock_that_is_years_off_still_tells_how_long_ago() -> None:
    for sent_ms in (0, 10**12, 4 * 10**12):
        arrival = Arrival(_NOW_NS, sent_ms)
        assert arrival.moment(sent_ms - 5000, not_before_ns=0) == _NOW_NS - 5000 * NS_PER_MS
