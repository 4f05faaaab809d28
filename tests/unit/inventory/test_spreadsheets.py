"""Cells of exports that a spreadsheet must not carry out, and that an import reads as they were."""

from __future__ import annotations

import csv
import io

import pytest

from veldnet.domain.spreadsheets import csv_text, meant_cell, safe_cell

HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "-12,5",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1+1",
    "\uff1d1+1",
    "'=1",
    '="x"',
    "-inf",
)
HARMLESS = (
    "-12.5",
    "+31612345678",
    "-1.5e-07",
    "0",
    "",
    "'s-Gravenhage",
    "'t Hof",
    "a=b",
    "Tank \u2013 7",
    "70B3D5E75E00A1F2",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_formulas_become_text_and_are_read_back(text: str) -> None:
    assert safe_cell(text) == f"'{text}"
    assert meant_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_cells_and_numbers_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text == meant_cell(text)


@pytest.mark.parametrize(
    ("cell", "meant"), [('="0012"', "0012"), ("'0012", "0012"), ("'A81758FFFE05D3A1", "A81758FFFE05D3A1")]
)
def test_identifiers_kept_from_spreadsheets_are_read_as_meant(cell: str, meant: str) -> None:
    assert meant_cell(cell) == meant


def test_no_separator_of_any_country_begins_another_cell() -> None:
    rows: list[list[object]] = [["a;=1+1", 'b"\t=1+1', "c\n=1+1", None, -12.5, True], [*HOSTILE, *HARMLESS]]
    text = csv_text(rows)
    assert text.startswith('"a;=1+1","b""\t=1+1","c\n=1+1",,-12.5,True\n')
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert [[meant_cell(cell) for cell in row] for row in read] == [
        ["" if cell is None else str(cell) for cell in row] for row in rows
    ]
