"""The answer to an import of devices, row by row."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple


class Imported(NamedTuple):
    """What became of a row of the file; `outcome` begins with the code in brackets."""

    action: str
    eui: str
    outcome: str
    line: str
    column: str

    @property
    def code(self) -> str:
        return self.outcome[1:4]


def read(text: str) -> list[Imported]:
    return [Imported(*row) for row in csv.reader(io.StringIO(text))]
