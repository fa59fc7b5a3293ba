from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.network import module_files
from agents.network.measuring import combined, sample
from agents.network.metrics import METRICS
from agents.network.module_files import Source
from agents.network.snmp.codec import Value
from agents.network.snmp.oid import parse_oid
from beket.kernel.metrics import Catalogue

CATALOGUE = Catalogue(METRICS)
HEAD = """
title = "Кімната"
source = "none"
[detect]
always = true
[[scalars]]
object = "X-MIB::x"
oid = "1.3.6.1.4.1.1.1"
"""
OTHER = parse_oid("1.3.6.1.4.1.1.2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("modules")


def source(folder: Path, *lines: str) -> Source:
    words = ('metric = "device_cpu_ratio"', 'unit = "ratio"') if not any("metric" in line for line in lines) else ()
    path = folder / "m.toml"
    path.write_text(HEAD + "\n".join((*words, *lines)))
    return module_files.load_module(path, CATALOGUE).scalars[0]


@pytest.mark.parametrize(
    ("lines", "value", "other", "expected"),
    [
        (("scale = 0.01",), 52, None, 0.52),
        (("equals = 3",), 3, None, 1),
        (("equals = [1, 2]",), 2, None, 1),
        (("equals = [1, 2]",), 5, None, 0),
        (('values = { "2" = 0, "3" = 1 }',), 3, None, 1),
        (('values = { "2" = 0, "3" = 1 }',), 1, None, None),
        (("absent = [-1, -2]",), -2, None, None),
        (("text = '([0-9.]+)'", "scale = 0.01"), b"52 PERCENT", None, 0.52),
        (("text = '([0-9.]+)'",), b"none", None, None),
        (("text = '([0-9.]+)'",), b"1.2.3", None, None),
        (("text = '([0-9.]+)'", "scale = 0.01"), 52, None, 0.52),
        (("bit = 1",), b"\x40", None, 1),
        (("bit = 9",), b"\x40\x40", None, 1),
        (("bit = 9",), b"\x40", None, 0),
        (("bit = 1",), 64, None, None),
        (("unsigned = true",), -1, None, 4294967295),
        (('plus = "1.3.6.1.4.1.1.2"',), 1, 2, 3),
        (('times = "1.3.6.1.4.1.1.2"',), 3, 1024, 3072),
        (('per = "1.3.6.1.4.1.1.2"',), 3, 4, 0.75),
        (('per = "1.3.6.1.4.1.1.2"',), 3, 0, None),
        (('per = "1.3.6.1.4.1.1.2"',), 3, -2, None),
        (('per = "1.3.6.1.4.1.1.2"',), 3, None, None),
        (('powers = [{ oid = "1.3.6.1.4.1.1.2", times = 3, plus = -27 }]',), 2315, 8, 2.315),
        (('powers = [{ oid = "1.3.6.1.4.1.1.2" }]',), 1, 1_000_000, None),
        (('where = [{ oid = "1.3.6.1.4.1.1.2", equals = [8] }]',), 5, 8, 5),
        (('where = [{ oid = "1.3.6.1.4.1.1.2", equals = [8] }]',), 5, 9, None),
        (('where = [{ oid = "1.3.6.1.4.1.1.2", equals = ["1.3.6.1.2.1"] }]',), 5, parse_oid("1.3.6.1.2.1"), 5),
        (("least = 0", "most = 1"), 2, None, None),
        (("least = 0", "most = 1"), -1, None, None),
        (("least = 0", "most = 1"), 1, None, 1),
        ((), b"text", None, None),
        (("least = 0",), None, None, None),
    ],
)
def test_a_raw_value_becomes_a_sample_or_none(
    folder: Path, lines: tuple[str, ...], value: Value, other: Value, expected: float | None
) -> None:
    assert sample(source(folder, *lines), value, {OTHER: other}.get) == expected


def test_rows_become_one_sample() -> None:
    assert combined("sum", [1, 2, 3]) == 6
    assert combined("mean", [1, 2, 3]) == 2
    assert combined("max", [1, 3, 2]) == 3
    assert combined("count", []) == 0
    assert combined("mean", []) is None


values = st.none() | st.integers(-(2**70), 2**70) | st.binary(max_size=300)


MODULES = module_files.load_shipped(CATALOGUE)


@given(values, values)
def test_no_value_of_a_device_breaks_a_shipped_measure(value: Value, other: Value) -> None:
    for module in MODULES:
        for one in module.sources():
            result = sample(one, value, lambda _name: other)
            assert result is None or isinstance(result, int | float)
