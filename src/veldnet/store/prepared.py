"""Statements that are run for each request. SQLAlchemy takes several times as long for a small statement as
SQLite: here a statement is compiled once, and then goes to the driver as it is."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, Insert, Select, Update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import CompoundSelect

_SQLITE = sqlite.dialect(paramstyle="qmark")
# A list of more values is not compiled for its length: a page of devices is the longest that is usual.
_LONGEST_LIST = 512

Process = Callable[[Any], Any]


class _Compiled(NamedTuple):
    """`names` are those of the values, in their order, `given` those that the statement has by itself. What
    converts values to and from those of the driver stands at their names and places."""

    text: str
    names: tuple[str, ...]
    given: Mapping[str, Any]
    to_driver: tuple[tuple[str, Process], ...]
    from_driver: tuple[tuple[int, Process], ...]
    row: Process


class Prepared:
    """A statement for values by name: a query, whose values may be lists, or one that writes rows."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any] | Insert | Update) -> None:
        self._statement = statement
        self._compiled: dict[Hashable, _Compiled] = {}

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Any]:
        """What a query finds, by the names of its columns."""
        found = self._query(connection, values)
        if found is None:
            return connection.execute(self._statement, values).all()
        compiled, values = found
        return _found(compiled, _driver(connection).execute(compiled.text, _in_order(compiled, values)))

    def columns(self, connection: Connection, values: Mapping[str, Any]) -> Iterator[Any]:
        """What a query finds, by the places of its columns and one row after the other: names cost more than
        all the rest where there are thousands of rows."""
        found = self._query(connection, values)
        if found is None:
            yield from connection.execute(self._statement, values)
            return
        compiled, values = found
        with closing(_driver(connection).execute(compiled.text, _in_order(compiled, values))) as cursor:
            for row in cursor:
                yield _converted(compiled, row) if compiled.from_driver else row

    def first(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first row, None without any."""
        rows = self.rows(connection, values)
        return rows[0] if rows else None

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """The first column of the first row, None without any."""
        found = self.first(connection, values)
        return None if found is None else found[0]

    def _query(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> tuple[_Compiled, Mapping[str, Any]] | None:
        """How the driver runs a query; None where SQLAlchemy does."""
        lists = {name: value for name, value in values.items() if isinstance(value, list)}
        if connection.dialect.name != "sqlite" or any(len(each) > _LONGEST_LIST for each in lists.values()):
            return None
        if lists:
            lists = {name: _filled(each) for name, each in lists.items()}
            values = {**values, **lists}
        lengths = tuple((name, len(each)) for name, each in lists.items())
        compiled = self._compiled.get(lengths)
        if compiled is None:
            compiled = self._compiled[lengths] = _compile_query(self._statement, values, bool(lists))
        if lists:
            flat = dict(values)
            for name, each in lists.items():
                flat |= {f"{name}_{number}": value for number, value in enumerate(each, 1)}
            values = flat
        return compiled, values

    def write(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry out the statement for each row; all have the same values."""
        if connection.dialect.name != "sqlite":
            connection.execute(self._statement, list(rows))
            return
        compiled, driver = self._writing(tuple(rows[0])), _driver(connection)
        if len(rows) == 1:
            driver.execute(compiled.text, _in_order(compiled, rows[0])).close()
        else:
            driver.executemany(compiled.text, [_in_order(compiled, row) for row in rows]).close()

    def write_one(self, connection: Connection, row: Mapping[str, Any]) -> Sequence[Any]:
        """Carry it out for a row; what it returns."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._statement, row).all()
        compiled = self._writing(tuple(row))
        return _found(compiled, _driver(connection).execute(compiled.text, _in_order(compiled, row)))

    def _writing(self, names: tuple[str, ...]) -> _Compiled:
        compiled = self._compiled.get(names)
        if compiled is None:
            made = self._statement.compile(dialect=_SQLITE, column_keys=list(names))
            compiled = self._compiled[names] = _described(self._statement, made)
        return compiled


def _filled(values: list[Any]) -> list[Any]:
    """The last value again and again, up to a power of two: one of several is looked for, so that no more is
    found, and a few lengths are compiled."""
    if not values:
        return values
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def _compile_query(statement: Any, values: Mapping[str, Any], has_lists: bool) -> _Compiled:
    if not has_lists:
        return _described(statement, statement.compile(dialect=_SQLITE))
    options = {"render_postcompile": True}
    return _described(statement, statement.params(**values).compile(dialect=_SQLITE, compile_kwargs=options))


def _described(statement: Executable, compiled: Any) -> _Compiled:
    assert isinstance(compiled, SQLCompiler)
    # What would be done for each run besides.
    assert not compiled.insert_prefetch and not compiled.update_prefetch, str(compiled)
    names = tuple(compiled.positiontup or ())
    to_driver = []
    given = {}
    for name, value in compiled.binds.items():
        if not value.required:
            given[name] = value.effective_value
        process = value.type.dialect_impl(_SQLITE).bind_processor(_SQLITE)
        if process is not None:
            to_driver.append((name, process))
            if name in given:
                given[name] = process(given[name])
    columns = list(getattr(statement, "exported_columns", ()))
    make: Any = namedtuple
    found_row = make("found_row", [str(column.key) for column in columns], rename=True)
    found = [
        (place, process)
        for place, column in enumerate(columns)
        if (process := column.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None)) is not None
    ]
    return _Compiled(str(compiled), names, given, tuple(to_driver), tuple(found), found_row._make)


def _driver(connection: Connection) -> Any:
    if not connection.in_transaction():
        connection.begin()
    return connection.connection.driver_connection


def _in_order(compiled: _Compiled, values: Mapping[str, Any]) -> list[Any]:
    given = compiled.given
    if compiled.to_driver:
        values = dict(values)
        for name, process in compiled.to_driver:
            if name in values:
                values[name] = process(values[name])
    return [values[name] if name in values else given[name] for name in compiled.names]


def _converted(compiled: _Compiled, row: Sequence[Any]) -> list[Any]:
    converted = list(row)
    for place, process in compiled.from_driver:
        converted[place] = process(converted[place])
    return converted


def _found(compiled: _Compiled, cursor: Any) -> list[Any]:
    rows = cursor.fetchall()
    cursor.close()
    if compiled.from_driver:
        rows = [_converted(compiled, row) for row in rows]
    return list(map(compiled.row, rows))
