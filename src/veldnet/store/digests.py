"""What a table holds, as a count and a digest that are the same in every engine and every order of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select

_PIECE = 2000
_BITS = 128


class MovedTable(msgspec.Struct, frozen=True):
    """A table whose rows are the same on both sides."""

    name: str
    rows: int
    digest: str


class TableDigest(msgspec.Struct):
    """Of rows that were added so far."""

    rows: int = 0
    digest: int = 0

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        encode = msgspec.msgpack.encode
        for row in rows:
            self.rows += 1
            # A sum does not ask for an order.
            self.digest += int.from_bytes(blake2b(encode(tuple(row)), digest_size=_BITS // 8).digest())
        self.digest %= 1 << _BITS

    def __str__(self) -> str:
        return f"{self.digest:032x}"


def pieces(connection: Connection, table: Table) -> Iterator[list[Sequence[Any]]]:
    """All rows of a table, some at a time."""
    streaming = {"stream_results": True, "yield_per": _PIECE}
    for part in connection.execute(select(table), execution_options=streaming).partitions():
        yield [tuple(row) for row in part]


def digest_of(connection: Connection, table: Table) -> TableDigest:
    found = TableDigest()
    for piece in pieces(connection, table):
        found.add(piece)
    return found
