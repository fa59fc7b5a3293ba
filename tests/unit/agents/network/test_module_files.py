from pathlib import Path

import pytest

from agents.network import module_files
from agents.network.metrics import METRICS
from agents.network.snmp.oid import parse_oid
from beket.kernel.config import ConfigMistakes
from beket.kernel.metrics import Catalogue

CATALOGUE = Catalogue(METRICS)

GOOD = """
[[columns]]
object = "IF-MIB::ifHCInOctets"
oid = "1.3.6.1.2.1.31.1.1.1.6"
metric = "port_in_bytes_total"
unit = "bytes"
"""


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "module.toml"
    path.write_text(text)
    with pytest.raises(ConfigMistakes) as caught:
        module_files.load_module(path, CATALOGUE)
    return [mistake.place for mistake in caught.value.mistakes]


def test_the_shipped_modules_load_and_ask_the_device_who_it_is_first() -> None:
    system, interfaces = module_files.load_shipped(CATALOGUE)
    assert (system.name, interfaces.name) == ("system", "interfaces")
    assert parse_oid("1.3.6.1.2.1.1.3.0") in system.scalars
    assert len(interfaces.columns) == 9
    assert {m.metric for m in interfaces.fallbacks.values()} < {m.metric for m in interfaces.columns.values()}


def test_a_measure_scales_or_compares_the_raw_value(tmp_path: Path) -> None:
    _, interfaces = module_files.load_shipped(CATALOGUE)
    by_object = {m.object.split("::")[1]: m for m in interfaces.columns.values()}
    assert by_object["ifHighSpeed"].sample(1000) == 1e9
    assert [by_object["ifOperStatus"].sample(state) for state in (1, 2, 7)] == [1, 0, 0]
    assert by_object["ifHCInOctets"].sample(2**40 + 1) == 2**40 + 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("oid = ", "oidd = "), "columns[0].oidd"),
        (("1.3.6.1.2.1.31.1.1.1.6", "1.3.six"), "columns[0].oid"),
        (("port_in_bytes_total", "port_in_teacups_total"), "columns[0].metric"),
        (("port_in_bytes_total", "device_uptime_seconds"), "columns[0].metric"),
        (('unit = "bytes"', 'unit = "seconds"'), "columns[0].metric"),
        (('unit = "bytes"', 'unit = "furlongs"'), "columns[0].unit"),
        (('unit = "bytes"', 'unit = "bytes"\nscale = "8"'), "columns[0].scale"),
        (("IF-MIB::ifHCInOctets", "ifHCInOctets"), "columns[0].object"),
        (("[[columns]]", "[[fallbacks]]"), "fallbacks[0].metric"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    assert place in mistakes(tmp_path, GOOD.replace(*change))


def test_an_object_or_a_metric_given_twice_is_a_mistake(tmp_path: Path) -> None:
    places = mistakes(tmp_path, GOOD + GOOD)
    assert {"columns[0].oid", "columns[1].oid", "columns[1].metric"} == set(places)
