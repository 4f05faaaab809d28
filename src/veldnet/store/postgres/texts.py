"""Texts as PostgreSQL takes them: it knows no character NUL, which SQLite stores like any other."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.types.string import StrDumper

_INSTEAD = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """The text with another character in place of each NUL: what was sent as one is found by nobody."""
    return text.replace("\0", _INSTEAD) if "\0" in text else text


class _Dumper(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(storable(obj))


def register(connection: Connection[Any]) -> None:
    """Have a connection send texts so."""
    connection.adapters.register_dumper(str, _Dumper)
