"""Owns how the lines of collect.ps1 become a report. No I/O; bytes from outside, whatever they are, never raise.

Each line is a JSON object of strings with its `section`. A section that failed, a damaged line or a missing end
puts names into `unread`: a look that went wrong is no removal. Words of Windows come in the language of the
system, so nothing is decided by them. Sources: Microsoft's documentation of the CIM classes named in collect.ps1.
"""

import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from agents.computers.linux_output import CHASSIS_KINDS, MEMORY_KINDS, VIRTUAL_MAKERS
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

LINES_MAX = 10_000
Record = Mapping[str, str]

# Which part of the report is spoilt when a section of the script fails.
_SPOILS = {
    "os": Section.SYSTEM,
    "edition": Section.SYSTEM,
    "system": Section.HARDWARE,
    "enclosure": Section.HARDWARE,
    "bios": Section.HARDWARE,
    "processor": Section.HARDWARE,
    "memory": Section.MEMORY,
    "disk": Section.DISKS,
    "physical": Section.DISKS,
    "program": Section.SOFTWARE,
    "licence": Section.LICENCES,
    "hotfix": Section.UPDATES,
}
_LICENCE_STATES = {"1": LicenceState.LICENSED, **dict.fromkeys("2346", LicenceState.GRACE)}  # 0 none, 5 notified
_MEDIA_KINDS = {"3": "hdd", "4": "ssd"}
_HEALTH = {"0": Health.WELL, "1": Health.FAILING, "2": Health.FAILING}
_USB = "7"
_CHANNELS = ("OEM_DM", "OEM_SLP", "OEM_COA", "OEM", "RETAIL", "VOLUME_KMSCLIENT", "VOLUME_MAK", "TIMEBASED_SUB")
_SERVER_TYPES = ("2", "3")
_HEX_SERIAL = re.compile(r"(?:[0-9a-fA-F]{2}){8,20}")
_FIRST_DAY, _LAST_DAY = datetime.date(1990, 1, 1), datetime.date(2100, 1, 1)


def parse_windows(data: bytes) -> ComputerReport:
    """The report in what collect.ps1 wrote."""
    said, unread = _records(data)
    system, box = _first(said["os"]), _first(said["system"])
    return ComputerReport(
        name=tidy(box.get("Name")),
        system=_system(system, _first(said["edition"])),
        hardware=_hardware(said, box, is_server=system.get("ProductType") in _SERVER_TYPES),
        memory=tuple(_modules(said["memory"])),
        disks=tuple(_disks(said)),
        software=tuple(_programs(said["program"])),
        licences=tuple(_licences(said["licence"])),
        updates=_updates(said["hotfix"], _first(said["edition"])),
        unread=tuple(unread),
    ).in_order()


def _records(data: bytes) -> tuple[dict[str, list[Record]], set[str]]:
    said: dict[str, list[Record]] = defaultdict(list)
    unread: set[str] = set()
    is_whole = False
    decoder = msgspec.json.Decoder(dict[str, str])
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n", LINES_MAX)[:LINES_MAX]:
        if not line.strip():
            continue
        try:
            record = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            unread.update(Section)  # whose line it was cannot be known
            continue
        section = record.get("section", "")
        if section == "failed":
            unread.update({_SPOILS[of]} if (of := record.get("of", "")) in _SPOILS else set())
        said[section].append(record)
        is_whole = is_whole or section == "end"
    return said, unread if is_whole else set(Section)


def _first(records: Iterable[Record]) -> Record:
    return next(iter(records), {})


def _system(system: Record, edition: Record) -> OperatingSystem:
    width = re.search(r"\d\d", system.get("OSArchitecture", ""))  # "64-bit", "64-розрядна"
    return OperatingSystem(
        family="windows",
        name=tidy(system.get("Caption")),
        release=tidy(system.get("Version")),
        edition=tidy(edition.get("EditionID")),
        bits=int(width[0]) if width and width[0] in ("32", "64") else 0,
        installed_on=spell_date(system.get("InstallDate", "")),
    )


def _hardware(said: Mapping[str, list[Record]], box: Record, *, is_server: bool) -> Hardware:
    vendor, model = real(box.get("Manufacturer")), real(box.get("Model"))
    chassis = [whole_number(n) for r in said["enclosure"] for n in r.get("ChassisTypes", "").split(",")]
    kind = next((CHASSIS_KINDS[number] for number in chassis if number in CHASSIS_KINDS), "")
    if VIRTUAL_MAKERS.search(f"{vendor} {model}"):
        kind = "virtual"
    elif is_server:
        kind = "server"
    bios = _first(said["bios"])
    modules = sum(module.size_bytes for module in _modules(said["memory"]))
    return Hardware(
        kind=kind,
        vendor=vendor,
        model=model,
        serial=real(bios.get("SerialNumber")),
        bios_on=spell_date(bios.get("ReleaseDate", "")),
        processor=tidy(_first(said["processor"]).get("Name")),
        cores=sum(whole_number(one.get("NumberOfCores"), 1024) for one in said["processor"]),
        memory_bytes=modules or stepped_memory(whole_number(box.get("TotalPhysicalMemory"))),
    )


