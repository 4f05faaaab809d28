"""Databases for tests: the migrations run once in a process, and what they make of nothing is copied."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock

import pytest
from sqlalchemy import Engine

from veldnet.store import alembic_chain, sqlite_engine

_migrate = alembic_chain.upgrade
_lock = Lock()


@contextmanager
def copied_databases() -> Iterator[None]:
    """Until the end, whoever upgrades an empty database gets a copy of one that was. All else goes through
    the chain of migrations, as does a database that has anything in it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(alembic_chain, "upgrade", _upgrade)
        yield


def _upgrade(engine: Engine, revision: str = "head") -> None:
    with closing(engine.raw_connection()) as connection:
        target = connection.driver_connection
        assert isinstance(target, sqlite3.Connection)
        if revision == "head" and target.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
            with _lock:
                _migrated().backup(target)
            return
    _migrate(engine, revision)


@cache
def _migrated() -> sqlite3.Connection:
    """An empty database of this version, in memory."""
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with tempfile.TemporaryDirectory(prefix="veldnet-schema-") as folder:
        path = Path(folder) / "empty.db"
        engine = sqlite_engine(path)
        _migrate(engine)
        engine.dispose()
        with closing(sqlite3.connect(path)) as made:
            made.backup(kept)
    return kept
