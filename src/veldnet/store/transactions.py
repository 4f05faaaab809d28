"""Numbers of transactions, by which a log is read in an order that skips nothing.

Rows get their numbers when they are written and can be seen when their transaction ends. With one writer that
is the same order. In PostgreSQL a row with a higher number may be seen before one with a lower; but once all
transactions below some number have ended, nothing below it will ever come.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Connection, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class transaction_number(FunctionElement[int]):
    """That of the transaction that writes; 0 where there is one writer."""

    name = "transaction_number"
    type = BigInteger()
    inherit_cache = True


@compiles(transaction_number)
def _current(_element: transaction_number, _compiler: Any, **_options: Any) -> str:
    return "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"


@compiles(transaction_number, "sqlite")
def _zero(_element: transaction_number, _compiler: Any, **_options: Any) -> str:
    return "0"


def settled_before(connection: Connection) -> int | None:
    """All transactions with numbers below this have ended, and can be seen by the next statement; None where
    there is one writer, and all that can be seen is settled."""
    if connection.dialect.name != "postgresql":
        return None
    return int(
        connection.execute(
            text("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
        ).scalar_one()
    )


def plan_each_time(connection: Connection) -> None:
    """Have PostgreSQL plan the queries of this transaction for the values that they are given. A statement
    that the driver has prepared would be planned once for any values, from the eleventh time on: a map of few
    devices by a text took 7 s so, instead of 70 ms. What is read for frames is better off with such plans."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
