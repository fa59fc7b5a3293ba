from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network.neighbours import tables
from agents.network.neighbours.report import Name
from agents.network.neighbours.tables import Forwarding, OwnPorts
from agents.network.reading import PortIdentity
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import parse_oid

DESCR, ALIAS = parse_oid("1.3.6.1.2.1.2.2.1.2"), parse_oid("1.3.6.1.2.1.31.1.1.1.18")


def index(*numbers: int) -> bytes:
    """A raw index; the first two arcs of an OID share a number, so two are put before it and cut off."""
    return parse_oid("1.3." + ".".join(map(str, numbers)))[1:]


def ports_of(names: Mapping[int, str], columns: Mapping[bytes, Mapping[bytes, Value]] | None = None) -> OwnPorts:
    identities = {index(n): PortIdentity(str(n), name, "") for n, name in names.items()}
    return tables.own_ports(identities, columns or {}, [DESCR, ALIAS])


def test_a_port_has_all_its_names_and_its_address() -> None:
    columns: dict[bytes, Mapping[bytes, Value]] = {
        DESCR: {index(10101): b"GigabitEthernet0/1"},
        ALIAS: {index(10101): "до школи".encode()},
        tables.PORT_MACS: {index(10101): bytes.fromhex("021b54000001")},
        tables.AGGREGATES: {index(10101): 5001, index(5001): 5001},
        tables.LLDP_PORT_KIND: {index(1): 5},
        tables.LLDP_PORT_ID: {index(1): b"Gi0/1"},
        tables.LLDP_PORT_WORDS: {index(1): b"first port"},
    }
    found = ports_of({10101: "Gi0/1", 5001: "Po1"}, columns)
    port = found.ports[0]
    assert port.names == ("GigabitEthernet0/1", "до школи", "10101", "first port")
    assert (port.mac, port.aggregate) == ("02:1b:54:00:00:01", "Po1")
    assert found.lldp_port(1) == "Gi0/1"
    assert found.ports[1].aggregate == ""


@pytest.mark.parametrize(
    ("kind", "port_id", "said", "meant"),
    [
        (5, b"ge2", b"", "ge2"),
        (7, b"102", b"", "ge2"),  # Juniper: its ifIndex as text
        (3, bytes.fromhex("021b54000002"), b"", "ge2"),
        (7, b"?", b"Port two", "ge2"),
        (7, b"?", b"", "ge3"),  # equal to a bridge port's number
        (7, b"lonely", b"", "ge3"),
    ],
)
def test_lldp_numbers_its_ports_anew_and_they_are_found(kind: int, port_id: bytes, said: bytes, meant: str) -> None:
    columns: dict[bytes, Mapping[bytes, Value]] = {
        DESCR: {index(102): b"Port two"},
        tables.PORT_MACS: {index(102): bytes.fromhex("021b54000002"), index(103): bytes.fromhex("021b54000003")},
        tables.BRIDGE_PORTS: {index(7): 103},
        tables.LLDP_PORT_KIND: {index(7): kind},
        tables.LLDP_PORT_ID: {index(7): port_id},
        tables.LLDP_PORT_WORDS: {index(7): said},
    }
    assert ports_of({102: "ge2", 103: "ge3"}, columns).lldp_port(7) == meant


def test_a_word_that_several_ports_share_names_none_of_them() -> None:
    columns: dict[bytes, Mapping[bytes, Value]] = {
        ALIAS: {index(1): b"camera", index(2): b"camera"},
        tables.LLDP_PORT_ID: {index(9): b"camera"},
        tables.PORT_MACS: {index(1): bytes.fromhex("021b54000002"), index(2): bytes.fromhex("021b54000002")},
    }
    assert ports_of({1: "a", 2: "b"}, columns).lldp_port(9) == "camera"
    columns[tables.LLDP_PORT_KIND] = {index(9): 3}
    columns[tables.LLDP_PORT_ID] = {index(9): bytes.fromhex("021b54000002")}
    assert ports_of({1: "a", 2: "b"}, columns).lldp_port(9) == "02:1b:54:00:00:02"


def test_a_port_of_nobody_keeps_its_number() -> None:
    found = ports_of({1: "a"})
    assert (found.lldp_port(1), found.lldp_port(4), found.bridge_port(1), found.bridge_port(9)) == (
        "a",
        "#4",
        "a",
        "#9",
    )
    assert found.index_port(8) == "#8"


def lldp(
    rows: Mapping[bytes, Sequence[Value]], addresses: Mapping[bytes, Value] | None = None
) -> list[tuple[str, ...]]:
    columns = [{raw: cells[n] for raw, cells in rows.items()} for n in range(7)]
    found = tables.lldp_neighbours(columns, addresses or {}, ports_of({17: "ge17"}))
    return [(one.port, one.chassis.text, one.remote_port.text, one.name, one.address) for one in found]


def test_of_one_neighbour_at_several_times_the_newest_counts() -> None:
    def row(name: bytes) -> list[Value]:
        return [4, bytes.fromhex("02000000000a"), 5, b"p1", b"", name, b""]

    rows = {index(100, 17, 1): row(b"new"), index(5, 17, 1): row(b"old"), index(2**31, 17, 2): row(b"other")}
    assert [one[3] for one in lldp(rows)] == ["new", "other"]
    same = {index(1, 17, 1): row(b"sw"), index(1, 17, 2): row(b"sw")}
    assert len(lldp(same)) == 1


