import dataclasses
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network import module_files, reading
from agents.network.metrics import METRICS
from agents.network.module_files import Table
from agents.network.snmp.oid import parse_oid
from beket.kernel.metrics import Catalogue, Point

CATALOGUE = Catalogue(METRICS)
SYSTEM, INTERFACES, *_ = module_files.load_shipped(CATALOGUE)
(PORTS,) = INTERFACES.tables
DEVICE = (("site", "school"), ("device", "sw"))
NAME, DESCR, ALIAS = (parse_oid(f"1.3.6.1.2.1.{rest}") for rest in ("31.1.1.1.1", "2.2.1.2", "31.1.1.1.18"))
IN, OUT = (parse_oid(f"1.3.6.1.2.1.31.1.1.1.{number}") for number in (6, 10))


def test_ports_take_their_name_then_their_description_then_their_number() -> None:
    columns = {
        NAME: {b"\x01": b"gi1", b"\x02": b"", b"\x04": b"same", b"\x05": b"same"},
        DESCR: {b"\x02": b"Slot 0 port 2"},
        ALIAS: {b"\x01": "до школи".encode()},
        IN: {b"\x03": 1, b"\x81\x00": 1},
    }
    ports = reading.ports_of(PORTS, columns)
    assert {index: (port.index, port.name, port.alias) for index, port in ports.items()} == {
        b"\x01": ("1", "gi1", "до школи"),
        b"\x02": ("2", "Slot 0 port 2", ""),
        b"\x03": ("3", "#3", ""),
        b"\x04": ("4", "same#4", ""),
        b"\x05": ("5", "same#5", ""),
        b"\x81\x00": ("128", "#128", ""),
    }


def test_a_name_made_unique_never_meets_a_real_one() -> None:
    names = {b"\x01": b"a", b"\x02": b"a", b"\x03": b"a#2", b"\x04": b"a#1#1", b"\x05": b"a#1"}
    ports = reading.ports_of(PORTS, {NAME: names})
    assert [port.name for port in ports.values()] == ["a#1#1#1", "a#2#2", "a#2", "a#1#1", "a#1"]


def part_table(label: Literal["part", "port"] = "part", prefix: str = "") -> Table:
    return dataclasses.replace(PORTS, label=label, prefix=prefix)


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("5.104.101.108.108.111", "#5.104.101.108.108.111"),  # NET-SNMP-EXTEND-MIB: a text and its length
        ("2.27.84.171.205.239.1", "#2.27.84.171.205.239.1"),  # a hardware address and a number
        (".".join(["9"] * 32), "#" + ".".join(["9"] * 32)),
    ],
)
def test_a_part_may_have_an_index_as_long_as_a_label(index: str, name: str) -> None:
    raw = parse_oid(f"1.3.{index}")[1:]
    columns = {IN: {raw: 7}}
    ports = reading.ports_of(part_table(), columns)
    assert [port.name for port in ports.values()] == [name]
    assert reading.left_out(part_table(), columns, ports) == 0
    assert reading.left_out(PORTS, columns, reading.ports_of(PORTS, columns)) == (len(index) > 20)


def test_rows_that_cannot_be_named_are_counted() -> None:
    long, damaged = parse_oid("1.3." + ".".join(["9"] * 33))[1:], b"\x81"
    columns = {IN: {b"\x01": 7, long: 7, damaged: 7}, OUT: {long: 7, damaged: 7}}
    ports = reading.ports_of(part_table(), columns)
    assert [port.name for port in ports.values()] == ["#1"]
    assert reading.left_out(part_table(), columns, ports) == 2


indexes = st.lists(st.integers(0, 300), min_size=1, max_size=40).map(
    lambda numbers: parse_oid("1.3." + ".".join(map(str, numbers)))[1:]
)


@given(
    st.dictionaries(indexes | st.binary(max_size=4), st.sampled_from([b"", b"disk", b"x" * 70]), max_size=9),
    st.sampled_from(["part", "port"]),
    st.sampled_from(["", "disk", "Диск"]),
)
def test_whatever_the_indexes_are_names_are_few_enough_letters_and_differ_and_no_row_is_lost_unseen(
    rows: dict[bytes, bytes], label: Literal["part", "port"], prefix: str
) -> None:
    table = part_table(label, prefix)
    columns: dict[bytes, dict[bytes, int | bytes | None]] = {NAME: dict(rows), IN: dict.fromkeys(rows, 7)}
    ports = reading.ports_of(table, columns)
    names = [port.name for port in ports.values()]
    assert len(names) == len(set(names))
    assert all(0 < len(name) <= reading.LABEL_MAX_CHARS for name in names)
    assert len(ports) + reading.left_out(table, columns, ports) == len(rows)


cells = st.none() | st.binary(max_size=80) | st.integers(-(2**70), 2**70)
tables = st.dictionaries(
    st.sampled_from([NAME, DESCR, ALIAS, IN]), st.dictionaries(st.binary(max_size=4), cells, max_size=6)
)


@given(tables)
def test_whatever_a_device_says_gives_points_that_the_catalogue_accepts(
    columns: dict[bytes, dict[bytes, int | bytes | None]],
) -> None:
    ports = reading.ports_of(PORTS, columns)
    rows = {index: (*DEVICE, ("port", port.name)) for index, port in ports.items()}
    points = list(reading.row_points(PORTS.columns, columns, rows, DEVICE, 1))
    names = [port.name for port in ports.values()]
    assert len(names) == len(set(names))
    assert all(0 < len(name) <= reading.LABEL_MAX_CHARS and name.isprintable() for name in names)
    assert all(CATALOGUE.accepts(point) for point in points)


def test_scalars_and_facts_are_read_and_what_is_of_another_type_is_left_out() -> None:
    uptime, descr, model = (parse_oid(f"1.3.6.1.2.1.1.{n}.0") for n in (3, 1, 2))
    values = {uptime: 12_345, descr: "Комутатор\r\nтретій".encode("cp1251"), model: parse_oid("1.3.6.1.4.1.9.1")}
    assert reading.scalar_points(SYSTEM, values, DEVICE, 5) == [Point("device_uptime_seconds", DEVICE, 5, 123.45)]
    assert reading.facts_of(SYSTEM, values) == {
        "description": "Комутатор  третій",
        "model-oid": "1.3.6.1.4.1.9.1",
    }
    assert reading.scalar_points(SYSTEM, {uptime: b"text"}, DEVICE, 5) == []
    assert reading.facts_of(SYSTEM, {descr: 7, model: b"\x81"}) == {"model-oid": ""}
