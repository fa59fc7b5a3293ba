"""Owns CSV, one file a kind: whatever Excel, LibreOffice and a notepad make of it in; UTF-8 with BOM and `;` out.

Pure bytes; hostile ones raise InventoryMistakes only, in bounded time and memory.
"""

import csv
import io

from beket.kernel.inventory import Inventory
from beket.kernel.text import Text, say
from collector.inventory.cells import CELL_MAX_CHARS, cell_text, spell_rows, without_trailing
from collector.inventory.columns import Sheet
from collector.inventory.draft import whole_file_mistake
from collector.inventory.sheets import COLUMNS_MAX, ROWS_MAX, Table

_DELIMITERS = ";\t,"
_DELIMITER_HINT = "sep="


def read_csv(data: bytes, filename: str) -> Table:
    """The table in a CSV file: `;`, `,` or tab; UTF-8 with or without BOM, UTF-16 with BOM, or Windows-1251.

    Raises:
        InventoryMistakes: it is no text, its quotes are wrong, or it is too large.
    """
    text = _decode(data, filename)
    delimiter = _delimiter(text)
    if text[: len(_DELIMITER_HINT)].lower() == _DELIMITER_HINT:
        text = text.partition("\n")[2]  # a line for Excel, which hides it and does not count it
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            rows.append(_row(cells, len(rows) + 1, filename))
            if len(rows) > ROWS_MAX and any(rows[-1]):
                raise whole_file_mistake(filename, _too_large())
    except csv.Error as error:
        what = say(
            "Рядок {n} написано не за правилами CSV: {why}.",
            "Line {n} is not CSV: {why}.",
            n=reader.line_num,
            why=error,
        )
        hint = say("Перевірте лапки або збережіть як .xlsx.", "Check the quotes, or save as .xlsx.")
        raise whole_file_mistake(filename, what, hint) from error
    return Table(filename, without_trailing(rows))


def write_csv(inventory: Inventory, sheet: Sheet) -> bytes:
    """The things of one kind, as Excel opens them by a double click."""
    return rows_to_csv(spell_rows(inventory, sheet))


def rows_to_csv(rows: list[list[str]]) -> bytes:
    """Rows as UTF-8 with BOM, `;`, CRLF."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def _decode(data: bytes, filename: str) -> str:
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1251")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise whole_file_mistake(
        filename,
        say("Це не текст таблиці.", "This is not the text of a table."),
        say("Збережіть як «CSV UTF-8» або .xlsx.", "Save it as “CSV UTF-8” or .xlsx."),
    )


def _delimiter(text: str) -> str:
    first_line = next((line for line in text.splitlines()[:20] if line.strip()), "")
    if first_line.lower().startswith(_DELIMITER_HINT):
        return first_line[len(_DELIMITER_HINT) :].strip(" ")[:1] or ";"
    return max(_DELIMITERS, key=first_line.count)


def _row(cells: list[str], number: int, filename: str) -> list[str]:
    if len(cells) > COLUMNS_MAX and any(cells[COLUMNS_MAX:]):
        raise whole_file_mistake(filename, _too_large())
    if any(len(cell) > CELL_MAX_CHARS for cell in cells):
        what = say(
            "Рядок {n}: клітинка довша за {most} знаків.",
            "Row {n}: a cell is longer than {most} characters.",
            n=number,
            most=CELL_MAX_CHARS,
        )
        raise whole_file_mistake(filename, what)
    return [cell_text(cell) for cell in cells[:COLUMNS_MAX]]


def _too_large() -> Text:
    return say(
        "Таблиця завелика: найбільше {rows} рядків і {columns} колонок.",
        "The table is too large: {rows} rows and {columns} columns at most.",
        rows=ROWS_MAX,
        columns=COLUMNS_MAX,
    )
