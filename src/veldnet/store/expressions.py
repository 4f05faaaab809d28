"""Expressions that mean the same in every engine, where their SQL differs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, cast, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def total(values: ColumnElement[Any]) -> ColumnElement[int]:
    """The sum of integers, 0 of none, as an integer: PostgreSQL makes a decimal number of it."""
    return cast(func.coalesce(func.sum(values), 0), BigInteger)


class whole(FunctionElement[int]):
    """A number without its fraction."""

    name = "whole"
    type = BigInteger()
    inherit_cache = True


@compiles(whole)
def _truncated(element: whole, compiler: Any, **options: Any) -> str:
    return f"CAST(trunc({compiler.process(element.clauses, **options)}) AS BIGINT)"


@compiles(whole, "sqlite")
def _cast(element: whole, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS INTEGER)"


class address_digits(FunctionElement[str]):
    """A number of 32 bits as eight hexadecimal digits in upper case."""

    name = "address_digits"
    type = Text()
    inherit_cache = True


@compiles(address_digits)
def _to_hex(element: address_digits, compiler: Any, **options: Any) -> str:
    return f"upper(lpad(to_hex({compiler.process(element.clauses, **options)}), 8, '0'))"


@compiles(address_digits, "sqlite")
def _printf(element: address_digits, compiler: Any, **options: Any) -> str:
    return f"printf('%08X', {compiler.process(element.clauses, **options)})"


class _like(FunctionElement[bool]):
    name = "like_any_case"
    type = Boolean()
    inherit_cache = True


@compiles(_like)
def _ilike(element: _like, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} ILIKE {pattern} ESCAPE '\\'"


@compiles(_like, "sqlite")
def _plain(element: _like, compiler: Any, **options: Any) -> str:
    column, pattern = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} LIKE {pattern} ESCAPE '\\'"


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
