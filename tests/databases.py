"""Databases for tests: the tables are made once in a process, and copied; each statement is compiled once in
a process, for all of its databases."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.util import LRUCache

from veldnet.store import HEAD, migrating, sqlite, sqlite_engine
from veldnet.store.empty_file import fill_empty

_lock = Lock()


@contextmanager
def copied_databases() -> Iterator[None]:
    """Until the end, whoever opens an empty database gets a copy of one with tables."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrating, "fill_empty", _copy)
        yield


# More than all tests of a process compile.
_STATEMENTS = 10_000


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """Until the end, engines of SQLite share what SQLAlchemy makes of statements. Each has a cache of its own
    otherwise, empty in each of the many servers of tests, and filling it took a seventh of their time."""
    common = create_engine("sqlite://")
    common.connect().close()
    compiled = LRUCache[Any, Any](_STATEMENTS)

    def engine_of(path: Path, **options: Any) -> Engine:
        made = sqlite_engine(path, **options)
        # Statements are looked up by their dialect, too. What opens connections stays with the other.
        vars(common.dialect)["do_begin"] = vars(made.dialect)["do_begin"]
        made.dialect = common.dialect
        made._compiled_cache = compiled
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "sqlite_engine", engine_of)
        yield
    common.dispose()


def _copy(engine: Engine) -> str | None:
    with closing(engine.raw_connection()) as connection:
        target = connection.driver_connection
        assert isinstance(target, sqlite3.Connection)
        if target.execute("SELECT 1 FROM sqlite_master").fetchone() is not None:
            return None
        with _lock:
            _filled().backup(target)
    return HEAD


@cache
def _filled() -> sqlite3.Connection:
    """An empty database of this version, in memory."""
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with tempfile.TemporaryDirectory(prefix="veldnet-schema-") as folder:
        path = Path(folder) / "empty.db"
        engine = sqlite_engine(path)
        assert fill_empty(engine) == HEAD, "make schema"
        engine.dispose()
        with closing(sqlite3.connect(path)) as made:
            made.backup(kept)
    return kept


def prepare() -> None:
    """Make what all processes share that are forked from this one."""
    _filled()