def test_the_address_of_a_neighbour_stands_in_the_index_with_its_length_or_without() -> None:
    rows = {index(1, 17, n): [4, bytes((2, 0, 0, 0, 0, n)), 5, b"p", b"", b"", b""] for n in (1, 2, 3, 4)}
    addresses = {
        index(1, 17, 1, 1, 4, 10, 1, 123, 2): 2,
        index(1, 17, 2, 1, 10, 1, 123, 3): 2,
        index(1, 17, 3, 1, 4, 10, 1, 123, 999): 2,
        index(1, 17, 4, 2, 16, 0xFD, *[0] * 14, 7): 2,
    }
    assert [one[4] for one in lldp(rows, addresses)] == ["10.1.123.2", "10.1.123.3", "", "fd00::7"]


def test_a_row_that_names_nobody_is_left_out_and_an_odd_index_too() -> None:
    empty: list[Value] = [4, b"", 5, b"p1", b"words", b"", b"text"]
    assert lldp({index(1, 17, 1): empty, index(1, 17): [4, b"x", 5, b"p", b"", b"", b""], b"\x81": empty}) == []


def test_there_are_never_more_neighbours_than_the_bound_and_one_that_tells_of_more() -> None:
    rows = {index(1, 17, n): [7, b"n%d" % n, 5, b"p", b"", b"", b""] for n in range(1, tables.NEIGHBOURS_MAX + 50)}
    assert len(lldp(rows)) == tables.NEIGHBOURS_MAX + 1


def test_cdp_gives_the_port_the_name_and_the_address() -> None:
    rows: dict[bytes, list[Value]] = {
        index(17, 1): [1, bytes((10, 40, 1, 19)), b"core(SSI1)", b"Ethernet1/19", b"N5K"],
        index(17, 2): [65535, b"", bytes.fromhex("e839351aca99"), bytes.fromhex("e839351aca99"), b"adapter"],
        index(17): [1, b"", b"odd", b"", b""],
    }
    columns = [{raw: cells[n] for raw, cells in rows.items()} for n in range(5)]
    first, second = tables.cdp_neighbours(columns, ports_of({17: "ge17"}))
    assert (first.port, first.chassis, first.name, first.address, first.remote_port.text) == (
        "ge17", Name("name", "core(SSI1)"), "core(SSI1)", "10.40.1.19", "Ethernet1/19",
    )  # fmt: skip
    assert (second.chassis.kind, second.name, second.address) == ("mac", "", "")


def test_a_forwarding_table_gives_learned_addresses_by_port_and_its_own_apart() -> None:
    columns: dict[bytes, Mapping[bytes, Value]] = {tables.BRIDGE_PORTS: {index(1): 17, index(2): 99}}
    ports = ports_of({17: "ge17"}, columns)
    mine, other, self_, invalid = (index(2, 0, 0, 0, 0, n) for n in (1, 2, 3, 5))
    group = index(1, 0, 94, 0, 0, 1)
    into = Forwarding()
    tables.forwarding(
        {mine: 1, other: 2, self_: 1, group: 1, invalid: 1, index(2, 0, 0, 0, 0, 9): 0, index(2, 0, 0, 0, 0, 999): 1},
        {mine: 3, self_: 4, invalid: 2},
        ports,
        into,
    )
    assert into.behind == {"ge17": {"02:00:00:00:00:01"}, "#2": {"02:00:00:00:00:02"}}
    assert into.own == {"02:00:00:00:00:03"}
    tables.forwarding({index(30, 2, 0, 0, 0, 0, 7): 1}, {}, ports, into)
    assert into.behind["ge17"] == {"02:00:00:00:00:01", "02:00:00:00:00:07"}


cells = st.none() | st.binary(max_size=40) | st.integers(-(2**70), 2**70)
raws = st.binary(max_size=12) | st.lists(st.integers(0, 300), min_size=1, max_size=9).map(lambda n: index(*n))
columns_ = st.dictionaries(raws, cells, max_size=6)


@given(st.lists(columns_, min_size=7, max_size=7), columns_, st.lists(columns_, min_size=6, max_size=6))
def test_no_table_breaks_the_reading_and_names_stay_within_bounds(
    remote: list[dict[bytes, Value]], addresses: dict[bytes, Value], own: list[dict[bytes, Value]]
) -> None:
    named = [
        tables.PORT_MACS,
        tables.AGGREGATES,
        tables.BRIDGE_PORTS,
        tables.LLDP_PORT_KIND,
        tables.LLDP_PORT_ID,
        DESCR,
    ]
    ports = ports_of({1: "a", 2: "b", 300: "c"}, dict(zip(named, own, strict=True)))
    assert len({port.name for port in ports.ports}) == len(ports.ports)
    found = tables.lldp_neighbours(remote, addresses, ports) + tables.cdp_neighbours(remote[:5], ports)
    for one in found:
        assert one.port
        assert one.chassis.kind or one.name or one.address
        assert max(map(len, (one.port, one.chassis.text, one.remote_port.text, one.name, one.description))) <= 128
    into = Forwarding()
    tables.forwarding(remote[0], remote[1], ports, into)
    assert all(len(mac) == 17 for macs in into.behind.values() for mac in macs)
