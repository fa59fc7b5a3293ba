import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.neighbours import naming
from agents.network.neighbours.report import Name


@pytest.mark.parametrize(
    ("subtype", "value", "meant"),
    [
        (4, bytes.fromhex("001b54000007"), Name("mac", "00:1b:54:00:00:07")),
        # Nexus spells the address out where six octets are due.
        (4, b"8c:60:4f:19:16:7c", Name("mac", "8c:60:4f:19:16:7c")),
        (4, b"8C-60-4F-19-16-7C\x00", Name("mac", "8c:60:4f:19:16:7c")),
        (4, b"8c60.4f19.167c", Name("mac", "8c:60:4f:19:16:7c")),
        (7, b"8c60-4f19-167c", Name("mac", "8c:60:4f:19:16:7c")),
        # ProCurve hands a device id of CDP on under the subtype "local".
        (7, b"NWPU-CA-5548-01(SSI183706KP)", Name("name", "NWPU-CA-5548-01(SSI183706KP)")),
        (7, bytes.fromhex("e839351aca99"), Name("mac", "e8:39:35:1a:ca:99")),
        (7, b"switch", Name("name", "switch")),
        (5, b"\x01\x0a\x00\x00\x07", Name("ip", "10.0.0.7")),
        (5, b"\x02" + ipaddress.ip_address("fd00::7").packed, Name("ip", "fd00::7")),
        (5, b"\x01\x00\x00\x00\x00", Name("name", "0100000000")),
        (5, b"\x01\x0a\x00", Name("name", "010a00")),
        (4, bytes(6), Name()),
        (4, b"", Name()),
        (4, b"\x00", Name()),
        (4, 7, Name()),
        (4, None, Name()),
        (None, b"sw", Name("name", "sw")),
        (99, "Комутатор".encode("cp1251"), Name("name", "Комутатор")),
        (7, b"mgmt0\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", Name("name", "mgmt0")),
        (4, bytes.fromhex("0180c200000e"), Name("name", "0180c200000e")),
        (7, b"\x01\x02\x03", Name("name", "010203")),
    ],
)
def test_whatever_the_subtype_promises_the_name_is_what_is_there(
    subtype: int | None, value: bytes | int | None, meant: Name
) -> None:
    assert naming.chassis_name(subtype, value) == meant


def test_subtypes_of_ports_are_counted_from_another_number() -> None:
    # Printable octets are an address where the subtype says so, unless it is a group's address.
    assert naming.port_name(3, b"abcdef") == Name("name", "abcdef")
    assert naming.port_name(3, b"bbcdef") == Name("mac", "62:62:63:64:65:66")
    assert naming.port_name(4, b"bbcdef") == Name("name", "bbcdef")
    assert naming.port_name(4, b"\x01\x0a\x00\x00\x07") == Name("ip", "10.0.0.7")
    assert naming.port_name(5, b"Eth1/19") == Name("name", "Eth1/19")


def test_addresses_are_those_of_four_or_sixteen_octets() -> None:
    assert naming.address_of(bytes((10, 0, 0, 1))) == "10.0.0.1"
    assert naming.address_of(ipaddress.ip_address("fd00::1").packed) == "fd00::1"
    for none in (b"", bytes(4), bytes(5), b"ten.", None, 5):
        assert naming.address_of(none) == ("116.101.110.46" if none == b"ten." else "")


cells = st.none() | st.binary(max_size=300) | st.integers(-(2**70), 2**70)


@given(cells, cells)
def test_no_octets_break_a_name_and_all_names_are_short_and_of_one_line(
    subtype: bytes | int | None, value: bytes | int | None
) -> None:
    for name in (naming.chassis_name(subtype, value), naming.port_name(subtype, value), naming.cdp_name(value)):
        assert bool(name.kind) == bool(name.text)
        assert len(name.text) <= naming.NAME_MAX_CHARS
        assert name.text.isprintable()
        if name.kind == "mac":
            assert naming.mac_of(bytes.fromhex(name.text.replace(":", ""))) == name.text
        elif name.kind == "ip":
            assert str(ipaddress.ip_address(name.text)) == name.text


@given(st.binary(min_size=6, max_size=6))
def test_an_address_is_the_same_however_it_is_spelled(octets: bytes) -> None:
    known = naming.mac_of(octets)
    spelled = [octets.hex(":"), octets.hex("-").upper(), octets.hex("-", 2), octets.hex(".", 2)]
    assert {naming.mac_of(text.encode()) for text in spelled} == {known}
    assert (known == "") == (bool(octets[0] & 1) or octets == bytes(6))
