"""CSV that a spreadsheet opens without carrying anything out, whatever people named their devices."""

from __future__ import annotations

import re
from collections.abc import Iterable

# What may begin a formula, also in the wide forms that East Asian keyboards type.
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
# How people keep a spreadsheet from taking identifiers for numbers.
_LITERAL = re.compile(r'="[^"]+"')
_DIGITS = re.compile(r"\d|[0-9A-Fa-f]{8}")
# A spreadsheet may take any of these to separate cells, so that a formula could begin behind it.
_QUOTED = re.compile(r'[,;|\t\r\n" ]')


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if not _calculates(text.lstrip("'")) or _NUMBER.fullmatch(text):
        return text
    return f"'{text}"


def meant_cell(cell: str) -> str:
    """What was in a cell before a spreadsheet, or `safe_cell`, kept it from being calculated."""
    if _LITERAL.fullmatch(cell):
        return cell[2:-1].strip()
    rest = cell.lstrip("'")
    # Not the apostrophe of 's-Gravenhage.
    return cell[1:] if cell.startswith("'") and (_calculates(rest) or _DIGITS.match(rest)) else cell


def _calculates(text: str) -> bool:
    return text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV; what is None is an empty cell."""
    return "".join(f"{','.join(map(_cell, row))}\n" for row in rows)


def _cell(value: object) -> str:
    text = "" if value is None else safe_cell(str(value))
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text
