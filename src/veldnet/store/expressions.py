"""Expressions that mean the same in every engine, where their SQL differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, cast, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def total(values: ColumnElement[Any]) -> ColumnElement[int]:
    """The sum of integers, 0 of none, as an integer: PostgreSQL makes a decimal number of it."""
    return cast(func.coalesce(func.sum(values), 0), BigInteger)


def float_total(values: ColumnElement[float]) -> ColumnElement[float]:
    """The sum of numbers with a fraction, null of none."""
    return func.sum(values)


def joined(values: ColumnElement[int]) -> ColumnElement[str]:
    """Whole numbers as one text, with commas between them and in any order; null of none."""
    return func.aggregate_strings(cast(values, Text), ",")


class whole(FunctionElement[int]):
    """A number without its fraction."""

    name = "whole"
    type = BigInteger()
    inherit_cache = True


class unindexed(FunctionElement[Any]):
    """A column as it is, but not for an index to be found by: SQLite, which has no statistics of what is
    stored, would take one that finds much before one that finds little."""

    name = "unindexed"
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.type = column.type
        super().__init__(column)


class looked_up(FunctionElement[bool]):
    """A condition that each row is asked for, in the order in which rows are found: PostgreSQL would put what
    it names first, however much that is."""

    name = "looked_up"
    type = Boolean()
    inherit_cache = True


class address_digits(FunctionElement[str]):
    """A number of 32 bits as eight hexadecimal digits in upper case."""

    name = "address_digits"
    type = Text()
    inherit_cache = True


class _like(FunctionElement[bool]):
    name = "like_any_case"
    type = Boolean()
    inherit_cache = True


def _written(sql: str) -> Callable[..., str]:
    """Writes an expression as SQL; `{}` are its arguments."""

    def write(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
        return sql.format(*(compiler.process(each, **options) for each in element.clauses))

    return write


for _kind, _sql, _in_sqlite in (
    (whole, "CAST(trunc({}) AS BIGINT)", "CAST({} AS INTEGER)"),
    (address_digits, "upper(lpad(to_hex({}), 8, '0'))", "printf('%08X', {})"),
    (unindexed, "{}", "+{}"),
    (looked_up, "(({}) IS TRUE)", "({})"),
    (_like, "{} ILIKE {} ESCAPE '\\'", "{} LIKE {} ESCAPE '\\'"),
):
    compiles(_kind)(_written(_sql))
    compiles(_kind, "sqlite")(_written(_in_sqlite))


def escaped(text: str) -> str:
    """A text as it stands in a pattern of LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def fitting(column: ColumnElement[Any], pattern: str) -> ColumnElement[bool]:
    """Whether a column in upper case fits a pattern in which `*` stands for any text."""
    wanted = pattern.upper()
    return column.like(escaped(wanted).replace("*", "%"), escape="\\") if "*" in wanted else column == wanted


def end_of_eui(column: ColumnElement[str]) -> ColumnElement[str]:
    """The last four of the 16 digits of an EUI, as an index has them."""
    return func.substr(column, literal_column("13"))


def with_text(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a text stands within a column, in upper or lower case."""
    return _like(column, f"%{escaped(text)}%")


def beginning_with(column: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether a column begins with a text, in upper or lower case."""
    return _like(column, f"{escaped(text)}%")
