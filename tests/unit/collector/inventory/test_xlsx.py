"""Workbooks that are not what they seem: damaged anywhere, endless inside, or with parts nobody should open."""

import io
import time
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beket.testing.inventories import EMPTY
from collector.inventory.draft import InventoryMistakes
from collector.inventory.sheets import ROWS_MAX
from collector.inventory.template import template_xlsx
from collector.inventory.transfer import read_file
from collector.inventory.xlsx import UNPACKED_MAX_BYTES, read_xlsx

TEMPLATE = template_xlsx()


def with_part(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The template with one of its parts changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(TEMPLATE)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            content = old.read(part)
            new.writestr(part, change(content) if part == name else content)
    return packed.getvalue()


PARTS = zipfile.ZipFile(io.BytesIO(TEMPLATE)).namelist()
SHEET = "xl/worksheets/sheet1.xml"


@given(st.sampled_from(PARTS), st.integers(0, 20_000), st.integers(0, 60), st.binary(max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_workbook_damaged_in_any_part_is_read_or_refused(part: str, at: int, cut: int, new: bytes) -> None:
    def damage(content: bytes) -> bytes:
        start = at % (len(content) + 1)
        return content[:start] + new + content[start + cut :]

    refuses_or_reads(with_part(part, damage))


WORDS = [b"<row", b"</row>", b'r="A1"', b't="s"', b't="n"', b't="d"', b't="e"', b"<v>", b"99999999999", b"-1", b"<c ",
         b'r="ZZZZ9"', b's="400"', b"<is><t>", b"1e999", b"nan"]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 5_000), st.sampled_from(WORDS)), max_size=6), st.sampled_from(PARTS))
@settings(max_examples=150, deadline=None)
def test_a_workbook_with_words_of_its_own_language_in_wrong_places_is_read_or_refused(
    marks: list[tuple[int, bytes]], part: str
) -> None:
    def scatter(content: bytes) -> bytes:
        for at, word in marks:
            start = at % (len(content) + 1)
            content = content[:start] + word + content[start + len(word) :]
        return content

    refuses_or_reads(with_part(part, scatter))


@given(st.integers(0, len(TEMPLATE)), st.binary(min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_workbook_with_damaged_packing_is_read_or_refused(at: int, new: bytes) -> None:
    refuses_or_reads(TEMPLATE[:at] + new + TEMPLATE[at + len(new) :])
    refuses_or_reads(TEMPLATE[:at])


def refuses_or_reads(data: bytes) -> None:
    try:
        read_file(data, EMPTY, filename="a.xlsx")
    except InventoryMistakes as error:
        assert error.mistakes  # noqa: PT017 - either outcome is right


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = with_part(SHEET, lambda content: content + b" " * UNPACKED_MAX_BYTES)
    assert len(bomb) < 200_000
    began = time.process_time()
    with pytest.raises(InventoryMistakes, match="too large inside"):
        read_xlsx(bomb, "a.xlsx")
    assert time.process_time() - began < 1


def test_an_entity_bomb_is_refused() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    data = with_part(SHEET, lambda content: bomb + content.replace(b"<sheetData>", b"<sheetData>&b;"))
    with pytest.raises(InventoryMistakes, match=r"not \.xlsx"):
        read_xlsx(data, "a.xlsx")


def test_rows_beyond_the_last_allowed_are_refused_and_empty_ones_are_not() -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for text in ("Назва", "Село"):
        book.active.append([text])
    book.active.cell(row=ROWS_MAX + 2, column=1, value="")
    assert [len(table.rows) for table in read_xlsx(saved(book), "a.xlsx")] == [2]
    book.active.cell(row=ROWS_MAX + 2, column=1, value="x")
    with pytest.raises(InventoryMistakes, match="over 5000 rows"):
        read_xlsx(saved(book), "a.xlsx")


def test_a_sheet_that_claims_a_million_rows_is_read_in_bounded_time() -> None:
    far = b'<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    data = with_part(SHEET, lambda content: content.replace(b"</sheetData>", far))
    began = time.process_time()
    read_xlsx(data, "a.xlsx")
    assert time.process_time() - began < 2


def saved(book: openpyxl.Workbook) -> bytes:
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()
