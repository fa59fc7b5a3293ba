import contextlib
import json
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.kernel.wire import (
    MESSAGE_MAX_BYTES,
    OLDEST_SERVED_VERSION,
    WIRE_VERSION,
    Hello,
    canonical,
    check_version,
    decode,
    encode,
    to_builtins,
)

HELLO = Hello(version=WIRE_VERSION, software="0.1.0", community="zhuravlyna", boot_id="b", wall_ns=1)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


class Report(msgspec.Struct, frozen=True):
    name: str
    values: dict[str, float] = {}
    parts: tuple["Report", ...] = ()


@given(JSON, JSON)
def test_message_comes_back_as_sent(one: object, other: object) -> None:
    class Envelope(msgspec.Struct):
        body: object

    assert decode(encode(Envelope([one, other])), Envelope).body == [one, other]


def test_unknown_field_is_ignored_and_a_missing_one_takes_its_default() -> None:
    newer = json.loads(encode(HELLO)) | {"mood": {"deep": [1, 2]}}
    del newer["features"]
    assert decode(json.dumps(newer).encode(), Hello) == HELLO


def test_refusal_names_the_field() -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(b'{"name": "a", "values": {"x": "1"}}', Report)
    assert "$.values" in caught.value.sentence().en


def test_message_over_the_bound_is_refused_unread() -> None:
    with pytest.raises(ProtocolError):
        decode(b" " * (MESSAGE_MAX_BYTES + 1), Hello)
    with pytest.raises(ProtocolError):
        decode(encode(HELLO), Hello, max_bytes=10)


@pytest.mark.parametrize(
    "deep", ['{"name":"a","parts":[', '{"zzz":', '{"name":"a","zzz":[1,', '{"name":"a","zzz":{"b":', "["]
)
def test_deep_nesting_is_refused(deep: str) -> None:
    with pytest.raises(ProtocolError):
        decode(deep.encode() * 100_000, Report)


def test_brackets_inside_a_text_are_no_nesting() -> None:
    assert decode(encode(Report("[" * 1000)), Report).name == "[" * 1000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"{",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a", "values": {"x": 1e999}}',
        b'{"name": "a", "values": {"x": NaN}}',
        b'{"name": 1}',
        b'{"version": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_message_raises_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(raw, Report)


@given(st.binary(max_size=300) | JSON.map(lambda tree: json.dumps(tree).encode()))
def test_any_bytes_are_a_message_or_a_protocol_error(raw: bytes) -> None:
    for message_type in (Hello, Report):
        with contextlib.suppress(ProtocolError):
            decode(raw, message_type)


@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 255), min_size=1, max_size=5))
def test_damaged_message_is_a_message_or_a_protocol_error(rng: random.Random, damage: list[int]) -> None:
    raw = bytearray(encode(Report("Яр", {"a": 1.5}, (Report("b"),))))
    for byte in damage:
        raw[rng.randrange(len(raw))] = byte
    with contextlib.suppress(ProtocolError):
        decode(bytes(raw), Report)


def test_versions_served_are_accepted() -> None:
    for version in range(OLDEST_SERVED_VERSION, WIRE_VERSION + 1):
        check_version(msgspec.structs.replace(HELLO, version=version))


@pytest.mark.parametrize(
    ("version", "hint"), [(OLDEST_SERVED_VERSION - 1, "Оновіть агента."), (WIRE_VERSION + 1, "Оновіть центр.")]
)
def test_version_outside_is_refused_and_says_which_side_to_update(version: int, hint: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        check_version(msgspec.structs.replace(HELLO, version=version))
    assert caught.value.sentence().uk.endswith(hint)


def _shuffled(tree: object, rng: random.Random) -> object:
    if isinstance(tree, dict):
        keys = list(tree)
        rng.shuffle(keys)
        return {key: _shuffled(tree[key], rng) for key in keys}
    return [_shuffled(item, rng) for item in tree] if isinstance(tree, list) else tree


@given(JSON, st.randoms(use_true_random=False))
def test_canonical_spelling_does_not_depend_on_the_order_of_keys(tree: object, rng: random.Random) -> None:
    assert canonical(_shuffled(tree, rng)) == canonical(tree)


def test_canonical_spelling_is_the_same_for_a_message_and_its_plain_tree() -> None:
    report = Report("Яр", {"b": 1.0, "a": 2.5})
    assert canonical(report) == canonical(to_builtins(report))
    assert canonical(report) == '{"name":"Яр","parts":[],"values":{"a":2.5,"b":1.0}}'.encode()
