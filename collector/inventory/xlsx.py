"""Owns XLSX: one sheet a kind, text cells, choices as lists; the only place that knows openpyxl.

Reading is bounded before openpyxl sees a byte: parts, unpacked size, no document types (which entity bombs need).
Hostile bytes raise InventoryMistakes only.
"""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from beket.kernel.inventory import Inventory
from beket.kernel.text import Text, say
from beket.kernel.units import MIB
from collector.inventory.cells import CELL_MAX_CHARS, cell_text, spell_rows, without_trailing
from collector.inventory.columns import SHEETS, Sheet
from collector.inventory.draft import InventoryMistakes, whole_file_mistake
from collector.inventory.sheets import COLUMNS_MAX, ROWS_MAX, Table

UNPACKED_MAX_BYTES = 32 * MIB
PARTS_MAX = 200
SHEETS_MAX = 20

# What zipfile, ElementTree and openpyxl are known to raise for files that are not what they seem.
_FOREIGN_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    InvalidFileException,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted part; NotImplementedError: a packing that zipfile does not know
)


def read_xlsx(data: bytes, filename: str) -> list[Table]:
    """The tables in an XLSX file, one a sheet, empty sheets left out.

    Raises:
        InventoryMistakes: it is not XLSX, or is too large.
    """
    try:
        _check_parts(data, filename)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # extensions of Excel that openpyxl leaves out
            return list(_tables(data, filename))
    except InventoryMistakes:
        raise
    except _FOREIGN_ERRORS as error:
        raise _not_xlsx(filename) from error


def write_xlsx(sheets: Iterable[tuple[Sheet, list[list[str]]]]) -> bytes:
    """A workbook of one sheet for each kind: a header, then rows of text."""
    book = openpyxl.Workbook()
    if book.active is not None:
        book.remove(book.active)
    for sheet, rows in sheets:
        page = book.create_sheet(sheet.title)
        for row_number, row in enumerate(rows, start=1):
            for column_number, text in enumerate(row, start=1):
                _write_cell(page, row_number, column_number, text)
        _dress(page, sheet)
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def table_xlsx(title: str, rows: list[list[str]]) -> bytes:
    """A workbook of one sheet: a header, then rows of text."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = title
    page.freeze_panes = "A2"
    for row_number, row in enumerate(rows, start=1):
        for column_number, text in enumerate(row, start=1):
            _write_cell(page, row_number, column_number, text)
            page.cell(row=row_number, column=column_number).alignment = Alignment(wrap_text=True, vertical="top")
    for column_number in range(1, len(rows[0]) + 1):
        page.cell(row=1, column=column_number).font = Font(bold=True)
        longest = max(len(row[column_number - 1]) for row in rows)
        page.column_dimensions[get_column_letter(column_number)].width = min(60, max(6, longest + 2))
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def inventory_xlsx(inventory: Inventory) -> bytes:
    """The whole inventory as a workbook."""
    return write_xlsx((sheet, spell_rows(inventory, sheet)) for sheet in SHEETS)


def _check_parts(data: bytes, filename: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        parts = packed.infolist()
        if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX_BYTES:
            raise whole_file_mistake(
                filename, say("Файл завеликий усередині.", "The file is too large inside."), _save_anew()
            )
        for part in parts:
            content = packed.read(part)  # zipfile unpacks no more than the size that was added up above
            if part.filename.endswith((".xml", ".rels")) and (b"<!DOCTYPE" in content or b"\0" in content):
                raise _not_xlsx(filename)


def _tables(data: bytes, filename: str) -> Iterator[Table]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        for page in book.worksheets[:SHEETS_MAX]:
            rows = without_trailing(list(_rows(page, filename)))
            if rows:
                yield Table(cell_text(page.title), rows)
    finally:
        book.close()


def _rows(page: Worksheet, filename: str) -> Iterator[list[str]]:
    # A sheet may claim a million empty rows: those after the last allowed one are looked at only for being empty.
    page.reset_dimensions()  # type: ignore[attr-defined] # of the read-only sheet: what it claims of its size is not used
    for number, cells in enumerate(
        page.iter_rows(max_row=2 * ROWS_MAX, max_col=COLUMNS_MAX, values_only=True), start=1
    ):
        row = [cell_text(value) for value in cells]
        if number > ROWS_MAX and any(row):
            what = say(
                "Аркуш «{name}»: понад {n} рядків.", "Sheet “{name}”: over {n} rows.", name=page.title, n=ROWS_MAX
            )
            raise whole_file_mistake(filename, what)
        if any(len(text) > CELL_MAX_CHARS for text in row):
            what = say(
                "Аркуш «{name}», рядок {row}: клітинка довша за {n} знаків.",
                "Sheet “{name}”, row {row}: a cell is longer than {n} characters.",
                name=page.title,
                row=number,
                n=CELL_MAX_CHARS,
            )
            raise whole_file_mistake(filename, what)
        yield row


def _write_cell(page: Worksheet, row: int, column: int, text: str) -> None:
    if not text:
        return
    cell = page.cell(row=row, column=column)
    cell.value = text
    cell.data_type = "s"  # whatever it looks like, it is text
    cell.number_format = "@"


def _dress(page: Worksheet, sheet: Sheet) -> None:
    page.freeze_panes = "A2"
    for number, column in enumerate(sheet.columns, start=1):
        letter = get_column_letter(number)
        page[f"{letter}1"].font = Font(bold=True)
        page.column_dimensions[letter].width = 40 if column.field in ("purpose", "basis", "url", "sub_url") else 24
        for row in range(2, page.max_row + 1):
            page[f"{letter}{row}"].alignment = Alignment(wrap_text=True, vertical="top")
        if column.words:
            choices = ",".join(words[0] for words in column.words.values())
            rule = DataValidation(type="list", formula1=f'"{choices}"', allow_blank=True, showErrorMessage=False)
            page.add_data_validation(rule)
            rule.add(f"{letter}2:{letter}{ROWS_MAX}")


def _not_xlsx(filename: str) -> InventoryMistakes:
    return whole_file_mistake(
        filename, say("Це не таблиця .xlsx або вона пошкоджена.", "This is not .xlsx, or it is damaged."), _save_anew()
    )


def _save_anew() -> Text:
    return say(
        "Відкрийте її в Excel чи LibreOffice і збережіть як .xlsx.", "Open it in Excel or LibreOffice; save as .xlsx."
    )
