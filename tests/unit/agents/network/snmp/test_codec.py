import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import rfc1902, rfc1905
from pysnmp.proto.api import v1, v2c

from agents.network.snmp import codec
from agents.network.snmp.codec import Malformed, Pdu, Version
from agents.network.snmp.oid import parse_oid

UPTIME = parse_oid("1.3.6.1.2.1.1.3.0")
HEAD = codec.message_head(Version.V2C, b"public")


def tlv(tag: int, content: bytes) -> bytes:
    return (
        bytes((tag, len(content))) + content
        if len(content) < 128
        else bytes((tag, 0x82)) + len(content).to_bytes(2) + content
    )


def response(bindings: bytes, *, request_id: int = 7, pdu: int = 0xA2) -> bytes:
    numbers = tlv(2, request_id.to_bytes(4)) + b"\x02\x01\x00\x02\x01\x00"
    return tlv(0x30, HEAD + tlv(pdu, numbers + tlv(0x30, bindings)))


def binding(tag: int, content: bytes, name: bytes = UPTIME) -> bytes:
    return tlv(0x30, tlv(6, name) + tlv(tag, content))


values = st.one_of(
    st.integers(-(2**31), 2**31 - 1).map(rfc1902.Integer32),
    st.integers(0, 2**32 - 1).map(rfc1902.Counter32),
    st.integers(0, 2**32 - 1).map(rfc1902.Gauge32),
    st.integers(0, 2**32 - 1).map(rfc1902.TimeTicks),
    st.integers(0, 2**64 - 1).map(rfc1902.Counter64),
    st.binary(max_size=300).map(rfc1902.OctetString),
    st.binary(min_size=4, max_size=4).map(rfc1902.IpAddress),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=10).map(lambda n: rfc1902.ObjectIdentifier([1, 3, *n])),
    st.just(rfc1905.noSuchObject),
    st.just(rfc1905.endOfMibView),
)
names = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=12).map(lambda n: (1, 3, *n))


def expected(value: object) -> object:
    if isinstance(value, rfc1902.ObjectIdentifier):
        return parse_oid(str(value))
    if isinstance(value, rfc1902.OctetString | rfc1902.IpAddress):
        return bytes(value)
    if value is rfc1905.noSuchObject or value is rfc1905.endOfMibView:
        return None
    return int(value)  # type: ignore[call-overload]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31 - 1), st.integers(0, 18), st.lists(st.tuples(names, values), max_size=30))
def test_what_pysnmp_encodes_is_decoded_the_same(
    request_id: int, status: int, pairs: list[tuple[object, object]]
) -> None:
    pdu = v2c.ResponsePDU()
    v2c.apiPDU.set_defaults(pdu)
    v2c.apiPDU.set_request_id(pdu, request_id)
    v2c.apiPDU.set_error_status(pdu, status)
    v2c.apiPDU.set_varbinds(pdu, pairs)
    message = v2c.Message()
    v2c.apiMessage.set_defaults(message)
    v2c.apiMessage.set_community(message, "громада".encode())
    v2c.apiMessage.set_pdu(message, pdu)

    decoded = codec.decode_response(encoder.encode(message))

    assert (decoded.request_id, decoded.error_status, decoded.error_index) == (request_id, status, 0)
    dotted = [".".join(map(str, name)) for name, _ in pairs]  # type: ignore[call-overload]
    assert [(name, value) for name, _, value in decoded.varbinds] == [
        (parse_oid(name), expected(value)) for name, (_, value) in zip(dotted, pairs, strict=True)
    ]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([Pdu.GET, Pdu.GET_NEXT]), st.integers(1, 2**31 - 1), st.lists(names, min_size=1, max_size=40))
