"""Owns the data that computers are judged by: limits, ends of support, prohibited software; files, not code.

The official list of prohibited software comes as CSV beside them. Blocking; read once at start.
"""

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from beket.kernel import config
from beket.kernel.errors import InvalidConfig
from beket.kernel.text import say
from collector.assets.messages import OperatingSystem, Program
from collector.inventory.csv_files import read_csv

FOLDER = Path(__file__).parent
OFFICIAL_MAX_BYTES = 4 * 1024 * 1024
OFFICIAL_NAME_MIN_CHARS = 3

# Letters that look the same, for names that makers write now so, now so: 1С and 1C.
_LOOK_ALIKE = str.maketrans("асеіорхукмтнв", "aceiopxykmthb")
_PRODUCT_HEADERS = ("назва програмного", "програмне забезпечення", "назва", "продукт", "product", "name", "software")
_OWNER_HEADERS = ("правовласник", "власник", "виробник", "розробник", "vendor", "publisher", "owner")


class Weight(StrEnum):
    """How much a finding matters."""

    MUST = "must"
    SHOULD = "should"
    NOTE = "note"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers; the file says what each is."""

    memory_office_gib: int
    memory_poor_gib: int
    old_years: int
    worn_out_years: int
    system_warning_days: int
    updates_late_days: int
    silent_days: int
    gone_days: int
    bad_sectors: int
    spare_disk_gb: int


class RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """rules.toml."""

    limits: Limits
    weights: dict[str, Weight]


class System(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A system and the day its maker stops mending it; see systems.toml."""

    family: str
    release: str
    name: str
    ends_on: datetime.date
    distribution: str = ""
    editions: tuple[str, ...] = ()

    def fits(self, told: OperatingSystem) -> bool:
        """Whether this row speaks of the system that a computer told of."""
        if told.family != self.family or not told.release.startswith(self.release):
            return False
        if self.family == "linux":
            return (
                told.edition == self.distribution
                and re.match(r"\d*(\.|$)", told.release[len(self.release) :]) is not None
            )
        return not self.editions or told.edition in self.editions


class SystemFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """systems.toml."""

    system: tuple[System, ...]


class Prohibited(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Software that may not be used, and by which document; see prohibited.toml."""

    what: str
    source: Annotated[str, Meta(min_length=10)]
    names: tuple[str, ...] = ()
    publishers: tuple[str, ...] = ()


class ProhibitedFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """prohibited.toml."""

    prohibited: tuple[Prohibited, ...]


@dataclass(frozen=True)
class RuleBook:
    """All that computers are judged by."""

    limits: Limits
    weights: dict[str, Weight]
    systems: tuple[System, ...]
    prohibited: tuple[Prohibited, ...]

    def system_of(self, told: OperatingSystem) -> System | None:
        """The row of the computer's system; None for one that nobody listed."""
        return next((row for row in self.systems if row.fits(told)), None)


def load_rules(official: Path | None = None) -> RuleBook:
    """The shipped rules, and the official list of prohibited software when there is one.

    Raises:
        InvalidConfig: a file is not right; the sentence says where.
    """
    rules = config.load(FOLDER / "rules.toml", RuleFile)
    systems = config.load(FOLDER / "systems.toml", SystemFile)
    prohibited = config.load(FOLDER / "prohibited.toml", ProhibitedFile).prohibited
    listed = read_official(official) if official else ()
    return RuleBook(rules.limits, rules.weights, systems.system, (*prohibited, *listed))


def read_official(path: Path) -> tuple[Prohibited, ...]:
    """The official list: a CSV with a column for the product's name; each product by its whole name.

    Raises:
        InvalidConfig: it cannot be read, or has no such column.
    """
    try:
        with path.open("rb") as file:
            data = file.read(OFFICIAL_MAX_BYTES + 1)
    except OSError as error:
        raise InvalidConfig(say("Файл не читається.", "The file cannot be read."), subject=str(path)) from error
    if len(data) > OFFICIAL_MAX_BYTES:
        raise InvalidConfig(say("Файл завеликий.", "The file is too large."), subject=str(path))
    rows = read_csv(data, path.name).rows
    header = [cell.casefold() for cell in rows[0]] if rows else []
    product = _column(header, _PRODUCT_HEADERS)
    if product is None:
        raise InvalidConfig(
            say("У списку немає колонки з назвою програми.", "The list has no column with the program's name."),
            subject=str(path),
            hint=say("Назвіть її «назва».", "Call it “name”."),
        )
    owner = _column([*header[:product], "", *header[product + 1 :]], _OWNER_HEADERS)
    found = []
    for row in rows[1:]:
        name = row[product].strip() if product < len(row) else ""
        if len(name) >= OFFICIAL_NAME_MIN_CHARS:
            whose = row[owner].strip() if owner is not None and owner < len(row) else ""
            source = f"офіційний перелік ({path.name}){f', правовласник {whose}' if whose else ''}"
            found.append(Prohibited(what=name, source=source, names=(name,)))
    return tuple(found)


class Words:
    """Names and publishers of what is prohibited, made ready to be looked for in many programs."""

    def __init__(self, prohibited: Iterable[Prohibited]) -> None:
        self._rows = [(row, _pattern(row.names), _pattern(row.publishers)) for row in prohibited]

    def look_up(self, program: Program) -> Prohibited | None:
        """The row that a program falls under."""
        name, publisher = alike(program.name), alike(program.publisher)
        for row, names, publishers in self._rows:
            if (names and names.search(name)) or (publisher and publishers and publishers.search(publisher)):
                return row
        return None


def alike(text: str) -> str:
    """`text` in small letters, those that look alike made the same.

    Example:
        >>> alike("1С:Підприємство") == alike("1C:Підприємство")
        True
    """
    return text.casefold().translate(_LOOK_ALIKE)


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile("|".join(rf"(?<!\w){re.escape(alike(word))}(?!\w)" for word in words))


def _column(header: Sequence[str], names: Iterable[str]) -> int | None:
    for name in names:
        for number, cell in enumerate(header):
            if cell.startswith(name):
                return number
    return None
