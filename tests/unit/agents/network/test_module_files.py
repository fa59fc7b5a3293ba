from pathlib import Path

import pytest

from agents.network import gear_metrics, module_files
from agents.network.metrics import METRICS
from agents.network.snmp.oid import parse_oid
from beket.kernel.config import ConfigMistakes
from beket.kernel.metrics import Catalogue

CATALOGUE = Catalogue(METRICS)

HEAD = """
title = "Порти"
source = "RFC 2863"

[detect]
always = true

[[tables]]
label = "port"
"""
COLUMN = """
[[tables.columns]]
object = "IF-MIB::ifHCInOctets"
oid = "1.3.6.1.2.1.31.1.1.1.6"
metric = "port_in_bytes_total"
unit = "bytes"
"""
GOOD = HEAD + COLUMN


def mistakes(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "module.toml"
    path.write_text(text)
    with pytest.raises(ConfigMistakes) as caught:
        module_files.load_module(path, CATALOGUE)
    return [mistake.place for mistake in caught.value.mistakes]


def test_the_shipped_modules_load_and_ask_the_device_who_it_is_first() -> None:
    system, interfaces, *families = module_files.load_shipped(CATALOGUE)
    assert (system.name, interfaces.name) == ("system", "interfaces")
    assert parse_oid("1.3.6.1.2.1.1.3.0") in system.asked()
    (table,) = interfaces.tables
    assert len(table.columns) == 9
    assert all(source.is_plain for source in (*table.columns, *table.fallbacks))
    wanted = {source.measure.metric for source in table.columns}
    assert {source.measure.metric for source in table.fallbacks} < wanted
    assert len(families) >= 18


def test_every_shipped_module_says_where_its_objects_are_from_and_every_metric_of_gear_has_one() -> None:
    modules = module_files.load_shipped(CATALOGUE)
    assert all(module.title and module.source for module in modules)
    given = {source.measure.metric for module in modules for source in module.sources()}
    assert {metric.name for metric in gear_metrics.METRICS} - given == set()


def test_a_module_never_reads_who_is_on_the_wifi() -> None:
    # Tables whose rows are clients: MikroTik, CAPsMAN, airOS; their index is an address.
    clients = [parse_oid(f"1.3.6.1.4.1.{rest}") for rest in ("14988.1.1.1.2", "14988.1.1.1.5", "41112.1.4.7")]
    for module in module_files.load_shipped(CATALOGUE):
        asked = {name for table in module.tables for name in table.asked()} | set(module.asked())
        assert not [name for name in asked for client in clients if name.startswith(client)]


def test_own_modules_stand_in_for_shipped_ones_and_bad_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "interfaces.toml").write_text(GOOD)
    (tmp_path / "bad.toml").write_text("title = 1")
    own, mistakes = module_files.load_own(tmp_path, CATALOGUE)
    assert [module.name for module in own] == ["interfaces"]
    assert [Path(error.subject).name for error in mistakes] == ["bad.toml"]
    joined = module_files.join(module_files.load_shipped(CATALOGUE), own)
    assert [module.name for module in joined][:2] == ["system", "interfaces"]
    assert len(joined[1].tables[0].columns) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (("oid = ", "oidd = "), "tables[0].columns[0].oidd"),
        (("1.3.6.1.2.1.31.1.1.1.6", "1.3.six"), "tables[0].columns[0].oid"),
        (("port_in_bytes_total", "port_in_teacups_total"), "tables[0].columns[0].metric"),
        (("port_in_bytes_total", "device_uptime_seconds"), "tables[0].columns[0].metric"),
        (('unit = "bytes"', 'unit = "seconds"'), "tables[0].columns[0].metric"),
        (('unit = "bytes"', 'unit = "furlongs"'), "tables[0].columns[0].unit"),
        (('unit = "bytes"', 'unit = "bytes"\nscale = "8"'), "tables[0].columns[0].scale"),
        (("IF-MIB::ifHCInOctets", "ifHCInOctets"), "tables[0].columns[0].object"),
        (("always = true", ""), "detect"),
        (("always = true", 'probes = ["1.two"]'), "detect.probes[0]"),
        (('unit = "bytes"', 'unit = "bytes"\nper = "x"'), "tables[0].columns[0].per"),
        (('unit = "bytes"', 'unit = "bytes"\ntext = "("'), "tables[0].columns[0].text"),
        (('unit = "bytes"', 'unit = "bytes"\nvalues = { up = 1 }'), "tables[0].columns[0].values.up"),
        (
            ('unit = "bytes"', 'unit = "bytes"\nwhere = [{ oid = "1.3", equals = ["x"] }]'),
            "tables[0].columns[0].where[0].equals[0]",
        ),
        (('label = "port"', 'label = "part"'), "tables[0].columns[0].metric"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, change: tuple[str, str], place: str) -> None:
    assert place in mistakes(tmp_path, GOOD.replace(*change))


def test_a_metric_given_twice_is_a_mistake_and_so_is_a_spare_column_without_a_main_one(tmp_path: Path) -> None:
    places = mistakes(tmp_path, GOOD + COLUMN)
    assert {"tables[0].columns[0].metric", "tables[0].columns[1].metric"} == set(places)
    spare = COLUMN.replace("columns", "fallbacks").replace("_in_", "_out_")
    assert mistakes(tmp_path, GOOD + spare) == ["tables[0].fallbacks[0].metric"]