def test_what_we_encode_pysnmp_decodes_the_same(pdu_type: Pdu, request_id: int, asked: list[tuple[int, ...]]) -> None:
    dotted = [".".join(map(str, name)) for name in asked]
    head = codec.message_head(Version.V1, b"public")
    data = codec.encode_request(head, pdu_type, request_id, [parse_oid(name) for name in dotted])

    message, rest = decoder.decode(data, asn1Spec=v1.Message())

    pdu = v1.apiMessage.get_pdu(message)
    assert rest == b""
    assert bytes(v1.apiMessage.get_community(message)) == b"public"
    assert int(v1.apiPDU.get_request_id(pdu)) == request_id
    assert [str(name) for name, _ in v1.apiPDU.get_varbinds(pdu)] == dotted


def test_a_bulk_request_carries_its_repetitions() -> None:
    data = codec.encode_request(HEAD, Pdu.GET_BULK, 1, [UPTIME], 200)
    message, _ = decoder.decode(data, asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(message)
    assert int(v2c.apiBulkPDU.get_max_repetitions(pdu)) == 200
    assert int(v2c.apiBulkPDU.get_non_repeaters(pdu)) == 0


@pytest.mark.parametrize(
    ("tag", "content", "value"),
    [
        (0x41, b"\xff\xff\xff\xff", 4_294_967_295),
        (0x46, b"\xff" * 8, 2**64 - 1),
        (0x41, b"\x01\x00\x00\x00\x00", 2**32),
        (0x02, b"\xff", -1),
        (0x02, b"", 0),
        (0x12, b"what", b"what"),
        (0x40, b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x01"),
    ],
)
def test_known_firmware_faults_keep_their_plain_meaning(tag: int, content: bytes, value: object) -> None:
    assert codec.decode_response(response(binding(tag, content))).varbinds == [(UPTIME, tag, value)]


def test_a_number_longer_than_any_number_costs_its_own_cell_only() -> None:
    decoded = codec.decode_response(
        response(binding(0x41, b"\x01" * 10) + binding(2, b"\x01" * 10) + binding(2, b"\x05"))
    )
    assert decoded.varbinds == [
        (UPTIME, codec.TAG_MALFORMED, None),
        (UPTIME, codec.TAG_MALFORMED, None),
        (UPTIME, 2, 5),
    ]


def test_a_binding_that_contradicts_itself_keeps_its_place() -> None:
    good = binding(2, b"\x05")
    bad = bytearray(good)
    bad[-2] = 9  # the value claims more than the binding holds
    long_form = b"\x30\x81" + bytes((len(good) - 2,)) + bytes(bad[2:])
    decoded = codec.decode_response(response(bytes(bad) + long_form + good))
    assert decoded.varbinds == [(b"", codec.TAG_MALFORMED, None)] * 2 + [(UPTIME, 2, 5)]


def test_long_form_lengths_are_read_everywhere() -> None:
    inner = b"\x06\x81" + bytes((len(UPTIME),)) + UPTIME + b"\x02\x82\x00\x01\x05"
    decoded = codec.decode_response(response(b"\x30\x84" + len(inner).to_bytes(4) + inner))
    assert decoded.varbinds == [(UPTIME, 2, 5)]


def test_bytes_after_the_message_are_ignored() -> None:
    assert codec.decode_response(response(b"") + b"padding").request_id == 7


def test_a_datagram_cut_anywhere_is_malformed_and_names_its_request_once_read() -> None:
    whole = response(binding(2, b"\x05") * 3)
    read = []
    for size in range(len(whole)):
        with pytest.raises(Malformed) as caught:
            codec.decode_response(whole[:size])
        read.append(caught.value.request_id)
    assert set(read) == {None, 7}
    assert read[-1] == 7


def test_a_request_is_no_response() -> None:
    with pytest.raises(Malformed):
        codec.decode_response(response(b"", pdu=0xA0))


def test_a_list_longer_than_its_message_is_malformed() -> None:
    data = bytearray(response(binding(2, b"\x05")))
    at = data.index(b"\x30", 3 + len(HEAD) + 4)
    data[at + 1] += 1
    with pytest.raises(Malformed) as caught:
        codec.decode_response(bytes(data))
    assert caught.value.request_id == 7


@settings(max_examples=200)
@given(st.binary(max_size=200))
@example(b"\x30\x80")
@example(b"\x30\x84\xff\xff\xff\xff")
def test_any_bytes_decode_or_raise_a_protocol_error(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        codec.decode_response(data)


@settings(max_examples=300)
@given(st.data())
def test_any_damage_to_a_real_answer_decodes_or_raises_a_protocol_error(data: st.DataObject) -> None:
    whole = bytearray(response(binding(0x41, b"\x01\x02") + binding(4, b"eth0") + binding(0x46, b"\x01" * 8)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        codec.decode_response(bytes(whole))


# Rows straight into columns -------------------------------------------------------------------------------------------

COLUMNS = [parse_oid("1.3.6.1.2.1.2.2.1.10"), parse_oid("1.3.6.1.2.1.31.1.1.1.6"), parse_oid("1.3.6.1.2.1.2.2.1.300")]
NO_BINDING = b"\x30\x03\x06\x09\x2b"  # its name would be longer than itself
strange = st.sampled_from(
    [
        binding(0x82, b""),
        binding(0x40, b"\x0a\x00\x00\x01"),
        binding(4, b"x" * 200),
        binding(0x41, b"\x01" * 12),
        NO_BINDING,
        binding(2, b"\x07", name=COLUMNS[0]),
    ]
)
indexes = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=5).map(
    lambda n: parse_oid("1.3." + ".".join(map(str, n)))[1:]
)
cells = st.one_of(
    st.tuples(st.sampled_from([0x41, 0x42, 0x43, 0x46]), st.binary(min_size=1, max_size=9)),
    st.tuples(st.just(2), st.binary(max_size=9)),
    st.tuples(st.just(4), st.binary(max_size=90)),
)


@st.composite
def bulk_bindings(draw: st.DrawFn) -> list[bytes]:
    """Rows as an honest agent sends them, with something strange among them now and then."""
    found = []
    for index in draw(st.lists(indexes, max_size=6)):
        found += [binding(*draw(cells), name=column + index) for column in COLUMNS]
    if found and draw(st.booleans()):
        found.insert(draw(st.integers(0, len(found))), draw(strange))
    return found[: draw(st.integers(0, len(found)))] if draw(st.booleans()) else found


@settings(max_examples=200, deadline=None)
@given(bulk_bindings())
@example([binding(0x41, b"\x00", name=column + b"\x01") for column in COLUMNS] + [NO_BINDING])
def test_rows_read_straight_into_columns_are_those_that_the_plain_reading_gives(parts: list[bytes]) -> None:
    data = response(b"".join(parts))
    rows: list[dict[bytes, codec.Value]] = [{} for _ in COLUMNS]

    taken, rest = codec.read_rows(codec.read_head(data), list(zip(COLUMNS, rows, strict=True)))

    plain = codec.decode_response(data).varbinds
    expected_rows: list[dict[bytes, codec.Value]] = [{} for _ in COLUMNS]
    for place, (name, _, value) in enumerate(plain[:taken]):
        prefix = COLUMNS[place % len(COLUMNS)]
        assert name.startswith(prefix)
        expected_rows[place % len(COLUMNS)][name[len(prefix) :]] = value
    assert rows == expected_rows
    assert rest == plain[taken:]


@settings(max_examples=300, deadline=None)
@given(bulk_bindings(), st.data())
def test_any_damage_to_rows_reads_or_raises_a_protocol_error(parts: list[bytes], data: st.DataObject) -> None:
    whole = bytearray(response(b"".join(parts)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    rows: list[dict[bytes, codec.Value]] = [{} for _ in COLUMNS]
    with contextlib.suppress(Malformed):
        codec.read_rows(codec.read_head(bytes(whole)), list(zip(COLUMNS, rows, strict=True)))
    assert sum(map(len, rows)) <= len(parts) + 4
