import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.computers.linux_output import (
    parse_dpkg,
    parse_lsblk,
    parse_module,
    parse_os_release,
    spell_bios_date,
    with_smart,
)
from agents.computers.report import Disk, Health, Module, Program
from beket.kernel.errors import ProtocolError

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "computers"
LSBLK = (RECORDINGS / "lsblk.json").read_bytes()
ATA = (RECORDINGS / "smartctl-ata.json").read_bytes()
NVME = (RECORDINGS / "smartctl-nvme.json").read_bytes()
_PLAIN = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "disk", "12", "\x00", "є"])
JSON = (
    _PLAIN | st.lists(_PLAIN, max_size=3) | st.dictionaries(st.sampled_from(["raw", "id", "table", "passed"]), _PLAIN)
)


def test_sticks_optical_drives_and_loops_are_no_disks_of_the_computer() -> None:
    assert [(name, disk.model, disk.kind) for name, disk in parse_lsblk(LSBLK)] == [
        ("sda", "ST1000DM010-2EP102", "hdd"),
        ("nvme0n1", "Samsung SSD 980 500GB", "ssd"),
    ]


def test_a_dying_disk_says_so_in_whole_years_and_without_nonsense_counts() -> None:
    disk = with_smart(Disk(model="ST1000DM010-2EP102", kind="hdd"), ATA)
    assert (disk.health, disk.bad_sectors, disk.worked_years, disk.serial) == (Health.FAILING, 2120, 4, "W9A1B2C3")


def test_a_healthy_disk_and_one_that_says_nothing() -> None:
    assert with_smart(Disk(), NVME).health is Health.WELL
    assert with_smart(Disk(serial="S"), b"{}") == Disk(serial="S")


@pytest.mark.parametrize("data", [b"", b"[]", b"\xff", b"[" * 5000, b'{"blockdevices"'])
def test_what_is_not_json_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_lsblk(data)
    with pytest.raises(ProtocolError):
        with_smart(Disk(), data)


@given(st.dictionaries(st.sampled_from(["name", "model", "serial", "size", "rota", "type", "tran", "rm"]), JSON))
def test_any_json_for_a_disk_is_a_disk_or_none(fields: dict[str, object]) -> None:
    for disk in parse_lsblk(
        json.dumps({"blockdevices": [{"type": "disk", "name": "sda", **fields}, 5, None]}).encode()
    ):
        assert disk[1].size_bytes >= 0


@given(
    st.dictionaries(
        st.sampled_from(
            ["smart_status", "ata_smart_attributes", "power_on_time", "nvme_smart_health_information_log", "model_name"]
        ),
        JSON,
    )
)
def test_any_json_of_smart_is_a_judgement_or_none(fields: dict[str, object]) -> None:
    disk = with_smart(Disk(), json.dumps(fields).encode())
    assert 0 <= disk.bad_sectors <= 2**31
    assert disk.health in Health


def test_packages_are_those_that_are_installed_and_that_somebody_asked_for() -> None:
    said = b"ii \tfirefox-esr\t128.5\nrc \told\t1\nii \tlibc6:amd64\t2.36\nhi \tkept\t2\nrubbish\n\xff\t\t\n"
    everything = [Program(name=n, version=v) for n, v in (("firefox-esr", "128.5"), ("libc6", "2.36"), ("kept", "2"))]
    assert parse_dpkg(said) == everything
    assert parse_dpkg(said, frozenset({"kept"})) == [Program(name="kept", version="2")]


@given(st.binary(max_size=300))
def test_hostile_bytes_are_no_packages_and_no_modules(data: bytes) -> None:
    for program in parse_dpkg(data):
        assert program.name
    module = parse_module(data)
    assert module is None or module.size_bytes > 0


@given(st.binary(min_size=40, max_size=80))
def test_any_module_has_a_size_a_slot_and_a_known_kind(data: bytes) -> None:
    module = parse_module(bytes([17, 40]) + data)
    assert module is None or 0 < module.size_bytes < 2**52


def _smbios(size: int, kind: int, extended_mib: int = 0) -> bytes:
    body = bytearray(0x28)
    body[0], body[1], body[0x10], body[0x12] = 17, 0x28, 1, kind
    body[0x0C:0x0E] = size.to_bytes(2, "little")
    body[0x1C:0x20] = extended_mib.to_bytes(4, "little")
    return bytes(body) + b"DIMM_A1\0BANK 0\0\0"


def test_sticks_of_memory_from_smbios() -> None:
    assert parse_module(_smbios(8192, 0x1A)) == Module(slot="DIMM_A1", kind="DDR4", size_bytes=8 * 1024**3)
    assert parse_module(_smbios(0x7FFF, 0x22, 32768)) == Module(slot="DIMM_A1", kind="DDR5", size_bytes=32 * 1024**3)
    assert parse_module(_smbios(0, 0x1A)) is None
    assert parse_module(_smbios(0xFFFF, 0x1A)) is None


def test_os_release_and_the_date_of_the_firmware() -> None:
    said = parse_os_release("NAME=\"Debian\"\nVERSION_ID='12'\nbad line\n=x\n")
    assert said == {"NAME": "Debian", "VERSION_ID": "12"}
    assert spell_bios_date("07/12/2010\n") == "2010-07-12"
    assert [spell_bios_date(text) for text in ("13/12/2010", "", "2010-07-12", "07/40/2010")] == [""] * 4
