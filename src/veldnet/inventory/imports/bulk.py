"""Imports of large files: hundreds of rows in each transaction, each row by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice

import msgspec

from veldnet.domain.errors import Refusal
from veldnet.keys import VaultError

from .engine import BATCH, DeviceEngine, Note
from .lines import Line


class LineOutcome(msgspec.Struct, frozen=True):
    """What became of a row: `refusal` says why it was refused, and `column` where."""

    line: Line
    refusal: str | None = None
    column: str = ""


async def import_lines(
    engine: DeviceEngine, lines: Iterable[Line], note: Note
) -> AsyncIterator[list[LineOutcome]]:
    """The outcomes of batches, in the order of the file. Raises `VaultError` and `StoreError`; the rows
    before them stay."""
    rest: Iterator[Line] = iter(lines)
    while batch := list(islice(rest, BATCH)):
        ready = await engine.prepare([line.row for line in batch])
        broken = next((each for each in ready if isinstance(each, VaultError)), None)
        if broken is not None:
            raise broken
        outcomes = await engine.write_ready(ready, note)
        yield [
            LineOutcome(line, *line.refusal(outcome.text))
            if isinstance(outcome, Refusal)
            else LineOutcome(line)
            for line, outcome in zip(batch, outcomes, strict=True)
        ]
