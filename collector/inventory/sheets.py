"""Owns how tables of text become a draft: finding the header, the kind and the columns, then row by row.

Pure; the readers of CSV and XLSX hand in cells as text. A kind without a table, and a column that is absent, stay as
they are now. Row numbers are those the author sees in a spreadsheet. Header mistakes are said first, all sheets
at once, for every row under a misread header would be wrong too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from beket.kernel.config import Mistake
from beket.kernel.inventory import Camera, Device, Inventory, Provider, Service, Site
from beket.kernel.text import Text, counted, say
from collector.inventory.cells import SPREADSHEET_ERRORS, unguard
from collector.inventory.changes import Thing, ThingKind, things
from collector.inventory.checks import TEMPLATE_MARKS
from collector.inventory.columns import SHEETS, Sheet, fold
from collector.inventory.draft import Draft, InventoryMistakes, dotted_place, whole_file_mistake
from collector.inventory.reading import IdMaker, SiteNames, read_thing

ROWS_MAX = 5_000
COLUMNS_MAX = 60
_HEADER_WITHIN_ROWS = 10
_HEADERS_AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class Table:
    """Cells as tidy text; row `i` of the list is row `i + 1` for the author. `name` is the sheet's or file's."""

    name: str
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Headed:
    """A table whose kind, header row and columns are known; `fields` maps column index to field name."""

    table: Table
    sheet: Sheet
    header_row: int
    fields: Mapping[int, str]

    def place(self, row: int, field_name: str) -> str:
        header = next((c.header for c in self.sheet.columns if c.field == field_name), field_name)
        return f"{self.table.name}, рядок {row}, «{header}»"


@dataclass(slots=True)
class _Reading:
    """What has been gathered so far."""

    base: Inventory
    read: dict[ThingKind, list[Thing]] = field(default_factory=dict)
    places: dict[tuple[ThingKind, int], tuple[_Headed, int]] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    notices: list[Text] = field(default_factory=list)

    def now(self, kind: ThingKind) -> Sequence[Thing]:
        """The kind's things as the draft will have them: from the file, else as they are."""
        return self.read.get(kind, things(self.base, kind))

    def place(self, kind: ThingKind, index: int, field_name: str) -> str:
        if (kind, index) not in self.places:
            return dotted_place(kind, index, field_name)
        headed, row = self.places[kind, index]
        return headed.place(row, field_name)


def read_tables(tables: Sequence[Table], base: Inventory, *, filename: str) -> Draft:
    """The draft that the tables of one file make of `base`.

    Raises:
        InventoryMistakes: no table was recognised, or headers are wrong; rows' mistakes are in the draft.
    """
    reading = _Reading(base)
    headed = [found for table in tables if (found := _find_header(table, reading)) is not None]
    by_kind = Counter(found.sheet.kind for found in headed)
    for kind in (kind for kind, count in by_kind.items() if count > 1):
        names = ", ".join(found.table.name for found in headed if found.sheet.kind is kind)
        what = say("Дві таблиці про одне й те саме: {names}.", "Two tables of the same kind: {names}.", names=names)
        reading.mistakes.append(Mistake(filename, what))
    if reading.mistakes:
        raise InventoryMistakes(reading.mistakes)
    if not headed:
        raise whole_file_mistake(
            filename,
            say("Таблицю не впізнано.", "No table was recognised."),
            say("Порівняйте заголовки із шаблоном.", "Compare the headers with the template."),
        )
    for found in sorted(headed, key=lambda found: SHEETS.index(found.sheet)):
        _read_rows(found, reading)
    return Draft(
        _inventory(reading), place=reading.place, mistakes=tuple(reading.mistakes), notices=tuple(reading.notices)
    )


def _inventory(reading: _Reading) -> Inventory:
    return msgspec.structs.replace(
        reading.base,
        sites=tuple(t for t in reading.now(ThingKind.SITE) if isinstance(t, Site)),
        devices=tuple(t for t in reading.now(ThingKind.DEVICE) if isinstance(t, Device)),
        cameras=tuple(t for t in reading.now(ThingKind.CAMERA) if isinstance(t, Camera)),
        services=tuple(t for t in reading.now(ThingKind.SERVICE) if isinstance(t, Service)),
        providers=tuple(t for t in reading.now(ThingKind.PROVIDER) if isinstance(t, Provider)),
    )


# Headers --------------------------------------------------------------------------------------------------------------


def _find_header(table: Table, reading: _Reading) -> _Headed | None:
    """The table with its meaning; None, with a notice, when it is empty or somebody's own."""
    titled = next((s for s in SHEETS if fold(table.name) in {fold(t) for t in (s.title, *s.titles)}), None)
    best_score, best_row, best_sheet = 0, 0, SHEETS[0]
    rows = [[fold(cell) for cell in row if cell] for row in table.rows[:_HEADER_WITHIN_ROWS]]
    for sheet in (titled,) if titled else SHEETS:
        headers = sheet.headers()
        for row_index, row in enumerate(rows):
            score = len({column.field for cell in row if (column := headers.get(cell))})
            if score > best_score:
                best_score, best_row, best_sheet = score, row_index, sheet
    if best_score < _HEADERS_AT_LEAST:
        if table.rows:
            reading.notices.append(
                say("«{name}» не прочитано: заголовків не впізнано.", "“{name}” was not read: no known headers.",
                    name=table.name)
            )  # fmt: skip
        return None
    mistakes_before = len(reading.mistakes)
    fields = dict(_match_columns(table, best_row, best_sheet, reading))
    headed = _Headed(table, best_sheet, best_row, fields)
    if len(reading.mistakes) == mistakes_before:
        _require_columns(headed, reading)
    return headed