def _modules(records: Iterable[Record]) -> Iterable[Module]:
    for one in records:
        size_bytes = whole_number(one.get("Capacity"))
        kind = MEMORY_KINDS.get(whole_number(one.get("SMBIOSMemoryType"))) or _old_memory_kind(one)
        if size_bytes:
            yield Module(slot=tidy(one.get("DeviceLocator")), kind=kind, size_bytes=size_bytes)


def _old_memory_kind(one: Record) -> str:
    return {"20": "DDR", "21": "DDR2", "24": "DDR3", "26": "DDR4"}.get(one.get("MemoryType", ""), "")


def _disks(said: Mapping[str, list[Record]]) -> Iterable[Disk]:
    physical = {one.get("DeviceId", ""): one for one in said["physical"]}
    failing = [
        one.get("InstanceName", "").casefold() for one in said["predicted"] if one.get("PredictFailure") == "True"
    ]
    judged = [one.get("InstanceName", "").casefold() for one in said["predicted"]]
    for one in said["disk"]:
        more = physical.get(one.get("Index", "?"), {})
        if one.get("InterfaceType") == "USB" or more.get("BusType") == _USB:
            continue
        if "removable" in one.get("MediaType", "").casefold() or not whole_number(one.get("Size")):
            continue
        place = one.get("PNPDeviceID", "").casefold()
        health = _HEALTH.get(more.get("HealthStatus", ""), Health.UNKNOWN)
        if place and any(name.startswith(place) for name in failing):
            health = Health.FAILING
        elif health is Health.UNKNOWN and place and any(name.startswith(place) for name in judged):
            health = Health.WELL
        yield Disk(
            serial=real(spell_disk_serial(one.get("SerialNumber", ""))),
            model=real(one.get("Model")),
            kind=_MEDIA_KINDS.get(more.get("MediaType", ""), ""),
            size_bytes=whole_number(one.get("Size")),
            health=health,
        )


def _programs(records: Iterable[Record]) -> Iterable[Program]:
    for one in records:
        if name := tidy(one.get("DisplayName")):
            version, publisher = tidy(one.get("DisplayVersion")), real(one.get("Publisher"))
            yield Program(name=name, version=version, publisher=publisher)


def _licences(records: Iterable[Record]) -> Iterable[Licence]:
    for one in records:
        if product := tidy(one.get("Name")):
            described = one.get("Description", "").upper()
            yield Licence(
                product=product,
                channel=next((channel for channel in _CHANNELS if channel in described), ""),
                last_five=last_five(one.get("PartialProductKey")),
                state=_LICENCE_STATES.get(one.get("LicenseStatus", ""), LicenceState.UNLICENSED),
            )


def _updates(hotfixes: Iterable[Record], edition: Record) -> Updates:
    newest_on = max((spell_date(one.get("InstalledOn", "")) for one in hotfixes), default="")
    return Updates(newest_on=newest_on, needs_restart=edition.get("NeedsRestart") == "True")


def spell_date(text: str) -> str:
    """A date in any of the ways that Windows has kept one, as YYYY-MM-DD; "" when it is none.

    Example:
        >>> [spell_date(t) for t in ("20190613000000.000000+000", "1/14/2020", "14.01.2020", "01d5c9f3b2a4c000", "?")]
        ['2019-06-13', '2020-01-14', '2020-01-14', '2020-01-13', '']
    """
    text = text.strip()[:40]
    try:
        if found := re.match(r"(\d{4})(\d\d)(\d\d)(?:\d{6}\.|$)", text):  # DMTF
            day = datetime.date(int(found[1]), int(found[2]), int(found[3]))
        elif found := re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text):  # as the US writes it, in every language
            day = datetime.date(int(found[3]), int(found[1]), int(found[2]))
        elif found := re.match(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):  # as Ukraine does
            day = datetime.date(int(found[3]), int(found[2]), int(found[1]))
        elif re.fullmatch(r"[0-9a-fA-F]{16}", text):  # FILETIME: 100 ns since 1601
            day = (datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=int(text, 16) // 10)).date()  # noqa: DTZ001
        else:
            return ""
    except (ValueError, OverflowError):
        return ""
    return day.isoformat() if _FIRST_DAY <= day <= _LAST_DAY else ""


def spell_disk_serial(text: str) -> str:
    """A disk's serial number; Windows 7 gives it in hexadecimal with each pair of letters swapped.

    Example:
        >>> spell_disk_serial("2020202057202d44435733433050314e39323138"), spell_disk_serial(" S3Z8NB0K ")
        ('WD-WCC3P0N12981', 'S3Z8NB0K')
    """
    text = text.strip()
    if len(text) == 40 and _HEX_SERIAL.fullmatch(text):
        letters = bytes.fromhex(text)
        if letters.isascii():
            swapped = b"".join(letters[at + 1 : at + 2] + letters[at : at + 1] for at in range(0, len(letters), 2))
            return tidy(swapped.decode("ascii"))
    return tidy(text)
