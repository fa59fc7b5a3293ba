"""Owns what changed between two reports of a computer, as kinds with values; `wording` makes sentences of them.

Pure. Compares completed reports (`messages.completed`), so that what could not be read this time is no change. Programs
are the same by name without their version; disks by serial number, or by model and size where there is none.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from collector.assets.messages import ComputerReport, Disk, Licence, Program

PROGRAMS_NAMED_MAX = 20
T = TypeVar("T")


class Kind(StrEnum):
    """What may happen to a computer."""

    JOINED = "joined"
    RENAMED = "renamed"
    SYSTEM = "system-changed"
    BOX = "box-changed"
    PROCESSOR = "processor-changed"
    MEMORY_MORE = "memory-grown"
    MEMORY_LESS = "memory-shrunk"
    DISK_ADDED = "disk-added"
    DISK_REMOVED = "disk-removed"
    DISK_REPLACED = "disk-replaced"
    DISK_FAILING = "disk-failing"
    DISK_WORSE = "disk-worse"
    PROGRAM_ADDED = "program-added"
    PROGRAM_REMOVED = "program-removed"
    PROGRAM_UPDATED = "program-updated"
    PROGRAMS_MORE = "programs-more"
    LICENCE_ADDED = "licence-added"
    LICENCE_REMOVED = "licence-removed"
    LICENCE_LOST = "licence-lost"
    LICENCE_FOUND = "licence-found"


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `values` are what its sentence names."""

    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)


def changes(before: ComputerReport | None, after: ComputerReport) -> list[Change]:
    """What changed, hardware first; nothing for two equal reports."""
    if before is None:
        return [Change(Kind.JOINED, {"name": after.name})]
    return [
        *_box(before, after),
        *_disks(before.disks, after.disks),
        *_licences(before.licences, after.licences),
        *_programs(before.software, after.software),
    ]


def _box(before: ComputerReport, after: ComputerReport) -> Iterable[Change]:
    if before.name != after.name:
        yield Change(Kind.RENAMED, {"before": before.name, "after": after.name})
    if (before.system.name, before.system.release) != (after.system.name, after.system.release):
        yield Change(Kind.SYSTEM, {"before": _system(before), "after": _system(after)})
    old, new = before.hardware, after.hardware
    if (old.vendor, old.model, old.serial) != (new.vendor, new.model, new.serial):
        yield Change(Kind.BOX, {"before": _box_words(before), "after": _box_words(after)})
    if (old.processor, old.cores) != (new.processor, new.cores):
        yield Change(Kind.PROCESSOR, {"before": old.processor, "after": new.processor})
    if old.memory_bytes != new.memory_bytes:
        kind = Kind.MEMORY_MORE if new.memory_bytes > old.memory_bytes else Kind.MEMORY_LESS
        yield Change(kind, {"before": str(old.memory_bytes), "after": str(new.memory_bytes)})


def _disks(before: Iterable[Disk], after: Iterable[Disk]) -> Iterable[Change]:
    old, new = _by(before, _disk_key), _by(after, _disk_key)
    gone = [disk for key, disk in old.items() if key not in new]
    come = [disk for key, disk in new.items() if key not in old]
    for was, is_now in zip(gone, come, strict=False):
        yield Change(Kind.DISK_REPLACED, {"before": _disk_words(was), "after": _disk_words(is_now)})
    for disk in gone[len(come) :]:
        yield Change(Kind.DISK_REMOVED, {"disk": _disk_words(disk)})
    for disk in come[len(gone) :]:
        yield Change(Kind.DISK_ADDED, {"disk": _disk_words(disk)})
    for key, disk in new.items():
        earlier = old.get(key)
        if earlier is None:
            continue
        if disk.health == "failing" != earlier.health:
            yield Change(Kind.DISK_FAILING, {"disk": _disk_words(disk)})
        if disk.bad_sectors > earlier.bad_sectors:
            yield Change(Kind.DISK_WORSE, {"disk": _disk_words(disk), "n": str(disk.bad_sectors)})


def _programs(before: Iterable[Program], after: Iterable[Program]) -> Iterable[Change]:
    old, new = _versions(before), _versions(after)
    found: list[Change] = []
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key, {}), new.get(key, {})
        if was.keys() == is_now.keys():
            continue
        name = next(iter((is_now or was).values()))
        versions = {"before": ", ".join(sorted(was)), "after": ", ".join(sorted(is_now))}
        kind = Kind.PROGRAM_UPDATED if was and is_now else Kind.PROGRAM_ADDED if is_now else Kind.PROGRAM_REMOVED
        found.append(Change(kind, {"program": name, **versions}))
    found.sort(key=lambda change: (change.kind is Kind.PROGRAM_UPDATED, change.values["program"].casefold()))
    yield from found[:PROGRAMS_NAMED_MAX]
    if len(found) > PROGRAMS_NAMED_MAX:
        yield Change(Kind.PROGRAMS_MORE, {"n": str(len(found) - PROGRAMS_NAMED_MAX)})


def _licences(before: Iterable[Licence], after: Iterable[Licence]) -> Iterable[Change]:
    old, new = _by(before, _licence_key), _by(after, _licence_key)
    for key in sorted(old.keys() | new.keys()):
        was, is_now = old.get(key), new.get(key)
        named = is_now or was
        assert named is not None
        values = {"product": named.product, "last_five": named.last_five}
        if was is None:
            yield Change(Kind.LICENCE_ADDED, values)
        elif is_now is None:
            yield Change(Kind.LICENCE_REMOVED, values)
        elif (was.state == "licensed") != (is_now.state == "licensed"):
            yield Change(Kind.LICENCE_LOST if was.state == "licensed" else Kind.LICENCE_FOUND, values)


def _versions(programs: Iterable[Program]) -> dict[str, dict[str, str]]:
    """Key of a program → its versions here, each with the name as it is spelled."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for program in programs:
        found[program_key(program)][program.version] = program.name
    return found


def program_key(program: Program) -> str:
    """The program's name without its version, which many makers write into it.

    Example:
        >>> program_key(Program(name="LibreOffice 25.8.3.2", version="25.8.3.2"))
        'libreoffice'
    """
    bare = program.name.replace(program.version, "") if len(program.version) > 2 else program.name
    return re.sub(r"[\s()]+", " ", bare).strip().casefold()


def _by(things: Iterable[T], key: Callable[[T], tuple[str, ...]]) -> dict[tuple[str, ...], T]:
    return {key(thing): thing for thing in things}


def _disk_key(disk: Disk) -> tuple[str, ...]:
    return (disk.serial,) if disk.serial else (disk.model, str(disk.size_bytes))


def _licence_key(licence: Licence) -> tuple[str, ...]:
    return licence.product, licence.last_five


def _disk_words(disk: Disk) -> str:
    size = f"{disk.size_bytes / 1e9:.0f} ГБ" if disk.size_bytes else ""
    return " ".join(part for part in (disk.model, size) if part) or disk.serial or "?"


def _system(report: ComputerReport) -> str:
    return " ".join(part for part in (report.system.name, report.system.release) if part) or "?"


def _box_words(report: ComputerReport) -> str:
    box = report.hardware
    return " ".join(part for part in (box.vendor, box.model, box.serial) if part) or "?"
