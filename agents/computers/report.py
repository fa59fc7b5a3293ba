"""Owns what a computer tells of itself: versioned values in one stable order. No I/O, light to import.

Two reports of an unchanged computer are byte-equal: nothing in here runs on (free space, hours, times), lists are
sorted, no two equal. A section that could not be read this time is named in `unread`, so that nobody takes a
failed look for a removal. Never documents, browsing, keys, screens or working hours: there is no field for them.
The centre reads by its own `collector.assets.messages`; both share tests/fixtures/wire/<version>/computer-report.json.
Note: agents/design/0041-computers.md.
"""

import re
import unicodedata
from enum import StrEnum

import msgspec

REPORT_PATH = "/agent/v1/computer"
REPORT_VERSION = 1
TEXT_MAX_CHARS = 200
PROGRAMS_MAX = 4000
PARTS_MAX = 64  # modules, disks, licences
MEMORY_STEP_BYTES = 256 * 1024 * 1024

# What makers leave where a name or a number should be.
_NO_VALUE = re.compile(
    r"(to be filled by o\.?e\.?m\.?|o\.?e\.?m\.?|default string"
    r"|system (manufacturer|product name|serial number|version)"
    r"|chassis serial number|not (specified|applicable|available)|none|null|unknown|invalid|n/?a|empty|undefined"
    r"|[0.\-x *]*|0?123456789\w?)",
    re.IGNORECASE,
)
_LAST_FIVE = re.compile(r"[A-Z0-9]{5}$")


class Section(StrEnum):
    """A part of a report that can be read or not."""

    SYSTEM = "system"
    HARDWARE = "hardware"
    MEMORY = "memory"
    DISKS = "disks"
    SOFTWARE = "software"
    LICENCES = "licences"
    UPDATES = "updates"


class Health(StrEnum):
    """What a disk says of itself."""

    WELL = "well"
    FAILING = "failing"
    UNKNOWN = "unknown"


class LicenceState(StrEnum):
    """Whether a product's licence is in force."""

    LICENSED = "licensed"
    GRACE = "grace"
    UNLICENSED = "unlicensed"


class OperatingSystem(msgspec.Struct, frozen=True, kw_only=True):
    """The operating system; `family` and `release` are the same in every language, `name` is for people.

    Attributes:
        family: "windows" or "linux"; for Linux `edition` is the distribution's id.
        release: "10.0.19045" of Windows, "12" of Debian.
        installed_on: YYYY-MM-DD, or "".
    """

    family: str = ""
    name: str = ""
    release: str = ""
    edition: str = ""
    bits: int = 0
    installed_on: str = ""


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """The box and its processor.

    Attributes:
        kind: "desktop", "laptop", "server", "virtual" or "".
        bios_on: YYYY-MM-DD of the firmware: the nearest thing to an age that a computer knows.
    """

    kind: str = ""
    vendor: str = ""
    model: str = ""
    serial: str = ""
    bios_on: str = ""
    processor: str = ""
    cores: int = 0
    memory_bytes: int = 0


class Module(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A stick of memory; `kind` is "DDR3", "DDR4" … or ""."""

    slot: str = ""
    kind: str = ""
    size_bytes: int = 0


class Disk(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A built-in disk; whole years of work only, since hours would make every report another one.

    Attributes:
        kind: "ssd", "hdd" or "".
        bad_sectors: remapped or waiting to be.
    """

    serial: str = ""
    model: str = ""
    kind: str = ""
    size_bytes: int = 0
    health: Health = Health.UNKNOWN
    bad_sectors: int = 0
    worked_years: int = 0


class Program(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An installed program."""

    name: str
    version: str = ""
    publisher: str = ""


class Licence(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A product whose licence the system keeps; of its key the last five characters and no more."""

    product: str
    channel: str = ""
    last_five: str = ""
    state: LicenceState = LicenceState.UNLICENSED


class Updates(msgspec.Struct, frozen=True, kw_only=True):
    """How fresh the system is.

    Attributes:
        newest_on: YYYY-MM-DD when the last update was installed; "" when nobody knows.
    """

    newest_on: str = ""
    needs_restart: bool = False


class ComputerReport(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: int = REPORT_VERSION
    name: str = ""
    system: OperatingSystem = OperatingSystem()
    hardware: Hardware = Hardware()
    memory: tuple[Module, ...] = ()
    disks: tuple[Disk, ...] = ()
    software: tuple[Program, ...] = ()
    licences: tuple[Licence, ...] = ()
    updates: Updates = Updates()
    unread: tuple[str, ...] = ()

    def in_order(self) -> "ComputerReport":
        """The same report as every other look at the same things writes it."""
        return msgspec.structs.replace(
            self,
            memory=tuple(sorted(self.memory)[:PARTS_MAX]),
            disks=tuple(sorted(set(self.disks))[:PARTS_MAX]),
            software=tuple(sorted(set(self.software), key=_by_name)[:PROGRAMS_MAX]),
            licences=tuple(sorted(set(self.licences))[:PARTS_MAX]),
            unread=tuple(sorted(set(self.unread))),
        )


class ReportReceipt(msgspec.Struct, frozen=True):
    """The centre's answer: how many changes it saw since the report before."""

    changes: int = 0


def tidy(text: object) -> str:
    r"""Text from outside as one short line without what cannot be shown.

    Example:
        >>> tidy("  Kingston \x00 SSD\n "), tidy(None)
        ('Kingston SSD', '')
    """
    if text is None:
        return ""
    shown = "".join(
        c if c.isprintable() else " " for c in unicodedata.normalize("NFC", str(text)[: 4 * TEXT_MAX_CHARS])
    )
    return " ".join(shown.split())[:TEXT_MAX_CHARS].rstrip()


def real(text: object) -> str:
    """`tidy`, or "" for what a maker left instead of a value.

    Example:
        >>> real("To Be Filled By O.E.M."), real("5CG0123XYZ")
        ('', '5CG0123XYZ')
    """
    short = tidy(text)
    return "" if _NO_VALUE.fullmatch(short) else short


def whole_number(text: object, most: int = 2**53) -> int:
    """A number from outside between 0 and `most`; 0 for anything else."""
    digits = tidy(text)
    return min(int(digits), most) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0


def last_five(key: object) -> str:
    """The last five characters of a licence key, or "" when it has none such; never more, whatever came in."""
    found = _LAST_FIVE.search(tidy(key).upper())
    return found[0] if found else ""


def stepped_memory(size_bytes: int) -> int:
    """Memory as people count it: what the system reserves for itself differs by a little after each update."""
    return -(-size_bytes // MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES


def _by_name(program: Program) -> tuple[str, Program]:
    return program.name.casefold(), program
