"""Owns the empty tables that a community fills in: headers, one explaining row, two examples of each kind.

The explaining and example rows are told by how their name begins and are passed over at import, so nobody has to delete
them; an example whose name is overwritten becomes a thing.
"""

from collector.inventory.changes import ThingKind
from collector.inventory.columns import SHEETS, Sheet
from collector.inventory.csv_files import rows_to_csv
from collector.inventory.xlsx import write_xlsx


def template_rows(sheet: Sheet) -> list[list[str]]:
    """The header, the explaining row and the examples of one kind."""
    explain = [f"Пояснення: {c.explain}" if c.field == "name" else c.explain for c in sheet.columns]
    examples = [[column.examples[number] for column in sheet.columns] for number in range(2)]
    return [[column.header for column in sheet.columns], explain, *examples]


def template_xlsx() -> bytes:
    """The template as one workbook."""
    return write_xlsx((sheet, template_rows(sheet)) for sheet in SHEETS)


def template_csv(kind: ThingKind) -> bytes:
    """The template of one kind as CSV."""
    return rows_to_csv(next(template_rows(sheet) for sheet in SHEETS if sheet.kind is kind))
