import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.computers.report import (
    ComputerReport,
    Disk,
    Hardware,
    Health,
    Licence,
    LicenceState,
    Module,
    OperatingSystem,
    Program,
    Section,
    Updates,
    last_five,
    real,
    stepped_memory,
    tidy,
    whole_number,
)
from beket.kernel import wire

GOLDEN = Path(__file__).parents[3] / "fixtures" / "wire" / "1" / "computer-report.json"

GIB = 1024**3
REPORT = ComputerReport(
    name="BUH-2",
    system=OperatingSystem(
        family="windows", name="Windows 7", release="6.1.7601", edition="Professional", bits=32,
        installed_on="2011-09-14",
    ),
    hardware=Hardware(
        kind="desktop", vendor="Dell Inc.", model="OptiPlex 380", serial="7XKQ2Z2", bios_on="2010-07-12",
        processor="Pentium E5400", cores=2, memory_bytes=2 * GIB,
    ),
    memory=(Module(slot="DIMM0", kind="DDR3", size_bytes=2 * GIB),),
    disks=(
        Disk(
            serial="W1", model="WD3200AAJS", kind="hdd", size_bytes=320_070_320_640, health=Health.FAILING,
            bad_sectors=12, worked_years=5,
        ),
    ),
    software=(Program(name="Google Chrome", version="109.0", publisher="Google LLC"), Program(name="WinRAR")),
    licences=(Licence(product="Windows 7", channel="OEM", last_five="8HXWM", state=LicenceState.UNLICENSED),),
    updates=Updates(newest_on="2020-01-15", needs_restart=True),
    unread=(Section.MEMORY,),
)  # fmt: skip


def test_the_report_travels_as_the_golden_one() -> None:
    assert wire.encode(REPORT) == GOLDEN.read_bytes().rstrip()


@given(st.randoms(use_true_random=False))
def test_two_looks_at_the_same_things_are_byte_equal(chance: random.Random) -> None:
    programs = [Program(name=n, version=v) for n in ("a", "B", "б", "A") for v in ("1", "2")] * 2
    disks = [Disk(serial=s, model="m") for s in ("1", "2", "3")]
    chance.shuffle(programs)
    chance.shuffle(disks)
    shuffled = msgspec.structs.replace(REPORT, software=tuple(programs), disks=tuple(disks)).in_order()
    again = msgspec.structs.replace(REPORT, software=tuple(sorted(programs)), disks=tuple(sorted(disks))).in_order()
    assert wire.encode(shuffled) == wire.encode(again)
    assert len(shuffled.software) == 8


@given(st.text())
def test_tidy_text_is_one_short_line_and_stays_as_it_is(text: str) -> None:
    once = tidy(text)
    assert len(once) <= 200
    assert once.isprintable()
    assert tidy(once) == once


@pytest.mark.parametrize(
    "nothing",
    ["Default string", "O.E.M.", "System Serial Number", "0000000", "xxxxxxx", "Not Specified", " ", "N/A", "-"],
)
def test_what_makers_leave_instead_of_a_value_is_no_value(nothing: str) -> None:
    assert real(nothing) == ""


@pytest.mark.parametrize("value", ["PF4ABCDE", "OptiPlex 3070", "7XKQ2Z2", "0025_38B1", "ASUS", "x360"])
def test_real_values_stay(value: str) -> None:
    assert real(value) == value


@given(st.text(max_size=60))
def test_of_a_key_no_more_than_five_characters_ever_leave(key: str) -> None:
    found = last_five(key)
    assert found == "" or (len(found) == 5 and found.isalnum())


def test_a_whole_key_is_cut_to_its_end() -> None:
    assert last_five("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE") == "EEEEE"
    assert last_five("8hxwm") == "8HXWM"
    assert last_five("") == ""


@given(st.one_of(st.text(), st.integers(), st.none(), st.floats()))
def test_a_number_from_outside_is_within_its_bounds(value: object) -> None:
    assert 0 <= whole_number(value, 1000) <= 1000


def test_memory_does_not_change_with_what_a_new_kernel_keeps_for_itself() -> None:
    assert stepped_memory(8_219_414_528) == stepped_memory(8_219_410_432) == 31 * GIB // 4
