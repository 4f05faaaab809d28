"""A file of devices: which of the two forms it has, and its lines."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from . import csv_text, header_csv, thingpark_csv
from .lines import Line


def read_devices(octets: bytes, first_line: int | None = None) -> list[Line]:
    """The lines of a file, or of a part of it whose rows (behind the header, where there is one) begin on
    `first_line`. Raises `BadRequest` for what is no CSV, or too long."""
    rows = list(csv_text.rows_of(csv_text.open_text(io.BytesIO(octets)), _is_first_row))
    header = bool(rows) and header_csv.is_header(rows[0].cells)
    if first_line is not None and rows:
        shift = first_line - (rows[0].end + 1 if header else 1)
        rows = [csv_text.Row(row.line + shift, row.end + shift, row.cells) for row in rows]
    return header_csv.read(rows) if header else thingpark_csv.read(rows)


def stream_devices(file: BinaryIO) -> Iterator[Line]:
    """The lines of a file of any length, read as they are asked for. Raises `BadRequest` for what is no
    CSV."""
    rows = csv_text.rows_of(csv_text.open_text(file), _is_first_row, sys.maxsize)
    first = next(rows, None)
    if first is None:
        return
    if header_csv.is_header(first.cells):
        yield from header_csv.read_rows(first, rows)
    else:
        yield from thingpark_csv.read_rows(chain((first,), rows))


def with_reason(line: Line, reason: str) -> list[str]:
    """The cells of a line and why it was refused, in a column that an import passes over."""
    width = thingpark_csv.COLUMNS if line.header is None else len(line.header)
    return [*(line.cells + [""] * width)[:width], reason]


def _is_first_row(cells: list[str]) -> bool:
    return header_csv.is_header(cells) or thingpark_csv.is_first_row(cells)