def _match_columns(table: Table, header_row: int, sheet: Sheet, reading: _Reading) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    headers = sheet.headers()
    for index in range(max(len(row) for row in table.rows)):
        header = _cell(table.rows[header_row], index)
        place = f"{table.name}, рядок {header_row + 1}, колонка {index + 1}"
        column = headers.get(fold(header)) if header else None
        if column is None and (sheet.ignores(header) if header else not _has_data(table, header_row, index)):
            continue
        if not header:
            what = say("У цій колонці є дані, але немає заголовка.", "This column has data but no header.")
            reading.mistakes.append(Mistake(place, what))
        elif column is None:
            what = say("Колонки «{name}» програма не знає.", "There is no column “{name}”.", name=header[:60])
            hint = sheet.nearest(header) or say("Назвіть її «Примітка».", "Call it “Примітка” to keep it for yourself.")
            reading.mistakes.append(Mistake(place, what, hint))
        elif column.field in seen:
            what = say("Колонка «{name}» є двічі.", "The column “{name}” is there twice.", name=column.header)
            reading.mistakes.append(Mistake(place, what))
        else:
            seen.add(column.field)
            yield index, column.field


def _require_columns(headed: _Headed, reading: _Reading) -> None:
    """Let a needed column be absent only where every row is a thing that already has its value."""
    present = {thing.id for thing in things(reading.base, headed.sheet.kind)}
    if all(written.get("id") in present for _, written in _written_rows(headed)):
        return
    required = {f.name for f in msgspec.structs.fields(headed.sheet.thing_type) if f.required} - {"id"}
    for column in headed.sheet.columns:
        if column.field in required and column.field not in headed.fields.values():
            what = say("Немає колонки «{name}».", "The column “{name}” is missing.", name=column.header)
            reading.mistakes.append(Mistake(f"{headed.table.name}, рядок {headed.header_row + 1}", what))


# Rows -----------------------------------------------------------------------------------------------------------------


def _read_rows(headed: _Headed, reading: _Reading) -> None:
    kind = headed.sheet.kind
    present = things(reading.base, kind)
    by_id: dict[str, Thing] = {thing.id: thing for thing in present}
    rows = list(_written_rows(headed))
    sites = SiteNames(reading.now(ThingKind.SITE))
    ids = IdMaker(kind, present, [written["id"] for _, written in rows if written.get("id")])
    read: list[Thing] = []
    for row, written in rows:

        def note(field_name: str, what: Text, hint: Text | None, row: int = row) -> None:
            reading.mistakes.append(Mistake(headed.place(row, field_name), what, hint))

        for field_name, text in written.items():
            if text in SPREADSHEET_ERRORS:
                note(field_name, say("У клітинці помилка таблиці.", "The cell holds a spreadsheet's error."), None)
            written[field_name] = "" if text in SPREADSHEET_ERRORS else unguard(text)
        if "site" in written:
            written["site"], ambiguity = sites.resolve(written["site"])
            if ambiguity:
                note("site", ambiguity, None)
        if not written.get("id"):
            written["id"], was_present = ids.make(written)
            reading.notices += _say_id(headed.place(row, "id"), written["id"], was_present)
        reading.places[kind, len(read)] = (headed, row)
        read.append(read_thing(headed.sheet, written, by_id.get(written["id"]), note))
    reading.read[kind] = read
    reading.notices += _say_skipped(headed)


def _say_id(place: str, made: str, was_present: bool) -> Iterator[Text]:
    if made and was_present:
        yield say("{place}: знайдено за назвою: «{id}».", "{place}: found by name: “{id}”.", place=place, id=made)
    elif made:
        yield say("{place}: складено з назви: «{id}».", "{place}: made from the name: “{id}”.", place=place, id=made)


def _say_skipped(headed: _Headed) -> Iterator[Text]:
    names = [column for column, name in headed.fields.items() if name == "name"]
    rows = headed.table.rows[headed.header_row + 1 :]
    if skipped := sum(_is_template_row({"name": _cell(row, column)}) for row in rows for column in names):
        yield say(
            "{name}: пропущено {count} шаблону.",
            "{name}: rows of the template skipped: {n}.",
            name=headed.table.name,
            count=counted(skipped, "рядок", "рядки", "рядків"),
            n=skipped,
        )


def _written_rows(headed: _Headed) -> Iterator[tuple[int, dict[str, str]]]:
    """Row number and texts by field of each row that describes a thing."""
    for index, row in enumerate(headed.table.rows[headed.header_row + 1 :], start=headed.header_row + 2):
        written = {name: _cell(row, column) for column, name in headed.fields.items()}
        if any(written.values()) and not _is_template_row(written):
            yield index, written


def _is_template_row(written: Mapping[str, str]) -> bool:
    return written.get("name", "").startswith(TEMPLATE_MARKS)


def _has_data(table: Table, header_row: int, index: int) -> bool:
    return any(_cell(row, index) for row in table.rows[header_row + 1 :])


def _cell(row: Sequence[str], index: int) -> str:
    return row[index] if index < len(row) else ""
