"""CSV as the spreadsheets of all countries write it: its encoding, its separator, and the lines of its
rows."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, TextIO

import msgspec

from veldnet.domain.errors import BadRequest
from veldnet.domain.spreadsheets import meant_cell
from veldnet.texts import Text

MOST_ROWS = 10_000
# Octets that tell the encoding, characters that tell the separator, octets read at once.
_HEAD = 4096
_BEGINNING = 100_000
_PIECE = 1 << 20
_SEPARATORS = ",;\t"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    # UTF-32 begins as UTF-16 does.
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What people paste around a value without seeing it.
_INVISIBLE = "\u00a0\u200b\u200e\u200f\u2060\ufeff"


class Row(msgspec.Struct, frozen=True):
    """The cells of a row, without blanks around them, and the lines of the file on which it begins and
    ends."""

    line: int
    end: int
    cells: list[str]


def open_text(file: BinaryIO) -> TextIO:
    """A file as text, which is read as its lines are asked for; all of it has been looked at before. Raises
    `BadRequest` for what is no text."""
    head = file.read(_HEAD)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadRequest("the file is a workbook, not CSV; save it in the spreadsheet as CSV UTF-8")
    begin = 0
    mark, encoding = next(((mark, name) for mark, name in _MARKS if head.startswith(mark)), (b"", ""))
    while mark and head.startswith(mark, begin):
        begin += len(mark)
    for candidate in (encoding,) if encoding else _guesses(head):
        file.seek(begin)
        if _is_text(file, candidate):
            file.seek(begin)
            return io.TextIOWrapper(file, candidate, newline="")
    raise BadRequest("the file is not text in UTF-8, UTF-16 or Windows-1252; save it as CSV UTF-8")


def _guesses(head: bytes) -> tuple[str, ...]:
    """The encodings that a file without a mark may have."""
    # In the text of a table every second octet of UTF-16 is zero, but for few letters.
    if head[1::2].count(0) > len(head) // 4 and head[::2].count(0) == 0:
        return ("utf-16-le",)
    if head[::2].count(0) > len(head) // 4 and head[1::2].count(0) == 0:
        return ("utf-16-be",)
    return ("utf-8", "cp1252")


def _is_text(file: BinaryIO, encoding: str) -> bool:
    """Whether the rest of a file is text in an encoding. Raises `BadRequest` for NUL characters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    piece = b" "
    while piece:
        piece = file.read(_PIECE)
        try:
            text = decoder.decode(piece, not piece)
        except UnicodeDecodeError:
            return False
        if "\0" in text:
            raise BadRequest("the file is not text: it has NUL characters; save it as CSV UTF-8")
    return True


def rows_of(text: TextIO, familiar: Callable[[list[str]], bool], most: int = MOST_ROWS) -> Iterator[Row]:
    """The rows of a file but for blank ones and comments, which begin with `#`. `familiar` says whether
    cells look like a first row, which tells the separator. Raises `BadRequest` for what is no CSV, or too
    long."""
    begin = text.tell()
    separator, named = _separator(text.read(_BEGINNING), familiar)
    text.seek(begin)
    for count, row in enumerate(_records(text, separator)):
        if count >= most:
            raise BadRequest("the file has more than {most} rows; split it", most=most)
        if any(row.cells):
            if named:
                named = False
                continue
            yield row


def _separator(beginning: str, familiar: Callable[[list[str]], bool]) -> tuple[str, bool]:
    """What separates cells, and whether the first row does nothing but name it, as Excel understands."""
    first = next((row for row in _beginning(beginning, "\x1f") if row.cells), None)
    line = "" if first is None else first.cells[0]
    if line.lower().startswith("sep=") and len(line) <= 5:
        # A tab is lost with the blanks around it.
        return line[4:] or "\t", True
    found = ","
    most = 0
    for separator in _SEPARATORS:
        first = next((row for row in _beginning(beginning, separator) if any(row.cells)), None)
        if first is None:
            continue
        if familiar(first.cells):
            return separator, False
        if len(first.cells) > most:
            found, most = separator, len(first.cells)
    return found, False


def _beginning(text: str, separator: str) -> Iterator[Row]:
    return _records(io.StringIO(text, newline=""), separator, strict=False)


def _records(text: TextIO, separator: str, *, strict: bool = True) -> Iterator[Row]:
    """All rows with their lines; comments are passed over before anything else is asked of them."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=separator, strict=strict)
    while True:
        try:
            lines.between = True
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadRequest(
                "line {first}: the row is not CSV ({error})", first=lines.first, error=_kind(error)
            ) from None
        yield Row(lines.first, lines.number, [_value(cell) for cell in cells])


def _kind(error: csv.Error) -> Text:
    """What is wrong, without the octets of the file."""
    text = str(error)
    if "unexpected end" in text:
        return Text("a quoted cell does not end")
    if "field larger" in text:
        return Text("a cell is longer than 131072 characters")
    return Text("a quote within a quoted cell must be doubled")


class _Lines:
    """Lines of a text. `first` is the line on which the row begins that is being read, `between` whether
    none is."""

    def __init__(self, text: TextIO) -> None:
        self._lines = iter(text)
        self.number = 0
        self.first = 1
        self.between = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        if self.between:
            while line.lstrip(_INVISIBLE + " \t\"'").startswith("#"):
                line = next(self._lines)
                self.number += 1
            self.first = self.number
            self.between = False
        return line


def _value(cell: str) -> str:
    """A cell as it was meant: without invisible characters, and without what keeps a spreadsheet from
    calculating."""
    return meant_cell(cell.strip().strip(_INVISIBLE).strip())


def letter(position: int) -> str:
    """A column as spreadsheets name it."""
    return letter(position // 26 - 1) + chr(65 + position % 26) if position >= 26 else chr(65 + position)
