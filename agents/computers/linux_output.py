"""Owns how the words of Linux's own tools are read: os-release, lsblk, smartctl, dpkg, SMBIOS. No I/O.

Bytes from outside: whatever they are, the result is a value of `agents.computers.report` or `ProtocolError`.
Sources: os-release(5), lsblk(8) --json, smartctl(8) --json, dpkg-query(1), SMBIOS 3.7 §7.4 and §7.18.
"""

import re
from typing import Any

import msgspec

from agents.computers.report import Disk, Health, Module, Program, real, tidy, whole_number
from beket.kernel.errors import ProtocolError
from beket.kernel.text import say

HOURS_PER_YEAR = 8766
CHASSIS_KINDS = {
    **dict.fromkeys((3, 4, 5, 6, 7, 13, 15, 16, 24, 34, 35, 36), "desktop"),
    **dict.fromkeys((8, 9, 10, 11, 12, 14, 30, 31, 32), "laptop"),
    **dict.fromkeys((17, 23, 25, 28, 29), "server"),
}
MEMORY_KINDS = {0x12: "DDR", 0x13: "DDR2", 0x18: "DDR3", 0x1A: "DDR4", 0x1E: "LPDDR4", 0x22: "DDR5", 0x23: "LPDDR5"}
VIRTUAL_MAKERS = re.compile(r"qemu|vmware|innotek|virtualbox|xen|bochs|parallels|virtual machine|kvm|amazon ec2", re.I)
# SMART attributes whose raw value counts sectors: reallocated, waiting, not correctable.
_BAD_SECTOR_IDS = frozenset({5, 197, 198})
_RAW_COUNT_MAX = 2**31


def parse_os_release(text: str) -> dict[str, str]:
    """NAME=value lines; quotes are taken off, the last of two equals wins."""
    found: dict[str, str] = {}
    for line in text.splitlines()[:200]:
        name, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"[A-Z_0-9]{1,40}", name):
            found[name] = tidy(value.strip("\"'"))
    return found


def parse_lsblk(data: bytes) -> list[tuple[str, Disk]]:
    """Built-in disks with their device names; sticks, optical drives and what only looks like a disk are left out.

    Raises:
        ProtocolError: not what lsblk writes.
    """
    answer = _object(data)
    disks: list[tuple[str, Disk]] = []
    for one in _list(answer.get("blockdevices")):
        name = tidy(one.get("name"))
        removable = _is_yes(one.get("rm")) or one.get("tran") == "usb"
        if one.get("type") != "disk" or removable or not re.fullmatch(r"(sd|hd|vd|xvd|nvme|mmcblk)[a-z0-9]+", name):
            continue
        disk = Disk(
            serial=real(one.get("serial")),
            model=real(one.get("model")),
            kind="hdd" if _is_yes(one.get("rota")) else "ssd",
            size_bytes=whole_number(one.get("size")),
        )
        disks.append((name, disk))
    return disks


def with_smart(disk: Disk, data: bytes) -> Disk:
    """The disk with what smartctl said of it; no SMART is no judgement.

    Raises:
        ProtocolError: not what smartctl writes.
    """
    answer = _object(data)
    passed = _dict(answer.get("smart_status")).get("passed")
    nvme = _dict(answer.get("nvme_smart_health_information_log"))
    table = _list(_dict(answer.get("ata_smart_attributes")).get("table"))
    bad = sum(_count(_dict(row.get("raw")).get("value")) for row in table if row.get("id") in _BAD_SECTOR_IDS) + _count(
        nvme.get("media_errors")
    )
    health = {True: Health.WELL, False: Health.FAILING}.get(passed, Health.UNKNOWN) if passed in (True, False) else None
    hours = _count(_dict(answer.get("power_on_time")).get("hours"))
    return msgspec.structs.replace(
        disk,
        health=health or Health.UNKNOWN,
        bad_sectors=min(bad, _RAW_COUNT_MAX),
        worked_years=min(hours // HOURS_PER_YEAR, 100),
        serial=disk.serial or real(answer.get("serial_number")),
        model=disk.model or real(answer.get("model_name")),
    )


def parse_dpkg(data: bytes, asked_for: frozenset[str] | None = None) -> list[Program]:
    """Installed packages from `status TAB name TAB version` lines; only those that somebody asked for, if known."""
    found: list[Program] = []
    for line in data.decode("utf-8", "replace").splitlines():
        status, _, rest = line.partition("\t")
        name, _, version = rest.partition("\t")
        bare = tidy(name).partition(":")[0]
        if status.startswith(("ii", "hi")) and bare and (asked_for is None or bare in asked_for):
            found.append(Program(name=bare, version=tidy(version)))
    return found


def parse_module(raw: bytes) -> Module | None:
    """A stick of memory from a raw SMBIOS structure of type 17; None for an empty slot or nonsense."""
    if len(raw) < 0x15 or raw[0] != 17 or raw[1] > len(raw):
        return None
    size = int.from_bytes(raw[0x0C:0x0E], "little")
    if size == 0x7FFF and raw[1] >= 0x20:
        size_bytes = (int.from_bytes(raw[0x1C:0x20], "little") & 0x7FFFFFFF) << 20
    else:
        size_bytes = (size & 0x7FFF) << (10 if size & 0x8000 else 20)
    if size in (0, 0xFFFF) or not size_bytes:
        return None
    strings = raw[raw[1] :].split(b"\0")
    number = raw[0x10]
    slot = strings[number - 1].decode("ascii", "replace") if 0 < number <= len(strings) else ""
    return Module(slot=tidy(slot), kind=MEMORY_KINDS.get(raw[0x12], ""), size_bytes=size_bytes)


def spell_bios_date(text: str) -> str:
    """`MM/DD/YYYY` of the firmware as YYYY-MM-DD; "" for anything else."""
    found = re.fullmatch(r"(\d\d)/(\d\d)/(\d{4})", tidy(text))
    if not found or not ("01" <= found[1] <= "12" and "01" <= found[2] <= "31" and "1990" <= found[3] <= "2100"):
        return ""
    return f"{found[3]}-{found[1]}-{found[2]}"


def _object(data: bytes) -> dict[str, Any]:
    try:
        answer = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(say("Відповідь програми незрозуміла.", "A program's answer is not understood.")) from error
    return answer


def _list(value: object) -> list[dict[str, Any]]:
    return [item for item in value[:500] if isinstance(item, dict)] if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _RAW_COUNT_MAX:
        return value
    return 0  # makers keep other things in the upper bytes of a raw value


def _is_yes(value: object) -> bool:
    return value is True or value in ("1", 1)
