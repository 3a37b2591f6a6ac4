"""The file of a mapping table: texts stay texts in every program, whatever they begin with."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.errors import BadInput
from adit.pseudonymization.mapping import MappingRow
from adit_cli.mapping_file import HEADINGS, content_of, neutral, write_private

ROW = MappingRow("research", "study-7", "HOSPITAL", "SYN-1", "P-1", "0123456789abcdef", "2026-11-24T17:00:00Z", "night")
FORMULAS = ["=1+1", "+49", "-7", "@SUM(A1)", "＝1", "＋1", "－1", "＠a"]  # noqa: RUF001 - the full-width forms are meant


def cells_of(content: bytes) -> list[Any]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cell for row in book["mapping"].iter_rows(min_row=2) for cell in row]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_would_be_a_formula_is_a_text_in_both_forms(text: str) -> None:
    row = replace(ROW, patient_id=text, pseudonym=text)
    table = list(csv.reader(io.StringIO(content_of([row], ".csv").decode("utf-8-sig"), newline="")))
    assert table[1][1:3] == [f"'{text}"] * 2
    cells = cells_of(content_of([row], ".xlsx"))[1:3]
    assert [(cell.value, cell.data_type, cell.quotePrefix) for cell in cells] == [(text, "s", True)] * 2


@given(st.text(max_size=20))
def test_nothing_that_is_neutralized_begins_a_formula(text: str) -> None:
    assert neutral(text)[:1] not in {*"=+-@\t\r\n", *(word[0] for word in FORMULAS)} or text == ""


def test_an_id_of_digits_keeps_its_zeros() -> None:
    [cell] = [one for one in cells_of(content_of([replace(ROW, patient_id="007")], ".xlsx")) if one.value == "007"]
    assert (cell.data_type, cell.number_format) == ("s", "@")


def test_a_table_has_the_same_columns_in_both_forms() -> None:
    book = openpyxl.load_workbook(io.BytesIO(content_of([ROW], ".xlsx")))
    rows = list(book["mapping"].iter_rows(values_only=True))
    assert rows == [HEADINGS, ("HOSPITAL", "SYN-1", "P-1", "study-7", "research", ROW.key_id, "night", ROW.since)]
    assert content_of([ROW], ".csv").decode("utf-8-sig").splitlines() == [",".join(map(str, row)) for row in rows]


def test_umlauts_and_separators_survive() -> None:
    row = replace(ROW, issuer='Müller; "Söhne", 東京', patient_id="A,B")
    assert next(csv.reader(io.StringIO(content_of([row], ".csv").decode("utf-8-sig").splitlines()[1])))[:2] == [
        row.issuer,
        "A,B",
    ]
    assert [cell.value for cell in cells_of(content_of([row], ".xlsx"))][:2] == [row.issuer, "A,B"]


def test_a_character_that_xml_cannot_hold_is_marked() -> None:
    assert cells_of(content_of([replace(ROW, issuer="A\uffff")], ".xlsx"))[0].value == "A\ufffd"


def test_a_file_that_came_meanwhile_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "m.csv"
    target.write_text("mine")
    with pytest.raises(BadInput, match="is there already"):
        write_private(target, b"rows", force=False)
    assert target.read_text() == "mine"


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written: Not a directory"):
        write_private(tmp_path / "file" / "m.csv", b"rows", force=True)
