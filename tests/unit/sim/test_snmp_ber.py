import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beket.kernel.errors import ProtocolError
from beket.sim import snmp_ber as ber

SUB_ID = st.integers(0, 0xFFFF_FFFF)
OID = st.builds(lambda second, rest: (1, second, *rest), st.integers(0, 39), st.lists(SUB_ID, max_size=20))

# snmpget -v2c -c public … 1.3.6.1.2.1.1.5.0, as Net-SNMP 5.9.3 sends it.
NET_SNMP_GET = bytes.fromhex("302902010104067075626c6963a01c020453760554020100020100300e300c06082b060102010105000500")


def request(
    pdu: ber.Pdu,
    names: list[ber.Oid],
    *,
    version: int = 1,
    first: int = 0,
    second: int = 0,
    community: bytes = b"public",
) -> bytes:
    varbinds = b"".join(ber.compose_varbind(ber.encode_oid(name), ber.NULL_VALUE) for name in names)
    body = ber.encode_int(77) + ber.encode_int(first) + ber.encode_int(second) + ber.wrap(ber.SEQUENCE, varbinds)
    message = ber.encode_int(version) + ber.wrap(ber.OCTET_STRING, community) + ber.wrap(pdu, body)
    return ber.wrap(ber.SEQUENCE, message)


@given(oid=OID)
def test_oid_reads_back(oid: ber.Oid) -> None:
    encoded = ber.encode_oid(oid)
    assert ber.decode_oid(encoded[2 if encoded[1] < 0x80 else 3 :]) == oid


@given(value=st.integers(-(2**63), 2**64 - 1))
def test_integer_is_as_short_as_its_value_allows(value: int) -> None:
    encoded = ber.encode_int(value)
    assert int.from_bytes(encoded[2:], "big", signed=True) == value
    shorter_bits = 8 * (len(encoded) - 3)
    assert shorter_bits == 0 or not -(2 ** (shorter_bits - 1)) <= value < 2 ** (shorter_bits - 1)


@pytest.mark.parametrize(
    ("length", "head"), [(0, "0400"), (127, "047f"), (128, "048180"), (255, "0481ff"), (256, "04820100")]
)
def test_length_is_written_in_the_shortest_form(length: int, head: str) -> None:
    assert ber.wrap(ber.OCTET_STRING, bytes(length)) == bytes.fromhex(head) + bytes(length)


@given(names=st.lists(OID, max_size=8), pdu=st.sampled_from([ber.Pdu.GET, ber.Pdu.GET_NEXT, ber.Pdu.GET_BULK]))
def test_request_reads_back(names: list[ber.Oid], pdu: ber.Pdu) -> None:
    parsed = ber.parse_request(request(pdu, names, first=1, second=25))
    assert parsed == ber.Request(False, b"public", pdu, 77, 1, 25, tuple(names))


def test_request_of_another_implementation_is_understood() -> None:
    parsed = ber.parse_request(NET_SNMP_GET)
    assert (parsed.pdu, parsed.names, parsed.community) == (ber.Pdu.GET, ((1, 3, 6, 1, 2, 1, 1, 5, 0),), b"public")


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x30",
        b"\x30\x80\x02\x01\x01",
        b"\x30\x84\xff\xff\xff\xff",
        request(ber.Pdu.GET, [], version=3),
        request(ber.Pdu.GET_BULK, [], version=0),
        request(ber.Pdu.RESPONSE, []),
        NET_SNMP_GET[:-3],
    ],
)
def test_nonsense_is_refused(nonsense: bytes) -> None:
    with pytest.raises(ProtocolError):
        ber.parse_request(nonsense)


@given(at=st.integers(0, len(NET_SNMP_GET) - 1), octets=st.binary(min_size=1, max_size=6))
def test_damaged_request_raises_one_error_only(at: int, octets: bytes) -> None:
    damaged = NET_SNMP_GET[:at] + octets + NET_SNMP_GET[at + len(octets) :]
    with contextlib.suppress(ProtocolError):
        ber.parse_request(damaged)


@given(noise=st.binary(max_size=200))
def test_noise_raises_one_error_only(noise: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        ber.parse_request(noise)
