"""Rows as arrays, one for each column, in PostgreSQL's binary form.

A statement has the same types however many rows it writes and whatever they hold, so the server prepares it
once; a driver that looks at each value would choose other types for other numbers."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from msgspec.structs import astuple

from veldnet.store.rows import Row, Statement
from veldnet.store.statements import SQL

from .texts import storable

_HEADER = struct.Struct(">iiIii")
_LENGTH = struct.Struct(">i")
_INTEGER = struct.Struct(">iq")
_FLOAT = struct.Struct(">id")
_NULL = _LENGTH.pack(-1)


class _Array:
    """An array that is encoded already."""

    __slots__ = ("data",)
    oid = 0

    def __init__(self, data: bytes) -> None:
        self.data = data


class _Integers(_Array):
    oid = 1016


class _Floats(_Array):
    oid = 1022


class _Texts(_Array):
    oid = 1009


class _Octets(_Array):
    oid = 1001


class _Truths(_Array):
    oid = 1000


def _integers(values: Sequence[Any]) -> Iterable[bytes]:
    if None in values:
        return [_NULL if value is None else _INTEGER.pack(8, value) for value in values]
    return map(_INTEGER.pack, repeat(8), values)


def _floats(values: Sequence[Any]) -> Iterable[bytes]:
    return [_NULL if value is None else _FLOAT.pack(8, value) for value in values]


def _octets(values: Sequence[Any]) -> Iterable[bytes]:
    return [_NULL if value is None else _LENGTH.pack(len(value)) + value for value in values]


def _texts(values: Sequence[Any]) -> Iterable[bytes]:
    return _octets([None if value is None else storable(value).encode() for value in values])


def _truths(values: Sequence[Any]) -> Iterable[bytes]:
    return [_NULL if value is None else b"\0\0\0\1" + (b"\1" if value else b"\0") for value in values]


_Encode = Callable[[Sequence[Any]], Iterable[bytes]]
# Of each type of a field: the array, the type of its elements, its name, and how they are encoded.
_TYPES: dict[type, tuple[type[_Array], int, str, _Encode]] = {
    int: (_Integers, 20, "bigint", _integers),
    float: (_Floats, 701, "double precision", _floats),
    str: (_Texts, 25, "text", _texts),
    bytes: (_Octets, 17, "bytea", _octets),
    bool: (_Truths, 16, "boolean", _truths),
}


def _plain(hint: Any) -> type:
    """The type of a field, without None."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    assert isinstance(hint, type)
    return hint


def _types(statement: Statement) -> list[tuple[type[_Array], int, str, _Encode]]:
    hints = get_type_hints(statement.value)
    return [_TYPES[_plain(hints[name])] for name in statement.columns]


_COLUMNS = {statement: _types(statement) for statement in Statement}


def _text(statement: Statement) -> str:
    arrays = ", ".join(f"%s::{name}[]" for _array, _oid, name, _encode in _COLUMNS[statement])
    names = {name: f"column{number}" for number, name in enumerate(statement.columns, 1)}
    return SQL[statement].format(
        values=f"SELECT * FROM unnest({arrays})",  # noqa: S608 - names of types
        source=f"unnest({arrays}) AS given ({', '.join(names.values())})",
        **names,
    )


TEXTS = {statement: _text(statement) for statement in Statement}


def encode(statement: Statement, rows: Sequence[Row]) -> list[_Array]:
    """The parameters of a statement for these rows; of which there is at least one."""
    count = len(rows)
    parameters = []
    for values, (array, oid, _name, encode_values) in zip(
        zip(*map(astuple, rows), strict=True), _COLUMNS[statement], strict=True
    ):
        header = _HEADER.pack(1, None in values, oid, count, 1)
        parameters.append(array(header + b"".join(encode_values(values))))
    return parameters
