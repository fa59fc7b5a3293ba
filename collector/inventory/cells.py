"""Owns how a value looks in a cell, and what a cell of any program's making says as text.

A text that a spreadsheet would run as a formula is written with an apostrophe before it; reading takes exactly that one
away, so that values survive the trip both ways.
"""

import datetime
import re

import msgspec

from beket.kernel.inventory import Inventory
from collector.inventory.changes import Thing, things
from collector.inventory.columns import Column, Sheet
from collector.inventory.draft import tidy

CELL_MAX_CHARS = 2000
SPREADSHEET_ERRORS = frozenset(
    {
        "#N/A",
        "#NAME?",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NULL!",
        "#NUM!",
        "#SPILL!",
        "#CALC!",
        "#Н/Д",
        "#ИМЯ?",
        "#ССЫЛКА!",
    }
)

_RUNS_AS_FORMULA = re.compile(r"'*[=+\-@#]")
_GUARDED = re.compile(r"'+[=+\-@#]")


def spell_cell(thing: Thing, column: Column) -> str:
    """What stands in the thing's cell of this column; an empty one means the default."""
    value = getattr(thing, column.field)
    if value is None or (column.is_number and value == 0):
        return ""
    if column.words:
        return column.words[str(value)][0]
    return guard(str(value))


def guard(text: str) -> str:
    """`text` that no spreadsheet takes for a formula.

    Example:
        >>> guard("=1+1"), unguard(guard("=1+1")), guard("Школа")
        ("'=1+1", '=1+1', 'Школа')
    """
    return f"'{text}" if _RUNS_AS_FORMULA.match(text) else text


def unguard(text: str) -> str:
    """The text before `guard`; a text that was never guarded stays as it is."""
    return text[1:] if _GUARDED.match(text) else text


def cell_text(value: object) -> str:
    r"""A cell's value as one tidy line: numbers without «.0», dates as people write them, nothing as "".

    Example:
        >>> [cell_text(v) for v in (30.0, 12, None, " а\n б ", datetime.date(2024, 2, 1))]
        ['30', '12', '', 'а б', '01.02.2024']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "так" if value else "ні"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime | datetime.date):
        return value.strftime("%d.%m.%Y")
    return tidy(str(value))


def default_of(column: Column, thing_type: type[Thing]) -> object:
    """What a field holds when nothing is written: its default, or "" when it must be written."""
    declared = {field.name: field.default for field in msgspec.structs.fields(thing_type)}[column.field]
    return "" if declared is msgspec.NODEFAULT else declared


def spell_rows(inventory: Inventory, sheet: Sheet) -> list[list[str]]:
    """The header and a row for each thing of the sheet's kind, in their order."""
    rows = [[spell_cell(thing, column) for column in sheet.columns] for thing in things(inventory, sheet.kind)]
    return [[column.header for column in sheet.columns], *rows]


def without_trailing(rows: list[list[str]]) -> list[list[str]]:
    """The rows without the empty ones that spreadsheets leave at the end."""
    end = next((i + 1 for i in reversed(range(len(rows))) if any(rows[i])), 0)
    return rows[:end]
