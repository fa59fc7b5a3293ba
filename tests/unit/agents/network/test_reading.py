from hypothesis import given
from hypothesis import strategies as st

from agents.network import module_files, reading
from agents.network.metrics import METRICS
from agents.network.snmp.oid import parse_oid
from beket.kernel.metrics import Catalogue, Point

CATALOGUE = Catalogue(METRICS)
SYSTEM, INTERFACES, *_ = module_files.load_shipped(CATALOGUE)
(PORTS,) = INTERFACES.tables
DEVICE = (("site", "school"), ("device", "sw"))
NAME, DESCR, ALIAS = (parse_oid(f"1.3.6.1.2.1.{rest}") for rest in ("31.1.1.1.1", "2.2.1.2", "31.1.1.1.18"))
IN = parse_oid("1.3.6.1.2.1.31.1.1.1.6")


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
