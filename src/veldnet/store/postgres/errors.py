"""Errors of PostgreSQL and its driver as those of a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from veldnet.store.interface import Conflict, LeaseLost, StoreError

from .connection_gate import NotReached
from .definitions import LEASE_LOST

# What may be tried again as it was: deadlocks, and what could not be put in an order.
_AGAIN = ("40P01", "40001")


@contextmanager
def store_errors() -> Iterator[None]:
    """All that is no error of the engine passes through."""
    try:
        yield
    except StoreError:
        raise
    except PoolTimeout as error:
        raise StoreError("all connections to the database are busy") from error
    except (SQLAlchemyError, psycopg.Error) as error:
        raise as_store_error(error) from error


def as_store_error(error: Exception) -> StoreError:
    cause = driver_error(error)
    if cause is None:
        return StoreError(_line(error))
    if cause.sqlstate == LEASE_LOST:
        return LeaseLost("another process has taken over this database")
    if isinstance(cause, psycopg.IntegrityError):
        return Conflict(words(cause))
    return StoreError(words(cause))


def driver_error(error: BaseException) -> psycopg.Error | None:
    """What the driver said, also below what SQLAlchemy has made of it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return cause if isinstance(cause, psycopg.Error) else None


def words(error: psycopg.Error) -> str:
    """What the server said, in one line: not the values, which it gives as details."""
    return error.diag.message_primary or _line(error)


def _line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).split())


def may_try_again(error: BaseException) -> bool:
    """Whether nothing was written, and the same may succeed now."""
    cause = driver_error(error)
    return cause is not None and cause.sqlstate in _AGAIN


def is_gone(error: BaseException) -> bool:
    """Whether the connection has broken, or the server ends it."""
    cause = driver_error(error)
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    # None was there: to try again at once is no use.
    if cause is None or isinstance(cause, NotReached):
        return False
    # 57P: the server shuts down or has just started.
    return (cause.sqlstate or "")[:3] in ("57P", "080") or (
        isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None
    )
